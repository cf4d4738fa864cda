import { optimizerOf, type Optimizer } from "../autodiff/train/optimizer.ts";
import type { StepOptions } from "../autodiff/train/step.ts";
import { Problem } from "../checkpoint/problem.ts";
import type { Choice } from "../lower/train/choices.ts";
import type { AfterStep, ParameterRule } from "../lower/train/by-name.ts";
import type { LoweredTrain } from "../lower/train/train.ts";
import { updatesPerEpoch, type EpochLength } from "./data/batches.ts";

/** All that decides the numbers of a training beside the model and the data. */
export interface TrainingSettings {
  readonly optimizer: Optimizer;
  /** The learning rate that the schedule scales. */
  readonly rate: number;
  readonly schedule: Choice | undefined;
  /** Updates of the parameters. */
  readonly steps: number;
  /** Evaluations without a smaller loss after which the training ends before; undefined for all steps. */
  readonly patience: number | undefined;
  /** Micro-steps of an update at most, a batch each; together they are what one batch of all their rows would be. */
  readonly accumulate: number;
  /** The largest norm of all gradients together. */
  readonly clip: number | undefined;
  /** What weight decay reaches. */
  readonly decay: "matrices" | "all";
  /** What parameters have for themselves, by name. */
  readonly rules: readonly ParameterRule[];
  /** What parameters pass through after each step, and before the first. */
  readonly after: readonly AfterStep[];
  /** Of initial parameters, dropout, and the order of the data. */
  readonly seed: number;
}

/** What a caller may say over the `train` section. */
export interface SettingOverrides {
  readonly steps?: number | undefined;
  readonly epochs?: number | undefined;
  /** `off`: whatever the section says. */
  readonly patience?: number | "off" | undefined;
  readonly rate?: number | undefined;
  readonly clip?: number | undefined;
  readonly accumulate?: number | undefined;
  readonly seed?: number | undefined;
}

/** Where the section gives no seed. */
const DEFAULT_SEED = 0;

export const seedOf = (train: LoweredTrain, { seed }: SettingOverrides): number =>
  seed ?? train.seed ?? DEFAULT_SEED;

/** The settings of a `train` section on data with epochs of that length. */
export function settingsOf(
  train: LoweredTrain,
  epochs: EpochLength,
  overrides: SettingOverrides = {},
): TrainingSettings | Problem {
  if (train.optimizer === undefined)
    return new Problem(
      "E851",
      "the `train` section has no optimizer",
      "for example `optimizer adamw(lr: 1e-3)`",
    );
  const accumulate = overrides.accumulate ?? train.accumulate ?? 1;
  const steps = stepsOf(train, updatesPerEpoch(epochs, accumulate), overrides);
  if (steps === undefined)
    return new Problem(
      "E852",
      "nothing says how long to train",
      "write `steps 1000` or `epochs 10` in the `train` section, or give --steps or --epochs",
    );
  return {
    optimizer: optimizerOf(train.optimizer),
    rate: overrides.rate ?? (train.optimizer.options["lr"] as number),
    schedule: train.schedule,
    steps,
    patience: patienceOf(train, overrides),
    accumulate,
    clip: overrides.clip ?? train.clip,
    decay: train.optimizer.options["decay_on"] === "all" ? "all" : "matrices",
    rules: train.rules,
    after: train.after,
    seed: seedOf(train, overrides),
  };
}

/** What was said last counts: a caller's epochs win over the section's steps. */
function stepsOf(train: LoweredTrain, updates: number, { steps, epochs }: SettingOverrides) {
  if (steps !== undefined) return steps;
  if (epochs !== undefined) return epochs * updates;
  return train.steps ?? (train.epochs === undefined ? undefined : train.epochs * updates);
}

const patienceOf = (train: LoweredTrain, { patience = train.patience }: SettingOverrides) =>
  patience === "off" ? undefined : patience;

export const stepOptionsOf = ({
  optimizer,
  clip,
  accumulate,
  decay,
  rules,
  after,
}: TrainingSettings): StepOptions => ({ optimizer, clip, accumulate, decay, rules, after });
