import type { Graph } from "../../ir/graph.ts";
import { randomInputs } from "../../ir/initialize.ts";
import { isFloat } from "../../tensor/dtype.ts";
import type { HostTensor } from "../../tensor/host.ts";
import { RandomStream } from "../../tensor/random.ts";

/** Inputs without a default: floats standard normal, ids and classes uniform; by the seed and the input's name. */
export function randomBatch(
  graph: Graph,
  sizes: ReadonlyMap<string, number>,
  seed: number,
): Readonly<Record<string, HostTensor>> {
  const drawn = randomInputs(graph, sizes, seed);
  return Object.fromEntries(
    graph.inputs.flatMap(({ name, fill }) => {
      if (fill !== undefined) return [];
      const tensor = drawn[name]!;
      const random = new RandomStream(seed, `input ${name}`);
      const data = isFloat(tensor.dtype) ? tensor.data.map(() => random.normal()) : tensor.data;
      return [[name, { ...tensor, data }]];
    }),
  );
}
