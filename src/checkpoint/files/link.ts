import { randomBytes } from "node:crypto";
import { linkSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { Problem, quotePath } from "../problem.ts";
import { syncFolder } from "./sync.ts";
import { fileProblem } from "./system.ts";

/**
 * Gives a file a second name, under which nothing of it is copied; that name may be its own already. Another file of that name
 * stays: it may be weights that there are nowhere else.
 */
export function linkFile(path: string, name: string): Problem | undefined {
  const temporary = join(dirname(name), `.lmg-${process.pid}-${randomBytes(8).toString("hex")}.tmp`);
  try {
    const [file, taken] = [statSync(path), statSync(name, { throwIfNoEntry: false })];
    if (taken?.ino === file.ino && taken.dev === file.dev) return undefined;
    if (taken !== undefined)
      return new Problem("E700", `cannot write ${quotePath(name)}: another file has this name`);
    linkSync(path, temporary);
    renameSync(temporary, name);
    syncFolder(dirname(name));
    return undefined;
  } catch (error) {
    rmSync(temporary, { force: true });
    return fileProblem("write", name, error);
  }
}
