import { RANDOM_INPUT } from "../../src/autodiff/train/forward.ts";
import { stepScalars, type Optimizer } from "../../src/autodiff/train/optimizer.ts";
import type { TrainingStep } from "../../src/autodiff/train/step.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { interpretRun, type Bindings, type RunResults } from "../../src/ir/interpret.ts";
import { initialTensors } from "../../src/ir/initialize.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { hostTensor, type HostTensor } from "../../src/tensor/host.ts";

type Tensors = Readonly<Record<string, HostTensor>>;

/** Runs a graph: the interpreter, or whatever a test compares with it. */
export type Engine = (graph: Graph, bindings: Bindings) => RunResults;

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
    { seed = 0, engine = interpretRun }: { seed?: number; engine?: Engine } = {},
  ) {
    this.#step = step;
    this.#optimizer = optimizer;
    this.#seed = seed;
    this.#engine = engine;
    for (const graph of [step.update, ...(step.accumulate ? [step.accumulate] : [])]) {
      const problems = verifyGraph(graph, { stages: ["core", "gradient"] });
      if (problems.length > 0) throw new Error(problems.join("; "));
    }
    for (const [name, tensor] of Object.entries(initialTensors(step.update.states, seed)))
      this.state.set(name, parameters[name] ?? tensor);
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

  #run(graph: Graph, data: Tensors, scalars: Readonly<Record<string, number>>) {
    const given: Record<string, HostTensor> = { ...data };
    for (const { name } of graph.inputs) {
      if (name === RANDOM_INPUT) given[name] = hostTensor("i32", [2], [this.#seed, this.#microSteps]);
      else if (name in scalars) given[name] = hostTensor("f32", [], [scalars[name]!]);
    }
    this.#microSteps++;
    const { outputs, states } = this.#engine(graph, { inputs: given, parameters: {}, states: this.state });
    for (const [name, next] of Object.entries(states)) this.state.set(name, next);
    return outputs;
  }
}
