import type { StepReport, Trainer } from "../../train/trainer.ts";
import { countOf } from "../numbers.ts";
import type { Out } from "../out.ts";
import { orStop, Stop } from "../stop.ts";
import { Problem } from "../../checkpoint/problem.ts";
import { showDiagnostic, type Diagnostic } from "../../support/diagnostic.ts";
import type { TelemetryAlarm } from "../../train/telemetry.ts";
import { commandLine } from "./command-line.ts";
import { readRunCheckpoint, runFiles, writeRunFile } from "./folder.ts";
import type { Ending } from "./loop.ts";
import { bestOf, isEvaluation, type MetricsLine } from "../../train/lines.ts";
import { findOrigin, keptWords, nonFiniteDiagnostic } from "./non-finite.ts";
import type { TrainOptions } from "./options.ts";
import type { PreparedTraining } from "./prepare.ts";
import { readTelemetry } from "./telemetry-file.ts";
import { reportOf } from "./report.ts";
import { showDuration, showMeasures } from "./words.ts";

/** A run whose steps are over, one way or another. */
export interface EndedRun {
  readonly ending: Ending;
  readonly prepared: PreparedTraining;
  readonly options: TrainOptions;
  readonly folder: string;
  readonly trainer: Trainer;
  readonly lines: readonly MetricsLine[];
  /** Where an edge left first what it was; undefined if none did, or nothing was observed. */
  readonly alarm: TelemetryAlarm | undefined;
}

/** Writes the report and says how the run ended; where it did not end well, the command does not either. */
export async function endRun(run: EndedRun, out: Out): Promise<void> {
  const { ending, folder, trainer } = run;
  const { steps } = trainer.training.settings;
  switch (ending.kind) {
    case "done":
    case "impatient": {
      const words = summarize(run);
      out.write(`${words.join("\n")}\n`);
      await writeReport(run, words);
      out.write(`wrote ${folder}\n`);
      return;
    }
    case "stopped":
      await writeReport(run, [`ended after step ${trainer.step} of ${steps}: ${ending.why}`]);
      return;
    case "interrupted": {
      const message = `interrupted after step ${trainer.step} of ${steps}; the checkpoint in ${folder} has it`;
      await writeReport(run, [message]);
      throw new Stop([new Problem("E855", message, "the same command goes on from there")]);
    }
    case "not finite": {
      const diagnostic = await explain(run, ending.report, out);
      await writeReport(run, [showDiagnostic({ ...diagnostic, labels: [] })]);
      throw new Stop([diagnostic]);
    }
  }
}

/** What a run came to: its time, the last evaluation and the best. */
function summarize({ trainer, lines, ending }: EndedRun): readonly string[] {
  const evaluations = lines.filter(isEvaluation);
  const [best, last] = [bestOf(evaluations), evaluations.at(-1)];
  const { steps, patience } = trainer.training.settings;
  const why = `${countOf(patience ?? 0, "evaluation")} made the validation loss no smaller; a larger --patience goes on from there`;
  return [
    ...(ending.kind === "impatient" ? [`ended after step ${trainer.step} of ${steps}: ${why}`] : []),
    `${countOf(trainer.step, "step")} in ${showDuration(ending.seconds)}`,
    ...(last === undefined ? [] : [`validation at the end: ${showMeasures(last.validation)}`]),
    ...(best === undefined || best === last
      ? []
      : [`at its best, after step ${best.step}: ${showMeasures(best.validation)}, in ${runFiles.best}`]),
  ];
}

/** report.html of the run; `notes` say how it ended. */
export async function writeReport(
  { prepared, options, folder, lines }: EndedRun,
  notes: readonly string[],
): Promise<void> {
  const { path, model, batch, training } = prepared;
  const command = commandLine(path, options);
  const report = await reportOf({
    title: `Training of ${model.training.name}`,
    command,
    notes,
    batch,
    training,
    lines,
    graph: model.training.graph,
    telemetry: readTelemetry(folder),
  });
  writeRunFile(folder, runFiles.report, report);
}

/** What is said of a step that made NaN or infinity, with the place where that began. */
async function explain(
  { folder, trainer, options }: EndedRun,
  report: StepReport,
  out: Out,
): Promise<Diagnostic> {
  const { program, settings } = trainer.training;
  const from = orStop(readRunCheckpoint(folder)!.restore(program));
  out.note(
    `step ${report.step} is not finite; running from step ${from.step} to it again, to see where it begins\n`,
  );
  const origin = await findOrigin(trainer, report, from, options.target);
  return nonFiniteDiagnostic(report, origin, settings, keptWords(folder, from.step));
}
