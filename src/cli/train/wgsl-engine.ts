import type { EngineFactory } from "../../train/engine.ts";
import { webgpuEngine } from "../../train/webgpu-engine.ts";
import { plural } from "../../support/text.ts";
import { openDevice, type DeviceRequest } from "../run/device.ts";
import { mistakes } from "../run/emitted.ts";

/** Trains by shaders on a device of this machine; what the device cannot do ends the command. */
export const wgslTraining =
  (request: DeviceRequest): EngineFactory =>
  async (program, state) => {
    const { device, adapter, close } = await openDevice(request);
    try {
      const engine = await mistakes(() => webgpuEngine(device)(program, state));
      return {
        description: `plan of ${plural(program.update.plan.steps.length, "step")} on ${adapter}`,
        run: (part, inputs) => mistakes(() => engine.run(part, inputs)),
        readState: () => mistakes(engine.readState),
        writeState: (given) => mistakes(() => engine.writeState(given)),
        close: () => {
          engine.close();
          close();
        },
      };
    } catch (error) {
      close();
      throw error;
    }
  };
