import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import { quotePath } from "../../checkpoint/problem.ts";
import type { ScalarRow } from "../../study/tensorboard.ts";
import { isEvaluation, type MetricsLine } from "../../train/lines.ts";
import { telemetryTag } from "../../train/telemetry.ts";
import { RUN_FILE } from "../project.ts";
import { stop } from "../stop.ts";
import { studyFiles } from "../study/folder.ts";
import { runFiles } from "../train/folder.ts";
import { readMetrics } from "../train/metrics-file.ts";
import { readTelemetry } from "../train/telemetry-file.ts";

/** A run that was found, and what it has said so far. */
export interface FoundRun {
  /** Of its folder; runs of one name have more of their path. */
  readonly name: string;
  readonly folder: string;
  readonly lines: readonly MetricsLine[];
}

/** The runs of folders: a folder of `lmg train`, of `lmg study`, or one that has such folders. None ends the command. */
export function findRuns(folders: readonly string[]): readonly FoundRun[] {
  const found = folders.flatMap((folder) => {
    if (kindOfPath(folder) === undefined)
      stop("E700", `cannot read ${quotePath(folder)}: there is no such file or folder`);
    const runs = runsIn(folder);
    return runs.length > 0
      ? runs
      : stop(
          "E700",
          `${quotePath(folder)} holds no run`,
          "name a folder that `lmg train` or `lmg study` wrote, or one that has such folders",
        );
  });
  const unique = [...new Set(found)];
  const names = unique.map((folder) => basename(folder));
  return unique.map((folder, index) => ({
    name: names.indexOf(names[index]!) === names.lastIndexOf(names[index]!) ? names[index]! : folder,
    folder,
    lines: readMetrics(join(folder, runFiles.metrics)),
  }));
}

function runsIn(folder: string): readonly string[] {
  if (kindOfPath(join(folder, RUN_FILE)) === "file") return [folder];
  const inside =
    kindOfPath(join(folder, studyFiles.study)) === "file" ? join(folder, studyFiles.runs) : folder;
  if (kindOfPath(inside) !== "folder") return [];
  return readdirSync(inside)
    .sort()
    .map((name) => join(inside, name))
    .filter((path) => kindOfPath(join(path, RUN_FILE)) === "file");
}

/** All that a run measured, a row a step: losses and metrics, validation, rates, and its telemetry. */
export function scalarsOf({ folder, lines }: FoundRun): readonly ScalarRow[] {
  const rows = lines.map((line): ScalarRow => {
    if (isEvaluation(line)) {
      const values = Object.entries(line.validation).map(
        ([name, value]) => [`validation/${name}`, value] as const,
      );
      return { step: line.step, seconds: line.seconds, values: Object.fromEntries(values) };
    }
    const { step, seconds, ...values } = line;
    return { step, seconds, values };
  });
  const times = new Map(rows.map(({ step, seconds }) => [step, seconds]));
  const telemetry = readTelemetry(folder);
  const observed = (telemetry?.rows ?? []).map(([step, ...values]): ScalarRow => ({
    step: step!,
    seconds: times.get(step!) ?? 0,
    values: Object.fromEntries(
      values.map((value, index) => [telemetryTag(telemetry!.columns[index]!), value]),
    ),
  }));
  return [...rows, ...observed].sort((a, b) => a.step - b.step);
}
