import type { V128 } from "../assembler/code.ts";
import { multiplyAdd, type Constants, type Machine, type Writing } from "../machine.ts";

/**
 * A number of several vectors of four lanes. What is done to it is written out for each vector before the next operation,
 * since a core has room for some 64 instructions that wait: one vector after the other leaves it idle.
 */
export type Wide = readonly V128[];

/** Where the code of functions goes: what they need more than once they put into variables. */
export interface Body extends Writing {
  readonly machine: Machine;
  readonly constants: Constants;
}

/** The same in variables, so that it may be read more than once; what is at hand already stays as it is. */
export const kept = (wide: Wide, { writer, push }: Body): Wide =>
  wide.map((vector) => {
    if (vector.isAtHand) return vector;
    const local = writer.local("v128");
    push(local.set(vector));
    return local.get;
  });

/** An operation on each vector; with several of them their results are computed here, before what comes next. */
export function inStep(
  body: Body,
  make: (...vectors: V128[]) => V128,
  first: Wide,
  ...rest: readonly Wide[]
): Wide {
  const each = (): Wide => first.map((vector, index) => make(vector, ...rest.map((wide) => wide[index]!)));
  return first.length > 1 ? kept(body.constants.loadedOnce(body, each), body) : each();
}

/** As above, in variables even for one vector: for what is read more than once. */
export const keptInStep = (
  body: Body,
  make: (...vectors: V128[]) => V128,
  first: Wide,
  ...rest: readonly Wide[]
): Wide => kept(inStep(body, make, first, ...rest), body);

/** … (c₀ x + c₁) x + … + cₙ by Horner's rule; x is in variables. */
export function polynomial(body: Body, x: Wide, [highest, ...lower]: readonly number[]): Wide {
  const { constants, machine } = body;
  const start: Wide = x.map(() => constants.splat(highest!));
  return lower.reduce(
    (sum, coefficient) =>
      inStep(body, (s, v) => multiplyAdd(machine, s, v, constants.splat(coefficient)), sum, x),
    start,
  );
}
