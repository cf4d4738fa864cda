import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { decodeUtf8 } from "../json.ts";
import { RECOGNIZED_BY } from "../formats.ts";
import { allocate } from "../limits.ts";
import { misplaced, tooLarge, type Place } from "../places.ts";
import { orThrow, Problem, quotePath } from "../problem.ts";
import type { RangedFile } from "../ranged.ts";
import { fileProblem, kindOfSpecial } from "./system.ts";

/** A regular file that is open for reading. */
export interface OpenFile {
  readonly file: number;
  readonly size: number;
}

/**
 * Opens a regular file, also behind links. Everything else is refused at once: a pipe or a device may wait for ever, or
 * never end.
 */
export function openRegular(path: string, kind?: Place["kind"]): OpenFile | Problem {
  try {
    // Looked at before it is opened: opening a device can do something.
    const special = kindOfSpecial(statSync(path));
    if (special !== undefined) return notRegular(path, special, kind);
    // What stands there may have changed since, and opening a pipe would wait for its writer.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(file);
    const changed = kindOfSpecial(stats);
    if (changed === undefined) return { file, size: stats.size };
    closeSync(file);
    return notRegular(path, changed, kind);
  } catch (error) {
    return fileProblem("read", path, error);
  }
}

function notRegular(path: string, special: string, kind?: Place["kind"]): Problem {
  const help = "name a regular file: write what comes through it to one first";
  // Commands that only train read no model from there, and say so.
  const more = kind === "model" ? "; or let it be standard input, and name `-`" : "";
  const message = `cannot read ${quotePath(path)}: it is ${special}`;
  return new Problem("E700", message, special === "a folder" ? undefined : help + more);
}

/** The bytes of a file, if it is none of another format and not larger than its place takes; or why it cannot be read. */
export function readBytes(path: string, place: Place): Uint8Array | Problem {
  const opened = openRegular(path, place.kind);
  if (opened instanceof Problem) return opened;
  const { file, size } = opened;
  try {
    const refused = misplaced(startOf(file), place, path);
    if (refused !== undefined) return refused;
    return size > place.bytes ? tooLarge(path, size, place) : readToEnd(file, size, place, path);
  } catch (error) {
    return fileProblem("read", path, error);
  } finally {
    closeSync(file);
  }
}

/** The same of its first bytes, at most so many: enough for a header, whatever follows. */
export function readStart(path: string, place: Place, most: number): Uint8Array | Problem {
  const opened = openRegular(path, place.kind);
  if (opened instanceof Problem) return opened;
  const { file } = opened;
  try {
    const start = startOf(file, most);
    return misplaced(start.subarray(0, RECOGNIZED_BY), place, path) ?? start;
  } catch (error) {
    return fileProblem("read", path, error);
  } finally {
    closeSync(file);
  }
}

/** What a file begins with. */
export function startOf(file: number, most = RECOGNIZED_BY): Uint8Array {
  const start = new Uint8Array(most);
  return start.subarray(0, fill(file, start, 0));
}

/**
 * Files of /proc say that they have 0 bytes, and a file may grow while it is read: read to its end. What has no end
 * though it says one is refused.
 */
function readToEnd(file: number, size: number, place: Place, path: string): Uint8Array | Problem {
  const most = { ...place, bytes: Math.min(place.bytes, size + MOST_MORE) };
  const parts: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const part = allocate(total === 0 ? Math.max(size, 1) : MORE, path);
    if (part instanceof Problem) return part;
    const count = fill(file, part, total);
    if (count > 0) parts.push(part.subarray(0, count));
    total += count;
    if (total > most.bytes) return tooLarge(path, total, most);
    if (count < part.length || (total === size && isAtEnd(file, total))) break;
  }
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const whole = allocate(total, path);
  if (whole instanceof Problem) return whole;
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** How much is read at once beyond what a file says that it has, in bytes. */
const MORE = 2 ** 16;

/** How much a file may have beyond what it says, in bytes. */
const MOST_MORE = 2 ** 26;

const isAtEnd = (file: number, at: number): boolean => readSync(file, new Uint8Array(1), 0, 1, at) === 0;

/** The text of a UTF-8 file. */
export function readText(path: string, place: Place): string | Problem {
  const bytes = readBytes(path, place);
  return bytes instanceof Problem ? bytes : decodeUtf8(bytes, path);
}

/** Node reads at most 2³¹ - 1 bytes at once. */
const MAX_READ = 2 ** 30;

/** Fills the bytes from a place in a file; how many there were. */
function fill(file: number, bytes: Uint8Array, from: number): number {
  let filled = 0;
  while (filled < bytes.length) {
    const count = readSync(file, bytes, filled, Math.min(MAX_READ, bytes.length - filled), from + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** The bytes from `start` to `end` of an open file. */
export function readRange(file: number, start: number, end: number, path: string): Uint8Array | Problem {
  const bytes = allocate(end - start, path);
  return bytes instanceof Problem ? bytes : readInto(file, bytes, start, path);
}

/** Fills bytes from a place of an open file on. */
function readInto(file: number, bytes: Uint8Array, start: number, path: string): Uint8Array | Problem {
  try {
    return fill(file, bytes, start) === bytes.length
      ? bytes
      : new Problem("E700", `cannot read ${quotePath(path)}: it became shorter while it was read`);
  } catch (error) {
    return fileProblem("read", path, error);
  }
}

/** An open file as one of which ranges are read. */
export function rangedFile({ file, size }: OpenFile, path: string): RangedFile {
  let room = new Uint8Array(0);
  return {
    name: path,
    size,
    read: (start, end) => orThrow(readRange(file, start, end, path)),
    readBriefly: (start, end) => {
      if (room.length < end - start) room = new Uint8Array(end - start);
      return orThrow(readInto(file, room.subarray(0, end - start), start, path));
    },
  };
}
