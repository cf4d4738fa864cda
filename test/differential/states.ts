import { trainingStep } from "../../src/autodiff/train/step.ts";
import { stepScalars, type Optimizer } from "../../src/autodiff/train/optimizer.ts";
import type { Graph, State, StateKind } from "../../src/ir/graph.ts";
import { initialTensors } from "../../src/ir/initialize.ts";
import { interpretRun } from "../../src/ir/interpret.ts";
import { statesOf, type Program } from "../../src/ir/program.ts";
import { planProgram } from "../../src/plan/build.ts";
import type { ProgramPlan } from "../../src/plan/plan.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { constantDim, dim } from "../../src/tensor/dim.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { sameType, tensorType } from "../../src/tensor/type.ts";
import { grow, inputsOf, isMade } from "./generate.ts";
import { find, smoothMoves, widths } from "./moves.ts";
import { isSteady, rounded } from "./oracle.ts";
import { Pool, type Entry } from "./pool.ts";

type Tensors = Readonly<Record<string, HostTensor>>;

/** The parts that the programs here have. */
export type PartName = "run" | "update" | "accumulate" | "evaluate";

/** A run of one part of a program, and what it is given beside the states. */
export interface StateRun {
  readonly part: PartName;
  readonly inputs: Tensors;
  /** By the interpreter. */
  readonly expected: Tensors;
}

/** Runs of one model, one after the other: what each leaves in the states is what the next finds. */
export interface StateCase {
  readonly program: Program;
  /** The parts after all passes, planned together. */
  readonly plan: ProgramPlan;
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

/** The interpreter on the states that it keeps, rounded as engines keep them. */
class Oracle {
  readonly runs: StateRun[] = [];
  readonly #program: Program;
  readonly #parameters: Tensors;
  #states: Tensors;

  constructor(program: Program, parameters: Tensors, states: Tensors) {
    this.#program = program;
    this.#parameters = parameters;
    this.#states = states;
  }

  get states(): Tensors {
    return this.#states;
  }

