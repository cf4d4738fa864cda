import { constantDim, evaluateDim } from "../tensor/dim.ts";
import { isFloat } from "../tensor/dtype.ts";
import { hostTensor, makeData, sizeOf, type HostTensor } from "../tensor/host.ts";
import { normalTable, RandomStream } from "../tensor/random.ts";
import type { Symbols } from "./bind.ts";
import type { Graph, Initializer, Input, Parameter, State, Value } from "./graph.ts";
import { orthogonalElements } from "./orthogonal.ts";
import { publishedTensors } from "./stacks.ts";
import { producersOf } from "./walk.ts";

const shapeOf = ({ type }: Value, symbols: Symbols = new Map()): number[] =>
  type.shape.map((size) => evaluateDim(size, symbols));

/** Parameters as a model begins its training: each, or each part of a stack, from its initializer, by the seed and its own name. */
export const initialParameters = (graph: Graph, seed: number): Record<string, HostTensor> =>
  initialTensors(graph.parameters, seed);

/** A parameter or a state: it begins as its initializer says. */
type Beginning = Pick<Parameter | State, "name" | "value" | "init">;

/** Parameters or states as they begin; `dims` are those of the states' types. */
export const initialTensors = (
  tensors: readonly Beginning[],
  seed: number,
  dims: Symbols = new Map(),
): Record<string, HostTensor> =>
  Object.fromEntries(tensors.map((tensor) => [tensor.name, initialTensor(tensor, seed, dims)]));

function initialTensor({ name, value, init }: Beginning, seed: number, dims: Symbols): HostTensor {
  const shape = shapeOf(value, dims);
  const { dtype } = value.type;
  if (init.kind === "values") return hostTensor(dtype, shape, init.values);
  const data = makeData(dtype, sizeOf(shape));
  for (const [own, part] of publishedTensors(name, { shape, data })) {
    const random = new RandomStream(seed, own);
    if (init.kind === "orthogonal") part.data.set(orthogonalElements(part.shape, init.gain, random));
    else if (init.kind === "eye" || init.kind === "unit") part.data.set(fewElements(init, part.shape));
    else if (init.kind === "truncated_normal") {
      const table = normalTable(seed, own);
      for (let i = 0; i < part.data.length; i++)
        part.data[i] = init.mean + init.std * truncatedNormal(table, i);
    } else for (let i = 0; i < part.data.length; i++) part.data[i] = drawFrom(init, random);
  }
  return { dtype, shape, data };
}

/** Zeros but for a diagonal, or for one element. */
function fewElements(
  init: Extract<Initializer, { kind: "eye" | "unit" }>,
  shape: readonly number[],
): readonly number[] {
  const elements = Array.from({ length: sizeOf(shape) }, () => 0);
  if (init.kind === "unit") elements[init.index] = init.gain;
  else {
    const [rows = 1, columns = 1] = shape;
    for (let at = 0; at < Math.min(rows, columns); at++) elements[at * columns + at] = init.gain;
  }
  return elements;
}

/**
 * Glorot and Bengio 2010, eq. 16: variance gain² · 2 / (fan_in + fan_out). He et al. 2015, eq. 10: variance gain² / fan_in,
 * and 2 / fan_in with the gain √2 of a ReLU. A uniform number in [-a, a] has variance a² / 3.
 */
function drawFrom(
  init: Exclude<Initializer, { kind: "values" | "orthogonal" | "eye" | "unit" | "truncated_normal" }>,
  random: RandomStream,
): number {
  switch (init.kind) {
    case "constant":
      return init.value;
    case "normal":
      return init.mean + init.std * random.normal();
    case "uniform":
      return init.low + (init.high - init.low) * random.uniform();
    case "xavier":
    case "he": {
      const fans = init.kind === "he" ? init.fanIn : (init.fanIn + init.fanOut) / 2;
      const deviation = init.gain / Math.sqrt(fans);
      return (
        deviation * (init.distribution === "normal" ? random.normal() : Math.sqrt(3) * uniformSigned(random))
      );
    }
  }
}

/**
 * Standard normal within ±2, as Keras, TensorFlow and JAX cut it: a standard deviation of 0.8796 is left. What lies beyond is
 * drawn again for the same element, so that no element depends on another.
 */
function truncatedNormal(table: (place: number, attempt: number) => number, place: number): number {
  for (let attempt = 0; ; attempt++) {
    const drawn = table(place, attempt);
    if (Math.abs(drawn) <= 2) return drawn;
  }
}

const uniformSigned = (random: RandomStream): number => 2 * random.uniform() - 1;

