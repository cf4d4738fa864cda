import { readConfig } from "../config.ts";
import type { JsonObject } from "../json.ts";
import { places, type Place } from "../places.ts";
import { Problem } from "../problem.ts";
import { readBytes } from "./read.ts";

/** The JSON object of a file: a config, a tokenizer, what a run says of itself. */
export function readJsonFile(path: string, place: Place = places.json): JsonObject | Problem {
  const bytes = readBytes(path, place);
  return bytes instanceof Problem ? bytes : readConfig(bytes, path);
}
