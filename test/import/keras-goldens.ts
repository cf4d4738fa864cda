import { readFileSync } from "node:fs";
import { readNpz } from "../../src/checkpoint/npz.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Engine } from "../../src/run/engine.ts";
import { hostTensor, type HostTensor } from "../../src/tensor/host.ts";
import { relativeDifference } from "../families/difference.ts";

const goldenOf = (name: string): ReadonlyMap<string, HostTensor> =>
  orThrow(readNpz(readFileSync(`test/golden/keras/${name}.npz`), name));

/** The inputs of a golden, as a model takes them: ids are whole. */
export function inputsOf(name: string, graph: Graph): Map<string, HostTensor> {
  const golden = goldenOf(name);
  return new Map(
    graph.inputs.map(({ name: input, value }) => {
      const { shape, data } = golden.get(`input.${input}`)!;
      return [input, hostTensor(value.type.dtype, shape, data)];
    }),
  );
}

/** The largest difference from Keras' outputs, relative to the largest element of each. */
export async function worstOfKeras(name: string, graph: Graph, engine: Engine): Promise<number> {
  const golden = goldenOf(name);
  const results = orThrow(await engine.run(inputsOf(name, graph)));
  return Math.max(
    ...graph.outputs.map((output, index) =>
      relativeDifference(results.get(output.name)!, golden.get(`output.${index}`)!),
    ),
  );
}
