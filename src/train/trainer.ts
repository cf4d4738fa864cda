import { passedBefore } from "../autodiff/train/after.ts";
import { RANDOM_INPUT } from "../autodiff/train/forward.ts";
import { stepScalars } from "../autodiff/train/optimizer.ts";
import { learningRate } from "../autodiff/train/schedule.ts";
import { NORM_OUTPUT } from "../autodiff/train/step.ts";
import { initialTensors } from "../ir/initialize.ts";
import { invariant } from "../support/invariant.ts";
import { constantDim } from "../tensor/dim.ts";
import { hostTensor, sizeOf, type HostTensor } from "../tensor/host.ts";
import { batchesOfUpdate, type Batch, type Batches } from "./data/batches.ts";
import type { EngineFactory, StateArray, TrainingEngine, TrainingState } from "./engine.ts";
import { MeasureTotals, type Scalars } from "./measures.ts";
import type { PartName, TrainingProgram } from "./program.ts";
import { isObserved } from "./telemetry.ts";
import type { TrainingSettings } from "./settings.ts";

/** What one update said. */
export interface StepReport {
  /** Updates so far, this one among them. */
  readonly step: number;
  /** `loss` and the metrics, as one batch of the rows of all micro-steps has them. */
  readonly measures: Scalars;
  /** Of all gradients together, before clipping. */
  readonly gradientNorm: number;
  readonly rate: number;
  /** Rows, or tokens of text, that it read. */
  readonly units: number;
  /** All scalars of a step that was observed; undefined of one that was not. */
  readonly observed: Scalars | undefined;
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
  /** Steps from one that is observed to the next, if the program can; the first ones of powers of two are too. */
  readonly observeEvery?: number | undefined;
}

/**
 * Where a training begins: parameters by their initializers and the seed, in float32, or as `weights` has them, after what `after step`
 * has them pass through; moments at zero.
 */
export function beginningOf(
  {
    program,
    settings,
  }: Pick<Training, "program"> & { readonly settings: Pick<TrainingSettings, "seed" | "after"> },
  weights: TrainingState = {},
): Snapshot {
  const tensors = Object.entries(initialTensors(program.states, settings.seed));
  const drawn = tensors.map(([name, { shape, data }]): [string, StateArray] => [
    name,
    { shape, data: Float32Array.from(data) },
  ]);
  return { step: 0, state: passedBefore(settings.after, { ...Object.fromEntries(drawn), ...weights }) };
}

/** The state with zeros for what a snapshot leaves out: sums of gradients, which are zero between two updates. */
function completed({ states }: TrainingProgram, given: TrainingState): TrainingState {
  const tensors = states.map(({ name, value: { type } }): [string, StateArray] => {
    const found = given[name];
    if (found !== undefined) return [name, found];
    const shape = type.shape.map((size) => constantDim(size)!);
    return [name, { shape, data: new Float32Array(sizeOf(shape)) }];
  });
  return Object.fromEntries(tensors);
}

/** What a caller does around the batches of an evaluation. */
export interface EvaluationHooks {
  readonly between?: () => Promise<void>;
  readonly timed?: <T>(work: () => Promise<T>) => Promise<T>;
}

const run = <T>(work: () => Promise<T>): Promise<T> => work();

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
    const { batches, program } = this.training;
    const { first, count } = this.microSteps;
    const totals = new MeasureTotals(program.rules.training);
    let [units, scalars]: [number, Scalars] = [0, {}];
    const isObserved = this.#isObserved();
    for (let micro = 0; micro < count; micro++) {
      const { part, inputs } = this.microStep(micro);
      scalars = await this.engine.run(part, inputs);
      const read = batches.unitsOf?.(first + micro) ?? batches.size;
      if (count > 1) totals.add(scalars, read);
      units += read;
    }
    const rate = this.rateOf(this.#step);
    this.#step++;
    const measures = totals.measures() ?? this.#measuresIn(scalars);
    return {
      step: this.#step,
      measures,
      gradientNorm: scalars[NORM_OUTPUT] ?? 0,
      rate,
      units,
      observed: isObserved ? scalars : undefined,
    };
  }

  /** Whether the next update is one that is looked at. */
  #isObserved(): boolean {
    const { observeEvery, program } = this.training;
    return (
      observeEvery !== undefined && program.observe !== undefined && isObserved(this.#step + 1, observeEvery)
    );
  }

  /** The batches of the next update: the number of the first, and how many there are. */
  get microSteps(): { readonly first: number; readonly count: number } {
    const { settings, batches } = this.training;
    return batchesOfUpdate(this.#step, settings.accumulate, batches);
  }

  /** What the next update runs for one of its micro-steps, counted from 0. */
  microStep(micro: number): {
    readonly part: "accumulate" | "update" | "observe";
    readonly inputs: Record<string, HostTensor>;
  } {
    const { settings, batches } = this.training;
    const { accumulate, optimizer, seed } = settings;
    const { first, count } = this.microSteps;
    const part = micro < count - 1 ? "accumulate" : this.#isObserved() ? "observe" : "update";
    const number = this.#step * accumulate + micro;
    const scalars = stepScalars(optimizer, this.rateOf(this.#step), this.#step);
    const inputs = this.#inputsOf(part, {
      ...batches.at(first + micro),
      // What dropout draws from.
      [RANDOM_INPUT]: hostTensor("i32", [2], [seed | 0, number]),
      ...Object.fromEntries(
        Object.entries(scalars).map(([name, value]) => [name, hostTensor("f32", [], [value])]),
      ),
    });
    return { part, inputs };
  }

  /**
   * Loss and metrics over the validation part, as the model is used: no dropout, running statistics. A mean is that over
   * all of its rows, or of its targets that count; a sum is as large as in a batch. Undefined if there is no validation
   * part. `between` is awaited after each batch; `timed` runs one.
   */
  async evaluate(
    limit?: number,
    { between, timed = run }: EvaluationHooks = {},
  ): Promise<Scalars | undefined> {
    const { batches, program } = this.training;
    const totals = new MeasureTotals(program.rules.evaluation);
    for (const { tensors, weight } of batches.validation(limit)) {
      const inputs = this.#inputsOf("evaluate", tensors);
      totals.add(await timed(() => this.engine.run("evaluate", inputs)), weight);
      await between?.();
    }
    return totals.measures(batches.size);
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

  #measuresIn(scalars: Scalars): Scalars {
    return Object.fromEntries(this.training.program.measures.map((name) => [name, scalars[name]!]));
  }
}
