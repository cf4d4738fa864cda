import { join } from "node:path";
import { choicesOf, runName, type Axis, type PlannedRun } from "../../study/grid.ts";
import type { RunIdentity } from "../../train/checkpoint.ts";
import { showCommandLine } from "../command-line.ts";
import type { Out } from "../out.ts";
import { recordOf } from "../train/again.ts";
import { identityOf } from "../train/identity.ts";
import type { TrainOptions } from "../train/options.ts";
import { readTraining, type ReadTraining } from "../train/prepare.ts";
import { readFirstWeights } from "../train/start.ts";
import { axesOf, parseRates, parseSeeds } from "./axes.ts";
import { identityHash, type Study } from "./folder.ts";
import { studyOptions, type StudyOptions } from "./options.ts";

/** What one line of `lmg study` asks for. */
export interface PlannedStudy extends Omit<Study, "format" | "path"> {
  /** One training of each placement, read and checked. */
  readonly placements: readonly Placement[];
}

export interface Placement {
  readonly set: Readonly<Record<string, string>>;
  readonly read: ReadTraining;
  readonly runs: readonly PlannedRun[];
}

/** What differs between the runs of a study; all else must be alike. */
const own: ReadonlySet<string> = new Set(["model", "seed", "learning rate", "optimizer", "schedule"]);

/** Steps between two that are observed, if nothing is said: they cost about a hundredth of the time. */
const OBSERVE_EVERY = "10";

/** Reads every placement, so that a mistake in the last is told before the first is trained, and names its runs. */
export function planStudy(path: string, options: StudyOptions, out: Out): PlannedStudy {
  const axes = axesOf(options.set);
  const rates = parseRates(options.lr);
  const seeds = parseSeeds(options.seeds);
  const base = { telemetry: OBSERVE_EVERY, ...trainOptionsOf(options) };
  const quiet = { ...out, note: () => undefined };
  let identity: RunIdentity = {};
  const placements = choicesOf(axes).map((set, index): Placement => {
    const read = readTraining(path, { ...base, set: settingsOf(set) }, index === 0 ? out : quiet);
    const first = readFirstWeights(read.model, base)?.hash;
    const runs = (rates ?? [read.training.settings.rate]).flatMap((rate) =>
      seeds.map((seed): PlannedRun => {
        identity = identityOf(withSettings(read, { rate, seed }), base, first);
        const cell = { set, rate, seed };
        return { ...cell, name: runName(cell, names(axes), identityHash(identity)) };
      }),
    );
    return { set, read, runs };
  });
  const { read } = placements[0]!;
  return {
    model: read.model.training.name,
    command: showCommandLine("study", [path], studyOptions, options),
    again: recordOf(read, base),
    axes: names(axes),
    shared: Object.fromEntries(Object.entries(identity).filter(([name]) => !own.has(name))),
    runs: placements.flatMap(({ runs }) => runs),
    placements,
  };
}

const names = (axes: readonly Axis[]): readonly string[] => axes.map(({ name }) => name);

/** What a study takes beside what its trainings do, or says for each of them. */
const ofStudy = new Set(["seeds", "jobs", "dryRun", "worker", "share", "json", "set", "lr", "out"]);

/** The options of the trainings, without what makes one run another. */
export const trainOptionsOf = (options: StudyOptions): TrainOptions =>
  Object.fromEntries(
    Object.entries(options).filter(([name]) => !ofStudy.has(name)),
  ) as unknown as TrainOptions;

export const settingsOf = (set: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(set).map((entry) => entry.join("="));

const withSettings = (
  read: ReadTraining,
  changed: { readonly rate: number; readonly seed: number },
): ReadTraining => ({
  ...read,
  training: { ...read.training, settings: { ...read.training.settings, ...changed } },
});

/** Where a study is kept if nothing is said. */
export const defaultStudyFolder = (model: string): string => join("studies", model);
