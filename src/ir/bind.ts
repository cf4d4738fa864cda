import { EvaluationError } from "../ops/evaluate/error.ts";
import { listWords, nearest } from "../support/text.ts";
import { evaluateDim, showDim, symbolsOf, type Dim } from "../tensor/dim.ts";
import { isFloat, isInteger, type Dtype } from "../tensor/dtype.ts";
import { makeData, sizeOf, type HostTensor } from "../tensor/host.ts";
import { showType } from "../tensor/type.ts";
import type { Graph, Input, Value } from "./graph.ts";

/** Tensors by name, as callers have them. */
export type Tensors = ReadonlyMap<string, HostTensor> | Readonly<Record<string, HostTensor>>;

export type Symbols = ReadonlyMap<string, number>;

export const asMap = (tensors: Tensors): ReadonlyMap<string, HostTensor> =>
  tensors instanceof Map ? (tensors as ReadonlyMap<string, HostTensor>) : new Map(Object.entries(tensors));

/** `f32[2, 3]`, of a tensor at hand. */
const showTensor = ({ dtype, shape }: HostTensor): string => `${dtype}[${shape.join(", ")}]`;

/** The run-time dims, from the inputs that are given; `dims` are those that no input need say. */
export function bindSymbols(
  graph: Graph,
  given: ReadonlyMap<string, HostTensor>,
  dims: Readonly<Record<string, number>> = {},
): Map<string, number> {
  const symbols = givenSymbols(graph, dims);
  const owners = new Map<string, string>();
  for (const input of graph.inputs) {
    const tensor = given.get(input.name);
    if (tensor === undefined) continue;
    checkForm(input, tensor);
    for (const [axis, size] of input.value.type.shape.entries()) {
      const symbol = bareSymbol(size);
      const found = tensor.shape[axis]!;
      if (symbol === undefined) continue;
      const before = symbols.get(symbol);
      if (before !== undefined && before !== found)
        throw new EvaluationError(
          `axis ${axis} of the input \`${input.name}\` is ${found}, but ${symbol} is ${before}` +
            (owners.has(symbol) ? `, as \`${owners.get(symbol)!}\` has it` : ""),
        );
      symbols.set(symbol, found);
      owners.set(symbol, input.name);
    }
  }
  checkBounds(graph, symbols);
  return symbols;
}

/** The dims that the caller says, each known and a size. */
function givenSymbols(graph: Graph, dims: Readonly<Record<string, number>>): Map<string, number> {
  const names = graph.symbols.flatMap(({ name, given }) => (given === true ? [name] : []));
  for (const [name, size] of Object.entries(dims)) {
    if (!names.includes(name)) throw new EvaluationError(unknownName("dim", name, names));
    if (!Number.isSafeInteger(size) || size < 0) throw new EvaluationError(`${name} is no size: ${size}`);
  }
  return new Map(Object.entries(dims));
}

const bareSymbol = (size: Dim): string | undefined => {
  const [name] = symbolsOf(size);
  return name === size.key ? name : undefined;
};

function checkBounds(graph: Graph, symbols: Symbols): void {
  for (const { name, max, given } of graph.symbols) {
    const size = symbols.get(name);
    if (size === undefined)
      throw new EvaluationError(
        given === true ? `the dim ${name} must be given` : `no input that is given says what ${name} is`,
      );
    if (max !== undefined && size > max)
      throw new EvaluationError(`${name} is ${size}, but the model takes at most ${max}`);
  }
}

/**
 * The kind of elements and the rank; every run-time dim is at least 1, as on all targets, though a size that is made of
 * some, like `T - 1`, may be 0; and the elements are there.
 */
function checkForm({ name, value }: Input, tensor: HostTensor): void {
  const { type } = value;
  const found = `the input \`${name}\` is ${showTensor(tensor)}`;
  if (kindOf(type.dtype) !== kindOf(tensor.dtype) || type.shape.length !== tensor.shape.length)
    throw new EvaluationError(`${found}, expected ${showType(type)}`);
  const empty = tensor.shape.findIndex(
    (size, axis) => !(size >= 1) && bareSymbol(type.shape[axis]!) !== undefined,
  );
  if (empty >= 0) throw new EvaluationError(`${found}, but ${showDim(type.shape[empty]!)} is at least 1`);
  checkFull(name, tensor);
}

