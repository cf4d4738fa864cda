import { writeFile } from "../../checkpoint/files.ts";
import { readBytes } from "../../checkpoint/files/read.ts";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import { places } from "../../checkpoint/places.ts";
import type { MetricsLine } from "../../train/lines.ts";
import { orStop, Stop } from "../stop.ts";
import { AppendedFile } from "./appended-file.ts";

/** All that metrics.jsonl says; none without it. */
export const readMetrics = (path: string): readonly MetricsLine[] => linesUntil(Infinity, path);

/** What metrics.jsonl says up to a step; lines after it, and those that are damaged, are left out. */
function linesUntil(step: number, path: string): readonly MetricsLine[] {
  if (kindOfPath(path) === undefined) return [];
  const text = new TextDecoder().decode(orStop(readBytes(path, places.text)));
  return text.split("\n").flatMap((written) => {
    const line = parseLine(written);
    return line === undefined || line.step > step ? [] : [line];
  });
}

function parseLine(text: string): MetricsLine | undefined {
  try {
    const value = JSON.parse(text, numberOf) as Readonly<Record<string, unknown>> | null;
    const isLine = typeof value?.["step"] === "number" && typeof lossIn(value) === "number";
    return isLine ? (value as unknown as MetricsLine) : undefined;
  } catch {
    return undefined;
  }
}

const lossIn = (line: Readonly<Record<string, unknown>>): unknown => {
  const { validation } = line;
  const measures = typeof validation === "object" ? (validation as typeof line | null) : line;
  return measures?.["loss"];
};

/** What is written as null was NaN or infinite, for which JSON has no number; but `batches` may be null itself. */
const numberOf = (key: string, value: unknown): unknown =>
  value === null && key !== "batches" ? NaN : value;

const textOf = (line: MetricsLine): string => `${JSON.stringify(line)}\n`;

/** metrics.jsonl of a run: a line an update and a line an evaluation, in the order in which they were. */
export class MetricsFile {
  readonly lines: MetricsLine[];
  readonly #file: AppendedFile;

  /** Opens the file of a run that goes on after a step: what was written after it goes. */
  constructor(path: string, step: number) {
    this.lines = [...linesUntil(step, path)];
    const problem = writeFile(path, this.lines.map(textOf).join(""));
    if (problem !== undefined) throw new Stop([problem]);
    this.#file = new AppendedFile(path);
  }

  add(line: MetricsLine): void {
    this.lines.push(line);
    this.#file.add(textOf(line));
  }

  /** What was written is on the disk: a checkpoint may follow that relies on it. */
  sync(): void {
    this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }
}
