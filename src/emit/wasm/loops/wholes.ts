import type { Operation } from "../../loops/tree.ts";
import type { I32 } from "../assembler/code.ts";
import { select } from "../assembler/control.ts";
import { i32 } from "../assembler/numbers.ts";
import type { Pen } from "./pen.ts";

type Whole = (args: readonly I32[], pen: Pen) => I32;

const binary =
  (make: (x: I32, y: I32) => I32): Whole =>
  ([x, y]) =>
    make(x!, y!);

/** A choice between its two arguments, which are computed once. */
const choice =
  (isFirst: (x: I32, y: I32) => I32): Whole =>
  (args, pen) => {
    const [x, y] = args.map((arg) => pen.keep(arg)) as [I32, I32];
    return select(isFirst(x, y), x, y);
  };

const zero = i32.const(0);

/** Functions of whole numbers that are the same for all lanes. What is missing here is computed in lanes. */
export const wholes: { readonly [N in Operation]?: Whole } = {
  add: binary(i32.add),
  sub: binary(i32.sub),
  mul: binary(i32.mul),
  neg: ([x]) => i32.sub(zero, x!),
  min: choice(i32.le_s),
  max: choice(i32.ge_s),
  eq: binary(i32.eq),
  ne: binary(i32.ne),
  lt: binary(i32.lt_s),
  le: binary(i32.le_s),
  gt: binary(i32.gt_s),
  ge: binary(i32.ge_s),
  not: ([x]) => i32.eqz(x!),
  and: ([x, y]) => i32.and(i32.ne(x!, zero), i32.ne(y!, zero)),
  or: ([x, y]) => i32.or(i32.ne(x!, zero), i32.ne(y!, zero)),
  where: ([condition, yes, no]) => select(i32.ne(condition!, zero), yes!, no!),
  floor: ([x]) => x!,
  truncate: ([x]) => x!,
};
