import type { Problem } from "../checkpoint/problem.ts";
import type { Switches, TargetName } from "../emit/targets.ts";
import { wgslOptionsOf } from "../emit/wgsl/switches.ts";
import type { Plan } from "../plan/plan.ts";
import { pageAdapter, type FindAdapter } from "./device.ts";
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
}

/** One row a target; what they write is in `emit/targets.ts`. */
export const engines: Readonly<Record<TargetName, EngineOfTarget>> = {
  wasm: {
    runs: "WebAssembly",
    needsDevice: false,
    hasThreads: true,
    open: async (plan, weights, { threads }) =>
      (await import("./webassembly-engine.ts")).webassemblyEngine(plan, weights, threads),
  },
  ts: {
    runs: "JavaScript",
    needsDevice: false,
    hasThreads: false,
    open: async (plan, weights) => (await import("./typescript-engine.ts")).typescriptEngine(plan, weights),
  },
  wgsl: {
    runs: "WebGPU shaders",
    needsDevice: true,
    hasThreads: false,
    open: async (plan, weights, { switches = {}, adapter = pageAdapter }) =>
      (await import("./webgpu-engine.ts")).webgpuEngine(plan, weights, adapter, wgslOptionsOf(switches)),
  },
};

/** An engine that runs a plan as a target; `close` it. */
export const openEngine = (
  target: TargetName,
  plan: Plan,
  weights: Weights,
  options: EngineOptions = {},
): Promise<Engine | Problem> => engines[target].open(plan, weights, options);
