import type { EmittedTensors } from "../../emit/emitted.ts";
import { targets, type Switches, type TargetName } from "../../emit/targets.ts";
import type { Graph } from "../../ir/graph.ts";
import { initialTensors, randomInputs } from "../../ir/initialize.ts";
import { layoutOf } from "../../plan/layout.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Sizes } from "../../plan/stats.ts";
import { trafficOf, type StageTraffic } from "../../plan/traffic.ts";
import type { Subject } from "../../run/bench/subject.ts";
import type { Given } from "../../run/bench/timed.ts";
import { completeDims } from "../../run/sizes.ts";
import { emittedInputs, emittedWeights } from "../../run/tensors.ts";
import { tokenInput } from "../../run/tokens.ts";
import { Problem } from "../../checkpoint/problem.ts";
import type { Source } from "../../support/source.ts";
import { evaluateDim } from "../../tensor/dim.ts";
import { hostTensor, sizeOf, type HostTensor } from "../../tensor/host.ts";
import { loadModel } from "../load.ts";
import type { Out } from "../out.ts";
import { checkpointConfig, openChosenWeights, type WeightChoice } from "../run/chosen.ts";
import { noteStored, packChosen, type PackedModel, type QuantizeOptions } from "../run/quantized.ts";
import type { ModelOptions } from "../source.ts";
import { orStop, stop } from "../stop.ts";
import type { Unit } from "./text.ts";

/** What of the command line says what is timed. */
export interface PrepareOptions
  extends Omit<ModelOptions, "config">, WeightChoice, QuantizeOptions, Switches {
  readonly train?: true;
}

/** A model or its training step, planned for each target, and what all of them are run on. */
export interface Prepared {
  readonly plans: readonly { readonly target: TargetName; readonly plan: Plan }[];
  readonly given: Given;
  readonly sizes: Sizes;
  readonly unit: Unit;
  /** What the user is told of the weights. */
  readonly from: string;
}

/** What is read and lowered for one target. */
interface Loaded {
  readonly plan: Plan;
  /** As it was lowered. */
  readonly graph: Graph;
  /** The model alone: what its inputs are counted in. */
  readonly model: Graph;
  /** Inputs that are not drawn at random. */
  readonly inputs: Readonly<Record<string, HostTensor>>;
  /** Sizes that are not given, where the model says others than 1 and 128. */
  readonly batch: Sizes;
  /** The weights, or the state that a training begins with. */
  readonly open: () => { readonly tensors: EmittedTensors; readonly from: string };
}

/** Reads a model for some targets; its warnings are told once. */
export async function prepare(
  source: Source,
  options: PrepareOptions,
  {
    names,
    dims,
    seed,
  }: { readonly names: readonly TargetName[]; readonly dims: Sizes; readonly seed: number },
  out: Out,
): Promise<Prepared> {
  const load = options.train === true ? loadTrainingStep : loadWholeModel;
  const loaded: Loaded[] = [];
  for (const [index, name] of names.entries()) {
    const told = index === 0 ? out : { ...out, note: () => undefined };
    loaded.push(await load(source, options, name, told));
  }
  const { graph, model, inputs: said, batch, open } = loaded[0]!;
  const sizes = orStop(completeDims(graph.symbols, new Map([...batch, ...dims])));
  const { tensors, from } = open();
  const inputs = new Map(Object.entries({ ...randomInputs(graph, sizes, seed), ...said }));
  return {
    plans: names.map((target, index) => ({ target, plan: loaded[index]!.plan })),
    given: { weights: tensors, inputs: emittedInputs(inputs) },
    sizes,
    unit: unitOf(model, sizes),
    from,
  };
}

async function loadWholeModel(
  source: Source,
  options: PrepareOptions,
  target: TargetName,
  out: Out,
): Promise<Loaded> {
  const made = targets[target].target(options);
  const loaded = await loadModel(source, options, out, { config: checkpointConfig(options), target: made });
  const { graph } = loaded.model;
  const isChosen = options.weights !== undefined || options.random !== undefined;
  const chosen = isChosen ? options : { random: "0" };
  const withWeights = <T>(told: Out, read: (packed: PackedModel, from: string) => T): T => {
    const weights = openChosenWeights(loaded.model, chosen, told);
    try {
      const packed = packChosen(loaded, weights, options, made);
      noteStored(packed, options, told);
      return read(packed, weights.from);
    } finally {
      weights.close();
    }
  };
  const plan = withWeights(out, (packed) => packed.plan);
  const silent = { ...out, note: () => undefined };
  const open = () => withWeights(silent, ({ weights }, from) => ({ tensors: emittedWeights(weights), from }));
  return { plan, graph, model: graph, inputs: {}, batch: new Map(), open };
}

/** So low a learning rate that thousands of steps on random data leave the numbers what those of a training are. */
const RATE = 1e-6;

async function loadTrainingStep(
  source: Source,
  options: PrepareOptions,
  target: TargetName,
  out: Out,
): Promise<Loaded> {
  if ([options.weights, options.random, options.quantize].some((given) => given !== undefined))
    stop(
      "E804",
      "--train times a step from the weights that a training begins with, as floats",
      "leave out --weights, --random and --quantize",
    );
  const { loadStep } = await import("../train/model.ts");
  const { stepScalars } = await import("../../autodiff/train/optimizer.ts");
  const { batchOf } = await import("../../train/stats.ts");
  const {
    model,
    options: step,
    lowered,
    graph,
    plan,
  } = loadStep(source, options, out, {
    target: targets[target].target(options),
  });
  const open = () => {
    const state = new Map(Object.entries(initialTensors(graph.states, 0)));
    return { tensors: emittedInputs(state), from: "the first state of a training" };
  };
  const scalars = Object.entries(stepScalars(step.optimizer, RATE, 0));
  const inputs = Object.fromEntries(
    scalars.map(([name, value]) => [name, hostTensor("f32", [], [value])] as const),
  );
  return {
    plan,
    graph: lowered,
    inputs,
    model: model.training.graph,
    batch: new Map(batchOf(model.train)),
    open,
  };
}

/** Tokens if the model reads ids, else the rows of its first input. */
function unitOf(graph: Graph, sizes: Sizes): Unit {
  const ids = tokenInput(graph);
  const shapeOf = (input: Graph["inputs"][number]): number[] =>
    input.value.type.shape.map((size) => evaluateDim(size, sizes));
  if (!(ids instanceof Problem)) return { name: "token", count: sizeOf(shapeOf(ids)) };
  const first = graph.inputs[0];
  return { name: "row", count: first === undefined ? 1 : (shapeOf(first)[0] ?? 1) };
}

/** What the stages of a subject move with these sizes. */
export const trafficOfSubject = (
  { target, plan, stages }: Subject,
  sizes: Sizes,
  switches: Switches,
): readonly StageTraffic[] =>
  trafficOf(stages, plan, sizes, layoutOf(plan, targets[target].target(switches)));
