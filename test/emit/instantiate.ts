import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import type { FloatFormat } from "../../src/emit/ts/storage.ts";
import { planGraph } from "../../src/plan/build.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Plan, ProgramPlan } from "../../src/plan/plan.ts";
import type { HostTensor } from "../../src/tensor/host.ts";

interface Tensor {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

type Dims = Readonly<Record<string, number>>;

/** A function for each part of the model, and what a model with state has beside them. */
export type Model<Part extends string = "run"> = Readonly<
  Record<Part, (inputs: Readonly<Record<string, Tensor>>, dims?: Dims) => Record<string, Tensor>>
> & {
  readonly readState: () => Record<string, Tensor>;
  readonly writeState: (state: Tensors) => void;
};

type Tensors = Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>;

interface ModelOptions {
  readonly ignore?: readonly RegExp[];
  readonly prefix?: string;
  readonly dims?: Dims;
}

/** What an emitted module exports, as far as tests use it. */
export interface EmittedModule<Part extends string = "run"> {
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly createModel: (weights: Tensors, options?: ModelOptions) => Model<Part>;
  readonly loadSafetensors: (bytes: Uint8Array | ArrayBuffer, options?: ModelOptions) => Model<Part>;
  readonly readSafetensors: (bytes: Uint8Array | ArrayBuffer) => Map<string, Tensor>;
  readonly WeightsError: new (problems: readonly string[]) => Error;
  readonly InputError: new (message: string) => Error;
}

/** Imports JavaScript text as a module. */
export const importText = async <Part extends string = "run">(text: string): Promise<EmittedModule<Part>> =>
  (await import(
    /* @vite-ignore */ `data:text/javascript;base64,${Buffer.from(text).toString("base64")}`
  )) as EmittedModule<Part>;

/** The emitted module of a plan, imported from its JavaScript form. */
export const instantiate = <Part extends string = "run">(
  plan: Plan | ProgramPlan,
): Promise<EmittedModule<Part>> => importText<Part>(emitTypeScript(plan, { types: false }).files[0]!.text);

type HostTensors = Readonly<Record<string, HostTensor>>;

/** Plans, emits and runs a graph, in float32 if nothing else is said. */
export async function runEmitted(
  graph: Graph,
  bindings: { readonly inputs: HostTensors; readonly parameters: HostTensors },
  floats: FloatFormat = "f32",
): Promise<Record<string, Tensor>> {
  const module = await importText(emitTypeScript(planGraph(graph), { types: false, floats }).files[0]!.text);
  return module.createModel(bindings.parameters).run(bindings.inputs);
}
