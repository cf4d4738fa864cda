import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Problem, quotePath } from "../problem.ts";
import { syncFolder } from "./sync.ts";
import { codeOf, fileProblem } from "./system.ts";

/**
 * Makes a folder, and those above it that are not there. One at a time: Node's own recursive way waits for ever where the
 * system says that there is no such folder and does not let it be made, as under /proc. `ifTaken` says what is wrong with a file of that name.
 */
export function makeFolder(path: string, ifTaken = "it is a file"): Problem | undefined {
  const missing: string[] = [];
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const found = look(folder);
    if (found === "folder") break;
    if (found !== undefined) return refusal(path, found === "file" ? ifTaken : found);
    missing.push(folder);
    if (dirname(folder) === folder) break;
  }
  for (const folder of missing.reverse())
    try {
      mkdirSync(folder);
      syncFolder(dirname(folder));
    } catch (error) {
      // Another process may have made it.
      if (look(folder) !== "folder") return refusal(path, error);
    }
  return undefined;
}

/** What stands at a path; undefined for nothing. */
function look(path: string): "folder" | "file" | undefined | Error {
  try {
    return statSync(path).isDirectory() ? "folder" : "file";
  } catch (error) {
    return codeOf(error) === "ENOENT" ? undefined : (error as Error);
  }
}

const refusal = (path: string, why: unknown): Problem =>
  typeof why === "string"
    ? new Problem("E700", `cannot write ${quotePath(path)}: ${why}`)
    : fileProblem("write", path, why);
