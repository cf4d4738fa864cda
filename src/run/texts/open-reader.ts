import { ownValue, type JsonObject } from "../../checkpoint/json.ts";
import { Problem } from "../../checkpoint/problem.ts";
import { targets, type TargetName } from "../../emit/targets.ts";
import { decodingProgram } from "../../incremental/program.ts";
import { Refusal } from "../../incremental/refusal.ts";
import type { Graph, Input } from "../../ir/graph.ts";
import type { KeptOutputs } from "../../ir/keep-outputs.ts";
import { runPasses } from "../../passes/pipeline.ts";
import { planGraph } from "../../plan/build.ts";
import { smallest } from "../../support/lists.ts";
import type { EngineOptions } from "../engine-options.ts";
import type { Engine } from "../engine.ts";
import { openEngine } from "../engines.ts";
import { interpreterEngine } from "../interpreter-engine.ts";
import { findTokenizer } from "../tokenizer.ts";
import { contextOf, findTokenInput, tableRows } from "../tokens.ts";
import { matchWeights } from "../weights.ts";
import { configOf, Members, reading, within, type CheckpointFiles } from "./files.ts";
import { TextReader, type ReaderInputs, type ReaderParts } from "./reader.ts";

/** How texts are read, and by what. */
export interface ReaderOptions extends EngineOptions {
  /** What runs the model. Default: wasm. */
  readonly target?: TargetName;
  /** Interprets the graph in float64 instead. */
  readonly interpret?: boolean;
  /** False leaves steps as they are, for comparison. Default: true. */
  readonly fuse?: boolean;
}

/** What is opened: a part of a model with one output, and the checkpoint's files. */
export interface ReaderSource {
  readonly kept: KeptOutputs;
  readonly files: CheckpointFiles;
  /** The folder of the model within the checkpoint's. */
  readonly folder: string;
  /** The most tokens of a text, where it is said. */
  readonly longest?: number | undefined;
  /** Tensors that the part is made without. */
  readonly ignore?: readonly string[];
}

/** Opens what reads texts: weights, engine and tokenizer of a checkpoint; `close` it. */
export async function openReader(
  { kept, files, folder, longest, ignore = [] }: ReaderSource,
  options: ReaderOptions,
): Promise<TextReader | Problem | readonly Problem[]> {
  const { graph, notNeeded } = kept;
  const said = reading(() => readingOf(files, folder));
  if (said instanceof Problem) return said;
  const ids = findTokenInput(graph)!;
  const inputs = inputsOf(graph, ids, said.hasTypes);
  const most = Math.min(longest ?? said.longest, contextOf(graph, ids));
  const checkpoint = files.weights(folder);
  if (checkpoint instanceof Problem) return checkpoint;
  const weights = matchWeights(graph, checkpoint, { notNeeded, ignore });
  if (!("tensors" in weights)) return weights;
  try {
    const engine = await engineOf(kept, weights, options);
    if (engine instanceof Problem) return engine;
    return new TextReader({ ...said, graph, engine, inputs, longest: most });
  } finally {
    weights.close();
  }
}

/** What the files say of how texts are read: the tokenizer, the most tokens, which id is padding, whether tokens have types. */
function readingOf(
  files: CheckpointFiles,
  folder: string,
): Problem | (Pick<ReaderParts, "tokenizer" | "padding" | "longest"> & { readonly hasTypes: boolean }) {
  const at = (name: string): string => within(folder, name);
  const tokenizer = findTokenizer(
    (name) => files.json(at(name)),
    undefined,
    (name) => files.nameOf(at(name)),
  );
  if (tokenizer instanceof Problem) return tokenizer;
  if (tokenizer === undefined)
    return new Problem(
      "E741",
      `${files.nameOf(at("tokenizer.json"))} is not there: texts need a tokenizer`,
      "`AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)` of transformers writes tokenizer.json",
    );
  const own = new Members(files, at("tokenizer_config.json"));
  const config = configOf(files, folder);
  const names = own.value("model_input_names");
  const limits = [own.value("model_max_length"), ownValue(config, "max_position_embeddings")];
  const padding = ownValue(config, "pad_token_id");
  return {
    tokenizer,
    padding: typeof padding === "number" ? padding : 0,
    // As `Transformer` of sentence-transformers; a tokenizer without a limit says 1e30.
    longest: smallest(limits.map((limit) => (typeof limit === "number" && limit > 0 ? limit : Infinity))),
    hasTypes: Array.isArray(names) ? names.includes("token_type_ids") : givesTypes(own, config),
  };
}

/**
 * Whether a tokenizer whose file is silent of it gives types: of the classes of transformers 5 those of BERT do, which also read
 * for ELECTRA; a class that stands for any gives none.
 */
function givesTypes(own: Members, config: JsonObject): boolean {
  const named = own.text("tokenizer_class");
  if (named !== undefined) return /^(Bert|Electra)Tokenizer(Fast)?$/.test(named);
  const family = ownValue(config, "model_type");
  return family === "bert" || family === "electra";
}

function inputsOf(graph: Graph, ids: Input, hasTypes: boolean): ReaderInputs {
  const inputOf = (name: string): Input | undefined => graph.inputs.find((input) => input.name === name);
  const [mask, types] = [inputOf("attention_mask"), inputOf("token_type_ids")];
  return {
    ids,
    mask,
    // A table of one type has no row for a second.
    types: hasTypes && types !== undefined && tableRows(graph, types) > 1 ? types : undefined,
    pads: mask !== undefined || isCausal(graph, ids),
  };
}

/** Whether a position sees those before it alone: then the model can be run a few positions at a time. */
const isCausal = (graph: Graph, ids: Input): boolean =>
  !(decodingProgram(graph, { symbol: ids.value.type.shape.at(-1)!.key, parts: ["all"] }) instanceof Refusal);

async function engineOf(
  { graph, notNeeded }: KeptOutputs,
  weights: Exclude<ReturnType<typeof matchWeights>, readonly Problem[]>,
  { target = "wasm", interpret = false, fuse = true, ...options }: ReaderOptions,
): Promise<Engine | Problem> {
  if (interpret) return interpreterEngine(graph, weights);
  const made = targets[target].target(options.switches ?? {});
  const plan = planGraph(runPasses(graph, { fuse, target: made }), { target: made, notNeeded });
  return openEngine(target, plan, weights, options);
}
