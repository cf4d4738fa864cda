import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileProblem } from "./files/system.ts";
import type { Problem } from "./problem.ts";

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
