import type { Graph } from "../ir/graph.ts";
import { isFloat } from "../tensor/dtype.ts";
import type { HostTensor } from "../tensor/host.ts";
import { RandomStream } from "../tensor/random.ts";

/** Inputs on which wrong rewrites show: each kind fills what flows into a model with other values. */
export const inputKinds = ["random", "large mean", "zeros", "signed zeros", "infinities", "NaN"] as const;

export type InputKind = (typeof inputKinds)[number];

/** The elements of a kind, from a stream of numbers, the place of the element, and what stood there. */
const fills: { readonly [K in InputKind]: (random: RandomStream, place: number, old: number) => number } = {
  random: (_random, _place, old) => old,
  // The variance of such a row is lost if it is computed as E[x²] - E[x]² in single precision.
  "large mean": (random) => 1e4 + 1e-2 * random.normal(),
  zeros: () => 0,
  "signed zeros": (random) => (random.uniform() < 0.5 ? -0 : 0),
  infinities: (random, place, old) =>
    place % 7 === 3 ? (random.uniform() < 0.5 ? -Infinity : Infinity) : old,
  NaN: (_random, place, old) => (place % 11 === 5 ? NaN : old),
};

/** Inputs and parameters by name. */
export interface Arguments {
  readonly inputs: Readonly<Record<string, HostTensor>>;
  readonly parameters: Readonly<Record<string, HostTensor>>;
  readonly states?: Readonly<Record<string, HostTensor>>;
  readonly dims?: Readonly<Record<string, number>>;
}

/**
 * The arguments of a graph with the values that flow into it replaced: its float inputs, its states and, for a model that
 * reads ids, its embedding tables.
 */
export function harden(graph: Graph, given: Arguments, kind: InputKind, seed: number): Arguments {
  const tables = new Set(
    graph.nodes.flatMap((node) => (node.op === "embedding" ? [node.operands.table] : [])),
  );
  const flowing = new Set(
    graph.parameters.filter(({ value }) => tables.has(value)).map((parameter) => parameter.name),
  );
  const fill = (name: string, tensor: HostTensor): HostTensor => {
    if (!isFloat(tensor.dtype)) return tensor;
    const random = new RandomStream(seed, `${kind} ${name}`);
    const data = Float64Array.from(tensor.data, (old, place) => fills[kind](random, place, old));
    return { ...tensor, data };
  };
  const change = (tensors: Arguments["inputs"], isFlowing: (name: string) => boolean): Arguments["inputs"] =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => [name, isFlowing(name) ? fill(name, tensor) : tensor]),
    );
  return {
    ...given,
    inputs: change(given.inputs, () => true),
    parameters: change(given.parameters, (name) => flowing.has(name)),
    ...(given.states && { states: change(given.states, () => true) }),
  };
}
