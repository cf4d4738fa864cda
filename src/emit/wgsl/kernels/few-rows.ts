import type { Code } from "../../../support/text.ts";
import type { Dim } from "../../../tensor/dim.ts";
import type { Groups } from "../kernel.ts";
import { forLoop, ifThen } from "../text.ts";
import { numbers, type Body, type Product } from "./product.ts";

/** The most rows that the matrix-vector kernel takes: a component of a vec4 each. */
export const FEW_ROWS = 4;

/**
 * How the 256 invocations of a matrix-vector group share its columns: lanes a column along the depth. Neighbours read what
 * lies side by side, 128 bytes at least; the fewer columns, the more groups a narrow product has.
 */
const shares = { depth: { columns: 8, lanes: 32 }, columns: { columns: 32, lanes: 8 } } as const;

/** The same elements four at a time along the depth, as vec4f: `k` counts fours. */
export interface Fours {
  readonly x: (row: string, k: string) => string;
  readonly w: (k: string, column: string) => string;
}

/**
 * At most 4 rows: w is read once, in the order in which it lies, and each column's sum is shared by several invocations.
 * The rows are the components of a vector; a row that is not there repeats the last one and is not stored. A lone row, as
 * a text that is read token by token has, reads nothing for the others.
 */
export function fewRowsProduct(product: Product, before: readonly Code[], fours?: Fours): Body {
  const { builder, rows, columns, unit, store } = product;
  const { columns: width, lanes } = shares[unit];
  builder.builtin("group", "lane");
  builder.shared("partial", "vec4f", width * lanes);
  const [own, slice] =
    unit === "depth" ? [`lane / ${lanes}u`, `lane % ${lanes}u`] : [`lane % ${width}u`, `lane / ${width}u`];
  const other = unit === "depth" ? `c * ${lanes}u + s` : `s * ${width}u + c`;
  const loop = { start: slice, step: `${lanes}u` };
  const body = [
    ...before,
    `let first_column = group.x * ${width}u;`,
    `let own_column = first_column + ${own};`,
    "var sum = vec4f();",
    ...ifThen(
      `own_column < ${columns}`,
      fours === undefined
        ? forLoop("k", product.depth, addElement(product), loop)
        : forLoop("k", `${product.depth} / 4u`, addFour(product, fours), loop),
    ),
    "partial[lane] = sum;",
    "workgroupBarrier();",
    `let c = lane % ${width}u;`,
    `let row = lane / ${width}u;`,
    "let column = first_column + c;",
    ...ifThen(`row < ${rows} && row < ${FEW_ROWS}u && column < ${columns}`, [
      "var product = 0.0;",
      ...forLoop("s", `${lanes}u`, [`product += partial[${other}][row];`]),
      ...store("row", "column", "product"),
    ]),
  ];
  return { body, workgroup: [width * lanes] };
}

/** Each row by its name: the first is there, others repeat the last. */
const rowAt = (row: number, rows: string): string => (row === 0 ? "0u" : `min(${row}u, ${rows} - 1u)`);

function addElement({ x, w, held, rows }: Product): Code[] {
  const elements = numbers(FEW_ROWS).map((row) => x(rowAt(row, rows), "k"));
  return [
    `let w_element = ${w("k", "own_column")};`,
    ...ifThen(`${rows} == 1u`, [`sum.x += f32(w_element) * f32(${elements[0]!});`, "continue;"]),
    `let x_column = ${held.vector[0]}`,
    elements.map((element) => `${element},`),
    `${held.vector[1]};`,
    `sum += ${held.times("w_element", "x_column")};`,
  ];
}

function addFour({ rows }: Product, { x, w }: Fours): Code[] {
  const [first, ...others] = numbers(FEW_ROWS).map((row) => `dot(w_four, ${x(rowAt(row, rows), "k")})`);
  return [
    `let w_four = ${w("k", "own_column")};`,
    `sum.x += ${first!};`,
    ...ifThen(`${rows} == 1u`, ["continue;"]),
    ...others.map((product, index) => `sum.${"yzw"[index]!} += ${product};`),
  ];
}

export const fewRowsGroups = (columns: Dim, unit: Product["unit"]): Groups => ({
  kind: "grid",
  axes: [{ count: columns, per: shares[unit].columns }],
});
