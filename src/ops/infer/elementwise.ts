import type { Dtype } from "../../tensor/dtype.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { broadcastShapes, showType, tensorType, type Shape, type TensorType } from "../../tensor/type.ts";
import { Mismatch } from "../define.ts";
import { scalarFunctions, type ScalarFunction, type ScalarName, type ScalarExpression } from "../scalar.ts";

/** An operand under its name; a bare number of a scalar program has no type of its own. */
export interface Named {
  readonly name: string;
  readonly type: TensorType;
  readonly number?: number;
}

/** The type of an elementwise result: shapes broadcast, dtypes join. Operand names in the order of the function. */
export function inferElementwise(op: ScalarName, operands: readonly Named[]): TensorType | Mismatch {
  const scalar: ScalarFunction = scalarFunctions[op];
  const shape = broadcastAll(operands);
  if (shape instanceof Mismatch) return shape;
  const isWhere = op === "where";
  const condition = isWhere ? operands[0] : undefined;
  if (condition !== undefined && condition.type.dtype !== "bool" && condition.number === undefined)
    return new Mismatch(condition.name, `expected bool elements, got ${showType(condition.type)}`);
  const values = isWhere ? operands.slice(1) : operands;
  if (scalar.takes === "bools") {
    const odd = values.find(({ type, number }) => type.dtype !== "bool" && number === undefined);
    if (odd !== undefined) return new Mismatch(odd.name, `expected bool elements, got ${showType(odd.type)}`);
    return { dtype: "bool", shape };
  }
  const joined = joinDtypes(values);
  if (joined instanceof Mismatch) return joined;
  const [first] = values;
  if (joined === "bool" && scalar.takes !== "any")
    return new Mismatch(
      first!.name,
      `${op} of bool elements has no meaning; cast them, or combine them with and, or, not`,
    );
  if (scalar.takes === "floats" && !isFloat(joined))
    return new Mismatch(
      first!.name,
      `${op} needs float elements, got ${showType(first!.type)}; cast them first`,
    );
  return { dtype: scalar.result === "bool" ? "bool" : joined, shape };
}

function broadcastAll(operands: readonly Named[]): Shape | Mismatch {
  const [first, ...rest] = operands;
  if (first === undefined) return [];
  let shape = first.type.shape;
  let before = first.name;
  for (const { name, type } of rest) {
    const wider = broadcastShapes(shape, type.shape);
    if (wider === undefined) {
      const other = showType({ dtype: first.type.dtype, shape });
      return new Mismatch(name, `${showType(type)} does not broadcast with ${before}, ${other}`);
    }
    shape = wider;
    before = name;
  }
  return shape;
}

/**
 * The dtype that operands have together. Tensors of one kind (float or integer) must agree; a scalar takes the tensors'
 * dtype; a float among integers makes the result float; bools count as numbers beside numbers.
 */
function joinDtypes(operands: readonly Named[]): Dtype | Mismatch {
  const typed = operands.filter(({ number }) => number === undefined);
  const floats = typed.filter(({ type }) => isFloat(type.dtype));
  if (floats.length > 0) return agree(floats);
  const integers = typed.filter(({ type }) => type.dtype !== "bool");
  const numbers = operands.filter(({ number }) => number !== undefined);
  if (numbers.some(({ number }) => !Number.isInteger(number))) return "f32";
  if (integers.length > 0) return agree(integers);
  return numbers.length > 0 || typed.length === 0 ? "f32" : "bool";
}

function agree(operands: readonly Named[]): Dtype | Mismatch {
  const tensors = operands.filter(({ type }) => type.shape.length > 0);
  const [first, ...rest] = tensors.length > 0 ? tensors : operands;
  const odd = rest.find(({ type }) => type.dtype !== first!.type.dtype);
  if (odd === undefined) return first!.type.dtype;
  return new Mismatch(
    odd.name,
    `expected ${first!.type.dtype} as ${first!.name} has, got ${showType(odd.type)}; cast one of them`,
  );
}

/**
 * The type of a scalar program's result, run over inputs that broadcast: its shape is that of all inputs together.
 * `attribute` is blamed for a bad program.
 */
export function inferExpression(
  attribute: string,
  program: ScalarExpression,
  inputs: readonly Named[],
): TensorType | Mismatch {
  const steps: TensorType[] = [];
  for (const [index, step] of program.steps.entries()) {
    const place = `step ${index}, ${step.op},`;
    const { arity }: ScalarFunction = scalarFunctions[step.op];
    if (step.args.length !== arity)
      return new Mismatch(attribute, `${place} takes ${arity}, got ${step.args.length} arguments`);
    const operands: Named[] = [];
    for (const arg of step.args) {
      if (arg.kind === "number") {
        operands.push({ name: String(arg.value), type: tensorType("f32"), number: arg.value });
        continue;
      }
      const input = arg.kind === "input" ? inputs[arg.index] : named(`t${arg.index}`, steps[arg.index]);
      const name = `${arg.kind === "input" ? "i" : "t"}${arg.index}`;
      if (input === undefined) return new Mismatch(attribute, `${place} reads ${name}, which does not exist`);
      operands.push(input);
    }
    const type = inferElementwise(step.op, operands);
    if (type instanceof Mismatch) return new Mismatch(type.blamed, `${place} ${type.message}`);
    steps.push(type);
  }
  const last = steps.at(-1);
  if (last === undefined) return new Mismatch(attribute, "a program needs at least one step");
  const shape = broadcastAll(inputs);
  return shape instanceof Mismatch ? shape : { dtype: last.dtype, shape };
}

const named = (name: string, type: TensorType | undefined): Named | undefined =>
  type === undefined ? undefined : { name, type };
