import { orThrow } from "../checkpoint/problem.ts";
import type { TargetName } from "../emit/targets.ts";
import { attempt } from "../run/attempt.ts";
import { openDevice, pageAdapter, type FindAdapter } from "../run/device.ts";
import type { EngineOptions } from "../run/engine-options.ts";
import { plural } from "../support/text.ts";
import type { EngineFactory, TrainingEngine } from "./engine.ts";

/** What runs the steps of a training: a target, or the interpreter. */
export type TrainingTarget = TargetName | "interpreter";

export type TrainingEngineOptions = Pick<EngineOptions, "adapter" | "threads">;

/** The engine of each, which is loaded when it is asked for; an adapter is where one that needs a device finds it. */
export const trainingEngines: Readonly<
  Record<TrainingTarget, (options?: TrainingEngineOptions) => Promise<EngineFactory>>
> = {
  wasm: ({ threads } = {}) => Promise.resolve(inThreads(threads)),
  ts: async () => (await import("./typescript-engine.ts")).typescriptEngine,
  wgsl: ({ adapter = pageAdapter } = {}) => Promise.resolve(onDevice(adapter)),
  interpreter: async () => (await import("./interpreter-engine.ts")).interpreterEngine,
};

/** An engine whose errors are told as `ProblemError`s, where they say what its place cannot do. */
const told = (engine: TrainingEngine): TrainingEngine => ({
  ...engine,
  run: async (part, inputs) => orThrow(await attempt(() => engine.run(part, inputs))),
  readState: async () => orThrow(await attempt(engine.readState)),
  writeState: async (given) => orThrow(await attempt(() => engine.writeState(given))),
});

const inThreads =
  (threads: number | undefined): EngineFactory =>
  async (program, state) => {
    const { webassemblyEngine } = await import("./webassembly-engine.ts");
    return told(orThrow(await attempt(() => webassemblyEngine(threads)(program, state))));
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
        ...told(engine),
        description: `plan of ${plural(program.update.plan.steps.length, "step")} on ${adapter}`,
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
