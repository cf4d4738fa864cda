import { basename, dirname, join } from "node:path";
import { findGguf } from "../../checkpoint/files/gguf.ts";
import { readJsonFile } from "../../checkpoint/files/json.ts";
import { readText } from "../../checkpoint/files/read.ts";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import type { JsonObject } from "../../checkpoint/json.ts";
import { places, type Place } from "../../checkpoint/places.ts";
import type { Problem } from "../../checkpoint/problem.ts";
import { findTokenizer, tokenizerConfig, tokenizerFiles } from "../../run/tokenizer.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { orStop, stop } from "../stop.ts";
import { readGgufTokenizer } from "./gguf.ts";

/** The JSON object of a file; undefined if there is no such file. */
export const readIfThere = (path: string, place: Place = places.json): JsonObject | undefined =>
  orStop(readIfFile(path, place));

const readIfFile = (path: string, place: Place): JsonObject | Problem | undefined =>
  kindOfPath(path) === "file" ? readJsonFile(path, place) : undefined;

/** The text of a file; undefined if there is no such file. */
export function readTextIfThere(path: string): string | undefined {
  if (kindOfPath(path) !== "file") return undefined;
  return orStop(readText(path, places.json));
}

/** What the files beside a tokenizer.json say of it, as one tokenizer_config.json. */
export const tokenizerConfigOf = (folder: string, tokenizer: JsonObject): JsonObject =>
  orStop(tokenizerConfig((name) => readIfFile(join(folder, name), places.json), tokenizer));

const hasTokenizerFile = (folder: string): boolean =>
  tokenizerFiles.some((name) => kindOfPath(join(folder, name)) === "file");

/** The GGUF file that has the tokenizer of a path, if it is no file of its own. */
export const ggufOfTokenizer = (path: string): string | undefined =>
  kindOfPath(path) === "folder" && hasTokenizerFile(path) ? undefined : findGguf(path);

/** The tokenizer of a folder, or of a file that is named, which may be a GGUF; undefined if the folder has none. */
export function readTokenizer(path: string): Tokenizer | undefined {
  const kind = kindOfPath(path);
  if (kind === undefined) stop("E741", `there is no tokenizer at \`${path}\``);
  const isFolder = kind === "folder";
  const gguf = ggufOfTokenizer(path);
  if (gguf !== undefined) return readGgufTokenizer(gguf);
  const folder = isFolder ? path : dirname(path);
  const names = isFolder ? tokenizerFiles : [basename(path)];
  const pathOf = (name: string): string => (isFolder || !names.includes(name) ? join(folder, name) : path);
  const read = (name: string) =>
    readIfFile(pathOf(name), names.includes(name) ? places.tokenizer : places.json);
  return orStop(findTokenizer(read, names, pathOf));
}
