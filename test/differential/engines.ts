/// <reference types="@webgpu/types" />
import type { Graph } from "../../src/ir/graph.ts";
import { planGraph } from "../../src/plan/build.ts";
import type { Plan, ProgramPlan } from "../../src/plan/plan.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { cpuTargets, type CpuTarget, type EmittedModule } from "../emit/cpu.ts";
import { instantiate as instantiateOnDevice } from "../emit/wgsl/module.ts";
import type { Case } from "./generate.ts";
import type { PartName, StateCase } from "./states.ts";

type Tensors = Readonly<Record<string, HostTensor>>;

export interface Found {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

/** Runs a plan on inputs one after the other, by one model. */
export type Engine = (
  plan: Plan,
  parameters: Tensors,
  runs: Case["runs"],
) => Promise<readonly Readonly<Record<string, Found>>[]>;

/** The emitted module as a function: Node keeps what it imports for ever, and a long run makes thousands. */
function load<Part extends string = "run">(
  { textOf }: CpuTarget,
  plan: Plan | ProgramPlan,
): Pick<EmittedModule<Part>, "createModel"> {
  const body = `"use strict";${textOf(plan).replace(/^export /gm, "")}\nreturn { createModel };`;
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- it is what the compiler under test wrote
  return (new Function(body) as () => Pick<EmittedModule<Part>, "createModel">)();
}

const cpuEngine =
  (cpu: CpuTarget): Engine =>
  async (plan, parameters, runs) => {
    // TypeScript's models answer at once, and have nothing to close.
    const model = await load(cpu, plan).createModel(parameters, { threads: 1 });
    const found: Readonly<Record<string, Found>>[] = [];
    // What a run gives may be memory that the next one writes.
    for (const inputs of runs) found.push(copyOf(await model.run(inputs)));
    return found;
  };

export const [typeScriptEngine, webassemblyEngine] = cpuTargets.map(cpuEngine) as [Engine, Engine];

export const webgpuEngine =
  (device: GPUDevice): Engine =>
  async (plan, parameters, runs) => {
    const model = await (await instantiateOnDevice(plan)).createModel(device, parameters);
    const found: Readonly<Record<string, Found>>[] = [];
    for (const inputs of runs) found.push(await model.run(inputs));
    model.destroy();
    return found;
  };

/** Runs the parts of a program one after the other by one model; gives their outputs, and the states at the end. */
export type StateEngine = (given: StateCase) => Promise<{
  readonly runs: readonly Readonly<Record<string, Found>>[];
  readonly states: Readonly<Record<string, Found>>;
}>;

/** What a model is made of, and which states are written when it is there: those that do not begin as weights. */
function beginningOf({ plan, parameters, states }: StateCase): {
  readonly weights: Tensors;
  readonly kept: Tensors;
} {
  const isKept = new Set(plan.shared.state.flatMap(({ name, kind }) => (kind === "kept" ? [name] : [])));
  const pick = (wanted: boolean): Tensors =>
    Object.fromEntries(Object.entries(states).filter(([name]) => isKept.has(name) === wanted));
  return { weights: { ...parameters, ...pick(false) }, kept: pick(true) };
}

const cpuStates =
  (cpu: CpuTarget): StateEngine =>
  async (given) => {
    const { weights, kept } = beginningOf(given);
    const model = await load<PartName>(cpu, given.plan).createModel(weights, { ignore: [/./], threads: 1 });
    await model.writeState(kept);
    const runs: Readonly<Record<string, Found>>[] = [];
    for (const { part, inputs } of given.runs) runs.push(copyOf(await model[part](inputs)));
    return { runs, states: await model.readState() };
  };

export const [typeScriptStates, webassemblyStates] = cpuTargets.map(cpuStates) as [StateEngine, StateEngine];

export const webgpuStates =
  (device: GPUDevice): StateEngine =>
  async (given) => {
    const { weights, kept } = beginningOf(given);
    const module = await instantiateOnDevice<PartName>(given.plan);
    const model = await module.createModel(device, weights, { ignore: [/./] });
    await model.writeState(kept);
    const runs: Readonly<Record<string, Found>>[] = [];
    for (const { part, inputs } of given.runs) runs.push(await model[part](inputs));
    const states = await model.readState();
    model.destroy();
    return { runs, states };
  };

const copyOf = (outputs: Readonly<Record<string, Found>>): Readonly<Record<string, Found>> =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, { data, shape }]) => [name, { data: Array.from(data), shape }]),
  );

/** The forms of a graph that are run: as it is, after the passes that fuse nothing, and after all. */
export const forms = ["as it is", "not fused", "fused"] as const;

export type GraphForm = (typeof forms)[number];

export const inForm = (graph: Graph, form: GraphForm): Graph =>
  form === "as it is" ? graph : runPasses(graph, { fuse: form === "fused", verify: true });

export const planOf = (graph: Graph, form: GraphForm): Plan => planGraph(inForm(graph, form));
