import { trainingStep, type StepGraph } from "../../src/autodiff/train/step.ts";
import { stepScalars, type Optimizer } from "../../src/autodiff/train/optimizer.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { planGraph } from "../../src/plan/build.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { makeData, sizeOf, type HostTensor } from "../../src/tensor/host.ts";
import { evaluateDim } from "../../src/tensor/dim.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { sameType, tensorType } from "../../src/tensor/type.ts";
import { grow, inputsOf, isMade } from "./generate.ts";
import { smoothMoves, widths } from "./moves.ts";
import { isSteady, rounded } from "./oracle.ts";
import { Pool } from "./pool.ts";

type Tensors = Readonly<Record<string, HostTensor>>;

/** One plan of a sequence of runs that share their states, and what it is given beside them. */
export interface StateRun {
  readonly plan: Plan;
  readonly inputs: Tensors;
  /** By the interpreter. */
  readonly expected: Tensors;
}

/** Runs one after the other: what each leaves in the states is what the next finds. */
export interface StateCase {
  readonly graph: Graph;
  readonly parameters: Tensors;
  /** States as they begin. */
  readonly states: Tensors;
  readonly runs: readonly StateRun[];
  /** By the interpreter, after the last run. */
  readonly expectedStates: Tensors;
}

/** What a last bit may move. */
const MOST_SPREAD = 1e-5;

const constantSizes = new Map<string, number>();

/** A random graph of known sizes in which one to three inputs are states: what they become are values that it makes. */
export function randomStates(seed: number): StateCase | undefined {
  const random = new RandomStream(seed, "states");
  const width = widths[random.below(widths.length)]!;
  const rows = [1, 2, 4, 9][random.below(4)]!;
  const pool = new Pool(seed, constantSizes, 150_000);
  const type = random.uniform() < 0.3 ? tensorType("f32", width) : tensorType("f32", rows, width);
  const names = ["s0", "s1", "s2"].slice(0, 1 + random.below(3));
  const states = names.map((name) => pool.input(type, name));
  pool.input(tensorType("bool", ...type.shape));
  pool.input(type);
  grow(pool, 2 + random.below(8));
  const made = pool.entries.filter(isMade);
  const fitting = made.filter(({ value }) => sameType(value.type, type));
  if (fitting.length < names.length) return undefined;
  // The newest first: then a state is mostly read before it is written.
  const nexts = names.map((_, index) =>
    fitting.at(-1 - (random.uniform() < 0.7 ? index : random.below(fitting.length)))!,
  );
  const outputs = [made.at(-1)!, made[random.below(made.length)]!];
  const graph = pool.graph([...outputs, ...nexts]);
  const renamed: Graph = {
    ...graph,
    outputs: graph.outputs.map((output, index) => ({
      ...output,
      name: index < outputs.length ? output.name : `next ${names[index - outputs.length]!}`,
    })),
  };
  const first = inputsOf(graph, constantSizes, seed);
  if (!isSteady(renamed, { inputs: first, parameters: pool.parameters }, MOST_SPREAD)) return undefined;
  const pairs = names.map((name) => ({ input: name, output: `next ${name}` }));
  const form = runPasses(renamed, { fuse: random.uniform() < 0.7, verify: true });
  const plan = planGraph(form, { state: pairs });
  const given = Object.fromEntries(states.map(({ data }, index) => [names[index]!, data]));
  const runs: StateRun[] = [];
  let now: Tensors = given;
  for (let run = 0; run < 3; run++) {
    const inputs = inputsOf(graph, constantSizes, seed + run);
    const all = interpret(renamed, { inputs: { ...inputs, ...now }, parameters: pool.parameters });
    now = Object.fromEntries(names.map((name) => [name, rounded(all[`next ${name}`]!)]));
    const kept = Object.entries(inputs).filter(([name]) => !names.includes(name));
    const expected = Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith("next ")));
    runs.push({ plan, inputs: Object.fromEntries(kept), expected });
  }
  return { graph: renamed, parameters: pool.parameters, states: given, runs, expectedStates: now };
}

/** Smooth in their gradients: Lion's sign turns with a last bit, and so does Adam's quotient by a small number. */
const optimizers: readonly Optimizer[] = [
  { name: "sgd", momentum: 0.9, nesterov: true, decay: 0.01 },
  { name: "sgd", momentum: 0, nesterov: false, decay: 0 },
  { name: "adam", betas: [0.9, 0.99], eps: 0.1, decay: 0.01 },
  { name: "adamw", betas: [0.9, 0.99], eps: 0.1, decay: 0.1 },
];

