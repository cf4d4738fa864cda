import { basename, dirname, join } from "node:path";
import { makeFolder } from "../../checkpoint/files/folders.ts";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import { ownValue } from "../../checkpoint/json.ts";
import { quote, quotePath } from "../../checkpoint/problem.ts";
import { exportTransformers } from "../../export/transformers/export.ts";
import type { Value } from "../../ir/graph.ts";
import { publishedNames } from "../../ir/stacks.ts";
import { parse } from "../../language/parse.ts";
import { lower, type LoweredModel } from "../../lower/lower.ts";
import { isError } from "../../support/diagnostic.ts";
import type { Out } from "../out.ts";
import { readSource, type StdinOptions } from "../places.ts";
import {
  checkpointConfig,
  checkpointFolder,
  openChosenWeights,
  openNamed,
  type WeightChoice,
} from "../run/chosen.ts";
import { readTextIfThere } from "../run/tokenizer-files.ts";
import { withTrainedRun } from "../run/trained.ts";
import { lowerOptions, readConfigFile, type ModelOptions } from "../source.ts";
import { showDiagnostics, stop, Stop } from "../stop.ts";
import { runFiles } from "../train/folder.ts";
import { version } from "../version.ts";
import { linked, written, type FolderFile } from "./folder-files.ts";
import { refusalDiagnostic } from "./refusal.ts";

export interface TransformersChoice extends ModelOptions, StdinOptions, WeightChoice {
  readonly out: string;
}

/**
 * The folder that `from_pretrained(folder, trust_remote_code=True)` takes: the model's classes, its config and, of a run or a
 * checkpoint, its weights and tokenizer. Weights are not copied.
 */
export async function compileTransformers(
  given: string,
  asked: TransformersChoice,
  out: Out,
): Promise<readonly FolderFile[]> {
  const { model: chosen, options } = withTrainedRun(given, asked);
  const source = await readSource(chosen, options, out);
  const { file, diagnostics: syntax } = parse(source);
  if (syntax.some(isError)) throw new Stop(syntax);
  const dropout = new Map<Value, number>();
  const { model, diagnostics } = lower(file, {
    ...lowerOptions(source.name, options),
    ...checkpointConfig(options),
    training: true,
    wholeAttention: (result, rate) => void dropout.set(result, rate),
  });
  if (model === undefined || diagnostics.some(isError)) throw new Stop(diagnostics);
  showDiagnostics(diagnostics, out);
  const made = exportTransformers({ graph: model.graph, dropout, source: source.name, version: version() });
  if ("reason" in made) throw new Stop([refusalDiagnostic("transformers", made)]);
  requireOwnConfig(options.out, made);
  const links =
    options.weights === undefined ? [] : weightFiles(model, { ...options, weights: options.weights }, out);
  const unmade = makeFolder(options.out);
  if (unmade !== undefined) throw new Stop([unmade]);
  return [
    ...[...made, ...besideWeights(options)].map(({ path, text }) => written(join(options.out, path), text)),
    ...links.map((path) => linked(path, join(options.out, basename(path)))),
  ];
}

/** A config of a published checkpoint is not written over. */
function requireOwnConfig(
  folder: string,
  made: readonly { readonly path: string; readonly text: string }[],
): void {
  const path = join(folder, runFiles.config);
  if (kindOfPath(path) !== "file") return;
  const own = JSON.parse(made.find((each) => each.path === runFiles.config)!.text) as { model_type: string };
  const found = ownValue(readConfigFile(path).config, "model_type");
  if (found === own.model_type) return;
  stop(
    "E700",
    `cannot write ${quotePath(path)}: the config of another model is there`,
    "name another folder with -o",
  );
}

/** The files of safetensors that the weights lie in, each tensor by the name that the model has for it. */
function weightFiles(
  model: LoweredModel,
  options: TransformersChoice & { readonly weights: string },
  out: Out,
): readonly string[] {
  const { tensors, close } = openChosenWeights(model, options, out);
  close();
  const places = [...tensors].map(([name, { places: own = [], quantized }]) => ({ name, own, quantized }));
  const odd = places.find(({ own, quantized }) => own.length === 0 || quantized !== undefined);
  if (odd !== undefined)
    return stop(
      "E845",
      `${quote(odd.name)} lies in no file as numbers: it is stored as codes, in a GGUF file, or merged of several`,
      "transformers is given safetensors of f32, f16 or bf16 as they are",
    );
  const stored = openNamed(options);
  const names = new Set(stored.tensors.keys());
  stored.close();
  const missing = model.graph.parameters.find(
    (each) => !publishedNames(each).some((name) => names.has(name)),
  );
  if (missing !== undefined)
    return stop(
      "E845",
      `the weights have ${quote(missing.name)} under another name, which transformers would not find`,
      "train the model, or write its weights by its own names",
    );
  const files = [...new Set(places.flatMap(({ own }) => own.map(({ path }) => path)))];
  const index = join(dirname(files[0]!), "model.safetensors.index.json");
  return files.length > 1 && kindOfPath(index) === "file" ? [...files, index] : files;
}

/** The tokenizer and what generation asks, as they stand beside the weights. */
function besideWeights(
  options: TransformersChoice,
): readonly { readonly path: string; readonly text: string }[] {
  const folder = checkpointFolder(options);
  if (folder === undefined) return [];
  const names = [
    runFiles.tokenizer,
    runFiles.tokenizerConfig,
    runFiles.generationConfig,
    "special_tokens_map.json",
  ];
  return names.flatMap((path) => {
    const text =
      join(folder, path) === join(options.out, path) ? undefined : readTextIfThere(join(folder, path));
    return text === undefined ? [] : [{ path, text }];
  });
}
