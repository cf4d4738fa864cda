import { RANDOM_INPUT } from "../autodiff/train/forward.ts";
import { initialState } from "../autodiff/train/initial.ts";
import { stepScalars } from "../autodiff/train/optimizer.ts";
import { learningRate } from "../autodiff/train/schedule.ts";
import { NORM_OUTPUT } from "../autodiff/train/step.ts";
import { invariant } from "../support/invariant.ts";
import { constantDim } from "../tensor/dim.ts";
import { hostTensor, sizeOf, type HostTensor } from "../tensor/host.ts";
import type { Batch, Batches } from "./data/batches.ts";
import type {
  EngineFactory,
  PartName,
  Scalars,
  StateArray,
  TrainingEngine,
  TrainingState,
} from "./engine.ts";
import type { TrainingProgram } from "./program.ts";
import type { TrainingSettings } from "./settings.ts";

/** What one update said. */
export interface StepReport {
  /** Updates so far, this one among them. */
  readonly step: number;
  /** `loss` and the metrics, the mean over the micro-steps. */
  readonly measures: Scalars;
  /** Of all gradients together, before clipping. */
  readonly gradientNorm: number;
  readonly rate: number;
}

/** Whether a step went well: neither NaN nor infinity in the loss or the norm of the gradients. */
export const isFiniteStep = ({ measures, gradientNorm }: StepReport): boolean =>
  Number.isFinite(measures["loss"]) && Number.isFinite(gradientNorm);

/** A training as it stands after some update; enough to go on with the same bits. */
export interface Snapshot {
  readonly step: number;
  readonly state: TrainingState;
}

/** What a training needs. */
export interface Training {
  readonly program: TrainingProgram;
  readonly settings: TrainingSettings;
  readonly batches: Batches;
}

/** Where a training begins: parameters by their initializers and the seed, in float32; moments at zero. */
export function beginningOf({ program, settings }: Omit<Training, "batches">): Snapshot {
  const tensors = Object.entries(initialState(program.state, settings.seed));
  const state = tensors.map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]);
  return { step: 0, state: Object.fromEntries(state) as TrainingState };
}

/** The state with zeros for what a snapshot leaves out: sums of gradients, which are zero between two updates. */
function completed({ state }: TrainingProgram, given: TrainingState): TrainingState {
  const tensors = state.map(({ name, type }): [string, StateArray] => {
    const found = given[name];
    if (found !== undefined) return [name, found];
    const shape = type.shape.map((size) => constantDim(size)!);
    return [name, { shape, data: new Float32Array(sizeOf(shape)) }];
  });
  return Object.fromEntries(tensors);
}

/** Runs a training step by step on an engine. Everything follows from the snapshot and the number of the step. */
export class Trainer {
  readonly training: Training;
  readonly engine: TrainingEngine;
  #step: number;

  private constructor(training: Training, engine: TrainingEngine, step: number) {
    this.training = training;
    this.engine = engine;
    this.#step = step;
  }

  /** A trainer that goes on from a snapshot; `close` it. */
  static async open(
    training: Training,
    makeEngine: EngineFactory,
    from: Snapshot = beginningOf(training),
  ): Promise<Trainer> {
    const engine = await makeEngine(training.program, completed(training.program, from.state));
    return new Trainer(training, engine, from.step);
  }

  /** Updates so far. */
  get step(): number {
    return this.#step;
  }

  /** One update: all of its micro-steps. */
  async advance(): Promise<StepReport> {
    const { accumulate } = this.training.settings;
    const sums: Record<string, number> = {};
    for (let micro = 0; micro < accumulate; micro++) {
      const { part, inputs } = this.microStep(micro);
      for (const [name, value] of Object.entries(await this.engine.run(part, inputs)))
        sums[name] = (sums[name] ?? 0) + value;
    }
    const rate = this.rateOf(this.#step);
    this.#step++;
    const measures = this.#measures((name) => sums[name]! / accumulate);
    return { step: this.#step, measures, gradientNorm: sums[NORM_OUTPUT] ?? 0, rate };
  }

  /** What the next update runs for one of its micro-steps, counted from 0. */
  microStep(micro: number): {
    readonly part: "accumulate" | "update";
    readonly inputs: Record<string, HostTensor>;
  } {
    const { settings, batches } = this.training;
    const { accumulate, optimizer, seed } = settings;
    const part = micro < accumulate - 1 ? "accumulate" : "update";
    const number = this.#step * accumulate + micro;
    const scalars = stepScalars(optimizer, this.rateOf(this.#step), this.#step);
    const inputs = this.#inputsOf(part, {
      ...batches.at(number),
      // What dropout draws from.
      [RANDOM_INPUT]: hostTensor("i32", [2], [seed | 0, number]),
      ...Object.fromEntries(
        Object.entries(scalars).map(([name, value]) => [name, hostTensor("f32", [], [value])]),
      ),
    });
    return { part, inputs };
  }

  /**
   * The mean of loss and metrics over the validation part, as the model is used: no dropout, running statistics.
   * Undefined if there is no validation part. `between` is awaited after each batch.
   */
  async evaluate(
    limit?: number,
    between: () => Promise<void> = () => Promise.resolve(),
  ): Promise<Scalars | undefined> {
    const sums: Record<string, number> = {};
    let weights = 0;
    for (const { tensors, weight } of this.training.batches.validation(limit)) {
      const scalars = await this.engine.run("evaluation", this.#inputsOf("evaluation", tensors));
      for (const [name, value] of Object.entries(scalars)) sums[name] = (sums[name] ?? 0) + weight * value;
      weights += weight;
      await between();
    }
    return weights === 0 ? undefined : this.#measures((name) => sums[name]! / weights);
  }

  /** The training as it stands now. */
  async snapshot(): Promise<Snapshot> {
    return { step: this.#step, state: await this.engine.readState() };
  }

  /** Goes back (or on) to a snapshot of this training. */
  async restore({ step, state }: Snapshot): Promise<void> {
    await this.engine.writeState(completed(this.training.program, state));
    this.#step = step;
  }

  close(): void {
    this.engine.close();
  }

  /** The learning rate of an update, counted from 0. */
  rateOf(step: number): number {
    const { schedule, rate, steps } = this.training.settings;
    return learningRate(schedule, rate, step, steps);
  }

  /** Those of the tensors that the part reads. */
  #inputsOf(name: PartName, tensors: Batch): Record<string, HostTensor> {
    const part = this.training.program[name];
    invariant(part, `the training has no ${name}`);
    return Object.fromEntries(
      part.plan.inputs.flatMap((input) => {
        const tensor = tensors[input.name];
        return tensor === undefined ? [] : [[input.name, tensor]];
      }),
    );
  }

  #measures(valueOf: (name: string) => number): Scalars {
    return Object.fromEntries(this.training.program.measures.map((name) => [name, valueOf(name)]));
  }
}
