import type { Problem } from "../checkpoint/problem.ts";
import type { Switches, TargetName } from "../emit/targets.ts";
import { wgslOptionsOf } from "../emit/wgsl/switches.ts";
import type { Plan } from "../plan/plan.ts";
import { pageAdapter, type FindAdapter } from "./device.ts";
import type { Given, Timed } from "./bench/timed.ts";
import type { Engine } from "./engine.ts";
import type { Weights } from "./weights.ts";

export interface EngineOptions {
  readonly switches?: Switches;
  /** In how many threads a target for the CPU runs that has several; as many as help if left off. */
  readonly threads?: number | undefined;
  /** Where a target that needs a device finds one; that of the page if left off. */
  readonly adapter?: FindAdapter;
}

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
    open: async (plan, weights, { threads }) =>
      (await import("./webassembly-engine.ts")).webassemblyEngine(plan, weights, threads),
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
    open: async (plan, weights, { switches = {}, adapter = pageAdapter }) =>
      (await import("./webgpu-engine.ts")).webgpuEngine(plan, weights, adapter, wgslOptionsOf(switches)),
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
