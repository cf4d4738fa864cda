import type { Code } from "../../../support/text.ts";
import type { Dim } from "../../../tensor/dim.ts";
import type { KernelBuilder } from "../builder.ts";
import type { Tensor } from "../given.ts";
import type { Groups } from "../kernel.ts";
import { forLoop, ifThen } from "../text.ts";

/** Side of the tile of the result that a workgroup computes, and the depth of a turn: 8 KiB of workgroup memory. */
export const TILE = 64;
const TURN = 16;
/** Invocations a side of the workgroup: each computes 4 × 4 elements. */
const SIDE = 16;
const EACH = TILE / SIDE;
/** A product of x [rows, depth] and w [depth, columns], by how elements are read and results are stored. */
export interface Product {
  readonly builder: KernelBuilder;
  /** Names of the sizes in the kernel. */
  readonly rows: string;
  readonly columns: string;
  readonly depth: string;
  /** Elements as `held` has them. */
  readonly x: (row: string, k: string) => string;
  readonly w: (k: string, column: string) => string;
  readonly held: Held;
  /** Along which index neighbours of w lie side by side, and those of x (depth if left off). */
  readonly unit: "depth" | "columns";
  readonly xUnit?: "depth" | "rows";
  /** The part of the depth that a workgroup has; all of it if left off. */
  readonly range?: { readonly begin: string; readonly end: string };
  /** Lines that store one element of the product. */
  readonly store: (row: string, column: string, value: string) => readonly Code[];
}

/** How elements of both sides are held between memory and multiplication. */
interface Held {
  readonly element: "f32" | "f16";
  readonly zero: string;
  /** What stands around four elements side by side. */
  readonly vector: readonly [open: string, close: string];
  /** An element times four, as f32: what a sum takes. */
  readonly times: (element: string, vector: string) => string;
}

const inFloats: Held = {
  element: "f32",
  zero: "0.0",
  vector: ["vec4f(", ")"],
  times: (element, vector) => `${element} * ${vector}`,
};

/** Halves take half of the workgroup memory; a product of two has 22 bits, which f32 holds. */
const inHalves: Held = {
  ...inFloats,
  element: "f16",
  zero: "0.0h",
  vector: ["vec4f(vec4h(", "))"],
  times: (element, vector) => `f32(${element}) * ${vector}`,
};

/** Each product is rounded to f16, and their sum is f32. */
const multipliedInHalves: Held = {
  ...inHalves,
  vector: ["vec4h(", ")"],
  times: (element, vector) => `vec4f(${element} * ${vector})`,
};

type Read = (operand: Tensor, index: string) => string;

/** Operands that lie as floats, or are made of what lies otherwise. */
export const heldAsFloats: { readonly held: Held; readonly read: Read } = {
  held: inFloats,
  read: (operand, index) => operand.at(index),
};

/** How the operands of a product are held and read. */
export function heldOperands(
  { context: { target } }: KernelBuilder,
  operands: readonly Tensor[],
): typeof heldAsFloats {
  if (!operands.every(({ isHalf }) => isHalf)) return heldAsFloats;
  const held = target.f16 === "arithmetic" ? multipliedInHalves : inHalves;
  return { held, read: (operand, index) => operand.raw(index) };
}

export interface Body {
  readonly body: readonly Code[];
  readonly workgroup: readonly number[];
}

export const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/**
 * Tiles of x and w go through workgroup memory; an invocation keeps 4 × 4 sums in registers, in rows and columns 16
 * apart, so that neighbours read and write neighbouring elements.
 */
export function tiledProduct(product: Product, before: readonly Code[]): Body {
  const { builder, held, range } = product;
  const { begin, end } = range ?? { begin: "0u", end: product.depth };
  builder.builtin("group", "local", "lane");
  builder.shared("x_tile", held.element, TILE * TURN);
  builder.shared("w_tile", held.element, TURN * (TILE + 1));
  const body = [
    ...before,
    `let first_row = group.y * ${TILE}u;`,
    `let first_column = group.x * ${TILE}u;`,
    ...numbers(EACH).map((row) => `var sum${row} = vec4f();`),
    ...forLoop(
      "start",
      end,
      [...loadTiles(product, end), "workgroupBarrier();", ...multiplyTiles(held), "workgroupBarrier();"],
      { start: begin, step: `${TURN}u` },
    ),
    ...storeTile(product),
  ];
  return { body, workgroup: [SIDE, SIDE] };
}

/** Brings a turn of x, [64, 16], and of w, [16, 64], in the order in which each lies; zeros past the ends. */
function loadTiles({ rows, columns, x, w, held, unit, xUnit }: Product, end: string): Code[] {
  const alongDepth = [`e / ${TURN}u`, `e % ${TURN}u`] as const;
  const acrossDepth = [`e % ${TILE}u`, `e / ${TILE}u`] as const;
  const [row, xDepth] = xUnit === "rows" ? acrossDepth : alongDepth;
  const [column, wDepth] = unit === "depth" ? alongDepth : acrossDepth;
  const load = [
    `let row = first_row + ${row};`,
    `let x_depth = start + ${xDepth};`,
    `var x_element = ${held.zero};`,
    ...ifThen(`row < ${rows} && x_depth < ${end}`, [`x_element = ${x("row", "x_depth")};`]),
    xUnit === "rows" ? `x_tile[(${row}) * ${TURN}u + ${xDepth}] = x_element;` : "x_tile[e] = x_element;",
    `let column = first_column + ${column};`,
    `let w_depth = start + ${wDepth};`,
    `var w_element = ${held.zero};`,
    ...ifThen(`column < ${columns} && w_depth < ${end}`, [`w_element = ${w("w_depth", "column")};`]),
    `w_tile[(${wDepth}) * ${TILE + 1}u + ${column}] = w_element;`,
  ];
  return forLoop("e", `${TILE * TURN}u`, load, { start: "lane", step: `${SIDE * SIDE}u` });
}

/** Adds the products of a turn to the own sums: four elements of w side by side, times one of x a row. */
function multiplyTiles(held: Held): Code[] {
  const elements = numbers(EACH).map((c) => `w_tile[at${c === 0 ? "" : ` + ${c * SIDE}u`}]`);
  return forLoop("k", `${TURN}u`, [
    `let at = k * ${TILE + 1}u + local.x;`,
    `let w_row = ${held.vector.join(elements.join(", "))};`,
    ...numbers(EACH).map((r) => {
      const place = `${r === 0 ? "local.y" : `(local.y + ${r * SIDE}u)`} * ${TURN}u + k`;
      return `sum${r} += ${held.times(`x_tile[${place}]`, "w_row")};`;
    }),
  ]);
}

/** Stores the own sums that lie within the result. */
function storeTile({ rows, columns, store }: Product): Code[] {
  const sums = numbers(EACH).map((r) => `sum${r}`);
  return [
    `var sums = array<vec4f, ${EACH}>(${sums.join(", ")});`,
    ...forLoop("r", `${EACH}u`, [
      `let row = first_row + local.y + r * ${SIDE}u;`,
      ...forLoop("c", `${EACH}u`, [
        `let column = first_column + local.x + c * ${SIDE}u;`,
        ...ifThen(`row < ${rows} && column < ${columns}`, [
          "let product = sums[r][c];",
          ...store("row", "column", "product"),
        ]),
      ]),
    ]),
  ];
}

export const tiledGroups = (rows: Dim, columns: Dim, ...batch: readonly Dim[]): Groups => ({
  kind: "grid",
  axes: [
    { count: columns, per: TILE },
    { count: rows, per: TILE },
    ...batch.map((count) => ({ count, per: 1 })),
  ],
});
