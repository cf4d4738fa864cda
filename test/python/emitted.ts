import { readdirSync, readFileSync } from "node:fs";
import { publishedModel } from "../../src/cli/run/published.ts";
import { exportTorch, type ExportedFile } from "../../src/export/torch/export.ts";
import type { Refusal } from "../../src/export/table.ts";
import { exportJax, type JaxFile } from "../../src/export/jax/export.ts";
import { exportTransformers, type TransformersFile } from "../../src/export/transformers/export.ts";
import type { Graph, Value } from "../../src/ir/graph.ts";
import { parse } from "../../src/language/parse.ts";
import { lower, type LowerOptions } from "../../src/lower/lower.ts";
import type { ConfigObject } from "../../src/lower/config/file.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import type { Source } from "../../src/support/source.ts";
import { lowerForTraining, type TrainableModel } from "../../src/train/program.ts";

/** Folders with checkpoints of published families, and what transformers computes from them. */
export const goldenFolders: readonly string[] = ["families", "hf"].flatMap((kind) =>
  readdirSync(`test/golden/${kind}`).map((name) => `test/golden/${kind}/${name}`),
);

/** What a model is written as for PyTorch. */
export function torchOf(source: Source, options: LowerOptions = {}): readonly ExportedFile[] | Refusal {
  const { file } = parse(source);
  const { model: train } = lowerForTraining(file, options);
  if (train !== undefined) return exported(train.training.graph, train, source);
  const { model, diagnostics } = lower(file, { ...options, training: true });
  if (model === undefined) throw new Error(diagnostics.map((each) => showDiagnostic(each)).join("\n"));
  return exported(model.graph, undefined, source);
}

const exported = (graph: Graph, train: TrainableModel | undefined, { name: source }: Source) =>
  exportTorch({ graph, train, source, version: "0.0.0" });

/** model.py of a text that is not refused. */
export function modelPy(source: Source, options: LowerOptions = {}): string {
  return textOf(torchOf(source, options));
}

function textOf(made: readonly ExportedFile[] | Refusal): string {
  if ("reason" in made) throw new Error(`${made.reason}: ${made.detail}`);
  return made.find(({ path }) => path === "model.py")!.text;
}

export const exampleSource = (name: string): Source => ({
  name: `examples/${name}.lmg`,
  text: readFileSync(`examples/${name}.lmg`, "utf8"),
});

const configOf = (folder: string): ConfigObject =>
  JSON.parse(readFileSync(`${folder}/config.json`, "utf8")) as ConfigObject;

/** model.py of a golden's family with its config. */
export function goldenModelPy(folder: string): string {
  const source = publishedModel(folder)!;
  const { model } = lower(parse(source).file, { config: configOf(folder), training: true });
  return textOf(exported(model!.graph, undefined, source));
}

/** The code of a model for transformers, as it trains. */
export function transformersOf(
  source: Source,
  options: LowerOptions = {},
): readonly TransformersFile[] | Refusal {
  const dropout = new Map<Value, number>();
  const wholeAttention = (result: Value, rate: number): void => void dropout.set(result, rate);
  const { model, diagnostics } = lower(parse(source).file, { ...options, training: true, wholeAttention });
  if (model === undefined) throw new Error(diagnostics.map((each) => showDiagnostic(each)).join("\n"));
  return exportTransformers({ graph: model.graph, dropout, source: source.name, version: "0.0.0" });
}

/** What a model is written as for JAX. */
export function jaxOf(source: Source, options: LowerOptions = {}): readonly JaxFile[] | Refusal {
  const { file } = parse(source);
  const { model: train } = options.config === undefined ? lowerForTraining(file, options) : {};
  const graph = train?.training.graph ?? lower(file, { ...options, training: true }).model!.graph;
  return exportJax({ graph, train, source: source.name, version: "0.0.0" });
}

/** The same of a golden's family with its config. */
export const goldenJax = (folder: string): readonly JaxFile[] | Refusal =>
  jaxOf(publishedModel(folder)!, { config: configOf(folder) });

/** Code for transformers of a golden's family with its config. */
export const goldenTransformers = (folder: string): readonly TransformersFile[] | Refusal =>
  transformersOf(publishedModel(folder)!, { config: configOf(folder) });
