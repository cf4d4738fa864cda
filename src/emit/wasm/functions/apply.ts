import type { ScalarExpression } from "../../../ops/scalar.ts";
import { spell } from "../../loops/expression.ts";
import type { Operation } from "../../loops/tree.ts";
import { arithmetic, type Apply } from "./arithmetic.ts";
import { erf, gelu, gelu_tanh } from "./error.ts";
import { exp, relativePower, sigmoid, silu, softplus, tanh } from "./exponential.ts";
import {
  asFloats,
  asNumber,
  asWholes,
  floats,
  joined,
  keptLanes,
  literal,
  wholes,
  type Lanes,
} from "./lanes.ts";
import { log } from "./logarithm.ts";
import { modulo, moduloOfWholes } from "./modulo.ts";
import { pow, powOfWholes, rsqrt } from "./power.ts";
import { threefry } from "./threefry.ts";
import { cos, sin } from "./trigonometric.ts";
import { kept, type Body, type Wide } from "./wide.ts";

/** A function of one float. */
const ofFloat =
  (compute: (x: Wide, body: Body) => Wide): Apply =>
  ([x], body) =>
    floats(compute(kept(asFloats(x!, body), body), body));

type OfTwo = (x: Wide, y: Wide, body: Body) => Wide;

/** A function of two floats, and that of two whole numbers. */
const ofTwo =
  (ofFloats: OfTwo, ofWholes: OfTwo): Apply =>
  (args, body) => {
    const { kind, values } = joined(args.map(asNumber), body);
    const [x, y] = values.map((each) => kept(each, body));
    return { kind, vectors: (kind === "float" ? ofFloats : ofWholes)(x!, y!, body) };
  };

const functions: { readonly [N in Operation]: Apply } = {
  ...arithmetic,
  exp: ofFloat(exp),
  log: ofFloat(log),
  rsqrt: ofFloat(rsqrt),
  sin: ofFloat(sin),
  cos: ofFloat(cos),
  tanh: ofFloat(tanh),
  sigmoid: ofFloat(sigmoid),
  erf: ofFloat(erf),
  gelu: ofFloat(gelu),
  gelu_tanh: ofFloat(gelu_tanh),
  silu: ofFloat(silu),
  softplus: ofFloat(softplus),
  mod: ofTwo(modulo, moduloOfWholes),
  pow: ofTwo(pow, powOfWholes),
  relative_power: ofFloat(relativePower),
  truncate: ([x], body) => wholes(asWholes(x!, body)),
  threefry: (args, body) => {
    const [key0, key1, counter0, counter1] = args.map((arg) => kept(asWholes(arg, body), body));
    return { kind: "unsigned", vectors: threefry(key0!, key1!, counter0!, counter1!, body) };
  },
};

/** Code of a function of lanes. */
export const applyFunction = (op: Operation, args: readonly Lanes[], body: Body): Lanes =>
  functions[op](args, body);

/** Code of a whole expression; one without steps is its first input. */
export const applyProgram = (program: ScalarExpression, inputs: readonly Lanes[], body: Body): Lanes =>
  spell<Lanes>(program, inputs, {
    number: (value) => literal(value, body, inputs[0]!.vectors.length),
    apply: (op, args) => applyFunction(op, args, body),
    name: (_, lanes) => keptLanes(lanes, body),
    isName: ({ vectors }) => vectors.every(({ isAtHand }) => isAtHand === true),
    // What is read once stands where it is read, however long.
    length: () => 0,
  });
