import type { ScalarExpression } from "../../../ops/scalar.ts";
import { invariant } from "../../../support/invariant.ts";
import { spell } from "../../loops/expression.ts";
import type { Operation } from "../../loops/tree.ts";
import { arithmetic, type Apply } from "./arithmetic.ts";
import { exp } from "./exponential.ts";
import { asFloats, floats, keptLanes, literal, type Lanes } from "./lanes.ts";
import { kept, type Body, type Wide } from "./wide.ts";

/** A function of one float. */
const ofFloat =
  (compute: (x: Wide, body: Body) => Wide): Apply =>
  ([x], body) =>
    floats(compute(kept(asFloats(x!, body), body), body));

const functions: { readonly [N in Operation]?: Apply } = {
  ...arithmetic,
  exp: ofFloat(exp),
};

/** Code of a function of lanes; its arguments are computed once. */
export function applyFunction(op: Operation, args: readonly Lanes[], body: Body): Lanes {
  const apply = functions[op];
  invariant(apply !== undefined, `no code for ${op}`);
  return apply(args, body);
}

/** Code of a whole expression; one without steps is its first input. */
export const applyProgram = (program: ScalarExpression, inputs: readonly Lanes[], body: Body): Lanes =>
  spell<Lanes>(program, inputs, {
    number: (value) => literal(value, body, inputs[0]!.vectors.length),
    apply: (op, args) => applyFunction(op, args, body),
    name: (_, lanes) => keptLanes(lanes, body),
    isName: ({ vectors }) => vectors.every(({ isAtHand }) => isAtHand === true),
    length: () => 1,
  });
