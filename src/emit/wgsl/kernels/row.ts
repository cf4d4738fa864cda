import { constantDim, type Dim } from "../../../tensor/dim.ts";
import type { Code } from "../../../support/text.ts";
import { block } from "../../module/text.ts";
import type { KernelBuilder } from "../builder.ts";
import { forLoop, ifThen } from "../text.ts";

/** Elements of a row that an invocation keeps in registers at most. */
const MAX_HELD = 32;

/** Invocations for a row: a power of two, four elements each for rows up to 1024. */
export function lanesFor(width: Dim): number {
  const size = constantDim(width) ?? Infinity;
  let lanes = 32;
  while (lanes < 256 && lanes * 4 < size) lanes *= 2;
  return lanes;
}

/** How many elements of a row of this width each invocation keeps, or undefined if they are too many or not known. */
export function heldBy(lanes: number, width: Dim): number | undefined {
  const size = constantDim(width);
  return size !== undefined && size <= lanes * MAX_HELD ? Math.ceil(size / lanes) : undefined;
}

/** The elements of a row that an invocation has, every `lanes`-th. */
export const overRow = (lanes: number, width: string, body: readonly Code[]): Code[] =>
  forLoop("i", width, body, { start: "lane", step: `${lanes}u` });

/** Elements of a row in registers: the lines that bring them there, and how each is read. */
interface HeldRow<N extends string> {
  readonly lines: readonly Code[];
  readonly elements: Readonly<Record<N, string>>;
}

/** Puts elements of a row into registers under their names, so that each is loaded once, if the row fits there. */
export function holdRow<N extends string>(
  lanes: number,
  width: Dim,
  loads: Readonly<Record<N, string>>,
): HeldRow<N> {
  const count = heldBy(lanes, width);
  if (count === undefined) return { lines: [], elements: loads };
  const names = Object.keys(loads) as N[];
  const place = (name: N): string => `${name}[i / ${lanes}u]`;
  const lines = [
    ...names.map((name) => `var ${name}: array<f32, ${count}>;`),
    ...overRow(
      lanes,
      "width",
      names.map((name) => `${place(name)} = ${loads[name]};`),
    ),
  ];
  return {
    lines,
    elements: Object.fromEntries(names.map((name) => [name, place(name)])) as Record<N, string>,
  };
}

/** How the invocations of a workgroup make one number of theirs. */
interface Fold {
  readonly name: string;
  readonly type: "f32" | "vec2f";
  readonly memory: string;
  readonly start: string;
  readonly join: (a: string, b: string) => string;
  readonly subgroup: string;
}

const folds = {
  sum: {
    name: "row_sum",
    type: "f32",
    memory: "partial",
    start: "0.0",
    join: (a, b) => `${a} + ${b}`,
    subgroup: "subgroupAdd",
  },
  /** Two sums at once. */
  sums: {
    name: "row_sums",
    type: "vec2f",
    memory: "partials",
    start: "vec2f()",
    join: (a, b) => `${a} + ${b}`,
    subgroup: "subgroupAdd",
  },
  max: {
    name: "row_max",
    type: "f32",
    memory: "partial",
    start: "-3.4e38",
    join: (a, b) => `max(${a}, ${b})`,
    subgroup: "subgroupMax",
  },
} as const satisfies Readonly<Record<string, Fold>>;

/**
 * Declares `row_sum` or `row_max`: every invocation of the workgroup gives a number and gets that of all. Returns how
 * it is called.
 */
export function declareFold(
  builder: KernelBuilder,
  kind: keyof typeof folds,
  lanes: number,
): (value: string) => string {
  const fold: Fold = folds[kind];
  const { subgroups } = builder.context.target;
  builder.shared(fold.memory, fold.type, lanes);
  builder.builtin("lane", ...(subgroups ? (["subgroup_size", "subgroup_lane"] as const) : []));
  builder.declareFunction(fold.name, subgroups ? bySubgroups(fold, lanes) : byMemory(fold, lanes));
  return (value) => `${fold.name}(${value}, lane${subgroups ? ", subgroup_size, subgroup_lane" : ""})`;
}

/** In two steps: a few invocations join every so many, then each joins those few. */
function byMemory({ name, type, memory, start, join }: Fold, lanes: number): Code[] {
  const few = 2 ** Math.ceil(Math.log2(lanes) / 2);
  return block(`fn ${name}(value: ${type}, lane: u32) -> ${type} {`, [
    `${memory}[lane] = value;`,
    "workgroupBarrier();",
    ...ifThen(`lane < ${few}u`, [
      "var joined = value;",
      ...forLoop("other", `${lanes}u`, [`joined = ${join("joined", `${memory}[other]`)};`], {
        start: `lane + ${few}u`,
        step: `${few}u`,
      }),
      `${memory}[lane] = joined;`,
    ]),
    "workgroupBarrier();",
    ...joinFirst(memory, start, join, `${few}u`),
  ]);
}

function bySubgroups({ name, type, memory, start, join, subgroup }: Fold, lanes: number): Code[] {
  const parameters = `value: ${type}, lane: u32, subgroup_size: u32, subgroup_lane: u32`;
  return block(`fn ${name}(${parameters}) -> ${type} {`, [
    `let own = ${subgroup}(value);`,
    ...ifThen("subgroup_lane == 0u", [`${memory}[lane / subgroup_size] = own;`]),
    "workgroupBarrier();",
    ...joinFirst(memory, start, join, `(${lanes}u + subgroup_size - 1u) / subgroup_size`),
  ]);
}

/** All read what the first ones hold; the barrier lets the memory be used again. */
const joinFirst = (memory: string, start: string, join: Fold["join"], count: string): Code[] => [
  `var result = ${start};`,
  ...forLoop("other", count, [`result = ${join("result", `${memory}[other]`)};`]),
  "workgroupBarrier();",
  "return result;",
];
