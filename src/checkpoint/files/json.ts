import { readConfig } from "../config.ts";
import type { JsonObject } from "../json.ts";
import { fileLimits, type FileLimit } from "../limits.ts";
import { Problem } from "../problem.ts";
import { readBytes } from "./read.ts";

/** The JSON object of a file: a config, a tokenizer, what a run says of itself. */
export function readJsonFile(path: string, limit: FileLimit = fileLimits.json): JsonObject | Problem {
  const bytes = readBytes(path, limit);
  return bytes instanceof Problem ? bytes : readConfig(bytes, path);
}
