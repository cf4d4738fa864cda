import { openCheckpoint } from "../../checkpoint/files/open.ts";
import { harmlessTensors, matchParameters, type CheckpointTensor } from "../../checkpoint/match.ts";
import { toStored } from "../../checkpoint/stored.ts";
import type { Graph } from "../../ir/graph.ts";
import { randomParameters } from "../../ir/initialize.ts";
import { orStop, Stop } from "../stop.ts";

/** A tensor for each parameter of a graph; `close` ends the reading. */
export interface Weights {
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** What the user is told of them: where they come from. */
  readonly from: string;
  readonly close: () => void;
}

/** Finds every parameter of a graph in a checkpoint; what does not fit ends the command. */
export function openWeights(
  graph: Graph,
  path: string,
  options: { readonly prefix?: string; readonly ignore?: readonly string[] },
): Weights {
  const { name, tensors, close } = orStop(openCheckpoint(path));
  const harmless = [...harmlessTensors, ...(options.ignore ?? [])];
  const match = matchParameters(
    graph.parameters,
    withoutPrefix(tensors, options.prefix ?? ""),
    name,
    harmless,
  );
  if ("tensors" in match) return { tensors: match.tensors, from: name, close };
  close();
  throw new Stop(match);
}

function withoutPrefix(
  tensors: ReadonlyMap<string, CheckpointTensor>,
  prefix: string,
): ReadonlyMap<string, CheckpointTensor> {
  return new Map(
    [...tensors].map(([name, tensor]) => [
      name.startsWith(prefix) ? name.slice(prefix.length) : name,
      tensor,
    ]),
  );
}

/** Weights drawn from a seed: for a look at a model that has none. */
export function randomWeights(graph: Graph, seed: number): Weights {
  const tensors = new Map<string, CheckpointTensor>();
  for (const [name, tensor] of Object.entries(randomParameters(graph, seed)))
    tensors.set(name, { dtype: tensor.dtype, shape: tensor.shape, read: () => toStored(tensor) });
  return { tensors, from: `random weights of seed ${seed}`, close: () => undefined };
}
