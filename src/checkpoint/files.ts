import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { syncFolder } from "./files/sync.ts";
import { codeOf, fileProblem, kindOfSpecial } from "./files/system.ts";
import { descriptorAt, writeAll, writeThrough } from "./files/through.ts";
import { Problem, quotePath } from "./problem.ts";

/** What is written: a text, bytes, or bytes in parts that are made one after the other. */
export type FileContent = string | Uint8Array | Iterable<Uint8Array>;

/**
 * Writes an output, by the only way there is: a file whole or not at all. A device, a pipe, or what a descriptor of this
 * process has (`/dev/null`, `/dev/stdout`), is never replaced: the bytes go through it.
 */
export function writeFile(path: string, content: FileContent): Problem | undefined {
  const parts = partsOf(content);
  try {
    const descriptor = descriptorAt(path);
    const stats = descriptor === undefined ? statSync(path, { throwIfNoEntry: false }) : undefined;
    const special = stats === undefined ? undefined : kindOfSpecial(stats);
    if (special === "a folder" || special === "a socket")
      return new Problem("E700", `cannot write ${quotePath(path)}: it is ${special}`);
    if (descriptor !== undefined) for (const bytes of parts) writeAll(descriptor, bytes);
    else if (special !== undefined) writeThrough(path, parts);
    else replace(path, parts);
    return undefined;
  } catch (error) {
    // What did not come of the system came of making a part.
    if (codeOf(error) === "") throw error;
    return fileProblem("write", path, error);
  }
}

function partsOf(content: FileContent): Iterable<Uint8Array> {
  if (typeof content === "string") return [new TextEncoder().encode(content)];
  return content instanceof Uint8Array ? [content] : content;
}

/**
 * A reader sees the old content or the new, never a part, also after the power went: to a temporary name in the same folder
 * that nothing has, not even a link, to the disk, then renamed, and the folder to the disk. A link is replaced, not followed:
 * someone else may have put it there.
 */
function replace(path: string, parts: Iterable<Uint8Array>): void {
  const folder = dirname(path);
  const temporary = join(folder, `.lmg-${process.pid}-${randomBytes(8).toString("hex")}.tmp`);
  const file = openSync(temporary, "wx");
  try {
    try {
      for (const bytes of parts) writeAll(file, bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(folder);
}

/** Whether a file of that name is what `writeFile` left when its process was killed. */
export const isLeftover = (name: string): boolean => /^\.lmg-\d+-[0-9a-f]+\.tmp$/.test(name);
