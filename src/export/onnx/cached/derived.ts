import { deriveParts, type Parts } from "../../../incremental/parts.ts";
import { beginAnywhere } from "../../../incremental/ragged/begin-anywhere.ts";
import { Refusal as DecodingRefusal } from "../../../incremental/refusal.ts";
import type { Graph, Input } from "../../../ir/graph.ts";
import { keepOutputs } from "../../../ir/keep-outputs.ts";
import { canonicalize } from "../../../passes/canonicalize.ts";
import { deadCode } from "../../../passes/dead-code.ts";
import { lowerEdges } from "../../../passes/lower-edges.ts";
import { runPasses } from "../../../passes/pipeline.ts";
import { shareNodes } from "../../../passes/share.ts";
import { Refused } from "../../table.ts";
import type { OnnxOptions } from "../emit.ts";
import { Exporter } from "../exporter.ts";
import type { OnnxGraph } from "../writer.ts";

/** What exporters for texts call what goes in and out (Optimum, https://huggingface.co/docs/optimum). */
export const IDS = "input_ids";
export const MASK = "attention_mask";
export const LOGITS = "logits";

export interface TextOptions extends OnnxOptions {
  /** The input of token ids, [B, T], of the text that goes on. */
  readonly tokens: Input;
  /** The output that tokens are drawn from. */
  readonly output: string;
}

/** A model as it reads a text a few positions at a time. */
export interface DerivedText {
  /** The whole, with all parameters. */
  readonly plain: Graph;
  readonly parts: Parts;
  /** The part that reads new positions and gives the output of each. */
  readonly graph: Graph;
  /** Whether each text of a batch may begin at a place of its own. */
  readonly isRagged: boolean;
}

/** What does not fuse; heads stay in front of positions, as caches of other engines have them. */
const plainPasses = [lowerEdges, canonicalize, shareNodes, deadCode];

/** Throws Refused. Texts begin at places of their own if that is asked for and the model can. */
export function derivedText(
  graph: Graph,
  { tokens, output }: Pick<TextOptions, "tokens" | "output">,
  asked: { readonly ragged: boolean },
): DerivedText {
  if (tokens.value.type.shape.length !== 2)
    throw new Refused("cache", `\`${tokens.name}\` is no batch of texts [B, T]`);
  const plain = runPasses(keepOutputs(graph, new Set([output])).graph, { passes: plainPasses });
  const symbol = tokens.value.type.shape[1]!.key;
  const begun = asked.ragged ? orUndefined(() => beginAnywhere(plain, symbol).graph) : undefined;
  const parts = derived(begun ?? plain, symbol);
  return { plain, parts, graph: parts.graphs["all"]!, isRagged: begun !== undefined };
}

/** An exporter for a part of a model: inputs, outputs and states are bound by the caller, whose names are taken. */
export const exporterOf = (
  { plain, graph }: Pick<DerivedText, "plain" | "graph">,
  { opset = 23, places }: OnnxOptions,
  names: Iterable<string>,
  onnx?: OnnxGraph,
): Exporter => {
  const own = { ...graph, inputs: [], outputs: [], parameters: plain.parameters };
  const exporter = new Exporter(own, opset, places, onnx);
  for (const name of names) exporter.onnx.names.unique(name);
  return exporter;
};

const orUndefined = <T>(make: () => T): T | undefined => {
  try {
    return make();
  } catch (error) {
    if (error instanceof DecodingRefusal) return undefined;
    throw error;
  }
};

function derived(graph: Graph, symbol: string): Parts {
  try {
    return deriveParts(graph, { symbol, limit: undefined, windows: "whole", parts: ["all"], recompute: 0 });
  } catch (error) {
    if (error instanceof DecodingRefusal) throw new Refused("cache", error.sentence, error.node);
    throw error;
  }
}
