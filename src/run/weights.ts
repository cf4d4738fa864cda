import { describePrefix, matchParameters, type CheckpointTensor } from "../checkpoint/match.ts";
import { joinPublished } from "../checkpoint/quantized/published.ts";
import { partsOfRange } from "../checkpoint/parts.ts";
import { Problem, quote } from "../checkpoint/problem.ts";
import { readSafetensors } from "../checkpoint/safetensors.ts";
import { toStored } from "../checkpoint/stored.ts";
import type { Graph } from "../ir/graph.ts";
import { randomParameters } from "../ir/initialize.ts";
import { keepOutputs } from "../ir/keep-outputs.ts";
import { listWords } from "../support/text.ts";

/** How a checkpoint's names are read. */
export interface WeightNames {
  readonly prefix?: string;
  readonly ignore?: readonly string[];
  /** Parameters of the model that the graph has no more, as its outputs do not need them. */
  readonly notNeeded?: readonly string[];
}

/** A checkpoint that was opened; its tensors are read when they are asked for. */
export interface OpenedCheckpoint {
  /** What messages call it. */
  readonly name: string;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  readonly close: () => void;
}

/** A tensor for each parameter of a graph; `close` ends the reading. */
export interface Weights {
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** What the user is told of them: where they come from. */
  readonly from: string;
  readonly close: () => void;
}

/** The tensors of a safetensors file that is in memory. */
export function safetensorsCheckpoint(bytes: Uint8Array, name: string): OpenedCheckpoint | Problem {
  const file = readSafetensors(bytes, name, { takesScaled: true });
  if (file instanceof Problem) return file;
  const tensors = [...file.tensors].map(([tensor, stored]) => {
    const { dtype, shape, scaled } = stored;
    const type = { dtype, shape, ...(scaled === undefined ? {} : { scaled }) };
    const readPart = partsOfRange({ ...type, start: 0 }, (start, end) => stored.bytes.subarray(start, end));
    return [tensor, { ...type, read: () => stored, readPart }] as const;
  });
  return { name, tensors: new Map(tensors), close: () => undefined };
}

/** Finds every parameter of a graph in a checkpoint; one that does not fit is closed, and all that is wrong is told. */
export function matchWeights(
  graph: Graph,
  { name, tensors: stored, close }: OpenedCheckpoint,
  { prefix, ignore = [], notNeeded = [] }: WeightNames = {},
): Weights | readonly Problem[] {
  const tensors = joinPublished(stored, name);
  if (tensors instanceof Problem) {
    close();
    return [tensors];
  }
  const advise = (missing: readonly string[]): string | undefined => outputsWithout(graph, missing);
  const match = matchParameters(graph.parameters, tensors, name, { prefix, ignore, notNeeded, advise });
  if ("tensors" in match) return { tensors: match.tensors, from: `${name}${describePrefix(match)}`, close };
  close();
  return match;
}

/** Which outputs need none of the tensors that are missing. */
function outputsWithout(graph: Graph, missing: readonly string[]): string | undefined {
  const absent = new Set(missing);
  const whole = graph.outputs.filter(({ name }) =>
    keepOutputs(graph, new Set([name])).graph.parameters.every((parameter) => !absent.has(parameter.name)),
  );
  if (whole.length === 0) return undefined;
  const names = whole.map(({ name }) => name);
  return `${listWords(names.map(quote))} can be had without: ${names.map((name) => `--output ${name}`).join(" ")}`;
}

/** Weights drawn from a seed: for a look at a model that has none. */
export function randomWeights(graph: Graph, seed: number): Weights {
  const tensors = new Map<string, CheckpointTensor>();
  for (const [name, tensor] of Object.entries(randomParameters(graph, seed)))
    tensors.set(name, { dtype: tensor.dtype, shape: tensor.shape, read: () => toStored(tensor) });
  return { tensors, from: `random weights of seed ${seed}`, close: () => undefined };
}
