import { RANDOM_INPUT } from "../../src/autodiff/train/forward.ts";
import { stepScalars, type Optimizer } from "../../src/autodiff/train/optimizer.ts";
import type { StepGraph, TrainingStep } from "../../src/autodiff/train/step.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { hostTensor, makeData, sizeOf, type HostTensor } from "../../src/tensor/host.ts";

type Tensors = Readonly<Record<string, HostTensor>>;

/** Runs a graph: the interpreter, or whatever a test compares with it. */
export type Engine = (
  graph: Graph,
  bindings: { inputs: Tensors; parameters: Tensors },
) => Record<string, HostTensor>;

/** Trains with the steps as graphs, state and all, as a host would. */
export class Trainer {
  readonly state = new Map<string, HostTensor>();
  readonly #step: TrainingStep;
  readonly #optimizer: Optimizer;
  readonly #seed: number;
  readonly #engine: Engine;
  #updates = 0;
  #microSteps = 0;

  constructor(
    step: TrainingStep,
    optimizer: Optimizer,
    parameters: Tensors,
    { seed = 0, engine = interpret }: { seed?: number; engine?: Engine } = {},
  ) {
    this.#step = step;
    this.#optimizer = optimizer;
    this.#seed = seed;
    this.#engine = engine;
    for (const { graph } of [step.update, ...(step.accumulate ? [step.accumulate] : [])]) {
      const problems = verifyGraph(graph, { stages: ["core", "gradient"] });
      if (problems.length > 0) throw new Error(problems.join("; "));
    }
    for (const { name, type } of step.update.state) {
      const shape = type.shape.map(({ key }) => Number(key));
      const zeros = { dtype: type.dtype, shape, data: makeData(type.dtype, sizeOf(shape)) };
      this.state.set(name, parameters[name] ?? zeros);
    }
  }

  /** A micro-step that adds its gradients to those before it. */
  accumulate(data: Tensors): Record<string, HostTensor> {
    return this.#run(this.#step.accumulate!, data, {});
  }

  /** A step that moves the parameters. */
  update(data: Tensors, rate: number): Record<string, HostTensor> {
    const scalars = stepScalars(this.#optimizer, rate, this.#updates++);
    return this.#run(this.#step.update, data, scalars);
  }

  #run({ graph, state }: StepGraph, data: Tensors, scalars: Readonly<Record<string, number>>) {
    const given: Record<string, HostTensor> = { ...data };
    for (const { name } of graph.inputs) {
      const tensor = this.state.get(name);
      if (tensor !== undefined) given[name] = tensor;
      else if (name === RANDOM_INPUT) given[name] = hostTensor("i32", [2], [this.#seed, this.#microSteps]);
      else if (name in scalars) given[name] = hostTensor("f32", [], [scalars[name]!]);
    }
    this.#microSteps++;
    const results = this.#engine(graph, { inputs: given, parameters: {} });
    for (const { name, next } of state) this.state.set(name, results[next]!);
    return results;
  }
}
