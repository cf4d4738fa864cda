import { f32x4, i32x4 } from "../assembler/simd.ts";
import type { V128 } from "../assembler/code.ts";
import { asNumber, joined, literal, truths, type Lanes } from "./lanes.ts";
import type { Body } from "./wide.ts";

export type Relation = "eq" | "ne" | "lt" | "le" | "gt" | "ge";

interface Comparison {
  readonly holds: (x: number, y: number) => boolean;
  /** What y is to x. */
  readonly turned: Relation;
  readonly instructions: Readonly<Record<"float" | "whole" | "unsigned", (x: V128, y: V128) => V128>>;
}

const comparisons: Readonly<Record<Relation, Comparison>> = {
  eq: {
    holds: (x, y) => x === y,
    turned: "eq",
    instructions: { float: f32x4.eq, whole: i32x4.eq, unsigned: i32x4.eq },
  },
  ne: {
    holds: (x, y) => x !== y,
    turned: "ne",
    instructions: { float: f32x4.ne, whole: i32x4.ne, unsigned: i32x4.ne },
  },
  lt: {
    holds: (x, y) => x < y,
    turned: "gt",
    instructions: { float: f32x4.lt, whole: i32x4.lt_s, unsigned: i32x4.lt_u },
  },
  le: {
    holds: (x, y) => x <= y,
    turned: "ge",
    instructions: { float: f32x4.le, whole: i32x4.le_s, unsigned: i32x4.le_u },
  },
  gt: {
    holds: (x, y) => x > y,
    turned: "lt",
    instructions: { float: f32x4.gt, whole: i32x4.gt_s, unsigned: i32x4.gt_u },
  },
  ge: {
    holds: (x, y) => x >= y,
    turned: "le",
    instructions: { float: f32x4.ge, whole: i32x4.ge_s, unsigned: i32x4.ge_u },
  },
};

const LEAST = -(2 ** 31);
const MOST = 2 ** 31 - 1;

const isHeld = (value: number): boolean => Number.isInteger(value) && value >= LEAST && value <= MOST;

/** Whole numbers with a sign, which are not known. */
const isWhole = ({ kind, known }: Lanes): boolean => kind === "whole" && known === undefined;

/** Compares numbers, and truth as 1 and 0. */
export function compared(relation: Relation, args: readonly Lanes[], body: Body): Lanes {
  const [x, y] = args.map((arg) => asNumber(arg)) as [Lanes, Lanes];
  const { turned, instructions } = comparisons[relation];
  if (isWhole(y) && x.known !== undefined) return compared(turned, [y, x], body);
  if (isWhole(x) && y.known !== undefined && !isHeld(y.known)) return beyond(relation, x, y.known, body);
  const { kind, values } = joined([x, y], body);
  const [left, right] = values as [readonly V128[], readonly V128[]];
  const make = instructions[kind === "truth" ? "whole" : kind];
  return truths(left.map((vector, index) => make(vector, right[index]!)));
}

/**
 * Compares whole numbers with one that 32 bits do not hold, by the next one that they hold. As floats whole numbers beyond 2^24
 * would be rounded.
 */
function beyond(relation: Relation, x: Lanes, bound: number, body: Body): Lanes {
  const next = relation === "lt" || relation === "ge" ? Math.ceil(bound) : Math.floor(bound);
  if (relation !== "eq" && relation !== "ne" && isHeld(next))
    return compared(relation, [x, literal(next, body, x.vectors.length)], body);
  // It is beyond all whole numbers, or none of them is equal to it: 0 tells as much as any.
  const word = comparisons[relation].holds(0, bound) ? -1 : 0;
  return truths(x.vectors.map(() => body.constants.splatWord(word)));
}

/** Numbers of which one is chosen by its size: beside whole ones each is one that 32 bits hold. */
export function heldByWholes(args: readonly Lanes[], body: Body): readonly Lanes[] {
  if (!args.some(isWhole)) return args;
  return args.map((arg) =>
    arg.known !== undefined && Number.isInteger(arg.known) && !isHeld(arg.known)
      ? literal(Math.min(Math.max(arg.known, LEAST), MOST), body, arg.vectors.length)
      : arg,
  );
}
