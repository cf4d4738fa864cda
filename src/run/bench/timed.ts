import { Problem } from "../../checkpoint/problem.ts";
import {
  importModule,
  type ClockedModule,
  type EmittedTensors,
  type ProfiledModule,
  type StepTimes,
} from "../../emit/emitted.ts";
import { emitTypeScript } from "../../emit/ts/emit.ts";
import { tsTarget } from "../../emit/ts/target.ts";
import { emitWasm } from "../../emit/wasm/emit.ts";
import { stagesOf as wasmStages } from "../../emit/wasm/lists.ts";
import type { WgslOptions } from "../../emit/wgsl/emit.ts";
import { shareLoops, type Stage } from "../../plan/loops.ts";
import type { Plan } from "../../plan/plan.ts";
import { attempt } from "../attempt.ts";
import type { FindAdapter } from "../device.ts";
import { openDeviceModel } from "../webgpu-engine.ts";

/** What is run again and again: weights, or the state that a training begins with, and the inputs of every run. */
export interface Given {
  readonly weights: EmittedTensors;
  readonly inputs: EmittedTensors;
}

/** A plan that runs with its inputs at hand, as a target runs it. `close` it. */
export interface Timed {
  /** Of the CPU; none where it runs on a device. */
  readonly threads: number;
  /** What it times one by one, in order: steps, or several in one loop. None where it has times of whole runs only. */
  readonly stages: readonly Stage[];
  readonly run: () => Promise<unknown>;
  /** Runs it once, step by step; the times are those of `stages`. */
  readonly profile: () => Promise<StepTimes>;
  readonly close: () => void;
}

/** WebAssembly: each step by itself in all threads. */
export async function timeWebassembly(
  plan: Plan,
  { weights, inputs }: Given,
  threads: number | undefined,
): Promise<Timed | Problem> {
  const [file] = emitWasm(plan, { types: false, profiles: true }).files;
  const { createModel } = await importModule<ProfiledModule>(file!.text);
  return attempt(async () => {
    const model = await createModel(weights, threads === undefined ? {} : { threads });
    const profile = () => model.profiles.run(inputs);
    const { threads: count } = await profile();
    const stages = wasmStages(plan);
    return { threads: count, stages, run: () => model.run(inputs), profile, close: model.close };
  });
}

/** JavaScript, which reads a clock between steps. */
export async function timeTypescript(plan: Plan, { weights, inputs }: Given): Promise<Timed | Problem> {
  const [file] = emitTypeScript(plan, { types: false, profiles: true }).files;
  const { createModel, clock } = await importModule<ClockedModule>(file!.text);
  return attempt(() => {
    const model = createModel(weights);
    const run = () => Promise.resolve(model.run(inputs));
    const profile = async (): Promise<StepTimes> => {
      await run();
      return { threads: 1, none: 0, steps: clock.slice(1).map((end, step) => end - clock[step]!) };
    };
    const stages = shareLoops(plan, { target: tsTarget });
    return { threads: 1, stages, run, profile, close: () => undefined };
  });
}

/** Shaders, whose whole runs are timed, with what goes to the device and comes back. */
export async function timeWebgpu(
  plan: Plan,
  { weights, inputs }: Given,
  find: FindAdapter,
  options: WgslOptions,
): Promise<Timed | Problem> {
  const opened = await openDeviceModel(plan, weights, find, options);
  if (opened instanceof Problem) return opened;
  const { model, close } = opened;
  const none: StepTimes = { threads: 0, none: 0, steps: [] };
  const profile = () => Promise.resolve(none);
  return { threads: 0, stages: [], run: () => model.run(inputs), profile, close };
}
