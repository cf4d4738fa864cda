import { dirname } from "node:path";
import { linkFile } from "../../checkpoint/files/link.ts";
import { writeFile, type FileContent } from "../../checkpoint/files.ts";
import { Problem, quotePath } from "../../checkpoint/problem.ts";
import { Stop } from "../stop.ts";

/** A file in the folder of a model. */
export interface FolderFile {
  readonly path: string;
  readonly bytes: number;
  /** It is another name of a file that is there: no byte of it was written. */
  readonly isLink?: true;
}

/** A second name for a file, by which no byte is copied. */
export function linked(path: string, to: string): FolderFile {
  const problem = linkFile(path, to);
  if (problem === undefined) return { path: to, bytes: 0, isLink: true };
  throw new Stop([
    new Problem(
      problem.code,
      problem.message,
      `weights are not copied: write the model beside them, with -o ${quotePath(dirname(path))}`,
    ),
  ]);
}

export function written(path: string, text: string | Uint8Array): FolderFile {
  return { path, bytes: writtenTo(path, text, Buffer.byteLength(text)) };
}

/** The same of what is made while it is written, of so many bytes together. */
export function writtenInParts(path: string, parts: Iterable<Uint8Array>, bytes: number): FolderFile {
  return { path, bytes: writtenTo(path, parts, bytes) };
}

function writtenTo(path: string, content: FileContent, bytes: number): number {
  const problem = writeFile(path, content);
  if (problem !== undefined) throw new Stop([problem]);
  return bytes;
}