const RATE = 0.05;

/** Two updates of a random training step, now and then with a micro-step before, and an evaluation by the new parameters. */
export function randomTraining(seed: number): StateCase | undefined {
  const random = new RandomStream(seed, "training");
  const width = widths[random.below(widths.length)]!;
  const pool = new Pool(seed, constantSizes, 60_000);
  const rank = 2 + random.below(2);
  const type = tensorType("f32", ...[1 + random.below(3), 1 + random.below(5)].slice(0, rank - 1), width);
  pool.input(type);
  grow(pool, 1 + random.below(4), smoothMoves);
  const y = pool.entries.filter(isMade).at(-1);
  const target = y && pool.input(y.value.type);
  const loss = y && target && pool.one("mean_squared_error", { x: y, y: target });
  if (loss === undefined) return undefined;
  const one = pool.graph([loss]);
  const graph: Graph = { ...one, outputs: [{ ...one.outputs[0]!, name: "loss" }] };
  const first = inputsOf(graph, constantSizes, seed);
  if (!isSteady(graph, { inputs: first, parameters: pool.parameters }, MOST_SPREAD)) return undefined;
  const optimizer = optimizers[random.below(optimizers.length)]!;
  const clip = random.uniform() < 0.5 ? 0.5 : undefined;
  const step = trainingStep(graph, { optimizer, clip, accumulate: random.uniform() < 0.3 ? 2 : 1 });
  if (step.update.state.length === 0 || step.diagnostics.length > 0) return undefined;
  const given = Object.fromEntries(
    step.update.state.map(({ name, type: { dtype, shape } }): [string, HostTensor] => {
      const sizes = shape.map((size) => evaluateDim(size, constantSizes));
      return [name, pool.parameters[name] ?? { dtype, shape: sizes, data: makeData(dtype, sizeOf(sizes)) }];
    }),
  );
  const planOf = ({ graph: each, state }: StepGraph): Plan =>
    planGraph(runPasses(each, { verify: true }), {
      state: state.map(({ name, next }) => ({ input: name, output: next })),
    });
  const runs: StateRun[] = [];
  let now: Tensors = given;
  let updates = 0;
  const update = planOf(step.update);
  const accumulate = step.accumulate && { step: step.accumulate, plan: planOf(step.accumulate) };
  const advance = (
    { graph: each, state }: StepGraph,
    plan: Plan,
    scalars: Readonly<Record<string, number>>,
  ): void => {
    const batch = inputsOf(graph, constantSizes, seed + runs.length);
    const numbers = Object.entries(scalars).filter(([name]) =>
      each.inputs.some((input) => input.name === name),
    );
    const inputs: Tensors = {
      ...batch,
      ...Object.fromEntries(
        numbers.map(([name, value]) => [
          name,
          { dtype: "f32", shape: [], data: Float64Array.of(Math.fround(value)) },
        ]),
      ),
    };
    const all = interpret(each, { inputs: { ...inputs, ...pick(now, each) }, parameters: pool.parameters });
    now = { ...now, ...Object.fromEntries(state.map(({ name, next }) => [name, rounded(all[next]!)])) };
    runs.push({ plan, inputs, expected: { loss: all["loss"]! } });
  };
  for (let index = 0; index < 2; index++) {
    if (accumulate !== undefined) advance(accumulate.step, accumulate.plan, {});
    advance(step.update, update, stepScalars(optimizer, RATE, updates++));
  }
  // Evaluation reads the parameters that the steps have moved, and changes none.
  const inputs = inputsOf(graph, constantSizes, seed);
  const moved = { ...pool.parameters, ...pick(now, { inputs: graph.parameters }) };
  runs.push({
    plan: planGraph(runPasses(graph)),
    inputs,
    expected: interpret(graph, { inputs, parameters: moved }),
  });
  return { graph, parameters: pool.parameters, states: given, runs, expectedStates: now };
}

const pick = (
  tensors: Tensors,
  { inputs }: { readonly inputs: readonly { readonly name: string }[] },
): Tensors =>
  Object.fromEntries(
    inputs.flatMap(({ name }) => (tensors[name] === undefined ? [] : [[name, tensors[name]]])),
  );
