import { closeSync, constants, openSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { codeOf } from "./system.ts";

/** The descriptor of this process that a path names, wherever it leads; undefined for other paths. */
export function descriptorAt(path: string): number | undefined {
  const named = resolve(path);
  if (named === "/dev/stdout") return 1;
  if (named === "/dev/stderr") return 2;
  const [, number] = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(named) ?? [];
  return number === undefined ? undefined : Number(number);
}

/** Writes to a device or a pipe; a pipe that nobody reads is refused, as it would wait for ever. */
export function writeThrough(path: string, parts: Iterable<Uint8Array>): void {
  const isRead = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    const file = openSync(path, constants.O_WRONLY);
    try {
      for (const bytes of parts) writeAll(file, bytes);
    } finally {
      closeSync(file);
    }
  } finally {
    closeSync(isRead);
  }
}

/** Writes all bytes; what takes no more for now, as a pipe that is full, is tried again. */
export function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;)
    try {
      at += writeSync(file, bytes, at);
    } catch (error) {
      if (codeOf(error) !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY);
    }
}

/** How long a pipe that is full is left to its reader, in milliseconds. */
const RETRY = 5;
