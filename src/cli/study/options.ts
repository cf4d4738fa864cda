import type { OptionSpec } from "../command.ts";
import { trainOptions, type TrainOptions } from "../train/options.ts";

/** What `lmg study` takes; numbers are still texts. */
export interface StudyOptions extends Omit<TrainOptions, "seed" | "patience" | "sample" | "sampleEvery"> {
  readonly seeds?: string;
  readonly jobs?: string;
  readonly dryRun?: true;
  readonly worker?: true;
  readonly share?: string;
  readonly json?: true;
}

/** What a study says otherwise than a training. */
const own: readonly OptionSpec[] = [
  {
    flags: "--lr <rates>",
    description: "learning rates: A:B:N for N from A to B, each the same factor above the last, or a,b,c",
  },
  { flags: "--seeds <count>", description: "seeds of each placement at each rate, 1 to that; 1" },
  {
    flags: "--set <name=values>",
    description:
      "a parameter of the model, with several values an axis: variant=pre,post; the first axis is what the table compares",
    repeated: true,
  },
  { flags: "-o, --out <folder>", description: "where the study is kept; studies/MODEL if not given" },
  { flags: "--jobs <count>", description: "runs that are made at once; as many as there are cores" },
  { flags: "--dry-run", description: "say how many runs, hours and bytes it would be" },
  {
    flags: "--worker",
    description: "with a folder: makes the runs that are left one by one and writes no table, as --jobs does",
  },
  {
    flags: "--share <I/N>",
    description: "with --worker: as the I-th of N workers it begins with placements of its own",
  },
  { flags: "--json", description: "the table as JSON" },
];

const longOf = ({ flags }: OptionSpec): string => /--[a-z-]+/.exec(flags)![0];
/** Runs that are compared are of one length, and write no texts. */
const ofOneRun = ["--seed", "--patience", "--sample", "--sample-every"];
const replaced = new Set([...own.map(longOf), ...ofOneRun]);

/** Options of the trainings, and of the study around them. */
export const studyOptions: readonly OptionSpec[] = [
  ...own,
  ...trainOptions.filter((option) => !replaced.has(longOf(option))),
];
