import { Problem } from "../checkpoint/problem.ts";
import { importModule, type DeviceModel, type DeviceModule, type EmittedWeights } from "../emit/emitted.ts";
import { emitWgsl, type WgslOptions } from "../emit/wgsl/emit.ts";
import type { Plan } from "../plan/plan.ts";
import { plural } from "../support/text.ts";
import { attempt } from "./attempt.ts";
import { openDevice, type FindAdapter } from "./device.ts";
import type { LoadOptions } from "../weights/stream.ts";
import type { Engine } from "./engine.ts";
import { loadOptionsOf } from "./engine-options.ts";
import { emittedInputs, hostOutputs, streamedWeights } from "./tensors.ts";
import type { Weights } from "./weights.ts";

/** Emits the plan as a WebGPU module, imports it, and gives it a device of the adapter and the weights. */
export async function webgpuEngine(
  plan: Plan,
  weights: Weights,
  find: FindAdapter,
  { loading = {}, ...options }: WgslOptions & { readonly loading?: LoadOptions } = {},
): Promise<Engine | Problem> {
  const opened = await openDeviceModel(plan, streamedWeights(weights), find, options, loading);
  if (opened instanceof Problem) return opened;
  const { model, adapter, close } = opened;
  return {
    description: `plan of ${plural(plan.steps.length, "step")} on ${adapter}`,
    run: (inputs) => attempt(async () => hostOutputs(plan, await model.run(emittedInputs(inputs)))),
    close,
  };
}

/** A model on a device, and the adapter as the user is told of it. */
export interface OpenDeviceModel {
  readonly model: DeviceModel;
  readonly adapter: string;
  readonly close: () => void;
}

/** The same as the module has it: tensors as modules take and give them. */
export async function openDeviceModel(
  plan: Plan,
  weights: EmittedWeights,
  find: FindAdapter,
  options: WgslOptions,
  loading: LoadOptions = {},
): Promise<OpenDeviceModel | Problem> {
  const [file] = emitWgsl(plan, { ...options, types: false }).files;
  const module = await importModule<DeviceModule>(file!.text);
  const opened = await openDevice(find, module.requiredFeatures);
  if (opened instanceof Problem) return opened;
  const { device, adapter, close } = opened;
  const model = await attempt(() => module.createModel(device, weights, loadOptionsOf(loading)));
  if (model instanceof Problem) {
    close();
    return model;
  }
  return {
    model,
    adapter,
    close: () => {
      model.destroy();
      close();
    },
  };
}
