import { dirname, join } from "node:path";
import { writeFile } from "../../checkpoint/files.ts";
import { makeFolder } from "../../checkpoint/files/folders.ts";
import type { Problem } from "../../checkpoint/problem.ts";
import { csvOf } from "../../study/summary.ts";
import { eventFile } from "../../study/tensorboard.ts";
import { plural } from "../../support/text.ts";
import type { Command } from "../command.ts";
import type { Out } from "../out.ts";
import { findRuns, scalarsOf, type FoundRun } from "../runs/read.ts";
import { stop, Stop } from "../stop.ts";

interface ExportOptions {
  readonly to?: string;
  readonly out?: string;
}

/** What each form writes of a run: a file in the folder of the export. */
const forms: Readonly<
  Record<string, (run: FoundRun) => { readonly file: string; readonly content: string | Uint8Array }>
> = {
  // TensorBoard takes a folder for a run, and any file of this name in it.
  tensorboard: (run) => ({
    file: join(run.name, "events.out.tfevents.0.lmg"),
    content: eventFile(scalarsOf(run)),
  }),
  csv: (run) => ({
    file: `${run.name}.csv`,
    content: csvOf([
      ["step", "seconds", "name", "value"],
      ...scalarsOf(run).flatMap(({ step, seconds, values }) =>
        Object.entries(values).map(([name, value]) => [step, seconds, name, value]),
      ),
    ]),
  }),
  jsonl: (run) => ({
    file: `${run.name}.jsonl`,
    content: scalarsOf(run)
      .map(({ step, seconds, values }) => `${JSON.stringify({ step, seconds, ...values })}\n`)
      .join(""),
  }),
};

export const command: Command = {
  arguments: [
    { name: "<folders...>", description: "folders of lmg train or lmg study, or that have such folders" },
  ],
  options: [
    { flags: "--to <form>", description: "what is written of each run", choices: Object.keys(forms) },
    {
      flags: "-o, --out <folder>",
      description: "where; the first folder, with the form behind it, if not given",
    },
  ],
  examples: [
    [
      "lmg export studies/depth --to tensorboard && tensorboard --logdir studies/depth-tensorboard",
      "all runs of a study beside each other",
    ],
    ["lmg export runs/chars --to csv -o tables", "a line a number: step, seconds, name, value"],
  ],
  run(folders, { to, out: folder }: ExportOptions, out: Out) {
    if (to === undefined)
      return stop(
        "E804",
        "--to says what is written, and is not given",
        `one of ${Object.keys(forms).join(", ")}`,
      );
    const into = folder ?? `${folders[0]!.replace(/[/\\]+$/, "")}-${to}`;
    const runs = findRuns(folders);
    for (const run of runs) {
      const { file, content } = forms[to]!({ ...run, name: run.name.replace(/[/\\:]/g, "_") });
      const path = join(into, file);
      const problem: Problem | undefined = makeFolder(dirname(path)) ?? writeFile(path, content);
      if (problem !== undefined) throw new Stop([problem]);
    }
    out.write(`wrote ${plural(runs.length, "run")} to ${into}\n`);
  },
};
