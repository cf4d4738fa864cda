import { closeSync, fsyncSync, openSync } from "node:fs";
import { codeOf } from "./system.ts";

/** What systems say that cannot do it: folders are not opened on Windows, some file systems do not sync them. */
const cannot: readonly string[] = ["EISDIR", "EPERM", "EACCES", "EINVAL", "ENOTSUP", "ENOSYS"];

/** Lets what a folder lists be on the disk: a file that was renamed or made there is then not lost with the power. */
export function syncFolder(path: string): void {
  let folder: number | undefined;
  try {
    folder = openSync(path, "r");
    fsyncSync(folder);
  } catch (error) {
    if (!cannot.includes(codeOf(error))) throw error;
  } finally {
    if (folder !== undefined) closeSync(folder);
  }
}
