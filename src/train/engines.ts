import { orThrow } from "../checkpoint/problem.ts";
import type { TargetName } from "../emit/targets.ts";
import { attempt } from "../run/attempt.ts";
import { openDevice, pageAdapter, type FindAdapter } from "../run/device.ts";
import { plural } from "../support/text.ts";
import type { EngineFactory } from "./engine.ts";

/** What runs the steps of a training: a target, or the interpreter. */
export type TrainingTarget = TargetName | "interpreter";

/** The engine of each, which is loaded when it is asked for; `adapter` is where one that needs a device finds it. */
export const trainingEngines: Readonly<
  Record<TrainingTarget, (adapter?: FindAdapter) => Promise<EngineFactory>>
> = {
  ts: async () => (await import("./typescript-engine.ts")).typescriptEngine,
  wgsl: (adapter = pageAdapter) => Promise.resolve(onDevice(adapter)),
  interpreter: async () => (await import("./interpreter-engine.ts")).interpreterEngine,
};

/** Opens a device of the adapter and trains on it; what it cannot do is thrown as a `ProblemError`. */
const onDevice =
  (find: FindAdapter): EngineFactory =>
  async (program, state) => {
    const { webgpuEngine } = await import("./webgpu-engine.ts");
    const { device, adapter, close } = orThrow(await openDevice(find));
    try {
      const engine = orThrow(await attempt(() => webgpuEngine(device)(program, state)));
      return {
        description: `plan of ${plural(program.update.plan.steps.length, "step")} on ${adapter}`,
        run: async (part, inputs) => orThrow(await attempt(() => engine.run(part, inputs))),
        readState: async () => orThrow(await attempt(engine.readState)),
        writeState: async (given) => orThrow(await attempt(() => engine.writeState(given))),
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
