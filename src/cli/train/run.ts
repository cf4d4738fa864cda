import { join } from "node:path";
import { dawnAdapter } from "../../run/dawn.ts";
import { threadsOf } from "../targets.ts";
import { plural } from "../../support/text.ts";
import { identityDifferences, type RunIdentity } from "../../train/checkpoint.ts";
import type { EngineFactory } from "../../train/engine.ts";
import { trainingEngines } from "../../train/engines.ts";
import type { TextSampler } from "../../train/samples.ts";
import { beginningOf, Trainer, type Snapshot } from "../../train/trainer.ts";
import { countOf, showCount } from "../numbers.ts";
import type { Out } from "../out.ts";
import { warnOfMadeUpNames } from "../run/chosen.ts";
import { orStop, stop } from "../stop.ts";
import { recordOf } from "./again.ts";
import { commandLine } from "./command-line.ts";
import { endRun, type EndedRun } from "./ending.ts";
import {
  copyModel,
  hasWeights,
  makeRunFolder,
  readRunCheckpoint,
  refuseToOverwrite,
  removeLeftovers,
  runFiles,
  writeBestWeights,
  writeRunCheckpoint,
  writeRunFile,
} from "./folder.ts";
import { afterLines, changeable, identityOf } from "./identity.ts";
import { listenForInterruption } from "./interruption.ts";
import { lockFolder } from "./lock.ts";
import { runLoop, type Loop } from "./loop.ts";
import { telemetryOf } from "../../train/telemetry.ts";
import { TelemetryFile } from "./telemetry-file.ts";
import { MetricsFile } from "./metrics-file.ts";
import type { TrainOptions } from "./options.ts";
import type { PreparedTraining } from "./prepare.ts";
import { showProgress } from "./progress.ts";
import { jsonText, publishRun } from "./published.ts";
import { readFirstWeights } from "./start.ts";
import { showDifferences } from "./words.ts";

/** Trains into a folder, which is this process's alone as long; a run that the folder holds already goes on. */
export async function train(what: TrainedFolder, out: Out): Promise<void> {
  const { folder } = what;
  const unread = out.outlive?.();
  makeRunFolder(folder);
  const unlock = lockFolder(folder);
  try {
    await trainInto(what, { out, unread }, (run) => endRun(run, out));
  } finally {
    unlock();
  }
}

/** Where a training is told of, and whether somebody still reads it. */
export interface Listeners {
  readonly out: Out;
  readonly unread: AbortSignal | undefined;
}

/** What is trained, and where. */
export interface TrainedFolder extends Pick<Loop, "watch"> {
  /** Undefined where no texts are asked for. */
  readonly sampler?: TextSampler | undefined;
  readonly folder: string;
  readonly prepared: PreparedTraining;
  readonly options: TrainOptions;
  /** What makes the engine; that of the options' target if left out. */
  readonly makeEngine?: EngineFactory;
}

/** The engine that the options ask for. */
export const engineOf = (options: TrainOptions): Promise<EngineFactory> =>
  trainingEngines[options.target]({ adapter: dawnAdapter(options.dawn), threads: threadsOf(options) });

/** Trains into a folder that is this process's alone. `end` says what becomes of the run, while its engine is open. */
export async function trainInto<T>(
  { folder, prepared, options, watch, sampler, makeEngine }: TrainedFolder,
  { out, unread }: Listeners,
  end: (run: EndedRun) => Promise<T>,
): Promise<T> {
  const { training } = prepared;
  const weights = readFirstWeights(prepared.model, options);
  const identity = identityOf(prepared, options, weights?.hash);
  const found = goingOn(folder, identity, prepared, out);
  if (found === undefined) refuseToOverwrite(folder);
  const from = found ?? { step: 0, state: beginningOf(training, weights?.state).state };
  const trainer = await Trainer.open(training, makeEngine ?? (await engineOf(options)), from);
  try {
    describe(prepared, trainer, found, out);
    removeLeftovers(folder);
    writeRun(folder, prepared, options, out);
    const save = async () => writeRunCheckpoint(folder, await trainer.snapshot(), training.program, identity);
    if (found === undefined) {
      warnOfMadeUpNames(prepared.model.training.unlabelled, out);
      await save();
    } else if (!hasWeights(folder)) await save();
    const saveBest = async () => writeBestWeights(folder, await trainer.snapshot(), training.program);
    const sample = sampler && (async () => sampler(await trainer.snapshot(), training.program));
    const run = { prepared, options, folder, trainer };
    return await runSteps(run, { save, saveBest, sample, watch }, { out, unread }, end);
  } finally {
    trainer.close();
  }
}

