import { readFileSync } from "node:fs";
import { findGguf } from "../../../src/checkpoint/files/gguf.ts";
import { openCheckpoint } from "../../../src/checkpoint/files/open.ts";
import { orThrow, ProblemError } from "../../../src/checkpoint/problem.ts";
import { readConfigFile } from "../../../src/cli/source.ts";
import { ggufConfig } from "../../../src/cli/run/gguf.ts";
import { publishedModel } from "../../../src/cli/run/published.ts";
import { readTokenizer } from "../../../src/cli/run/tokenizer-files.ts";
import { compile } from "../../../src/compile.ts";
import { wasmTarget } from "../../../src/emit/wasm/target.ts";
import { decodingProgram, type DecodingOptions } from "../../../src/incremental/program.ts";
import { Refusal } from "../../../src/incremental/refusal.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import type { Packing } from "../../../src/passes/packing.ts";
import { packingOf, type PackingOptions } from "../../../src/quantize/packing.ts";
import { outputOf } from "../../../src/run/model.ts";
import { packedWeights, storedForms } from "../../../src/run/packed-weights.ts";
import { openSessions, type SessionModel } from "../../../src/run/sessions.ts";
import { tokenInput } from "../../../src/run/tokens.ts";
import { matchWeights, type Weights } from "../../../src/run/weights.ts";
import type { Tokenizer } from "../../../src/text/tokenizer.ts";

/** A published checkpoint, a .gguf file or a folder, as a model of lmg. */
export interface PublishedModel {
  readonly graph: Graph;
  readonly weights: Weights;
  readonly tokenizer: Tokenizer;
  /** The input of tokens, and the output of logits. */
  readonly input: string;
  readonly output: string;
}

/** Opens one; `model` is the .lmg file of its family where lmg has none. Throws what a user would be told. */
export function openPublished(path: string, model?: string): PublishedModel {
  const source =
    model === undefined ? publishedModel(path) : { name: model, text: readFileSync(model, "utf8") };
  if (source === undefined) throw new Error(`${path} is no published checkpoint`);
  const gguf = findGguf(path);
  const config =
    gguf === undefined
      ? readConfigFile(`${path}/config.json`)
      : { config: ggufConfig(gguf), configName: gguf };
  const compiled = compile(source, { ...config, target: wasmTarget });
  if (compiled.model === undefined)
    throw new Error(compiled.diagnostics.map(({ message }) => message).join("\n"));
  const { graph, notNeeded } = compiled.model;
  const found = matchWeights(graph, orThrow(openCheckpoint(path)), { notNeeded });
  if (!("tensors" in found)) throw new ProblemError(found);
  const tokenizer = readTokenizer(path);
  if (tokenizer === undefined) throw new Error(`${path} has no tokenizer`);
  return {
    graph,
    weights: found,
    tokenizer,
    input: orThrow(tokenInput(graph)).name,
    output: outputOf({ graph, tokenizer, output: undefined }),
  };
}

/** How it keeps its weights: as they are stored, if nothing is asked for. */
export const packingFor = ({ graph, weights }: PublishedModel, options: PackingOptions = {}): Packing =>
  packingOf(graph, { stored: storedForms(weights), ...options }).packing;

/** What reads its texts a few tokens at a time. */
export async function openDecoder(
  { graph, weights, output }: PublishedModel,
  packing: Packing,
  threads: number,
  parts: DecodingOptions["parts"] = ["append", "step"],
): Promise<SessionModel> {
  const decoding = decodingProgram(graph, {
    packing,
    target: wasmTarget,
    outputs: new Set([output]),
    parts,
  });
  if (decoding instanceof Refusal) throw decoding;
  return openSessions(decoding, packedWeights(weights, packing), { target: "wasm", threads, logits: output });
}
