import { closeSync, fstatSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { recognize } from "../formats.ts";
import { parseGgufHeader, type GgufHeader } from "../gguf/header.ts";
import { isLaterPart, joinParts, partNames } from "../gguf/split.ts";
import { ggufTensors, type Gguf } from "../gguf/tensors.ts";
import { misplaced, places } from "../places.ts";
import { orThrow, Problem } from "../problem.ts";
import { openRegular, rangesOf, readInto, readRange, startOf, type OpenFile } from "./read.ts";
import { kindOfPath } from "./system.ts";

/** A GGUF file, or all parts of one; headers are read, tensors when they are asked for. `close` it. */
export interface OpenGguf extends Gguf {
  readonly name: string;
  readonly close: () => void;
}

/** The GGUF file that a path stands for: itself by its first bytes, or the only one of a folder that has no safetensors. */
export function findGguf(path: string): string | undefined {
  const kind = kindOfPath(path);
  if (kind === "file") return isGguf(path) ? path : undefined;
  if (kind === undefined) return undefined;
  const files = listFiles(path);
  if (files.some((file) => /\.safetensors(\.index\.json)?$/.test(file))) return undefined;
  const named = files
    .filter((file) => /\.gguf$/i.test(file) && !isLaterPart(file))
    .map((file) => join(path, file));
  const [only, ...others] = named.filter(isGguf);
  return others.length === 0 ? only : undefined;
}

const listFiles = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

function isGguf(path: string): boolean {
  const opened = openRegular(path);
  if (opened instanceof Problem) return false;
  try {
    return recognize(startOf(opened.file, MAGIC_BYTES)) === "gguf";
  } catch {
    return false;
  } finally {
    closeSync(opened.file);
  }
}

const MAGIC_BYTES = 16;

/** Opens a GGUF file with all its parts. */
export function openGguf(path: string): OpenGguf | Problem {
  const names = partNames(basename(path)).map((name) => join(dirname(path), name));
  const files: number[] = [];
  const close = (): void => files.forEach((file) => closeSync(file));
  const parts: Gguf[] = [];
  for (const name of names) {
    const part = openPart(name, files);
    if (part instanceof Problem) {
      close();
      return part;
    }
    parts.push(part);
  }
  const whole = joinParts(parts, names);
  if (whole instanceof Problem) close();
  return whole instanceof Problem ? whole : { ...whole, name: names[0]!, close };
}

function openPart(path: string, files: number[]): Gguf | Problem {
  const opened = openRegular(path);
  if (opened instanceof Problem) return opened;
  const { file } = opened;
  files.push(file);
  const refused = misplaced(startOf(file), places.weights, path);
  if (refused !== undefined) return refused;
  const header = readHeader(opened, path);
  if (header instanceof Problem) return header;
  const read = (start: number, end: number): Uint8Array => orThrow(readRange(file, start, end, path));
  const ranges = rangesOf(file, path);
  return { metadata: header.metadata, tensors: ggufTensors(header.entries, read, ranges) };
}

/** How much of a file's beginning is read at first, in bytes; vocabularies ask for some megabytes more. */
const FIRST = 2 ** 20;

/** The header that was read last: a command asks one file for its config, its weights, its tokenizer and its template. */
let last: { readonly file: string; readonly header: GgufHeader } | undefined;

/** Reads as much of a file's beginning as its header has, twice as much each time. */
function readHeader({ file, size }: OpenFile, path: string): GgufHeader | Problem {
  const { dev, ino, mtimeNs, ctimeNs } = fstatSync(file, { bigint: true });
  const key = [path, dev, ino, mtimeNs, ctimeNs, size].join("\n");
  if (last?.file === key) return last.header;
  let start = new Uint8Array(0);
  const further = (length: number): Uint8Array => {
    const more = new Uint8Array(Math.min(size, Math.max(length, FIRST, 2 * start.length)));
    more.set(start);
    orThrow(readInto(file, more.subarray(start.length), start.length, path));
    return (start = more);
  };
  const header = parseGgufHeader(start, size, path, further);
  if (header instanceof Problem) return header;
  if ("needs" in header) return new Problem("E731", `${path}: the file is truncated within its header`);
  last = { file: key, header };
  return header;
}
