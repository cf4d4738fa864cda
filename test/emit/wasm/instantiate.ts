import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emitWasm, type WasmOptions } from "../../../src/emit/wasm/emit.ts";
import { wasmTarget } from "../../../src/emit/wasm/target.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import { planGraph } from "../../../src/plan/build.ts";
import type { Plan, ProgramPlan } from "../../../src/plan/plan.ts";
import type { HostTensor } from "../../../src/tensor/host.ts";
import type { WeightFile } from "../../../src/weights/bytes.ts";
import type { LoadOptions, StreamedSource } from "../../../src/weights/stream.ts";

export interface Tensor {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

export type Tensors = Readonly<Record<string, Tensor>>;
type Dims = Readonly<Record<string, number>>;

export interface CreateOptions extends LoadOptions {
  readonly ignore?: readonly RegExp[];
  readonly prefix?: string;
  readonly dims?: Dims;
  readonly threads?: number;
}

/** A function for each part of the model, and what a model with state has beside them. */
export type Model<Part extends string = "run"> = Readonly<
  Record<
    Part,
    (
      inputs: Tensors,
      ...more: readonly (Dims | { readonly signal?: AbortSignal })[]
    ) => Promise<Record<string, Tensor>>
  >
> & {
  readonly readState: () => Promise<Record<string, Tensor>>;
  readonly writeState: (state: Tensors) => Promise<void>;
  readonly close: () => void;
};

/** What an emitted module exports, as far as tests use it. */
export interface EmittedModule<Part extends string = "run"> {
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly createModel: (weights: Tensors | StreamedSource, options?: CreateOptions) => Promise<Model<Part>>;
  readonly loadSafetensors: (
    source: WeightFile | readonly WeightFile[],
    options?: CreateOptions,
  ) => Promise<Model<Part>>;
  readonly readSafetensors: (bytes: Uint8Array | ArrayBuffer) => Map<string, Tensor>;
  readonly WeightsError: new (problems: readonly string[]) => Error;
  readonly InputError: new (message: string) => Error;
  readonly EngineError: new (message: string) => Error;
}

/** Imports JavaScript text as a module. */
export async function importText<Part extends string = "run">(text: string): Promise<EmittedModule<Part>> {
  // A file and no data: URL, which would stand whole in every stack trace.
  const folder = mkdtempSync(join(tmpdir(), "lmg-wasm-"));
  const path = join(folder, "model.mjs");
  writeFileSync(path, text);
  const module = (await import(/* @vite-ignore */ path)) as EmittedModule<Part>;
  rmSync(folder, { recursive: true });
  return module;
}

/** The emitted module of a plan, imported from its JavaScript form. */
export const instantiate = <Part extends string = "run">(
  plan: Plan | ProgramPlan,
  options: WasmOptions = {},
): Promise<EmittedModule<Part>> =>
  importText<Part>(emitWasm(plan, { ...options, types: false }).files[0]!.text);

interface Bindings {
  readonly inputs: Readonly<Record<string, HostTensor>>;
  readonly parameters: Readonly<Record<string, HostTensor>>;
}

/** Plans, emits and runs a graph in some threads. */
export async function runWasm(
  graph: Graph,
  { inputs, parameters }: Bindings,
  threads = 1,
): Promise<Record<string, Tensor>> {
  const { createModel } = await instantiate(planGraph(graph, { target: wasmTarget }));
  const model = await createModel(parameters, { threads });
  try {
    return await model.run(inputs);
  } finally {
    model.close();
  }
}