function checkFull(name: string, tensor: HostTensor): void {
  if (tensor.data.length !== sizeOf(tensor.shape))
    throw new EvaluationError(
      `\`${name}\` is ${showTensor(tensor)}, but it has ${tensor.data.length} elements`,
    );
}

const kindOf = (dtype: Dtype): string => (isFloat(dtype) ? "float" : isInteger(dtype) ? "integer" : "bool");

/** All inputs: those given, checked against the dims, and the others filled. */
export function bindInputs(
  graph: Graph,
  given: ReadonlyMap<string, HostTensor>,
  symbols: Symbols,
): Map<Value, HostTensor> {
  const names = graph.inputs.map(({ name }) => name);
  for (const name of given.keys())
    if (!names.includes(name)) throw new EvaluationError(unknownName("input", name, names));
  const bound = new Map<Value, HostTensor>();
  for (const input of graph.inputs) {
    const { dtype } = input.value.type;
    const tensor = given.get(input.name) ?? filled(input, symbols);
    checkShape("input", input.name, tensor, input.value, symbols);
    bound.set(input.value, { ...tensor, dtype });
  }
  return bound;
}

/** Inputs that must be given and are not: reported before dims, which they would bind. */
export function checkGiven(graph: Graph, given: ReadonlyMap<string, HostTensor>): void {
  const missing = graph.inputs.filter(({ name, fill }) => fill === undefined && !given.has(name));
  if (missing.length === 0) return;
  const names = listWords(missing.map(({ name }) => `\`${name}\``));
  const unknown = [...given.keys()].filter((name) => !graph.inputs.some((input) => input.name === name));
  const also =
    unknown.length === 0
      ? ""
      : `; there is no input ${listWords(
          unknown.map((name) => `\`${name}\``),
          "or",
        )}`;
  throw new EvaluationError(`the input${missing.length === 1 ? "" : "s"} ${names} must be given${also}`);
}

function unknownName(kind: string, name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  const has = names.length === 0 ? "it has none" : `it has ${listWords(names)}`;
  const help = near === undefined ? has : `did you mean \`${near}\`?`;
  return `the model has no ${kind} \`${name}\`: ${help}`;
}

function filled({ value, fill }: Input, symbols: Symbols): HostTensor {
  const shape = value.type.shape.map((size) => evaluateDim(size, symbols));
  const { dtype } = value.type;
  return { dtype, shape, data: makeData(dtype, sizeOf(shape)).fill(fill ?? 0) };
}

function checkShape(kind: string, name: string, tensor: HostTensor, value: Value, symbols: Symbols): void {
  const expected = value.type.shape.map((size) => evaluateDim(size, symbols));
  if (expected.length === tensor.shape.length && expected.every((size, axis) => size === tensor.shape[axis]))
    return;
  const written = showType(value.type);
  const sizes = `[${expected.join(", ")}]`;
  const want = written.endsWith(sizes) ? written : `${written}, here ${sizes}`;
  throw new EvaluationError(`the ${kind} \`${name}\` is ${showTensor(tensor)}, expected ${want}`);
}

/** All states by value, as a run finds them; each must be there and have its shape. */
export function bindStates(
  graph: Graph,
  given: ReadonlyMap<string, HostTensor>,
  symbols: Symbols,
): Map<Value, HostTensor> {
  const bound = new Map<Value, HostTensor>();
  for (const { name, value } of graph.states) {
    const tensor = given.get(name);
    if (tensor === undefined) throw new EvaluationError(`the state \`${name}\` is missing`);
    checkFull(name, tensor);
    checkShape("state", name, tensor, value, symbols);
    bound.set(value, { ...tensor, dtype: value.type.dtype });
  }
  return bound;
}

/** All parameters by value; each must be there and have its shape. More may be given than the graph reads. */
export function bindParameters(graph: Graph, given: ReadonlyMap<string, HostTensor>): Map<Value, HostTensor> {
  const bound = new Map<Value, HostTensor>();
  for (const { name, value } of graph.parameters) {
    const tensor = given.get(name);
    if (tensor === undefined) throw new EvaluationError(`the parameter \`${name}\` is missing`);
    checkFull(name, tensor);
    checkShape("parameter", name, tensor, value, new Map());
    bound.set(value, { ...tensor, dtype: value.type.dtype });
  }
  return bound;
}