  run(part: PartName, inputs: Tensors): void {
    const graph = this.#program.parts[part]!;
    const bindings = { inputs, parameters: this.#parameters, states: this.#states };
    const { outputs, states } = interpretRun(graph, bindings);
    const next = Object.entries(states).map(([name, tensor]) => [name, rounded(tensor)]);
    this.#states = { ...this.#states, ...(Object.fromEntries(next) as Tensors) };
    this.runs.push({ part, inputs, expected: outputs });
  }
}

/** The parts after the passes, planned as one. */
const planOf = ({ name, parts }: Program, fuse = true): ProgramPlan => {
  const passed = Object.entries(parts).map(([part, graph]) => [
    part,
    runPasses(graph, { fuse, verify: true }),
  ]);
  return planProgram({ name, parts: Object.fromEntries(passed) as Program["parts"] });
};

/** One or two writes of parts of what fits into a state: what it becomes by them. */
function written(pool: Pool, state: Entry): Entry | undefined {
  let made: Entry | undefined = state;
  for (let left = 1 + pool.random.below(2); left > 0 && made !== undefined; left--) {
    const { shape } = state.value.type;
    const axis = pool.random.below(shape.length);
    const whole = constantDim(shape[axis]!)!;
    const size = 1 + pool.random.below(whole);
    const x = find(pool, ({ value }) => sameType(value.type, state.value.type));
    const from = { axis, start: dim(pool.random.below(whole - size + 1)), size: dim(size) };
    const part = x && pool.one("slice", { x }, from);
    const to = { axis, start: dim(pool.random.below(whole - size + 1)) };
    made = part && pool.one("write", { x: made, part }, to);
  }
  return made;
}

/** A random graph of known sizes with one to three states: what they become are values that it makes, or writes into them. */
export function randomStates(seed: number): StateCase | undefined {
  const random = new RandomStream(seed, "states");
  const width = widths[random.below(widths.length)]!;
  const rows = [1, 2, 4, 9][random.below(4)]!;
  const pool = new Pool(seed, constantSizes, 150_000);
  const type = random.uniform() < 0.3 ? tensorType("f32", width) : tensorType("f32", rows, width);
  const names = ["s0", "s1", "s2"].slice(0, 1 + random.below(3));
  const entries = names.map((name) => pool.input(type, name));
  pool.input(tensorType("bool", ...type.shape));
  pool.input(type);
  grow(pool, 2 + random.below(8));
  const writes = entries.map((entry) => (random.uniform() < 0.4 ? written(pool, entry) : undefined));
  // Now and then something reads after the writes what was there before.
  if (random.uniform() < 0.3) grow(pool, 1 + random.below(3));
  const made = pool.entries.filter(isMade);
  const fitting = made.filter(({ value }) => sameType(value.type, type));
  if (fitting.length < names.length) return undefined;
  // The newest first: then a state is mostly read before it is written.
  const nexts = writes.map(
    (entry, index) =>
      entry ?? fitting.at(-1 - (random.uniform() < 0.7 ? index : random.below(fitting.length)))!,
  );
  const outputs = [made.at(-1)!, made[random.below(made.length)]!];
  // Of a run by itself, in which states are inputs and what they become are outputs.
  const flat = pool.graph([...outputs, ...nexts]);
  const first = inputsOf(flat, constantSizes, seed);
  if (!isSteady(flat, { inputs: first, parameters: pool.parameters }, MOST_SPREAD)) return undefined;
  const kinds: readonly StateKind[] = ["kept", "parameter", "optimizer"];
  const states = entries.map(({ value }, index): State => {
    const init = { kind: "constant", value: 0 } as const;
    const kind = kinds[random.below(kinds.length)]!;
    return { name: names[index]!, value, next: nexts[index]!.value, kind, init, span: undefined };
  });
  const inputs = flat.inputs.filter(({ name }) => !names.includes(name));
  const graph: Graph = { ...flat, inputs, states, outputs: flat.outputs.slice(0, outputs.length) };
  const program: Program = { name: "random", parts: { run: graph } };
  const given = Object.fromEntries(entries.map(({ data }, index) => [names[index]!, data]));
  const oracle = new Oracle(program, pool.parameters, given);
  for (let run = 0; run < 3; run++) oracle.run("run", inputsOf(graph, constantSizes, seed + run));
  const plan = planOf(program, random.uniform() < 0.7);
  return {
    program,
    plan,
    parameters: pool.parameters,
    states: given,
    runs: oracle.runs,
    expectedStates: oracle.states,
  };
}

/** Smooth in their gradients: Lion's sign turns with a last bit, and so does Adam's quotient by a small number. */
const optimizers: readonly Optimizer[] = [
  { name: "sgd", momentum: 0.9, nesterov: true, decay: 0.01 },
  { name: "sgd", momentum: 0, nesterov: false, decay: 0 },
  { name: "adam", betas: [0.9, 0.99], eps: 0.1, decay: 0.01 },
  { name: "adamw", betas: [0.9, 0.99], eps: 0.1, decay: 0.1 },
];

const RATE = 0.05;

/**
 * Two updates of a random training step, now and then with a micro-step before, each followed by an evaluation by the new
 * parameters: parts of one program.
 */
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
  if (step.update.states.length === 0 || step.diagnostics.length > 0) return undefined;
  const { update, accumulate } = step;
  const evaluate = withStates(graph, new Set(update.states.map(({ name }) => name)));
  const trained = accumulate && withStates(accumulate, new Set(update.states.map(({ name }) => name)));
  const program: Program = {
    name: "training",
    parts: { update, ...(trained && { accumulate: trained }), evaluate },
  };
  const states = statesOf(program);
  const begun = Object.entries(initialTensors(states, seed));
  const given = Object.fromEntries(begun.map(([name, tensor]) => [name, pool.parameters[name] ?? tensor]));
  const oracle = new Oracle(program, pool.parameters, given);
  const advance = (part: PartName, numbers: Readonly<Record<string, number>>): void => {
    const names = new Set(program.parts[part]!.inputs.map(({ name }) => name));
    const scalars = Object.entries(numbers).flatMap(([name, value]): [string, HostTensor][] =>
      names.has(name) ? [[name, { dtype: "f32", shape: [], data: Float64Array.of(Math.fround(value)) }]] : [],
    );
    const batch = inputsOf(graph, constantSizes, seed + oracle.runs.length);
    oracle.run(part, { ...batch, ...Object.fromEntries(scalars) });
  };
  for (let index = 0; index < 2; index++) {
    if (trained !== undefined) advance("accumulate", {});
    advance("update", stepScalars(optimizer, RATE, index));
    advance("evaluate", {});
  }
  return {
    program,
    plan: planOf(program),
    parameters: pool.parameters,
    states: given,
    runs: oracle.runs,
    expectedStates: oracle.states,
  };
}

/** The graph with those of its parameters as states that another part moves. */
function withStates(graph: Graph, moved: ReadonlySet<string>): Graph {
  const isMoved = ({ name }: { readonly name: string }): boolean => moved.has(name);
  const more = graph.parameters.filter(isMoved).map(({ name, value, init, span }): State => {
    return { name, value, next: value, kind: "parameter", init, span };
  });
  const parameters = graph.parameters.filter((parameter) => !isMoved(parameter));
  return { ...graph, parameters, states: [...graph.states, ...more] };
}
