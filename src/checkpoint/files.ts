import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { CheckpointTensor } from "./match.ts";
import { Problem, quote, quotePath } from "./problem.ts";
import { LENGTH_BYTES, parseHeader, readHeaderLength, type SafetensorsHeader } from "./safetensors-header.ts";
import { parseShardIndex } from "./shards.ts";
import { decodeUtf8 } from "./json.ts";

/** The bytes of a file, or why it cannot be read. */
export function readBytes(path: string): Uint8Array | Problem {
  try {
    return readFileSync(path);
  } catch (error) {
    return fileProblem("read", path, error);
  }
}

/** The text of a UTF-8 file. */
export function readText(path: string): string | Problem {
  const bytes = readBytes(path);
  return bytes instanceof Problem ? bytes : decodeUtf8(bytes, path);
}

/** What stands at a path; undefined if nothing does. What cannot be looked at is a file: reading it says why. */
export function kindOfPath(path: string): "file" | "folder" | undefined {
  try {
    return statSync(path).isDirectory() ? "folder" : "file";
  } catch (error) {
    return ["ENOENT", "ENOTDIR"].includes(codeOf(error)) ? undefined : "file";
  }
}

/** The code of an error of the operating system; empty for others. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

/** Words for what the operating system says. */
const reasons: { readonly [code: string]: string } = {
  ENOENT: "there is no such file or folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is not a folder",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  ENAMETOOLONG: "the path is too long",
  ELOOP: "its links lead back to itself",
  EFBIG: "it would be larger than the system allows",
  ERR_FS_FILE_TOO_LARGE: "it is too large to read at once",
};

export function fileProblem(verb: "read" | "write", path: string, error: unknown): Problem {
  const code = codeOf(error);
  return new Problem(
    "E700",
    `cannot ${verb} ${quotePath(path)}: ${reasons[code] ?? (code || (error instanceof Error ? error.message : String(error)))}`,
  );
}

/**
 * Writes a file so that a reader sees the old content or the new, never a part: to a temporary name in the same folder,
 * to the disk, then renamed.
 */
export function writeAtomically(path: string, content: string | Uint8Array): Problem | undefined {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    const file = openSync(temporary, "w");
    try {
      writeAll(file, typeof content === "string" ? new TextEncoder().encode(content) : content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    return undefined;
  } catch (error) {
    rmSync(temporary, { force: true });
    return fileProblem("write", path, error);
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}

/** A checkpoint on disk: headers are read, tensors when they are asked for. `close` it. */
export interface Checkpoint {
  readonly name: string;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  readonly close: () => void;
}

/**
 * Opens a .safetensors file, a `….safetensors.index.json`, or a folder that has `model.safetensors` or an index of
 * shards.
 */
export function openCheckpoint(path: string): Checkpoint | Problem {
  if (kindOfPath(path) !== "folder")
    return path.endsWith(".index.json") ? openShards(path) : openFiles(path, [path]);
  const single = join(path, "model.safetensors");
  const index = join(path, "model.safetensors.index.json");
  if (kindOfPath(single) === "file") return openFiles(single, [single]);
  if (kindOfPath(index) === "file") return openShards(index);
  return new Problem(
    "E700",
    `${quotePath(path)} has neither model.safetensors nor model.safetensors.index.json`,
    "name the file: --weights FOLDER/FILE.safetensors",
  );
}

function openShards(path: string): Checkpoint | Problem {
  const text = readText(path);
  if (text instanceof Problem) return text;
  const shards = parseShardIndex(text, path);
  if (shards instanceof Problem) return shards;
  const folder = dirname(path);
  const checkpoint = openFiles(
    path,
    [...new Set(shards.values())].map((file) => join(folder, file)),
  );
  if (checkpoint instanceof Problem) return checkpoint;
  const absent = [...shards.keys()].find((tensor) => !checkpoint.tensors.has(tensor));
  if (absent === undefined) return checkpoint;
  checkpoint.close();
  return new Problem("E709", `${path}: ${quote(absent)} is not in ${quote(shards.get(absent) ?? "")}`);
}

function openFiles(name: string, paths: readonly string[]): Checkpoint | Problem {
  const files: number[] = [];
  const tensors = new Map<string, CheckpointTensor>();
  const close = (): void => files.forEach((file) => closeSync(file));
  for (const path of paths) {
    const problem = addFile(path, files, tensors);
    if (problem !== undefined) {
      close();
      return problem;
    }
  }
  return { name, tensors, close };
}

function addFile(path: string, files: number[], tensors: Map<string, CheckpointTensor>): Problem | undefined {
  try {
    const file = openSync(path, "r");
    files.push(file);
    const header = readHeader(file, path);
    if (header instanceof Problem) return header;
    for (const { name, dtype, shape, start, end } of header.entries) {
      if (tensors.has(name))
        return new Problem("E709", `${path}: ${quote(name)} is also in another file of the checkpoint`);
      tensors.set(name, { dtype, shape, read: () => ({ dtype, shape, bytes: readRange(file, start, end) }) });
    }
    return undefined;
  } catch (error) {
    return fileProblem("read", path, error);
  }
}

function readHeader(file: number, path: string): SafetensorsHeader | Problem {
  const { size } = fstatSync(file);
  const length = readHeaderLength(readRange(file, 0, Math.min(LENGTH_BYTES, size)), size, path);
  if (length instanceof Problem) return length;
  return parseHeader(readRange(file, LENGTH_BYTES, LENGTH_BYTES + length), size, path);
}

/** Node reads at most 2³¹ - 1 bytes at once. */
const MAX_READ = 2 ** 30;

/** The bytes from `start` to `end`, which were in the file when it was opened. */
function readRange(file: number, start: number, end: number): Uint8Array {
  const bytes = new Uint8Array(end - start);
  let filled = 0;
  while (filled < bytes.length) {
    const count = readSync(file, bytes, filled, Math.min(MAX_READ, bytes.length - filled), start + filled);
    if (count === 0) throw new Error("it became shorter while it was read");
    filled += count;
  }
  return bytes;
}