/** How far test parameters lie from a constant or given initializer: far enough to show, near enough for a norm's weight. */
const SPREAD = 0.25;

/**
 * Parameters for tests: none is trivial. What begins constant (norm weights at 1, biases at 0, running statistics) lies
 * around that; matrices have entries that keep the size of what they multiply.
 */
export const randomParameters = (graph: Graph, seed: number): Record<string, HostTensor> =>
  randomBeginnings(graph.parameters, seed);

/** The same of parameters or states; `dims` are those of the states' types. */
export const randomBeginnings = (
  tensors: readonly Beginning[],
  seed: number,
  dims: Symbols = new Map(),
): Record<string, HostTensor> =>
  Object.fromEntries(tensors.map((tensor) => [tensor.name, randomParameter(tensor, seed, dims)]));

function randomParameter({ name, value, init }: Beginning, seed: number, dims: Symbols): HostTensor {
  const shape = shapeOf(value, dims);
  const { dtype } = value.type;
  const data = makeData(dtype, sizeOf(shape));
  const bound = Math.sqrt(3 / (shape.at(-1) ?? 1));
  let at = 0;
  for (const [own, part] of publishedTensors(name, { shape, data })) {
    const random = new RandomStream(seed, own);
    for (let i = 0; i < part.data.length; i++, at++) {
      const shift = uniformSigned(random);
      if (init.kind === "constant") data[at] = init.value + SPREAD * shift;
      else if (init.kind === "values") data[at] = init.values[at]! + SPREAD * shift;
      else data[at] = bound * shift;
    }
  }
  return { dtype, shape, data };
}

/** The share of true elements in a random bool input: most keys of a mask are seen. */
const SHARE_TRUE = 0.75;

/** Where no table says how large an id may be. */
const DEFAULT_ID_LIMIT = 16;

/**
 * Inputs for tests, all of them: floats uniform in [-1, 1), bools mostly true, whole numbers from 0 within the tables
 * that they index (else below `idLimit`).
 */
export function randomInputs(
  graph: Graph,
  symbols: Symbols | Readonly<Record<string, number>>,
  seed: number,
  options: { readonly idLimit?: number } = {},
): Record<string, HostTensor> {
  const sizes: Symbols = symbols instanceof Map ? (symbols as Symbols) : new Map(Object.entries(symbols));
  const limits = idLimits(graph);
  return Object.fromEntries(
    graph.inputs.map((input) => {
      const random = new RandomStream(seed, input.name);
      const limit = limits.get(input.value) ?? options.idLimit ?? DEFAULT_ID_LIMIT;
      return [input.name, randomInput(input, shapeOf(input.value, sizes), random, limit)];
    }),
  );
}

function randomInput({ value }: Input, shape: number[], random: RandomStream, limit: number): HostTensor {
  const { dtype } = value.type;
  const data = makeData(dtype, sizeOf(shape));
  for (let i = 0; i < data.length; i++) {
    if (isFloat(dtype)) data[i] = uniformSigned(random);
    else data[i] = dtype === "bool" ? Number(random.uniform() < SHARE_TRUE) : random.below(limit);
  }
  return { dtype, shape, data };
}

/** For values that reach a table, experts or a loss as ids, the smallest number of rows or classes there. */
function idLimits(graph: Graph): Map<Value, number> {
  const limits = new Map<Value, number>();
  const producers = producersOf(graph);
  const bound = (ids: Value, size: number): void => {
    for (let value: Value | undefined = ids; value !== undefined; value = movedFrom(value))
      limits.set(value, Math.min(size, limits.get(value) ?? Infinity));
  };
  // Moving elements around keeps their range.
  const movedFrom = (value: Value): Value | undefined => {
    const node = producers.get(value)?.node;
    const moves =
      node?.op === "reshape" || node?.op === "permute" || node?.op === "slice" || node?.op === "broadcast";
    return moves ? node.operands.x : undefined;
  };
  for (const node of graph.nodes) {
    if (node.op === "embedding")
      bound(node.operands.ids, constantDim(node.operands.table.type.shape[0]!) ?? 1);
    else if (node.op === "routed_linear")
      bound(node.operands.chosen, constantDim(node.operands.weight.type.shape[0]!) ?? 1);
    else if (node.op === "packed_routed_linear") bound(node.operands.chosen, node.attrs.experts);
    else if (node.op === "take")
      bound(node.operands.indices, constantDim(node.operands.x.type.shape.at(-1)!) ?? 1);
    else if (node.op === "cross_entropy" || node.op === "accuracy")
      bound(node.operands.targets, constantDim(node.operands.logits.type.shape.at(-1)!) ?? 1);
  }
  return limits;
}
