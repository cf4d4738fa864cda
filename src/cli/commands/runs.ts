import { writeFile } from "../../checkpoint/files.ts";
import { bestOf, isEvaluation, type EvaluationLine, type StepLine } from "../../train/lines.ts";
import type { Command } from "../command.ts";
import { countOf } from "../numbers.ts";
import { writeJson, type Out } from "../out.ts";
import { findRuns, type FoundRun } from "../runs/read.ts";
import { Stop } from "../stop.ts";
import { showTable } from "../table.ts";
import { showDuration } from "../train/words.ts";

interface RunsOptions {
  readonly out?: string;
  readonly json?: true;
}

/** What a run came to so far. */
interface RunRow {
  readonly run: string;
  readonly steps: number;
  readonly loss: number | null;
  readonly validation: number | null;
  readonly best: { readonly step: number; readonly loss: number } | null;
  readonly seconds: number;
}

export const command: Command = {
  arguments: [
    { name: "<folders...>", description: "folders of lmg train or lmg study, or that have such folders" },
  ],
  options: [
    { flags: "-o, --out <file.html>", description: "their curves over each other, as a report" },
    { flags: "--json", description: "the table as JSON" },
  ],
  examples: [
    ["lmg runs runs", "every run in a folder, the best first"],
    [
      "lmg runs runs/a runs/b studies/depth -o curves.html",
      "any runs beside each other, their curves over each other",
    ],
  ],
  async run(folders, { out: file, json }: RunsOptions, out: Out) {
    const runs = findRuns(folders);
    const rows = runs
      .map(rowOf)
      .sort((a, b) => (a.validation ?? a.loss ?? Infinity) - (b.validation ?? b.loss ?? Infinity));
    if (json === true) writeJson(out, rows);
    else out.write(tableOf(rows));
    if (file === undefined) return;
    const { runsReport } = await import("../../report/runs.ts");
    const problem = writeFile(file, runsReport(runs));
    if (problem !== undefined) throw new Stop([problem]);
    out.note(`wrote ${file}: ${countOf(runs.length, "run")}\n`);
  },
};

function rowOf({ name, lines }: FoundRun): RunRow {
  const evaluations = lines.filter((line): line is EvaluationLine => isEvaluation(line));
  const last = lines.findLast((line): line is StepLine => !isEvaluation(line));
  const best = bestOf(evaluations);
  return {
    run: name,
    steps: last?.step ?? 0,
    loss: last?.loss ?? null,
    validation: evaluations.at(-1)?.validation["loss"] ?? null,
    best: best === undefined ? null : { step: best.step, loss: best.validation["loss"]! },
    seconds: lines.at(-1)?.seconds ?? 0,
  };
}

const tableOf = (rows: readonly RunRow[]): string =>
  showTable(
    ["", "steps", "last loss", "validation", "at its best", "time"],
    rows.map(({ run, steps, loss, validation, best, seconds }) => [
      run,
      String(steps),
      loss?.toFixed(4) ?? "–",
      validation?.toFixed(4) ?? "–",
      best === null ? "–" : `${best.loss.toFixed(4)} after ${best.step}`,
      showDuration(seconds),
    ]),
    [1, 2, 3, 4, 5],
  );
