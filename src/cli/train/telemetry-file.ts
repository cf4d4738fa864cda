import { join } from "node:path";
import { writeFile } from "../../checkpoint/files.ts";
import { readBytes, readText } from "../../checkpoint/files/read.ts";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import { places } from "../../checkpoint/places.ts";
import type { Problem } from "../../checkpoint/problem.ts";
import { Detector, type Telemetry, type TelemetryAlarm, type TelemetryRows } from "../../train/telemetry.ts";
import type { Scalars } from "../../train/measures.ts";
import { orStop, Stop } from "../stop.ts";
import { AppendedFile } from "./appended-file.ts";
import { runFiles } from "./folder.ts";

const FORMAT = "lmg telemetry 1";

/**
 * telemetry.f32 of a run, beside telemetry.json with its columns: rows of little-endian float32 as they come, the number of the
 * step and then a number a column.
 */
export class TelemetryFile {
  readonly #telemetry: Telemetry;
  readonly #file: AppendedFile;
  readonly #detector: Detector;

  /** Opens the file of a run that goes on after a step: what was written after it goes. */
  constructor(folder: string, telemetry: Telemetry, step: number) {
    this.#telemetry = telemetry;
    const path = join(folder, runFiles.telemetry);
    this.#detector = new Detector(telemetry.columns);
    const columns = `${JSON.stringify({ format: FORMAT, columns: telemetry.columns }, null, 1)}\n`;
    const found = readTelemetry(folder);
    const isAlike = JSON.stringify(found?.columns) === JSON.stringify(telemetry.columns);
    const kept = isAlike ? (found?.rows ?? []).filter((row) => row[0]! <= step) : [];
    for (const row of kept) this.#detector.add(row[0]!, row.subarray(1));
    stopAt(writeFile(join(folder, runFiles.telemetryColumns), columns));
    stopAt(writeFile(path, Buffer.concat(kept.map(bytesOf))));
    this.#file = new AppendedFile(path);
  }

  /** Adds a step, and gives the first alarm of the run if it is this step's. */
  add(step: number, scalars: Scalars): TelemetryAlarm | undefined {
    const row = this.#telemetry.row(scalars);
    this.#file.add(bytesOf(Float32Array.from([step, ...row])));
    const before = this.#detector.alarm;
    this.#detector.add(step, row);
    return before === undefined ? this.#detector.alarm : undefined;
  }

  /** The first alarm of the run so far. */
  get alarm(): TelemetryAlarm | undefined {
    return this.#detector.alarm;
  }

  /** What was written is on the disk: a checkpoint may follow that relies on it. */
  sync(): void {
    this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }
}

function stopAt(problem: Problem | undefined): void {
  if (problem !== undefined) throw new Stop([problem]);
}

/** All machines that Node runs on store numbers in this order. */
const bytesOf = (row: Float32Array): Buffer => Buffer.from(row.buffer, row.byteOffset, row.byteLength);

/** The telemetry of a run's folder; undefined if it has none, or what is there is damaged. A row that was cut off is left out. */
export function readTelemetry(folder: string): TelemetryRows | undefined {
  const [path, head] = [join(folder, runFiles.telemetry), join(folder, runFiles.telemetryColumns)];
  if (kindOfPath(path) !== "file" || kindOfPath(head) !== "file") return undefined;
  const columns = parseColumns(orStop(readText(head, places.json)));
  if (columns === undefined) return undefined;
  const bytes = orStop(readBytes(path, places.text));
  const width = 4 * (1 + columns.length);
  const count = Math.floor(bytes.length / width);
  const numbers = new Float32Array(bytes.slice(0, count * width).buffer);
  const rows = Array.from({ length: count }, (_, index) =>
    numbers.subarray((index * width) / 4, ((index + 1) * width) / 4),
  );
  return { columns, rows };
}

function parseColumns(text: string): TelemetryRows["columns"] | undefined {
  try {
    const value = JSON.parse(text) as { readonly format?: unknown; readonly columns?: unknown } | null;
    return value?.format === FORMAT && Array.isArray(value.columns)
      ? (value.columns as TelemetryRows["columns"])
      : undefined;
  } catch {
    return undefined;
  }
}
