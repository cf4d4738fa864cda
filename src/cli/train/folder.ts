import { createHash } from "node:crypto";
import { readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { isLeftover, writeFile } from "../../checkpoint/files.ts";
import { makeFolder } from "../../checkpoint/files/folders.ts";
import { readBytes } from "../../checkpoint/files/read.ts";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import { places } from "../../checkpoint/places.ts";
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
import { RUN_FILE } from "../project.ts";
import { stop, Stop } from "../stop.ts";

/** The files of a run. */
export const runFiles = {
  /** All that the run needs to go on with the same bits. */
  checkpoint: "checkpoint.safetensors",
  /** Parameters and running statistics alone, float32. */
  weights: "model.safetensors",
  /** The same, after the evaluation with the least loss. */
  best: "best.safetensors",
  tokenizer: "tokenizer.json",
  /** What stood beside a tokenizer that was given. */
  tokenizerConfig: "tokenizer_config.json",
  /** By which others load the weights, where the model has a published architecture. */
  config: "config.json",
  generationConfig: "generation_config.json",
  /** What was trained, and how. */
  run: RUN_FILE,
  metrics: "metrics.jsonl",
  /** Measures of the residual edges, and what each column of them is. */
  telemetry: "telemetry.f32",
  telemetryColumns: "telemetry.json",
  report: "report.html",
  /** A folder with the model's own text, so that the run works wherever it is carried. */
  model: "model",
  /** Which process writes here now. */
  lock: ".lock",
} as const;

/** Where a run is kept if nothing is said: `runs/MODEL`, or with parameters that were set `runs/MODEL,depth=2,dim=64`. */
export function defaultFolder(model: string, settings: readonly string[] = []): string {
  const byName = new Map(
    settings.map((setting) => {
      const [name = "", ...value] = setting.split("=");
      return [name.trim(), value.join("=").trim()];
    }),
  );
  const written = [...byName].map((entry) => entry.join("=")).sort();
  const words = written.map((setting) => `,${setting.replace(/[^\w.=+-]/g, "_")}`).join("");
  const isWhole = words === written.map((setting) => `,${setting}`).join("") && words.length <= LONGEST_WORDS;
  const hash = createHash("sha256").update(written.join("\n")).digest("hex").slice(0, 8);
  return join("runs", `${model}${isWhole ? words : `${words.slice(0, LONGEST_WORDS)},${hash}`}`);
}

/** File systems take names of 255 bytes; a model's own name is short. */
const LONGEST_WORDS = 120;

/** Makes the folder of a run, if it is not there. */
export function makeRunFolder(folder: string): void {
  stopAt(makeFolder(folder, "it is a file, and a run needs a folder"));
}

/** Ends the command where a run that begins in a folder without a checkpoint would write over what it did not make. */
export function refuseToOverwrite(folder: string): void {
  const has = (name: string): boolean => kindOfPath(join(folder, name)) !== undefined;
  if (has(runFiles.checkpoint)) return;
  if (has(runFiles.run)) {
    // What is written before the first checkpoint is written again.
    if (hasContent(join(folder, runFiles.metrics)))
      stop(
        "E858",
        `${quotePath(folder)} holds a run without its ${runFiles.checkpoint}, so it cannot go on`,
        "put the file back, begin a new run in another folder with -o, or remove this one",
      );
    return;
  }
  const { weights, best, tokenizer, metrics, report, model } = runFiles;
  const taken = [weights, best, tokenizer, metrics, report, model].find(has);
  if (taken !== undefined)
    stop(
      "E858",
      `${quotePath(folder)} holds no run, but has ${quotePath(taken)}, which a run would write over`,
      "train into another folder with -o",
    );
}

const hasContent = (path: string): boolean => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;

function stopAt(problem: Problem | undefined): void {
  if (problem !== undefined) throw new Stop([problem]);
}

/** Writes a file of a run whole or not at all; what prevents it ends the command. */
export function writeRunFile(folder: string, name: string, content: string | Uint8Array): void {
  const path = join(folder, name);
  stopAt(makeFolder(dirname(path)) ?? writeFile(path, content));
}

/** Removes what a run left that was killed as it wrote a file: never read, and never written again. */
export function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) if (isLeftover(name)) rmSync(join(folder, name), { force: true });
}

/** The checkpoint of a folder; undefined if it has none. */
export function readRunCheckpoint(folder: string) {
  const path = join(folder, runFiles.checkpoint);
  if (kindOfPath(path) === undefined) return undefined;
  const bytes = readBytes(path, places.snapshot);
  const checkpoint = bytes instanceof Problem ? bytes : readTrainingCheckpoint(bytes, path);
  if (!(checkpoint instanceof Problem)) return checkpoint;
  const { code, message } = checkpoint;
  return stop(
    code,
    message,
    `put a copy of it back; or begin a new run with -o in another folder, with --weights ${join(folder, runFiles.weights)} from where this one was`,
  );
}

/** Writes the weights alone, then the checkpoint: a run that ends between both goes on from the one before. */
export function writeRunCheckpoint(
  folder: string,
  snapshot: Snapshot,
  program: TrainingProgram,
  identity: RunIdentity,
): void {
  writeRunFile(folder, runFiles.weights, writeModelWeights(snapshot, program));
  writeRunFile(folder, runFiles.checkpoint, writeTrainingCheckpoint(snapshot, program, identity));
}

/** Whether the weights lie beside the checkpoint: they may have been moved away. */
export const hasWeights = (folder: string): boolean => kindOfPath(join(folder, runFiles.weights)) === "file";

/** Writes the weights of the best evaluation so far. */
export function writeBestWeights(folder: string, snapshot: Snapshot, program: TrainingProgram): void {
  writeRunFile(folder, runFiles.best, writeModelWeights(snapshot, program));
}

/** Copies the model's files under `model/`, as they lie to each other, and gives the path of the first there. */
export function copyModel(folder: string, sources: readonly Source[]): string {
  const copies = modelCopies(sources);
  for (const { path, text } of copies) writeRunFile(folder, path, text);
  return copies[0]!.path;
}

/** The model's files as a run keeps them, by their paths in its folder. */
export function modelCopies(
  sources: readonly Source[],
): readonly { readonly path: string; readonly text: string }[] {
  const paths = sources.map(({ name }) => resolve(name));
  const root = commonFolder(paths.map(dirname));
  return sources.map(({ text }, index) => ({
    path: join(runFiles.model, relative(root, paths[index]!)).split(sep).join("/"),
    text,
  }));
}

function commonFolder(folders: readonly string[]): string {
  const [first = [], ...others] = folders.map((folder) => folder.split(sep));
  const length = first.findIndex((part, index) => others.some((other) => other[index] !== part));
  return first.slice(0, length < 0 ? first.length : length).join(sep) || sep;
}
