import type { HostTensor } from "../../tensor/host.ts";
import type { Source } from "../../support/source.ts";
import { checkpointConfig } from "../run/chosen.ts";
import { readTokens } from "./tokens.ts";
import { readProbedWeights } from "./weights.ts";
import { parse } from "../../language/parse.ts";
import { lower, type LoweredModel } from "../../lower/lower.ts";
import { randomBatch } from "../../run/probe/batch.ts";
import { lossWords, probedLoss } from "../../run/probe/loss.ts";
import type { Meter } from "../../run/probe/measure.ts";
import { probeModel, type ProbedSubject } from "../../run/probe/probe.ts";
import type { ProbedCase } from "../../run/probe/probed.ts";
import type { Graph } from "../../ir/graph.ts";
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
  /** The model as it was lowered, without its loss. */
  readonly drawn: Graph;
  /** What goes in, and what the loss is. */
  readonly settings: readonly (readonly [name: string, value: string])[];
  /** Undefined with random inputs. */
  readonly prepared: PreparedTraining | undefined;
}

/** Lowers a form of the model and gives it data; every mistake ends the command. */
export function openSubject(path: string | Source, form: Form, options: ProbeOptions, out: Out): Subject {
  const { data, weights } = options;
  if (data === undefined) return lowerSubject(path, form, options, out).random();
  if (typeof path !== "string" || weights !== undefined) {
    const lowered = lowerSubject(path, form, options, out);
    if (typeof path !== "string" || !lowered.hasTrain) return lowered.reading(data);
  }
  return trainedSubject(path, form, options, out);
}

/** On the first batch of a training, whether it was trained or not. */
function trainedSubject(path: string, form: Form, options: ProbeOptions, out: Out): Subject {
  const prepared = prepareTraining(path, trainOptionsOf(form, options), out);
  const { model, training } = prepared;
  const { seed, after } = training.settings;
  // Trained weights are measured as the model is used with them: nothing is dropped, statistics are the running ones.
  const lowered = options.weights === undefined ? model.training : model.evaluation;
  const { graph } = lowered.train!;
  const settings = [
    ["input", training.batches.description],
    ["loss", lossWords(graph)],
  ] as const;
  const weights = readProbedWeights(graph, options);
  const { paths = false } = options;
  const { taps } = lowered;
  return {
    form,
    drawn: lowered.graph,
    graph,
    batch: training.batches.at(0),
    seed,
    settings,
    prepared,
    weights,
    after,
    paths,
    taps,
  };
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

/** A model as it was lowered, and the two ways to feed it without a training. */
interface LoweredSubject {
  readonly hasTrain: boolean;
  readonly random: () => Subject;
  /** The first tokens of a text. */
  readonly reading: (data: readonly string[]) => Subject;
}

/** The model as a training has it, or with weights that are trained as it is used. */
function lowerForm(path: string | Source, form: Form, options: ProbeOptions, out: Out): LoweredModel {
  const source = typeof path === "string" ? readModelFile(path) : path;
  const { file, diagnostics: syntax } = parse(source);
  if (syntax.some(isError)) throw new Stop(syntax);
  const asked = { ...options, set: form.set };
  const config = checkpointConfig(options);
  const lowering = {
    ...(config === undefined ? lowerOptions(source.name, asked) : lowerOptions(source.name, asked, config)),
    training: options.weights === undefined,
  };
  const { model, diagnostics } = lower(file, lowering);
  if (model === undefined) throw new Stop(diagnostics);
  showDiagnostics(diagnostics, out);
  return model;
}

function lowerSubject(path: string | Source, form: Form, options: ProbeOptions, out: Out): LoweredSubject {
  const model = lowerForm(path, form, options, out);
  const { train, taps } = model;
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
  const { graph } = loss;
  const subjectOf = (
    input: string,
    sizes: ReadonlyMap<string, number>,
    given: Readonly<Record<string, HostTensor>> = {},
  ): Subject => ({
    form,
    drawn: model.graph,
    graph,
    batch: { ...randomBatch(graph, sizes, seed), ...given },
    seed,
    settings: [
      ["input", input],
      ["loss", loss.description],
    ],
    prepared: undefined,
    weights: readProbedWeights(graph, options, model.notNeeded),
    after: train?.after,
    paths: options.paths ?? false,
    taps,
  });
  const sizesFrom = (dims: ReadonlyMap<string, number>): ReadonlyMap<string, number> =>
    orStop(completeDims(graph.symbols, dims));
  return {
    hasTrain: train !== undefined,
    random: () => {
      const sizes = sizesFrom(orStop(parseDims(options.dims)));
      return subjectOf(`random, ${showDims(sizes)}`, sizes);
    },
    reading: (data) => {
      const { input, tokens, name } = readTokens(graph, data, options);
      const axes = input.value.type.shape.map(({ key }, axis) => [key, tokens.shape[axis]!] as const);
      const symbols = new Set(graph.symbols.map((symbol) => symbol.name));
      const sizes = sizesFrom(new Map(axes.filter(([key]) => symbols.has(key))));
      return subjectOf(`the first ${tokens.data.length} tokens of ${name}`, sizes, { [input.name]: tokens });
    },
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
