import { createHash } from "node:crypto";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { readText } from "../../checkpoint/files/read.ts";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import { isJsonObject, type JsonValue } from "../../checkpoint/json.ts";
import { places } from "../../checkpoint/places.ts";
import { quotePath } from "../../checkpoint/problem.ts";
import type { Source } from "../../support/source.ts";
import { inOrder, showSet, type PlannedRun } from "../../study/grid.ts";
import { readResult, resultJson, type RunResult } from "../../study/result.ts";
import { identityDifferences, type RunIdentity } from "../../train/checkpoint.ts";
import { orStop, stop } from "../stop.ts";
import { fromHere, readRecorded, type Recorded } from "../train/again.ts";
import { trainDefaults, type TrainOptions } from "../train/options.ts";
import { copyModel, makeRunFolder, writeRunFile } from "../train/folder.ts";
import { tryLock } from "../train/lock.ts";
import { showDifferences } from "../train/words.ts";

/** The files of a study. */
export const studyFiles = {
  study: "study.json",
  runs: "runs",
  /** In the folder of a run: what it came to, written last. */
  result: "result.json",
  summary: "summary.json",
  csv: "summary.csv",
  report: "report.html",
  /** The report's curves over the rates, for pages that show pictures. */
  picture: "report.svg",
  /** The gradient by depth and step of each placement; not where nothing is observed. */
  heat: "heat.svg",
} as const;

/** What study.json says. */
export interface Study {
  readonly format: typeof FORMAT;
  /** The model's name, and where in the folder its text is. */
  readonly model: string;
  readonly path: string;
  /** The line that was typed last. */
  readonly command: string;
  /** What all runs share of the options: what `lmg train` would be given. */
  readonly again: Recorded;
  /** Names of the axes; the first is compared. */
  readonly axes: readonly string[];
  /** What decides the numbers of every run alike. */
  readonly shared: RunIdentity;
  /** In the order in which they are made. */
  readonly runs: readonly PlannedRun[];
}

const FORMAT = "lmg study 1";

/** Hexadecimal digits of SHA-256 in the name of a run: a hundred thousand runs of one study have a common one once in 2. */
const DIGITS = 8;

export const identityHash = (identity: RunIdentity): string =>
  createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, DIGITS);

export const runFolder = (folder: string, { name }: PlannedRun): string =>
  join(folder, studyFiles.runs, name);

/** Whether a folder holds a study. */
export const holdsStudy = (folder: string): boolean => kindOfPath(join(folder, studyFiles.study)) === "file";

/** The study of a folder; anything else ends the command. */
export function readStudy(folder: string): Study {
  const path = join(folder, studyFiles.study);
  if (kindOfPath(path) === undefined)
    return stop(
      "E700",
      `${quotePath(folder)} is a folder without ${studyFiles.study}: it holds no study`,
      "name a .lmg file, or a folder that `lmg study` wrote",
    );
  const study = parseStudy(orStop(readText(path, places.json)));
  return (
    study ?? stop("E869", `${quotePath(path)} is not what \`lmg study\` writes`, "remove it, or restore it")
  );
}

function parseStudy(text: string): Study | undefined {
  try {
    const value = JSON.parse(text) as JsonValue;
    if (!isJsonObject(value) || value["format"] !== FORMAT) return undefined;
    const again = isJsonObject(value["again"]) ? readRecorded(value["again"]) : undefined;
    return again === undefined ? undefined : (value as unknown as Study);
  } catch {
    return undefined;
  }
}

/** The options that all runs share, their paths as they are from here. */
export const sharedOptions = ({ again }: Study): TrainOptions =>
  ({ ...trainDefaults, ...fromHere(again) }) as unknown as TrainOptions;

/** Writes study.json with the runs of a line added to those that are there. One process at a time does so. */
export async function addRuns(
  folder: string,
  wanted: Omit<Study, "format" | "path">,
  sources: readonly Source[],
): Promise<Study> {
  makeRunFolder(folder);
  const unlock = await lockPatiently(folder);
  try {
    const found = holdsStudy(folder) ? readStudy(folder) : undefined;
    if (found !== undefined) requireSame(folder, found, wanted);
    const names = new Set(found?.runs.map(({ name }) => name));
    const added = wanted.runs.filter(({ name }) => !names.has(name));
    const runs = inOrder([...(found?.runs ?? []), ...added]);
    const study: Study = { format: FORMAT, ...wanted, path: copyModel(folder, sources), runs };
    writeRunFile(folder, studyFiles.study, `${JSON.stringify(study, null, 1)}\n`);
    return study;
  } finally {
    unlock();
  }
}

/** What must be alike for runs to stand in one table; the rest makes other runs. */
function requireSame(folder: string, found: Study, wanted: Omit<Study, "format" | "path">): void {
  const differences = identityDifferences(found.shared, wanted.shared);
  if (differences.length > 0)
    stop(
      "E868",
      `${quotePath(folder)} holds another study: ${showDifferences(differences)}`,
      "name another folder with -o, or remove this one",
    );
  const axes = (names: readonly string[]): string => [...names].sort().join(", ") || "none";
  if (axes(found.axes) !== axes(wanted.axes))
    stop(
      "E868",
      `${quotePath(folder)} holds another study: it sets ${axes(found.axes)}, here ${axes(wanted.axes)}`,
      "give each --set that it has, with one value at least; or name another folder with -o",
    );
  const made = new Map(found.runs.map((run) => [cellKey(run), run.name]));
  const other = wanted.runs.find((run) => (made.get(cellKey(run)) ?? run.name) !== run.name);
  if (other !== undefined)
    stop(
      "E868",
      `${quotePath(folder)} holds another study: its runs of ${showSet(other.set) || "the model"} are of another text of the model`,
      "name another folder with -o, or put the text back: runs of two models are no seeds of one",
    );
}

/** What tells a run from the others of its study: not its name, which has the model's hash too. */
const cellKey = ({ set, rate, seed }: PlannedRun): string =>
  JSON.stringify([...Object.entries(set).sort(([a], [b]) => (a < b ? -1 : 1)), rate, seed]);

/** In milliseconds: study.json is written in an instant. */
const PATIENCE = { between: 20, inAll: 10_000 } as const;

async function lockPatiently(folder: string): Promise<() => void> {
  for (let waited = 0; ; waited += PATIENCE.between) {
    const found = tryLock(folder);
    if ("unlock" in found) return found.unlock;
    if (waited > PATIENCE.inAll)
      return stop("E857", `another process has written into ${quotePath(folder)} for 10 seconds`);
    await setTimeout(PATIENCE.between);
  }
}

/** What a run came to; undefined if it is not made yet. */
export function resultOf(folder: string, run: PlannedRun): RunResult | undefined {
  const path = join(runFolder(folder, run), studyFiles.result);
  if (kindOfPath(path) !== "file") return undefined;
  const result = readResult(orStop(readText(path, places.json)));
  return (
    result ??
    stop("E869", `${quotePath(path)} is not the result of a run`, "remove it: the run is made again")
  );
}

/** The last file of a run: with it the run is made. */
export const writeResult = (folder: string, run: PlannedRun, result: RunResult): void =>
  writeRunFile(runFolder(folder, run), studyFiles.result, resultJson(result));

/** All runs of a study that are made, in its order. */
export const resultsOf = (folder: string, { runs }: Study): readonly RunResult[] =>
  runs.flatMap((run) => resultOf(folder, run) ?? []);
