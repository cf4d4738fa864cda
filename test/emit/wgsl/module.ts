/// <reference types="@webgpu/types" />
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emitWgsl, type WgslOptions } from "../../../src/emit/wgsl/emit.ts";
import { planGraph } from "../../../src/plan/build.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import type { Plan, ProgramPlan } from "../../../src/plan/plan.ts";
import type { HostTensor } from "../../../src/tensor/host.ts";

export interface Tensor {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

type Tensors = Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>;

type Dims = Readonly<Record<string, number>>;

/** A function for each part of the model, and what a model with state has beside them. */
export type Model<Part extends string = "run"> = Readonly<
  Record<Part, (inputs: Readonly<Record<string, Tensor>>, dims?: Dims) => Promise<Record<string, Tensor>>>
> & {
  readonly destroy: () => void;
  readonly readState: () => Promise<Record<string, Tensor>>;
  readonly writeState: (state: Tensors) => Promise<void>;
};

/** What an emitted module exports, as far as tests use it. */
export interface EmittedModule<Part extends string = "run"> {
  readonly requiredFeatures: readonly GPUFeatureName[];
  readonly createModel: (
    device: GPUDevice,
    weights: Tensors,
    options?: { readonly ignore?: readonly RegExp[]; readonly dims?: Dims },
  ) => Promise<Model<Part>>;
  readonly loadSafetensors: (device: GPUDevice, bytes: Uint8Array) => Promise<Model<Part>>;
  readonly readSafetensors: (bytes: Uint8Array) => Map<string, Tensor>;
  readonly WeightsError: new (problems: readonly string[]) => Error;
  readonly InputError: new (message: string) => Error;
  readonly DeviceError: new (message: string) => Error;
}

/** The emitted module of a plan, imported from its JavaScript form. */
export const instantiate = <Part extends string = "run">(
  plan: Plan | ProgramPlan,
  options: WgslOptions = {},
): Promise<EmittedModule<Part>> =>
  importText<Part>(emitWgsl(plan, { ...options, types: false }).files[0]!.text);

/** Imports JavaScript text as a module. */
export async function importText<Part extends string = "run">(text: string): Promise<EmittedModule<Part>> {
  // A file and no data: URL, which would stand whole in every stack trace.
  const folder = mkdtempSync(join(tmpdir(), "lmg-wgsl-"));
  const path = join(folder, "model.mjs");
  writeFileSync(path, text);
  const module = (await import(/* @vite-ignore */ path)) as EmittedModule<Part>;
  rmSync(folder, { recursive: true });
  return module;
}

export interface Bindings {
  readonly inputs: Readonly<Record<string, HostTensor>>;
  readonly parameters: Readonly<Record<string, HostTensor>>;
}

/** Plans, emits and runs a graph on a device. */
export async function runOn(
  device: GPUDevice,
  graph: Graph,
  { inputs, parameters }: Bindings,
  options: WgslOptions = {},
): Promise<Record<string, Tensor>> {
  const module = await instantiate(planGraph(graph), options);
  const model = await module.createModel(device, parameters);
  const outputs = await model.run(inputs);
  model.destroy();
  return outputs;
}
