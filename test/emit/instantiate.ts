import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import type { FloatFormat } from "../../src/emit/ts/storage.ts";
import { planGraph } from "../../src/plan/build.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { HostTensor } from "../../src/tensor/host.ts";

interface Tensor {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

interface Model {
  readonly run: (inputs: Readonly<Record<string, Tensor>>) => Record<string, Tensor>;
}

interface WeightOptions {
  readonly ignore?: readonly RegExp[];
  readonly prefix?: string;
}

/** What an emitted module exports, as far as tests use it. */
export interface EmittedModule {
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly createModel: (
    weights: Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>,
    options?: WeightOptions,
  ) => Model;
  readonly loadSafetensors: (bytes: Uint8Array | ArrayBuffer, options?: WeightOptions) => Model;
  readonly readSafetensors: (bytes: Uint8Array | ArrayBuffer) => Map<string, Tensor>;
  readonly WeightsError: new (problems: readonly string[]) => Error;
  readonly InputError: new (message: string) => Error;
}

/** Imports JavaScript text as a module. */
export const importText = async (text: string): Promise<EmittedModule> =>
  (await import(
    /* @vite-ignore */ `data:text/javascript;base64,${Buffer.from(text).toString("base64")}`
  )) as EmittedModule;

/** The emitted module of a plan, imported from its JavaScript form. */
export const instantiate = (plan: Plan): Promise<EmittedModule> =>
  importText(emitTypeScript(plan, { types: false }).files[0]!.text);

type Tensors = Readonly<Record<string, HostTensor>>;

/** Plans, emits and runs a graph, in float32 if nothing else is said. */
export async function runEmitted(
  graph: Graph,
  bindings: { readonly inputs: Tensors; readonly parameters: Tensors },
  floats: FloatFormat = "f32",
): Promise<Record<string, Tensor>> {
  const module = await importText(emitTypeScript(planGraph(graph), { types: false, floats }).files[0]!.text);
  return module.createModel(bindings.parameters).run(bindings.inputs);
}
