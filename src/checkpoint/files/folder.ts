import { join } from "node:path";
import { parseJsonList, type JsonObject, type JsonValue } from "../json.ts";
import { places } from "../places.ts";
import { Problem } from "../problem.ts";
import { readJsonFile } from "./json.ts";
import { openCheckpoint, type Checkpoint } from "./open.ts";
import { readText } from "./read.ts";
import { kindOfPath } from "./system.ts";

/** The files of a folder on disk, by their paths within it: what `openEmbedder` and `openClassifier` read. */
export const checkpointFiles = (
  folder: string,
): {
  readonly nameOf: (path: string) => string;
  readonly json: (path: string) => JsonObject | Problem | undefined;
  readonly list: (path: string) => readonly JsonValue[] | Problem | undefined;
  readonly weights: (path: string) => Checkpoint | Problem;
} => {
  const nameOf = (path: string): string => join(folder, path);
  const ifThere = <T>(path: string, read: (file: string) => T): T | undefined =>
    kindOfPath(nameOf(path)) === "file" ? read(nameOf(path)) : undefined;
  return {
    nameOf,
    json: (path) =>
      ifThere(path, (file) =>
        readJsonFile(file, path.endsWith("tokenizer.json") ? places.tokenizer : places.json),
      ),
    list: (path) =>
      ifThere(path, (file) => {
        const text = readText(file, places.json);
        return text instanceof Problem ? text : parseJsonList(text, file);
      }),
    weights: (path) => openCheckpoint(nameOf(path)),
  };
};
