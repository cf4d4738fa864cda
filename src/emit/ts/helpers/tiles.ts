import { block, forLoop, sumText, wrapped } from "../../module/text.ts";
import type { Code } from "../../../support/text.ts";

export const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const numbers = (names: readonly string[]): string[] => names.map((name) => `${name}«: number»`);

/** Rows of x and columns of w in a block of a product, and how much of their depth is packed at once. */
export const BLOCK = 128;

/**
 * One row of x by eight columns of w, read where they lie: what is left for products of a few rows, which would not
 * make good for packing w.
 */
export function dotRow(): Code[] {
  const columns = range(8);
  const parameters = [
    "depth«: number»",
    "x«: Float32Array»",
    "x0«: number»",
    "w«: Float32Array»",
    ...numbers(columns.map((j) => `w${j}`)),
    "wStep«: number»",
  ];
  return [
    ...wrapped("function dot1x8(", parameters, ")«: void» {"),
    [
      ...columns.map((j) => `let s${j} = 0;`),
      ...block("for (let k = 0, p = 0; k < depth; k++, p += wStep) {", [
        "const a = x[x0 + k];",
        ...columns.map((j) => `s${j} += a * w[w${j} + p];`),
      ]),
      ...columns.map((j) => `tile[${j}] = s${j};`),
    ],
    "}",
  ];
}

/**
 * The inner loop of a matrix product: 4 × 2 sums in registers over packed operands. What V8 makes of it decides its shape
 * (measured on a 3 GHz Zen 3 core with Node 20):
 *
 * - Panels are float64 arrays of a constant size that the module owns, and indices have a range that V8 can see (`&`, `min`): loads
 *   need neither conversion nor bounds check. 5.0 GFLOP/s for 4 × 4 sums, against 3.8 from the tensors as they lie.
 * - V8 computes all products of a turn before it adds the first, so that 4 × 4 sums and 16 products spill. 3 × 2 just
 *   fit: 6.9.
 * - A store keeps its place among loads and stores. That of the first two sums in each turn makes V8 add them
 *   first, and 4 × 2 fit: 7.4. The last turn leaves there what belongs there.
 * - There is no branch that could be new to code that is optimized already: V8 11 may enter such a function by its
 *   loop ever after (OSR), where it does not know the panels: 0.7. Packing a pair of columns is a function of its own for
 *   the same reason.
 */
export function dotTile(): Code[] {
  const [rows, columns] = [range(4), range(2)];
  const sums = rows.flatMap((i) => columns.map((j) => ({ name: `s${i}${j}`, i, j })));
  const place = (start: string, i: number, j: number): string =>
    `product[${sumText(start, String(i * BLOCK + j))}]`;
  return [
    "function dot4x2(depth«: number», panel«: number», begun«: number», to«: number»)«: void» {",
    [
      `const length = Math.min(depth, ${BLOCK});`,
      `const from = panel & ${(BLOCK / 2 - 1) * BLOCK};`,
      `const o = to & ${BLOCK * BLOCK - 1};`,
      ...sums.map(({ name, i, j }) => `let ${name} = ${place("begun", i, j)};`),
      ...forLoop("k", "length", [
        "const p = from + k;",
        ...columns.map((j) => `const b${j} = right${j}[p];`),
        ...rows.flatMap((i) => [
          `const a${i} = left${i}[k];`,
          ...columns.map((j) => `s${i}${j} += a${i} * b${j};`),
          ...(i === 0 ? columns.map((j) => `${place("o", i, j)} = s${i}${j};`) : []),
        ]),
      ]),
      ...sums.map(({ name, i, j }) => `${place("o", i, j)} = ${name};`),
    ],
    "}",
  ];
}

/** A product of any size, block by block, put where `out` lies or added to what is there. */
export function multiplyCode(name: string, doc: string, store: "=" | "+="): Code[] {
  const parameters = [
    ...numbers(["rows", "columns", "depth"]),
    "x«: Float32Array»",
    ...numbers(["x0", "xRow", "xStep"]),
    "w«: Float32Array»",
    ...numbers(["w0", "wRow", "wStep"]),
    "out«: Float32Array»",
    ...numbers(["out0", "outStep"]),
  ];
  return [
    `/** ${doc} */`,
    ...wrapped(`function ${name}(`, parameters, ")«: void» {"),
    block(`for (let n = 0; n < columns; n += ${BLOCK}) {`, [
      `const width = Math.min(${BLOCK}, columns - n);`,
      ...block(`for (let m = 0; m < rows; m += ${BLOCK}) {`, [
        `const height = Math.min(${BLOCK}, rows - m);`,
        "multiplyBlock(height, width, depth, x, x0 + m * xRow, xRow, xStep, w, w0 + n * wRow, wRow, wStep);",
        ...forLoop("i", "height", [
          "const o = out0 + (m + i) * outStep + n;",
          `for (let j = 0; j < width; j++) out[o + j] ${store} product[${BLOCK} * i + j];`,
        ]),
      ]),
    ]),
    "}",
  ];
}
