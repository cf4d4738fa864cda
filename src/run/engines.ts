import type { Problem } from "../checkpoint/problem.ts";
import type { TargetName } from "../emit/targets.ts";
import { wgslOptionsOf } from "../emit/wgsl/switches.ts";
import type { Plan } from "../plan/plan.ts";
import { pageAdapter } from "./device.ts";
import type { Given, Timed } from "./bench/timed.ts";
import type { Engine } from "./engine.ts";
import type { EngineOptions } from "./engine-options.ts";
import type { Weights } from "./weights.ts";

/** What runs a target. */
export interface EngineOfTarget {
  /** What is run. */
  readonly runs: string;
  readonly needsDevice: boolean;
  /** Whether it may run in several threads. */
  readonly hasThreads: boolean;
  /** Loads what runs it, emits the plan, and gives it the weights. */
  readonly open: (plan: Plan, weights: Weights, options: EngineOptions) => Promise<Engine | Problem>;
  /** The same with its inputs at hand, to be timed. */
  readonly time: (plan: Plan, given: Given, options: EngineOptions) => Promise<Timed | Problem>;
}

/** One row a target; what they write is in `emit/targets.ts`. */
export const engines: Readonly<Record<TargetName, EngineOfTarget>> = {
  wasm: {
    runs: "WebAssembly",
    needsDevice: false,
    hasThreads: true,
    open: async (plan, weights, options) =>
      (await import("./webassembly-engine.ts")).webassemblyEngine(plan, weights, options),
    time: async (plan, given, { threads }) =>
      (await import("./bench/timed.ts")).timeWebassembly(plan, given, threads),
  },
  ts: {
    runs: "JavaScript",
    needsDevice: false,
    hasThreads: false,
    open: async (plan, weights) => (await import("./typescript-engine.ts")).typescriptEngine(plan, weights),
    time: async (plan, given) => (await import("./bench/timed.ts")).timeTypescript(plan, given),
  },
  wgsl: {
    runs: "WebGPU shaders",
    needsDevice: true,
    hasThreads: false,
    open: async (plan, weights, { switches = {}, adapter = pageAdapter, ...loading }) =>
      (await import("./webgpu-engine.ts")).webgpuEngine(plan, weights, adapter, {
        ...wgslOptionsOf(switches),
        loading,
      }),
    time: async (plan, given, { switches = {}, adapter = pageAdapter }) =>
      (await import("./bench/timed.ts")).timeWebgpu(plan, given, adapter, wgslOptionsOf(switches)),
  },
};

/** An engine that runs a plan as a target; `close` it. */
export const openEngine = (
  target: TargetName,
  plan: Plan,
  weights: Weights,
  options: EngineOptions = {},
): Promise<Engine | Problem> => engines[target].open(plan, weights, options);
