import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import { tsTarget } from "../../src/emit/ts/target.ts";
import { emitWasm } from "../../src/emit/wasm/emit.ts";
import { wasmTarget } from "../../src/emit/wasm/target.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Target } from "../../src/kernels/target.ts";
import { planGraph } from "../../src/plan/build.ts";
import type { Plan, ProgramPlan } from "../../src/plan/plan.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import * as typescript from "./instantiate.ts";
import * as webassembly from "./wasm/instantiate.ts";
import type { EmittedModule, Model, Tensor, Tensors } from "./wasm/instantiate.ts";

export type { EmittedModule, Model, Tensor, Tensors } from "./wasm/instantiate.ts";

export interface Bindings {
  readonly inputs: Readonly<Record<string, HostTensor>>;
  readonly parameters: Readonly<Record<string, HostTensor>>;
}

/** Kernels for the CPU, and modules that have them: all of them answer later, so that a test is the same for each. */
export interface CpuTarget {
  readonly name: "TypeScript" | "WebAssembly";
  /** What lmg's own engines call it. */
  readonly engine: "ts" | "wasm";
  /** What plans are made for. */
  readonly target: Target;
  /** The JavaScript form of a plan's module. */
  readonly textOf: (plan: Plan | ProgramPlan) => string;
  readonly importText: <Part extends string = "run">(text: string) => Promise<EmittedModule<Part>>;
}

/** Every test of numbers runs on each of these: on both kernels for the CPU, with the same tolerances. */
export const cpuTargets: readonly CpuTarget[] = [
  {
    name: "TypeScript",
    engine: "ts",
    target: tsTarget,
    textOf: (plan) => emitTypeScript(plan, { types: false }).files[0]!.text,
    importText: async <Part extends string>(text: string) => later(await typescript.importText<Part>(text)),
  },
  {
    name: "WebAssembly",
    engine: "wasm",
    target: wasmTarget,
    textOf: (plan) => emitWasm(plan, { types: false }).files[0]!.text,
    importText: webassembly.importText,
  },
];

/** The module of a plan, imported from its JavaScript form. */
export const instantiate = <Part extends string = "run">(
  { textOf, importText }: CpuTarget,
  plan: Plan | ProgramPlan,
): Promise<EmittedModule<Part>> => importText<Part>(textOf(plan));

/** Plans, emits and runs a graph in one thread. */
export async function runOnCpu(
  cpu: CpuTarget,
  graph: Graph,
  { inputs, parameters }: Bindings,
): Promise<Record<string, Tensor>> {
  const { createModel } = await instantiate(cpu, planGraph(graph, { target: cpu.target }));
  const model = await createModel(parameters, { threads: 1 });
  try {
    return await model.run(inputs);
  } finally {
    model.close();
  }
}

/** The same on both kernels, one after the other. */
export async function runOnEachCpu(
  graph: Graph,
  bindings: Bindings,
): Promise<readonly Readonly<Record<string, Tensor>>[]> {
  const found: Record<string, Tensor>[] = [];
  for (const cpu of cpuTargets) found.push(await runOnCpu(cpu, graph, bindings));
  return found;
}

/** A module whose models answer at once, as one whose models answer later. */
function later<Part extends string>(module: typescript.EmittedModule<Part>): EmittedModule<Part> {
  const laterModel = (model: typescript.Model<Part>): Model<Part> => {
    const functions = Object.entries(model as Readonly<Record<string, (...given: unknown[]) => unknown>>);
    const waiting = functions.map(([name, call]) => [
      name,
      // What it throws is to reject.
      (...given: unknown[]) => Promise.resolve().then(() => call(...given)),
    ]);
    return { ...Object.fromEntries(waiting), close: () => undefined } as Model<Part>;
  };
  return {
    ...module,
    createModel: async (weights, options) =>
      Promise.resolve(laterModel(module.createModel(weights as Tensors, options))),
    loadSafetensors: async (bytes, options) =>
      Promise.resolve(laterModel(module.loadSafetensors(bytes as Uint8Array, options))),
    EngineError: Error,
  };
}
