import { ownValue, type JsonObject } from "../../checkpoint/json.ts";
import { Problem } from "../../checkpoint/problem.ts";
import { safetensorsFile } from "../../checkpoint/safetensors.ts";
import type { FileContent } from "../../checkpoint/files.ts";
import { targets, type Switches, type TargetName } from "../../emit/targets.ts";
import { Refusal } from "../../incremental/refusal.ts";
import type { Graph } from "../../ir/graph.ts";
import { pageFiles as ownFiles } from "../../page/files.generated.ts";
import { MANIFEST, type Manifest } from "../../page/manifest.ts";
import type { Packing } from "../../passes/packing.ts";
import { packingOf } from "../../quantize/packing.ts";
import { hasLogits, outputOf } from "../../run/model.ts";
import { packedWeights, storedForms, storedHalves } from "../../run/packed-weights.ts";
import { sessionsPlan } from "../../run/sessions.ts";
import { textDecoding } from "../../run/text-decoder.ts";
import { loadModel } from "../load.ts";
import type { Out } from "../out.ts";
import { readSource, type StdinOptions } from "../places.ts";
import { checkpointConfig, checkpointFolder, openChosenWeights } from "../run/chosen.ts";
import { withTrainedRun } from "../run/trained.ts";
import type { ModelOptions } from "../source.ts";
import { stop } from "../stop.ts";
import type { PageChoice } from "./page-options.ts";
import { textsOf } from "./page-texts.ts";
import { pageWorker } from "./page-worker.ts";

interface PageOptions extends ModelOptions, StdinOptions, PageChoice, Switches {}

/** A file of a page's folder; one that is made in parts says how large it will be. */
export interface PageFile {
  readonly path: string;
  readonly text: FileContent;
  readonly bytes?: number;
}

/** What stands in the folder for a file of weights. */
const WEIGHTS = "model.safetensors";

/** Gives the files of a page, by which it is all that writes texts by a model, to who writes them. */
export async function withPageFiles(
  given: string,
  asked: PageOptions,
  { target, out }: { readonly target: TargetName; readonly out: Out },
  write: (files: readonly PageFile[]) => void,
): Promise<void> {
  const { model: chosen, options } = withTrainedRun(given, asked);
  const source = await readSource(chosen, options, out);
  const config = checkpointConfig(options);
  const { model } = await loadModel(source, options, out, {
    config,
    target: targets[target].target(options),
  });
  const weights = openChosenWeights(model, options, out);
  try {
    const texts = textsOf(options.tokenizer ?? checkpointFolder(options), config?.config, out);
    const { graph } = model;
    const { packing } = packingOf(graph, {
      scheme: options.quantize,
      activations: options.activations ?? "int8",
      stored: storedForms(weights),
      storedHalves: storedHalves(weights),
    });
    const kept = safetensorsFile(packedWeights(weights, packing).tensors);
    const modules = await Promise.all(
      modulesFor(target).map((one) =>
        moduleFile({ graph, packing, tokenizer: texts.tokenizer }, one, options),
      ),
    );
    const manifest: Manifest = {
      name: graph.name,
      modules: modules.map((module) => ({ target: module.target, path: module.path })),
      weights: { path: WEIGHTS, bytes: kept.bytes },
      texts: texts.files.map((file) => file.path),
      ...contextIn(config?.config),
      canChat: texts.canChat,
    };
    write([
      ...ownFiles.map(({ name, text }) => ({ path: name, text })),
      { path: "worker.js", text: await pageWorker() },
      { path: MANIFEST, text: `${JSON.stringify(manifest, null, 2)}\n` },
      ...modules,
      ...texts.files,
      { path: WEIGHTS, text: kept.parts, bytes: kept.bytes },
    ]);
  } finally {
    weights.close();
  }
}

/** What configs call the positions that a model was made for. */
const contextKeys = ["max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"];

function contextIn(config: JsonObject = {}): Pick<Manifest, "context"> {
  const context = contextKeys.map((key) => ownValue(config, key)).find((value) => typeof value === "number");
  return context === undefined ? {} : { context };
}

/** Where there is no GPU, a page for one runs on the processor. */
export const modulesFor = (target: TargetName): readonly TargetName[] =>
  target === "wgsl" ? ["wgsl", "wasm"] : [target];

interface PageModel {
  readonly graph: Graph;
  readonly packing: Packing;
  readonly tokenizer: Parameters<typeof hasLogits>[0]["tokenizer"];
}

/** The module of a target, which does nothing but go on with texts. */
async function moduleFile(
  { graph, packing, tokenizer }: PageModel,
  target: TargetName,
  { fuse = true, output, ...switches }: PageOptions,
): Promise<PageFile & { readonly target: TargetName }> {
  const named = { graph, tokenizer, output: output?.[0] };
  const logits = outputOf(named);
  const decoding = textDecoding(graph, logits, { target, fuse, packing, switches });
  if (decoding instanceof Problem || decoding instanceof Refusal)
    return stop(
      "E839",
      `a page writes a text token by token, which this model does not: ${decoding.message}`,
      "`lmg compile` without --generate writes a module that runs it whole",
    );
  if (!hasLogits(named))
    return stop("E820", `\`${logits}\` has no logits over the vocabulary that tokens could be drawn from`);
  const emit = await targets[target].load();
  const [file] = emit(sessionsPlan(decoding, { target, switches, logits }), {
    types: false,
    switches,
  });
  return { target, path: `model.${target}.js`, text: file!.text };
}
