/// <reference types="@webgpu/types" />
import type { Graph } from "../../src/ir/graph.ts";
import { planGraph } from "../../src/plan/build.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import type { EmittedModule } from "../emit/instantiate.ts";
import { instantiate as instantiateOnDevice, type Model } from "../emit/wgsl/module.ts";
import type { Case } from "./generate.ts";
import type { StateCase } from "./states.ts";

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
function load(plan: Plan): Pick<EmittedModule, "createModel"> {
  const { text } = emitTypeScript(plan, { types: false }).files[0]!;
  const body = `"use strict";${text.replace(/^export /gm, "")}\nreturn { createModel };`;
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- it is what the compiler under test wrote
  return (new Function(body) as () => Pick<EmittedModule, "createModel">)();
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

/** Runs plans one after the other on states that they share; gives their outputs, and the states at the end. */
export type StateEngine = (given: StateCase) => Promise<{
  readonly runs: readonly Readonly<Record<string, Found>>[];
  readonly states: Readonly<Record<string, Found>>;
}>;

export const typeScriptStates: StateEngine = ({ parameters, states, runs }) => {
  // Modules move what they are given, in place.
  const shared = Object.fromEntries(
    Object.entries({ ...parameters, ...states }).map(([name, { data, shape }]) => [
      name,
      { data: Float32Array.from(data), shape },
    ]),
  );
  const models = new Map<Plan, ReturnType<EmittedModule["createModel"]>>();
  const found = runs.map(({ plan, inputs }) => {
    const model = models.get(plan) ?? load(plan).createModel(shared, { ignore: [/./] });
    models.set(plan, model);
    return copyOf(model.run(inputs));
  });
  const kept = Object.fromEntries(Object.keys(states).map((name) => [name, shared[name]!]));
  return Promise.resolve({ runs: found, states: kept });
};

export const webgpuStates =
  (device: GPUDevice): StateEngine =>
  async ({ parameters, states, runs }) => {
    const models = new Map<Plan, Model>();
    let owner: Model | undefined;
    let most = 0;
    const found: Readonly<Record<string, Found>>[] = [];
    for (const { plan, inputs } of runs) {
      const isTrained = plan.state.length > 0;
      // Evaluation is given what the steps have left.
      const weights = {
        ...parameters,
        ...states,
        ...(!isTrained && owner !== undefined ? await owner.readState!() : {}),
      };
      const model =
        models.get(plan) ??
        (await (
          await instantiateOnDevice(plan)
        ).createModel(device, weights, {
          ignore: [/./],
          ...(isTrained && owner !== undefined ? { state: owner.state } : {}),
        }));
      // A micro-step has no moments; the step that has all of the state gives it back.
      if (isTrained && (owner === undefined || plan.state.length > most))
        [owner, most] = [model, plan.state.length];
      models.set(plan, model);
      found.push(await model.run(inputs));
    }
    const kept = await owner!.readState!();
    for (const model of models.values()) model.destroy();
    return { runs: found, states: kept };
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
