import { mkdirSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileProblem, kindOfPath, readBytes, writeAtomically } from "../../checkpoint/files.ts";
import { isJsonObject, ownValue, type JsonObject } from "../../checkpoint/json.ts";
import { Problem, quotePath } from "../../checkpoint/problem.ts";
import type { Source } from "../../support/source.ts";
import {
  readTrainingCheckpoint,
  writeModelWeights,
  writeTrainingCheckpoint,
  type RunIdentity,
} from "../../train/checkpoint.ts";
import type { TrainingProgram } from "../../train/program.ts";
import type { Snapshot } from "../../train/trainer.ts";
import { readIfThere } from "../run/tokenizer-files.ts";
import { orStop, Stop } from "../stop.ts";

/** The files of a run. */
export const runFiles = {
  /** All that the run needs to go on with the same bits. */
  checkpoint: "checkpoint.safetensors",
  /** Parameters and running statistics alone, float32. */
  weights: "model.safetensors",
  tokenizer: "tokenizer.json",
  /** What was trained, and how. */
  run: "run.json",
  metrics: "metrics.jsonl",
  report: "report.html",
  /** A folder with the model's own text, so that the run works wherever it is carried. */
  model: "model",
} as const;

/** Writes a file of a run whole or not at all; what prevents it ends the command. */
export function writeRunFile(folder: string, name: string, content: string | Uint8Array): void {
  const path = join(folder, name);
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw new Stop([fileProblem("write", dirname(path), error)]);
  }
  const problem = writeAtomically(path, content);
  if (problem !== undefined) throw new Stop([problem]);
}

/** The checkpoint of a folder; undefined if it has none. */
export function readRunCheckpoint(folder: string) {
  const path = join(folder, runFiles.checkpoint);
  if (kindOfPath(path) !== "file") return undefined;
  return orStop(readTrainingCheckpoint(orStop(readBytes(path)), path));
}

/** Writes the checkpoint, then the weights alone: the first is what counts. */
export function writeRunCheckpoint(
  folder: string,
  snapshot: Snapshot,
  program: TrainingProgram,
  identity: RunIdentity,
): void {
  writeRunFile(folder, runFiles.checkpoint, writeTrainingCheckpoint(snapshot, program, identity));
  writeRunFile(folder, runFiles.weights, writeModelWeights(snapshot, program));
}

/** Copies the model's files under `model/`, as they lie to each other, and gives the path of the first there. */
export function copyModel(folder: string, sources: readonly Source[]): string {
  const paths = sources.map(({ name }) => resolve(name));
  const root = commonFolder(paths.map(dirname));
  const copies = paths.map((path) => join(runFiles.model, relative(root, path)));
  for (const [index, { text }] of sources.entries()) writeRunFile(folder, copies[index]!, text);
  return copies[0]!.split(sep).join("/");
}

function commonFolder(folders: readonly string[]): string {
  const [first = [], ...others] = folders.map((folder) => folder.split(sep));
  const length = first.findIndex((part, index) => others.some((other) => other[index] !== part));
  return first.slice(0, length < 0 ? first.length : length).join(sep) || sep;
}

/** What run.json says of a run, as far as others need it to use its model. */
export interface TrainedRun {
  readonly folder: string;
  /** Path of the model's text. */
  readonly path: string;
  readonly model: string;
  /** Parameters of the model, as `--set` takes them. */
  readonly set: readonly string[];
}

/** The run that a folder holds; undefined if it holds none. */
export function readRun(folder: string): TrainedRun | undefined {
  if (kindOfPath(folder) !== "folder") return undefined;
  const file = readIfThere(join(folder, runFiles.run));
  return file === undefined ? undefined : orStop(trainedRun(folder, file));
}

function trainedRun(folder: string, file: JsonObject): TrainedRun | Problem {
  const [path, model, set] = ["path", "model", "set"].map((name) => ownValue(file, name));
  const settings = isJsonObject(set) ? Object.entries(set) : undefined;
  const areTexts = settings?.every((entry): entry is [string, string] => typeof entry[1] === "string");
  if (typeof path !== "string" || typeof model !== "string" || !settings || areTexts !== true)
    return new Problem(
      "E853",
      `${quotePath(join(folder, runFiles.run))} does not say which model was trained`,
      "`lmg train` writes this file",
    );
  return { folder, path: join(folder, path), model, set: settings.map((entry) => entry.join("=")) };
}
