import type { TensorType } from "../tensor/type.ts";
import { program } from "./attributes.ts";
import { defineOp, Mismatch, type OpRecord, type OperandSpec } from "./define.ts";
import { inferElementwise, inferProgram, type Named } from "./infer/elementwise.ts";
import { pendingEvaluate } from "./pending.ts";
import { scalarFunctions, type ScalarFunction, type ScalarName } from "./scalar.ts";

type UnaryName = {
  [K in ScalarName]: (typeof scalarFunctions)[K]["arity"] extends 1 ? K : never;
}[ScalarName];
type BinaryName = {
  [K in ScalarName]: (typeof scalarFunctions)[K]["arity"] extends 2 ? K : never;
}[ScalarName];

const noAttributes = {} as const;

type ElementwiseOps = { readonly [K in UnaryName]: OpRecord<{ readonly x: "one" }, typeof noAttributes> } & {
  readonly [K in BinaryName]: OpRecord<{ readonly x: "one"; readonly y: "one" }, typeof noAttributes>;
} & {
  readonly where: OpRecord<
    { readonly condition: "one"; readonly x: "one"; readonly y: "one" },
    typeof noAttributes
  >;
};

const operandsByArity = {
  1: { x: "one" },
  2: { x: "one", y: "one" },
  3: { condition: "one", x: "one", y: "one" },
} as const;

const inOrder = (spec: OperandSpec, operands: Readonly<Record<string, TensorType>>): Named[] =>
  Object.keys(spec).map((name) => ({ name, type: operands[name]! }));

const onlyType = (type: TensorType | Mismatch): readonly TensorType[] | Mismatch =>
  type instanceof Mismatch ? type : [type];

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
      infer: (operands) =>
        onlyType(inferElementwise(name as ScalarName, inOrder(operandsByArity[scalar.arity], operands))),
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
    infer: ({ inputs }, { program: steps }) =>
      onlyType(
        inferProgram(
          "program",
          steps,
          inputs.map((type, index) => ({ name: `i${index}`, type })),
        ),
      ),
    evaluate: pendingEvaluate,
  }),
} as const;
