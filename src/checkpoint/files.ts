import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { syncFolder } from "./files/sync.ts";
import { fileProblem } from "./files/system.ts";
import type { Problem } from "./problem.ts";

/**
 * Writes a file so that a reader sees the old content or the new, never a part, also after the power went: to a temporary
 * name in the same folder that nothing has, not even a link, to the disk, then renamed, and the folder to the disk.
 */
export function writeAtomically(path: string, content: string | Uint8Array): Problem | undefined {
  const folder = dirname(path);
  const temporary = join(folder, `.lmg-${process.pid}-${randomBytes(8).toString("hex")}.tmp`);
  let isOurs = false;
  try {
    const file = openSync(temporary, "wx");
    isOurs = true;
    try {
      writeAll(file, typeof content === "string" ? new TextEncoder().encode(content) : content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    isOurs = false;
    syncFolder(folder);
    return undefined;
  } catch (error) {
    if (isOurs) rmSync(temporary, { force: true });
    return fileProblem("write", path, error);
  }
}

/** Whether a file of that name is what `writeAtomically` left when its process was killed. */
export const isLeftover = (name: string): boolean => /^\.lmg-\d+-[0-9a-f]+\.tmp$/.test(name);

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}
