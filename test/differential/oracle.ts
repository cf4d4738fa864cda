import type { Graph } from "../../src/ir/graph.ts";
import { interpret, type Bindings } from "../../src/ir/interpret.ts";
import { isFloat } from "../../src/tensor/dtype.ts";
import type { HostTensor } from "../../src/tensor/host.ts";

type Tensors = Readonly<Record<string, HostTensor>>;

interface Given {
  readonly inputs: Tensors;
  readonly parameters: Tensors;
}

/** What float32 holds of it. */
export const rounded = (tensor: HostTensor): HostTensor =>
  isFloat(tensor.dtype) ? { ...tensor, data: new Float64Array(new Float32Array(tensor.data)) } : tensor;

/** What a graph computes in float64, and how far it moves if each parameter and input is a little off. */
export interface Expected {
  readonly tensor: HostTensor;
  /** The largest element, at least 1. */
  readonly scale: number;
  /** The largest change of an element if each weight moves by its last bit and each step rounds to float32. */
  readonly spread: number;
}

/** One unit in the last place of float32, up or down from place to place. */
function nudged(tensor: HostTensor, seed: number): HostTensor {
  if (tensor.dtype !== "f32") return tensor;
  const data = Float64Array.from(tensor.data);
  for (let i = 0; i < data.length; i++) data[i] = data[i]! * (1 + (((i * 7 + seed) % 3) - 1) * 2 ** -23);
  return { ...tensor, data };
}

/**
 * The outputs of each run by the float64 interpreter. A graph can magnify the rounding of its engines (norms of rows that are
 * nearly constant, quotients by small numbers): weights that are off in their last bit, and steps that round, show by how much.
 */
export function expectedOf(
  graph: Graph,
  parameters: Tensors,
  runs: readonly Tensors[],
): readonly ReadonlyMap<string, Expected>[] {
  const given = new Map(Object.entries(parameters));
  const moved = new Map([...given].map(([name, tensor], index) => [name, nudged(tensor, index)]));
  const spreads = new Map<string, number>();
  return runs.map((inputs, run) => {
    const exact = interpret(graph, { inputs, parameters: given });
    const other = run === 0 ? inFloat32(graph, { inputs, parameters: moved }) : undefined;
    return new Map(
      Object.entries(exact).map(([name, tensor]) => {
        const near = other?.[name];
        if (near !== undefined) spreads.set(name, farthest(tensor, near));
        return [name, { tensor, scale: largest(tensor), spread: spreads.get(name)! }];
      }),
    );
  });
}

/** The largest element, at least 1. */
export function largest({ data }: HostTensor): number {
  let scale = 1;
  for (const value of data) scale = Math.max(scale, Math.abs(value));
  return scale;
}

function farthest({ data }: HostTensor, other: HostTensor): number {
  let spread = 0;
  for (let i = 0; i < data.length; i++) spread = Math.max(spread, Math.abs(data[i]! - other.data[i]!));
  return spread;
}

/** The interpreter with each node's results rounded to float32: what is 0 in float64 by luck is a last bit here. */
const inFloat32 = (graph: Graph, bindings: Bindings): Record<string, HostTensor> =>
  interpret(graph, bindings, {
    observe: (_, results) => {
      for (const { data } of results) if (data instanceof Float64Array) data.set(new Float32Array(data));
    },
  });

/** Whether all outputs stay where they are if weights move by their last bit and each step rounds. */
export function isSteady(graph: Graph, { inputs, parameters }: Given, share: number): boolean {
  const [wanted] = expectedOf(graph, parameters, [inputs]);
  return [...wanted!.values()].every(({ scale, spread }) => spread <= share * scale);
}
