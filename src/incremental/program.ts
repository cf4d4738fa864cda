import type { Graph } from "../ir/graph.ts";
import { keepOutputs } from "../ir/keep-outputs.ts";
import type { Program } from "../ir/program.ts";
import { packWeights } from "../passes/pack-weights.ts";
import { pipeline, runPasses, type PassOptions } from "../passes/pipeline.ts";
import { deriveParts, partNames, type DecodingDims, type PartName } from "./parts.ts";
import { beginAnywhere } from "./ragged/begin-anywhere.ts";
import { Refusal } from "./refusal.ts";
import type { StateRole } from "./states.ts";

export interface DecodingOptions extends Omit<PassOptions, "passes"> {
  /** The run-time dim of the positions. Default: T. */
  readonly symbol?: string;
  /** The outputs that are asked for; all that depend on the text, if left out. */
  readonly outputs?: ReadonlySet<string>;
  /** The most positions that there will ever be, which some rope scalings need to know. */
  readonly limit?: number;
  /** The parts that are made, beside `encode`. Default: all. */
  readonly parts?: readonly PartName[];
  /** `rows`: attention with a window keeps its rows alone, and cannot go back in the text. Default; `whole`: all rows. */
  readonly windows?: "rows" | "whole";
  /**
   * How many operations a step may do for each byte of a past position that is not kept: keys and values are then made again
   * from what is narrower, as from the latent of a DeepSeek, whose rank r costs about r / 2 a byte. Default: 0, nothing is made
   * again but copies.
   */
  readonly recompute?: number;
  /** Whether the texts of a batch may begin at places of their own, behind padding, of which `encode` is told. */
  readonly ragged?: boolean;
}

/** A model as a program that reads a text a few positions at a time. */
export interface Decoding {
  /**
   * `encode`, if there is something that a text is about: it makes what the others read of it; `append`: N new positions, of
   * which the outputs are for the newest; `step`: one new position; `all`: N new positions, and the outputs of each.
   */
  readonly program: Program;
  /** What the sizes are called: positions that a run adds, those before it, and those that there is memory for. */
  readonly dims: DecodingDims;
  /** The most positions that the model takes, or that were said to be; undefined if there is no end. */
  readonly limit: number | undefined;
  /** The symbol of the positions in the model. */
  readonly symbol: string;
  /** What each state holds, by its name. */
  readonly states: ReadonlyMap<string, StateRole>;
  /** The input i32[B] of `encode` that says where each text begins, if they may begin at places of their own. */
  readonly begins: string | undefined;
  /** Operations that each run does for a past position, to make again what is not kept of it. */
  readonly recomputed: number;
}

/**
 * The program that decodes, derived from the graph of a causal model as lowering makes it; or why it cannot be. Passes run
 * over each part as over the model itself: the derivation stands where their order says, before anything is fused, as fused
 * kernels hide what is kept, and after attention has its heads last, or all kept keys would be turned in each run.
 */
export function decodingProgram(graph: Graph, options: DecodingOptions = {}): Decoding | Refusal {
  try {
    return decoding(graph, options);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

function decoding(graph: Graph, options: DecodingOptions): Decoding {
  const { symbol = "T" } = options;
  if (graph.states.length > 0) throw new Refusal("training");
  const names = options.outputs ?? new Set(graph.outputs.map(({ name }) => name));
  const plain = runPasses(keepOutputs(graph, names).graph, { ...options, passes: passesBefore });
  const { limit, windows = "rows", parts: wanted = partNames, ragged = false, recompute = 0 } = options;
  const begun = ragged ? beginAnywhere(plain, symbol) : undefined;
  const parts = deriveParts(begun?.graph ?? plain, { symbol, limit, windows, parts: wanted, recompute });
  const fused = Object.entries(parts.graphs).map(
    ([part, each]) => [part, runPasses(each, passesAfter(options))] as const,
  );
  const { dims, states } = parts;
  return {
    program: { name: graph.name, parts: Object.fromEntries(fused) },
    dims,
    limit: parts.limit,
    symbol,
    states,
    begins: begun?.begins,
    recomputed: parts.recomputed,
  };
}

/** What does not fuse stands before the derivation, but for the packing: what is packed is read as before. */
export const passesBefore = pipeline
  .filter(({ fuses, pass }) => !fuses && pass !== packWeights)
  .map(({ pass }) => pass);

/** Edges are lowered before it; all else may find something in what it made. */
export const passesAfter = (options: PassOptions): PassOptions => ({
  ...options,
  passes: pipeline
    .filter(({ pass, fuses }) => pass.name !== "lower-edges" && (options.fuse !== false || !fuses))
    .map(({ pass }) => pass),
});
