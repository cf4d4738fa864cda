import { importModule, type DeviceModule } from "../../emit/emitted.ts";
import { emitWgsl, type WgslOptions } from "../../emit/wgsl/emit.ts";
import type { Plan } from "../../plan/plan.ts";
import { plural } from "../../support/text.ts";
import { openDevice, type DeviceRequest } from "./device.ts";
import { emittedInputs, emittedWeights, hostOutputs, mistakes } from "./emitted.ts";
import type { Engine } from "./engine.ts";
import type { Weights } from "./weights.ts";

/** Emits the plan as a WebGPU module, imports it, and gives it a device of this machine and the weights. */
export async function wgslEngine(
  plan: Plan,
  weights: Weights,
  options: WgslOptions = {},
  request: DeviceRequest = {},
): Promise<Engine> {
  const module = await importModule<DeviceModule>(
    emitWgsl(plan, { ...options, types: false }).files[0]!.text,
  );
  const { device, adapter, close } = await openDevice({ ...request, features: module.requiredFeatures });
  try {
    const model = await mistakes(() => module.createModel(device, emittedWeights(weights)));
    return {
      description: `plan of ${plural(plan.steps.length, "step")} on ${adapter}`,
      run: (inputs) => mistakes(async () => hostOutputs(plan, await model.run(emittedInputs(inputs)))),
      close: () => {
        model.destroy();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}
