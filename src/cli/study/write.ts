import { join } from "node:path";
import { summarize, summaryCsv, type Summary } from "../../study/summary.ts";
import type { TelemetryRows } from "../../train/telemetry.ts";
import { writeRunFile } from "../train/folder.ts";
import { readTelemetry } from "../train/telemetry-file.ts";
import { resultsOf, runFolder, studyFiles, type Study } from "./folder.ts";

/** Writes summary.json, summary.csv, the report and its pictures of what is there, and gives the table. */
export async function writeSummary(folder: string, study: Study): Promise<Summary> {
  const results = resultsOf(folder, study);
  const summary = summarize(study.axes, study.runs, results);
  writeRunFile(folder, studyFiles.summary, `${JSON.stringify(summary, null, 1)}\n`);
  writeRunFile(folder, studyFiles.csv, summaryCsv(study.axes, results));
  const telemetry = new Map(
    results.flatMap((result): [string, TelemetryRows][] => {
      const rows = readTelemetry(runFolder(folder, result));
      return rows === undefined ? [] : [[result.name, rows]];
    }),
  );
  const { shared, command, model } = study;
  // The plot library is loaded here only.
  const { studyPicture, studyReport } = await import("../../report/study.ts");
  const { heatPicture } = await import("../../report/study-heat.ts");
  const settings = Object.entries(shared).filter(([name]) => !hashed.has(name));
  const report = studyReport({
    title: `${model}: placements over learning rates`,
    ...{ command, summary, results, telemetry, settings },
  });
  writeRunFile(folder, studyFiles.report, report);
  writeRunFile(folder, studyFiles.picture, studyPicture(summary));
  const heat = heatPicture({ summary, results, telemetry });
  if (heat !== undefined) writeRunFile(folder, studyFiles.heat, heat);
  return summary;
}

/** What is compared by a hash, which says nothing to people. */
const hashed: ReadonlySet<string> = new Set(["data", "tokenizer", "first weights"]);

/** A file of a study, as people are told of it. */
export const reportPath = (folder: string): string => join(folder, studyFiles.report);