/** Runs the steps that are left, with what is shown and written beside, and ends the run. */
async function runSteps<T>(
  run: Omit<EndedRun, "ending" | "lines" | "alarm">,
  callbacks: Pick<Loop, "save" | "saveBest" | "sample" | "watch">,
  { out, unread }: Listeners,
  end: (run: EndedRun) => Promise<T>,
): Promise<T> {
  const { trainer, folder } = run;
  const { cadence } = run.prepared;
  const { steps } = trainer.training.settings;
  const metrics = new MetricsFile(join(folder, runFiles.metrics), trainer.step);
  const observed = telemetryOf(trainer.training.program);
  const telemetry = observed && new TelemetryFile(folder, observed, trainer.step);
  const progress = showProgress(out, steps, trainer.step);
  const interruption = listenForInterruption(() => {
    // The second time the process ends at once: a bar would leave the terminal without a cursor.
    progress.close();
    progress.line("ending after this step …");
  }, unread);
  try {
    const ending = await runLoop({
      trainer,
      cadence,
      metrics,
      telemetry,
      progress,
      interruption,
      ...callbacks,
    });
    progress.close();
    return await end({ ...run, ending, lines: metrics.lines, alarm: telemetry?.alarm });
  } finally {
    progress.close();
    interruption.close();
    metrics.close();
    telemetry?.close();
  }
}

/** Where the run of a folder stands; one that differs in what decides its numbers ends the command. */
function goingOn(
  folder: string,
  identity: RunIdentity,
  { training }: PreparedTraining,
  out: Out,
): Snapshot | undefined {
  const checkpoint = readRunCheckpoint(folder);
  if (checkpoint === undefined) return undefined;
  const differences = identityDifferences(checkpoint.identity, identity, changeable);
  // Nothing was trained there yet: another attempt may begin.
  if (differences.length > 0 && checkpoint.step === 0) return undefined;
  if (differences.length > 0)
    stop(
      "E854",
      `${folder} holds another run: ${showDifferences(differences)}`,
      "begin a new one in another folder with -o, or remove this one",
    );
  const isOver = checkpoint.step >= training.settings.steps;
  for (const { name, before, now } of isOver ? [] : identityDifferences(checkpoint.identity, identity))
    out.note(`${name} was ${before} and is ${now}: the run does not end as it would have\n`);
  return orStop(checkpoint.restore(training.program));
}

function describe(prepared: PreparedTraining, trainer: Trainer, found: Snapshot | undefined, out: Out): void {
  const { model, training, batch } = prepared;
  const { settings, batches } = training;
  const parameters = model.train.graph.parameters.filter(({ trainable }) => trainable);
  const count = parameters.reduce(
    (sum, { value }) => sum + value.type.shape.reduce((size, axis) => size * Number(axis.key), 1),
    0,
  );
  const micro = settings.accumulate === 1 ? "" : `${settings.accumulate} batches of `;
  out.write(
    `${model.training.name}: ${showCount(count)} parameters in ${plural(parameters.length, "tensor")}; ${batches.description}\n` +
      `${settings.optimizer.name}, learning rate ${settings.rate}, ${settings.schedule?.name ?? "constant"}; ` +
      `${countOf(settings.steps, "step")} of ${micro}${countOf(batch, "row")}, seed ${settings.seed}; ${trainer.engine.description}\n`,
  );
  if ((found?.step ?? 0) < settings.steps) out.note(describeEvaluations(prepared));
  if (found === undefined) return;
  const isOver = found.step >= settings.steps;
  out.write(
    isOver
      ? `the run ended after step ${found.step}; a larger --steps goes on from there\n`
      : `goes on after step ${found.step}\n`,
  );
}

/** How often and on how much the run is evaluated; empty where each evaluation reads all there is. */
function describeEvaluations({ training, cadence }: PreparedTraining): string {
  const { validationBatches: all } = training.batches;
  const { evaluateEvery: every, evaluateBatches: each = all } = cadence;
  if (each >= all) return "";
  const read = `${showCount(each)} of ${showCount(all)} batches of the validation part`;
  return `each evaluation, every ${countOf(every, "step")}, reads ${read}; the last one reads all\n`;
}

/** What the folder says of the run, so that its model can be used without another word. */
function writeRun(folder: string, prepared: PreparedTraining, options: TrainOptions, out: Out): void {
  const { model, training, tokenizer, tokenizerConfig, sources, batch } = prepared;
  const { settings, batches } = training;
  const published = publishRun(prepared, options);
  const chosen = model.training.parameters.filter(({ from }) => from !== "default");
  const run = {
    path: copyModel(folder, sources),
    command: commandLine(prepared.path, options),
    model: model.training.name,
    set: Object.fromEntries(chosen.map(({ name, value }) => [name, value])),
    data: batches.description,
    training: {
      ...settings,
      after: afterLines(settings.after),
      batch,
      context: options.context,
      target: options.target,
    },
    published: published.said,
    again: recordOf(prepared, options),
  };
  writeRunFile(folder, runFiles.run, jsonText(run));
  if (tokenizer !== undefined) writeRunFile(folder, runFiles.tokenizer, jsonText(tokenizer.file));
  if (published.note !== undefined) out.note(published.note);
  const files = { [runFiles.tokenizerConfig]: jsonText(tokenizerConfig), ...published.files };
  for (const [name, text] of Object.entries(files))
    if (text !== jsonText({})) writeRunFile(folder, name, text);
}
