import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openCheckpoint } from "../../../src/checkpoint/files/open.ts";
import { readJsonFile } from "../../../src/checkpoint/files/json.ts";
import { orThrow } from "../../../src/checkpoint/problem.ts";
import { toFloat32 } from "../../../src/checkpoint/stored.ts";
import { compile, type CompileOptions } from "../../../src/compile.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import { randomParameters } from "../../../src/ir/initialize.ts";
import { matchWeights } from "../../../src/run/weights.ts";
import { showDiagnostic } from "../../../src/support/diagnostic.ts";
import type { Weight } from "../onnx/exporter.ts";
import type { Job, Model, Row } from "./job.ts";

const examples = join(import.meta.dirname, "../../../examples");

/** Draws every parameter: weights that nobody trained take as long. */
const SEED = 1;

/** Six layers of float32 sums differ by some 3e-7, twelve by some 5e-6. */
export const MODEL_ROUNDING = 5e-5;

function lowered(example: string, options: CompileOptions): Pick<Model, "graph" | "notNeeded"> {
  const path = join(examples, `${example}.lmg`);
  const { model, diagnostics } = compile({ name: path, text: readFileSync(path, "utf8") }, options);
  if (model === undefined) throw new Error(diagnostics.map((each) => showDiagnostic(each)).join("\n"));
  return model;
}

/** Random weights, as float32. */
export const randomWeights = (graph: Graph): Readonly<Record<string, Weight>> =>
  Object.fromEntries(
    Object.entries(randomParameters(graph, SEED)).map(([name, { shape, data }]) => [
      name,
      { shape, data: Float32Array.from(data) },
    ]),
  );

function published(folder: string, { graph, notNeeded = [] }: Pick<Model, "graph" | "notNeeded">) {
  const weights = matchWeights(graph, orThrow(openCheckpoint(folder)), { notNeeded });
  if (!("tensors" in weights)) throw new Error(weights.map(({ message }) => message).join("\n"));
  const tensors = [...weights.tensors].map(([name, tensor]): [string, Weight] => [
    name,
    { shape: tensor.shape, data: toFloat32(tensor.read()) },
  ]);
  weights.close();
  return Object.fromEntries(tensors);
}

const rowsOf = (name: string, sizes: readonly Readonly<Record<string, number>>[]): readonly Row[] =>
  sizes.map((each) => ({
    name: `${name}, ${showSizes(each)}`,
    from: "model",
    runs: [{ model: 0, sizes: each }],
    calls: 1,
  }));

const firstOutput = (name: string, sizes: Readonly<Record<string, number>>): Row => ({
  name: `${name}, first output, ${showSizes(sizes)}`,
  from: "start",
  runs: [{ model: 0, sizes }],
  calls: 1,
});

const showSizes = (sizes: Readonly<Record<string, number>>): string =>
  Object.entries(sizes)
    .map(([symbol, size]) => `${symbol} = ${size}`)
    .join(", ");

const texts = (...sizes: readonly (readonly [B: number, T: number])[]) => sizes.map(([B, T]) => ({ B, T }));

function random(
  name: string,
  example: string,
  settings: Readonly<Record<string, number | boolean>>,
  sizes: readonly Readonly<Record<string, number>>[],
): Job {
  const model = lowered(example, { settings });
  return {
    name,
    models: [{ ...model, weights: () => randomWeights(model.graph) }],
    rows: rowsOf(name, sizes),
    tolerance: MODEL_ROUNDING,
  };
}

/** A published BERT, of which sentence embeddings take the hidden states. */
export function publishedBert(folder: string): Model {
  const config = orThrow(readJsonFile(join(folder, "config.json")));
  const model = lowered("bert", { config, outputs: ["hidden_states"] });
  return { ...model, weights: () => published(folder, model), published: folder };
}

/** The rows of the published all-MiniLM-L6-v2. */
export const miniLmRows: readonly Row[] = [
  ...rowsOf("MiniLM", texts([1, 16], [1, 128], [8, 16], [8, 128])),
  firstOutput("MiniLM", { B: 1, T: 16 }),
];

const miniLm = (folder: string): Job => ({
  name: "MiniLM",
  models: [publishedBert(folder)],
  rows: miniLmRows,
  tolerance: MODEL_ROUNDING,
});

/** Whole models, from ids or pixels to logits; `miniLmFolder` is where the published one lies. */
export const modelJobs = (miniLmFolder: string | undefined): readonly (() => Job)[] => [
  ...(miniLmFolder === undefined ? [] : [() => miniLm(miniLmFolder)]),
  () => {
    const job = random("GPT-2 small", "gpt2", {}, texts([1, 1], [1, 128]));
    return { ...job, rows: [...job.rows, firstOutput("GPT-2 small", { B: 1, T: 16 })] };
  },
  () =>
    random(
      "Llama 110M",
      "llama",
      { dim: 768, hidden: 2048, depth: 12, heads: 12, tied: true },
      texts([1, 1], [1, 128]),
    ),
  () => random("digits", "digits", {}, [{ B: 1 }, { B: 32 }]),
  () => random("small language model", "chars", {}, texts([1, 64], [12, 64])),
];
