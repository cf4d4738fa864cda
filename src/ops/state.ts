import { dimAttribute, int } from "./attributes.ts";
import { defineOp } from "./define.ts";
import { sizeOfDim } from "./evaluate/index-walk.ts";
import { evaluateWrite } from "./evaluate/shape.ts";
import { inferWrite } from "./infer/shape.ts";

/** Ops that only graphs with states have. */
export const stateOps = {
  write: defineOp({
    stage: "state",
    traits: ["moves"],
    kernel: "any",
    doc: "x with part in it from start along one axis; where x is a state that becomes the result, only part is written",
    operands: { x: "one", part: "one" },
    attrs: { axis: int(), start: dimAttribute() },
    results: ["out"],
    infer: ({ x, part }, attrs) => inferWrite(x, part, attrs),
    evaluate: ({ x, part }, { axis, start }) => [evaluateWrite(x, part, axis, sizeOfDim(start))],
  }),
} as const;
