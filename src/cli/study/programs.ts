import type { PlannedRun } from "../../study/grid.ts";
import type { EngineFactory, TrainingEngine } from "../../train/engine.ts";
import type { TrainingProgram } from "../../train/program.ts";
import type { Out } from "../out.ts";
import type { TrainOptions } from "../train/options.ts";
import { preparedAgain, prepareTraining, type PreparedTraining } from "../train/prepare.ts";
import { engineOf } from "../train/run.ts";
import { settingsOf } from "./plan.ts";

/** A placement that is compiled, and the engine that runs it once one is made. */
interface Kept {
  readonly prepared: PreparedTraining;
  engine: Promise<TrainingEngine> | undefined;
}

/** One run, on the program of its placement. */
export interface Programmed {
  readonly read: PreparedTraining;
  readonly options: TrainOptions;
  readonly makeEngine: EngineFactory;
}

/**
 * Steps of all plans that are kept: with its graphs, its module and its memory a step takes about 8 kB (`depth.lmg` with 64 layers:
 * 20,000 steps, 160 MB), so these are some 2 GB at most.
 */
const MOST_STEPS = 250_000;

/**
 * The programs of a study's placements, each compiled once and run at all its rates and seeds: a run begins with its own state, and
 * its rate is an input of each step. The order of the runs goes through all placements again and again, where to drop what was not
 * used for longest would find nothing the next time; so what has no room any more is compiled for its run alone.
 */
export class Programs {
  readonly #path: string;
  readonly #shared: TrainOptions;
  readonly #kept = new Map<string, Kept>();
  #last: Kept | undefined;
  readonly #most: number;
  #steps = 0;

  /** Of the model's text at a path; `shared` is what all runs are given, `most` the steps of plans that are kept. */
  constructor(path: string, shared: TrainOptions, most = MOST_STEPS) {
    this.#path = path;
    this.#shared = shared;
    this.#most = most;
  }

  /** The run's program, settings and data. What is given for one run is over with the next. */
  of(run: PlannedRun, out: Out): Programmed {
    const set = settingsOf(run.set);
    const options = { ...this.#shared, set, lr: String(run.rate), seed: String(run.seed) };
    this.#closeLast();
    const key = JSON.stringify(set);
    const found = this.#kept.get(key);
    const read = found ? preparedAgain(found.prepared, options) : prepareTraining(this.#path, options, out);
    const kept = found ?? this.#keep(key, read);
    return { read, options, makeEngine: lasting(kept, options) };
  }

  close(): void {
    this.#closeLast();
    this.#kept.forEach(closeEngine);
    this.#kept.clear();
  }

  #keep(key: string, prepared: PreparedTraining): Kept {
    const kept: Kept = { prepared, engine: undefined };
    const steps = stepsOf(prepared.training.program);
    if (this.#steps + steps > this.#most) this.#last = kept;
    else {
      this.#steps += steps;
      this.#kept.set(key, kept);
    }
    return kept;
  }

  #closeLast(): void {
    if (this.#last !== undefined) closeEngine(this.#last);
    this.#last = undefined;
  }
}

const stepsOf = ({ plan }: TrainingProgram): number =>
  plan.parts.reduce((sum, { steps }) => sum + steps.length, 0);

/** An engine that is made at the first run and begins anew with the state of each. */
const lasting =
  (kept: Kept, options: TrainOptions): EngineFactory =>
  async (program, state) => {
    const isThere = kept.engine !== undefined;
    kept.engine ??= engineOf(options).then((make) => make(program, state));
    const engine = await kept.engine;
    if (isThere) await engine.writeState(state);
    return { ...engine, close: () => undefined };
  };

/** One that could not be made has told so where it was asked for. */
function closeEngine({ engine }: Kept): void {
  engine?.then(
    ({ close }) => close(),
    () => undefined,
  );
}
