import { importModule, type DeviceModule, type WebGpuDevice } from "../emit/emitted.ts";
import { emitWgsl } from "../emit/wgsl/emit.ts";
import { plural } from "../support/text.ts";
import type { EngineFactory } from "./engine.ts";
import { scalarsOf, type PartName } from "./program.ts";

/**
 * Runs emitted shaders on a device: the state stays there, and only loss, metrics and what `readState` asks for come back.
 * The device is the caller's. Emitted modules throw DeviceError for what a device cannot do. Nothing here needs Node.
 */
export const webgpuEngine =
  (device: WebGpuDevice): EngineFactory =>
  async (program, initial) => {
    const { createModel } = await importModule<DeviceModule<PartName>>(
      emitWgsl(program.plan, { types: false }).files[0]!.text,
    );
    const model = await createModel(device, initial);
    return {
      description: `plan of ${plural(program.update.plan.steps.length, "step")} on a WebGPU device`,
      run: async (part, inputs) => scalarsOf(await model[part](inputs)),
      readState: model.readState,
      writeState: model.writeState,
      close: model.destroy,
    };
  };
