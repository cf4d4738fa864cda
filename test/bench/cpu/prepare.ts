import { closeSync, copyFileSync, mkdirSync, openSync, symlinkSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { writeSafetensors } from "../../../src/checkpoint/safetensors.ts";
import type { StoredTensor } from "../../../src/checkpoint/stored.ts";
import { targets, type TargetName } from "../../../src/emit/targets.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import { randomInputs } from "../../../src/ir/initialize.ts";
import { passes, runPasses } from "../../../src/passes/pipeline.ts";
import { planGraph } from "../../../src/plan/build.ts";
import type { Plan } from "../../../src/plan/plan.ts";
import { exportOnnx } from "../onnx/export.ts";
import type { Form, Weight } from "../onnx/exporter.ts";
import type { Model, Run } from "./job.ts";
import { listGraph, type Listing } from "./listing.ts";

/** Where the forms of a model lie: what a peer is told to load. */
export interface ModelFiles {
  readonly weights: string;
  /** The emitted module of each target. */
  readonly modules: Readonly<Partial<Record<TargetName, string>>>;
  readonly onnx: Readonly<Record<Form, string>>;
  /** A folder as Hugging Face's libraries publish one. */
  readonly published?: string;
}

/** What a peer is told to run. */
export interface RunFiles {
  /** Whole numbers and masks lie as int32 in the file of tensors. */
  readonly inputs: readonly { readonly name: string; readonly dtype: string }[];
  readonly file: string;
  readonly output: string;
  readonly graph: Listing;
}

/** The graph after the passes up to one of them, by its name. */
const after = (graph: Graph, last: string): Graph =>
  runPasses(graph, { passes: passes.slice(0, passes.findIndex(({ name }) => name === last) + 1) });

/** What lmg makes of it for a target, as `lmg compile` does. */
export function planFor(
  { graph, notNeeded = [] }: Pick<Model, "graph" | "notNeeded">,
  name: TargetName,
): Plan {
  const target = targets[name].target({});
  return planGraph(runPasses(graph, { target, verify: true }), { target, notNeeded });
}

/** The module of a target, as `lmg compile` writes it. */
export async function moduleOf(model: Pick<Model, "graph" | "notNeeded">, name: TargetName): Promise<string> {
  const emit = await targets[name].load();
  return emit(planFor(model, name), { types: false })[0]!.text;
}

/** The forms that onnxruntime is offered, and after which pass each is written down. */
const forms = { plain: "heads-last", fused: "fuse-add-norm" } as const satisfies Record<Form, string>;

export async function writeModel(
  model: Model,
  kernels: readonly TargetName[],
  folder: string,
): Promise<ModelFiles> {
  mkdirSync(folder);
  const weights = model.weights();
  const files = {
    weights: join(folder, "weights.safetensors"),
    onnx: { plain: join(folder, "plain.onnx"), fused: join(folder, "fused.onnx") },
    modules: {} as Partial<Record<TargetName, string>>,
  };
  const tensors = Object.entries(weights).map(
    ([name, { shape, data }]) => [name, stored("f32", shape, data)] as const,
  );
  writeFileSync(files.weights, writeSafetensors(new Map(tensors)));
  for (const name of kernels) {
    const path = join(folder, `${name}.mjs`);
    writeFileSync(path, await moduleOf(model, name));
    files.modules[name] = path;
  }
  for (const form of ["plain", "fused"] as const) writeOnnx(model.graph, weights, form, files.onnx[form]);
  if (model.published === undefined) return files;
  return { ...files, published: publishedFolder(folder, model.published, files.onnx.plain) };
}

const stored = (
  dtype: "f32" | "i32",
  shape: readonly number[],
  { buffer, byteOffset, byteLength }: Float32Array | Int32Array,
): StoredTensor => ({ dtype, shape, bytes: new Uint8Array(buffer, byteOffset, byteLength) });

/** The ONNX model of a form, in parts that lie one after another. */
export const onnxParts = (
  graph: Graph,
  weights: Readonly<Record<string, Weight>>,
  form: Form,
): readonly Uint8Array[] => exportOnnx(after(graph, forms[form]), weights, form);

function writeOnnx(graph: Graph, weights: Readonly<Record<string, Weight>>, form: Form, path: string): void {
  const file = openSync(path, "w");
  for (const part of onnxParts(graph, weights, form)) writeSync(file, part);
  closeSync(file);
}

function publishedFolder(folder: string, from: string, onnx: string): string {
  const published = join(folder, "published");
  mkdirSync(join(published, "onnx"), { recursive: true });
  copyFileSync(join(from, "config.json"), join(published, "config.json"));
  symlinkSync(onnx, join(published, "onnx/model.onnx"));
  return published;
}

/** The seed of the inputs. */
const SEED = 2;

/** Inputs at random, but for masks: all of a text is seen. */
export function writeRun({ graph }: Model, { sizes }: Run, path: string): RunFiles {
  const tensors = Object.entries(randomInputs(graph, sizes, SEED)).map(
    ([name, { dtype, shape, data }]): [string, StoredTensor] => {
      if (dtype === "f32") return [name, stored("f32", shape, Float32Array.from(data))];
      return [name, stored("i32", shape, Int32Array.from(dtype === "bool" ? data.fill(1) : data))];
    },
  );
  writeFileSync(path, writeSafetensors(new Map(tensors)));
  return {
    inputs: graph.inputs.map(({ name, value }) => ({ name, dtype: value.type.dtype })),
    file: path,
    output: graph.outputs[0]!.name,
    graph: listGraph(after(graph, forms.plain), new Map(Object.entries(sizes))),
  };
}
