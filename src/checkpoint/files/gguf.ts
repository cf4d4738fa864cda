import { closeSync, fstatSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { recognize } from "../formats.ts";
import type { GgufHeader } from "../gguf/header.ts";
import { isLaterPart, joinParts, partNames } from "../gguf/split.ts";
import type { Gguf } from "../gguf/tensors.ts";
import { Problem } from "../problem.ts";
import { rangedGguf, readGgufHeader, type RangedFile } from "../ranged.ts";
import { openRegular, rangedFile, startOf, type OpenFile } from "./read.ts";
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
  files.push(opened.file);
  return rangedGguf(rangedFile(opened, path), (file) => readHeader(file, opened));
}

/** The header that was read last: a command asks one file for its config, its weights, its tokenizer and its template. */
let last: { readonly file: string; readonly header: GgufHeader } | undefined;

function readHeader(ranged: RangedFile, { file, size }: OpenFile): GgufHeader | Problem {
  const { dev, ino, mtimeNs, ctimeNs } = fstatSync(file, { bigint: true });
  const key = [ranged.name, dev, ino, mtimeNs, ctimeNs, size].join("\n");
  if (last?.file === key) return last.header;
  const header = readGgufHeader(ranged);
  if (!(header instanceof Problem)) last = { file: key, header };
  return header;
}
