import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { fileProblem, kindOfPath, readText, writeAtomically } from "../../checkpoint/files.ts";
import { Problem } from "../../checkpoint/problem.ts";
import type { Scalars } from "../../train/engine.ts";
import { orStop, Stop } from "../stop.ts";

/** A line of metrics.jsonl: an update. */
export interface StepLine {
  readonly step: number;
  readonly loss: number;
  readonly gradient_norm: number;
  readonly lr: number;
  /** Spent on steps since the run began, the interruptions left out. */
  readonly seconds: number;
  /** The metrics by name, and `tokens_per_second` or `samples_per_second`. */
  readonly [name: string]: number;
}

/** A line of metrics.jsonl: an evaluation after a step. */
export interface EvaluationLine {
  readonly step: number;
  readonly validation: Scalars;
  /** Batches that were read; null for all. */
  readonly batches: number | null;
  readonly seconds: number;
}

export type MetricsLine = StepLine | EvaluationLine;

export const isEvaluation = (line: MetricsLine): line is EvaluationLine =>
  typeof line.validation === "object";

/** What metrics.jsonl says up to a step; lines after it, and a last one that was cut off, are left out. */
function linesUntil(step: number, path: string): readonly MetricsLine[] {
  if (kindOfPath(path) === undefined) return [];
  const lines: MetricsLine[] = [];
  for (const text of orStop(readText(path)).split("\n")) {
    const line = parseLine(text);
    if (line === undefined || line.step > step) break;
    lines.push(line);
  }
  return lines;
}

function parseLine(text: string): MetricsLine | undefined {
  try {
    const value = JSON.parse(text, numberOf) as unknown;
    const isLine = typeof value === "object" && value !== null && "step" in value;
    return isLine && typeof value.step === "number" ? (value as MetricsLine) : undefined;
  } catch {
    return undefined;
  }
}

/** What is written as null was NaN or infinite, for which JSON has no number; but `batches` may be null itself. */
const numberOf = (key: string, value: unknown): unknown =>
  value === null && key !== "batches" ? NaN : value;

const textOf = (line: MetricsLine): string => `${JSON.stringify(line)}\n`;

/** metrics.jsonl of a run: a line an update and a line an evaluation, in the order in which they were. */
export class MetricsFile {
  readonly lines: MetricsLine[];
  readonly #path: string;
  readonly #file: number;

  /** Opens the file of a run that goes on after a step: what was written after it goes. */
  constructor(path: string, step: number) {
    this.#path = path;
    this.lines = [...linesUntil(step, path)];
    const problem = writeAtomically(path, this.lines.map(textOf).join(""));
    if (problem !== undefined) throw new Stop([problem]);
    this.#file = this.#try(() => openSync(path, "a"));
  }

  add(line: MetricsLine): void {
    this.lines.push(line);
    this.#try(() => writeSync(this.#file, textOf(line)));
  }

  /** What was written is on the disk: a checkpoint may follow that relies on it. */
  sync(): void {
    this.#try(() => fsyncSync(this.#file));
  }

  close(): void {
    closeSync(this.#file);
  }

  #try<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const problem: Problem = fileProblem("write", this.#path, error);
      throw new Stop([problem]);
    }
  }
}
