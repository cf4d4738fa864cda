import { parse } from "../../language/parse.ts";
import { lower } from "../../lower/lower.ts";
import { randomBatch } from "../../run/probe/batch.ts";
import { lossWords, probedLoss } from "../../run/probe/loss.ts";
import type { Meter } from "../../run/probe/measure.ts";
import { probeModel, type ProbedSubject } from "../../run/probe/probe.ts";
import type { ProbedCase } from "../../run/probe/probed.ts";
import { isError } from "../../support/diagnostic.ts";
import { seedOf } from "../../train/settings.ts";
import { completeDims, showDims } from "../../run/sizes.ts";
import { parseDims, parseNumber } from "../arguments.ts";
import type { Out } from "../out.ts";
import { lowerOptions, readModelFile } from "../source.ts";
import { orStop, showDiagnostics, stop, Stop } from "../stop.ts";
import { defaultTarget } from "../targets.ts";
import type { TrainOptions } from "../train/options.ts";
import { prepareTraining, type PreparedTraining } from "../train/prepare.ts";
import type { Form } from "./forms.ts";
import type { ProbeOptions } from "./options.ts";

/** One form of the model, ready to be measured. */
export interface Subject extends ProbedSubject {
  readonly form: Form;
  /** What goes in, and what the loss is. */
  readonly settings: readonly (readonly [name: string, value: string])[];
  /** Undefined with random inputs. */
  readonly prepared: PreparedTraining | undefined;
}

/** Lowers a form of the model and gives it data; every mistake ends the command. */
export function openSubject(path: string, form: Form, options: ProbeOptions, out: Out): Subject {
  if (options.data === undefined) return randomSubject(path, form, options, out);
  const prepared = prepareTraining(path, trainOptionsOf(form, options), out);
  const { model, training } = prepared;
  const { graph } = model.train;
  const { seed } = training.settings;
  const settings = [
    ["input", training.batches.description],
    ["loss", lossWords(graph)],
  ] as const;
  return { form, graph, batch: training.batches.at(0), seed, settings, prepared };
}

/** The form as `lmg train` would take it. */
export const trainOptionsOf = (form: Form, options: ProbeOptions): TrainOptions => ({
  ...options,
  set: form.set,
  target: defaultTarget,
  checkpointEvery: "60s",
  // Nothing is trained without --steps, but a training must know how long it would be.
  steps: options.steps ?? "1",
});

function randomSubject(path: string, form: Form, options: ProbeOptions, out: Out): Subject {
  const { file, diagnostics: syntax } = parse(readModelFile(path));
  if (syntax.some(isError)) throw new Stop(syntax);
  const lowering = { ...lowerOptions(path, { ...options, set: form.set }), training: true };
  const { model, diagnostics } = lower(file, lowering);
  if (model === undefined) throw new Stop(diagnostics);
  showDiagnostics(diagnostics, out);
  const { train } = model;
  const loss = probedLoss(model);
  if (loss === undefined)
    return stop(
      "E863",
      "there is no loss: the model has no `train` section, and none of its outputs is a float",
    );
  const given =
    options.seed === undefined
      ? undefined
      : orStop(parseNumber("--seed", options.seed, 0, 2 ** 31 - 1, true));
  const seed = train === undefined ? (given ?? 0) : seedOf(train, { seed: given });
  const sizes = orStop(completeDims(loss.graph.symbols, orStop(parseDims(options.dims))));
  const settings = [
    ["input", `random, ${showDims(sizes)}`],
    ["loss", loss.description],
  ] as const;
  return {
    form,
    graph: loss.graph,
    batch: randomBatch(loss.graph, sizes, seed),
    seed,
    settings,
    prepared: undefined,
  };
}

/** A subject with its probe, measured at initialization. */
export interface MeasuredSubject {
  readonly meter: Meter;
  readonly found: ProbedCase;
}

/** Measures a form at initialization, beside what theory says of it. */
export async function measureSubject(subject: Subject): Promise<MeasuredSubject> {
  const measured = await probeModel(subject);
  if (!("found" in measured)) throw new Stop(measured);
  const { variant, depth } = subject.form;
  return { meter: measured.meter, found: { variant, depth, ...measured.found } };
}
