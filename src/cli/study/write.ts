import { summarize, summaryCsv, type Summary } from "../../study/summary.ts";
import { writeRunFile } from "../train/folder.ts";
import { resultsOf, studyFiles, type Study } from "./folder.ts";

/** Writes summary.json and summary.csv of what is there, and gives the table. */
export function writeSummary(folder: string, study: Study): Summary {
  const results = resultsOf(folder, study);
  const summary = summarize(study.axes, study.runs, results);
  writeRunFile(folder, studyFiles.summary, `${JSON.stringify(summary, null, 1)}\n`);
  writeRunFile(folder, studyFiles.csv, summaryCsv(study.axes, results));
  return summary;
}
