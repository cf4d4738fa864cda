import { statSync, type Stats } from "node:fs";
import { Problem, quotePath } from "../problem.ts";

/** What stands at a path; undefined if nothing does. What cannot be looked at is a file: reading it says why. */
export function kindOfPath(path: string): "file" | "folder" | undefined {
  try {
    return statSync(path).isDirectory() ? "folder" : "file";
  } catch (error) {
    return ["ENOENT", "ENOTDIR"].includes(codeOf(error)) ? undefined : "file";
  }
}

/** The code of an error of the operating system; empty for others. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

/** Words for what the operating system says. */
const reasons: { readonly [code: string]: string } = {
  ENOENT: "there is no such file or folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is not a folder",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  ENAMETOOLONG: "the path is too long",
  ELOOP: "its links lead back to itself",
  EEXIST: "something of that name is there already",
  EFBIG: "it would be larger than the system allows",
  EPIPE: "nobody reads it any more",
  EBADF: "it is not open for that",
  EAGAIN: "nothing can be read from it now",
  ENXIO: "nothing stands behind it",
  ERR_INVALID_ARG_VALUE: "no path has such characters",
};

export function fileProblem(verb: "read" | "write", path: string, error: unknown): Problem {
  const code = codeOf(error);
  return new Problem(
    "E700",
    `cannot ${verb} ${quotePath(path)}: ${reasons[code] ?? (code || (error instanceof Error ? error.message : String(error)))}`,
  );
}

/** What a path is that is no regular file, to follow `it is`; undefined for a regular file. */
export function kindOfSpecial(stats: Stats): string | undefined {
  if (stats.isFile()) return undefined;
  if (stats.isDirectory()) return "a folder";
  if (stats.isFIFO()) return "a pipe (FIFO)";
  if (stats.isSocket()) return "a socket";
  return "a device";
}
