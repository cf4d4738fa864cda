/// <reference types="@webgpu/types" />
import type { Graph } from "../../src/ir/graph.ts";
import { planGraph } from "../../src/plan/build.ts";
import type { Plan, ProgramPlan } from "../../src/plan/plan.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import type { EmittedModule } from "../emit/instantiate.ts";
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
  plan: Plan | ProgramPlan,
): Pick<EmittedModule<Part>, "createModel"> {
  const { text } = emitTypeScript(plan, { types: false }).files[0]!;
  const body = `"use strict";${text.replace(/^export /gm, "")}\nreturn { createModel };`;
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- it is what the compiler under test wrote
  return (new Function(body) as () => Pick<EmittedModule<Part>, "createModel">)();
}

export const typeScriptEngine: Engine = (plan, parameters, runs) => {
  const model = load(plan).createModel(parameters);
  // What a run gives may be memory that the next one writes.
  return Promise.resolve(runs.map((inputs) => copyOf(model.run(inputs))));
};

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

export const typeScriptStates: StateEngine = (given) => {
  const { weights, kept } = beginningOf(given);
  const model = load<PartName>(given.plan).createModel(weights, { ignore: [/./] });
  model.writeState(kept);
  const runs = given.runs.map(({ part, inputs }) => copyOf(model[part](inputs)));
  return Promise.resolve({ runs, states: model.readState() });
};

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
