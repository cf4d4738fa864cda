import { program } from "./attributes.ts";
import { defineOp, type OpRecord } from "./define.ts";
import { pendingEvaluate, pendingInfer } from "./pending.ts";
import { scalarFunctions, type ScalarFunction, type ScalarName } from "./scalar.ts";

type UnaryName = {
  [K in ScalarName]: (typeof scalarFunctions)[K]["arity"] extends 1 ? K : never;
}[ScalarName];
type BinaryName = {
  [K in ScalarName]: (typeof scalarFunctions)[K]["arity"] extends 2 ? K : never;
}[ScalarName];

type ElementwiseOps = { readonly [K in UnaryName]: OpRecord<{ readonly x: "one" }, Record<never, never>> } & {
  readonly [K in BinaryName]: OpRecord<{ readonly x: "one"; readonly y: "one" }, Record<never, never>>;
} & {
  readonly where: OpRecord<
    { readonly condition: "one"; readonly x: "one"; readonly y: "one" },
    Record<never, never>
  >;
};

const operandsByArity = {
  1: { x: "one" },
  2: { x: "one", y: "one" },
  3: { condition: "one", x: "one", y: "one" },
} as const;

/** One op a scalar function; the operands broadcast as NumPy's do. */
export const elementwiseOps = Object.fromEntries(
  Object.entries(scalarFunctions).map(([name, scalar]: [string, ScalarFunction]) => [
    name,
    defineOp({
      stage: "core",
      doc: scalar.doc,
      operands: operandsByArity[scalar.arity],
      attrs: {},
      results: ["out"],
      infer: pendingInfer,
      evaluate: pendingEvaluate,
    }),
  ]),
) as unknown as ElementwiseOps;

export const chainOps = {
  elementwise: defineOp({
    stage: "kernel",
    doc: "a chain of elementwise ops in one pass: a scalar program run on each element of the inputs, which broadcast",
    operands: { inputs: "many" },
    attrs: { program: program() },
    results: ["out"],
    infer: pendingInfer,
    evaluate: pendingEvaluate,
  }),
} as const;
