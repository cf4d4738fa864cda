import type { Dim } from "../tensor/dim.ts";
import type { HostTensor } from "../tensor/host.ts";
import { tensorType, type TensorType } from "../tensor/type.ts";
import { invariant } from "../support/invariant.ts";
import { expression } from "./attributes.ts";
import { defineOp, Mismatch, type OpRecord, type OperandSpec } from "./define.ts";
import { evaluateElementwise, evaluateExpression } from "./evaluate/elementwise.ts";
import { sizesOf } from "./evaluate/index-walk.ts";
import { perElement, expressionFlops } from "./flops.ts";
import { inferElementwise, inferExpression, type Named } from "./infer/elementwise.ts";
import {
  scalarFunctions,
  type ScalarFunction,
  type ScalarName,
  type ScalarExpression,
  type ScalarTrait,
} from "./scalar.ts";

type UnaryName = {
  [K in ScalarName]: (typeof scalarFunctions)[K]["arity"] extends 1 ? K : never;
}[ScalarName];
type BinaryName = {
  [K in ScalarName]: (typeof scalarFunctions)[K]["arity"] extends 2 ? K : never;
}[ScalarName];

const noAttributes = {} as const;

/** Plans have no step of one of them: a lone one is a chain of one. */
type Elementwise<O extends OperandSpec> = OpRecord<O, typeof noAttributes, "core", never, ScalarTrait>;

type ElementwiseOps = {
  readonly [K in UnaryName]: Elementwise<{ readonly x: "one" }>;
} & {
  readonly [K in BinaryName]: Elementwise<{ readonly x: "one"; readonly y: "one" }>;
} & {
  readonly where: Elementwise<{ readonly condition: "one"; readonly x: "one"; readonly y: "one" }>;
};

const operandsByArity = {
  1: { x: "one" },
  2: { x: "one", y: "one" },
  3: { condition: "one", x: "one", y: "one" },
} as const;

/** The operands in the order of the function's arguments, whatever order a caller's object has. */
const inOrder = <T>(spec: OperandSpec, operands: Readonly<Record<string, T>>): T[] =>
  Object.keys(spec).map((name) => operands[name]!);

const named = (spec: OperandSpec, types: readonly TensorType[]): Named[] =>
  Object.keys(spec).map((name, index) => ({ name, type: types[index]! }));

const onlyType = (type: TensorType | Mismatch): readonly TensorType[] | Mismatch =>
  type instanceof Mismatch ? type : [type];

const typeOf = ({ dtype, shape }: HostTensor): TensorType => tensorType(dtype, ...shape);

/** The type of operands that infer accepted. */
function accepted(type: TensorType | Mismatch): TensorType {
  invariant(!(type instanceof Mismatch), "an elementwise op is evaluated on operands that do not fit");
  return type;
}

function elementwiseOp(name: ScalarName, { arity, doc, flops, traits }: ScalarFunction): OpRecord {
  const spec = operandsByArity[arity];
  const infer = (types: readonly TensorType[]) => inferElementwise(name, named(spec, types));
  return defineOp({
    stage: "core",
    traits,
    doc,
    operands: spec,
    attrs: noAttributes,
    results: ["out"],
    infer: (operands) => onlyType(infer(inOrder(spec, operands))),
    evaluate: (operands) => {
      const tensors = inOrder<HostTensor>(spec, operands);
      return [evaluateElementwise(name, tensors, accepted(infer(tensors.map(typeOf))).dtype)];
    },
    flops: (_, __, [out]): Dim => perElement(out!, flops),
  }) as unknown as OpRecord;
}

/** One op a scalar function; the operands broadcast as NumPy's do. */
export const elementwiseOps = Object.fromEntries(
  Object.entries(scalarFunctions).map(([name, scalar]: [string, ScalarFunction]) => [
    name,
    elementwiseOp(name as ScalarName, scalar),
  ]),
) as unknown as ElementwiseOps;

const inferChain = (inputs: readonly TensorType[], steps: ScalarExpression): TensorType | Mismatch =>
  inferExpression(
    "program",
    steps,
    inputs.map((type, index) => ({ name: `i${index}`, type })),
  );

export const chainOps = {
  elementwise: defineOp({
    stage: "kernel",
    kernel: "any",
    doc: "a chain of elementwise ops in one pass: a scalar program run on each element of the inputs, which broadcast",
    operands: { inputs: "many" },
    attrs: { program: expression() },
    results: ["out"],
    infer: ({ inputs }, attrs) => onlyType(inferChain(inputs, attrs.program)),
    evaluate: ({ inputs }, attrs) => {
      const { dtype, shape } = accepted(inferChain(inputs.map(typeOf), attrs.program));
      return [evaluateExpression(attrs.program, inputs, dtype, sizesOf(shape))];
    },
    flops: (_, attrs, [out]) => perElement(out!, expressionFlops(attrs.program)),
  }),
} as const;
