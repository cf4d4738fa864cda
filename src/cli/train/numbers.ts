import type { SettingOverrides } from "../../train/settings.ts";
import { quote } from "../../checkpoint/problem.ts";
import { parseNumber } from "../arguments.ts";
import { orStop, stop } from "../stop.ts";
import { FORWARD_SHARE } from "./clock.ts";
import type { TrainOptions } from "./options.ts";

export const whole = (what: string, text: string | undefined, low: number): number | undefined =>
  text === undefined ? undefined : orStop(parseNumber(what, text, low, 2 ** 31 - 1, true));

/** A number above 0. */
function positive(what: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = orStop(parseNumber(what, text, 0, Infinity));
  return value > 0 && value < Infinity
    ? value
    : stop("E804", `${what} expects a number above 0, found ${quote(text)}`);
}

/** What the command line says over the `train` section. */
export function overridesOf(options: TrainOptions): SettingOverrides {
  const { steps, epochs } = options;
  if (steps !== undefined && epochs !== undefined) stop("E804", "--steps and --epochs exclude each other");
  return {
    steps: whole("--steps", steps, 1),
    epochs: whole("--epochs", epochs, 1),
    seed: whole("--seed", options.seed, 0),
    rate: positive("--lr", options.lr),
    clip: positive("--clip", options.clip),
    accumulate: whole("--accumulate", options.accumulate, 1),
    patience: options.patience === "off" ? "off" : whole("--patience", options.patience, 1),
  };
}

export const batchOf = ({ batch }: TrainOptions): number | undefined => whole("--batch", batch, 1);
export const contextOf = ({ context }: TrainOptions): number | undefined => whole("--context", context, 1);

/** How often things are done besides steps. */
export interface Cadence {
  /** Steps from one evaluation to the next. */
  readonly evaluateEvery: number;
  /** Batches of an evaluation; undefined for all. */
  readonly evaluateBatches: number | undefined;
  /** Batches of the last evaluation; all if left out. */
  readonly lastBatches?: number;
  /** Evaluations from one that a text is sampled at to the next, where texts are asked for. */
  readonly sampleEvery: number;
  readonly checkpointEvery: { readonly steps: number } | { readonly seconds: number };
}

/** Steps from one that is observed to the next; undefined for none. */
export const observeEveryOf = ({ telemetry }: TrainOptions): number | undefined =>
  telemetry === "off" ? undefined : whole("--telemetry", telemetry, 1);

/** Evaluations of a run, if nothing else is said, and the batches that each reads at most. */
const [EVALUATIONS, BATCHES] = [20, 20];

/** The share of the time of the steps that evaluations take at most, but the last, which reads all. */
export const EVALUATION_SHARE = 0.1;

/** By steps and sizes alone, so that a run that goes on evaluates as one that was never put down. */
export function cadenceOf(options: TrainOptions, steps: number, accumulate: number): Cadence {
  const { evaluateBatches: batches } = options;
  // An evaluation of one batch, as a share of a step.
  const one = FORWARD_SHARE / accumulate;
  const evaluateEvery =
    whole("--evaluate-every", options.evaluateEvery, 1) ??
    Math.max(1, Math.round(steps / EVALUATIONS), Math.ceil(one / EVALUATION_SHARE));
  // Who says how often has chosen what it costs.
  const affordable =
    options.evaluateEvery === undefined
      ? Math.floor((EVALUATION_SHARE * evaluateEvery) / one + 1e-9)
      : BATCHES;
  return {
    evaluateEvery,
    evaluateBatches:
      batches === "all"
        ? undefined
        : (whole("--evaluate-batches", batches, 1) ?? Math.min(BATCHES, Math.max(1, affordable))),
    sampleEvery: whole("--sample-every", options.sampleEvery, 1) ?? 1,
    checkpointEvery: checkpointCadence(options.checkpointEvery),
  };
}

function checkpointCadence(text: string): Cadence["checkpointEvery"] {
  const seconds = /^(\d+(?:\.\d+)?)\s*s$/.exec(text)?.[1];
  if (seconds !== undefined) return { seconds: Number(seconds) };
  const steps = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return steps >= 1
    ? { steps }
    : stop("E804", `--checkpoint-every expects steps as 500 or seconds as 60s, found ${quote(text)}`);
}
