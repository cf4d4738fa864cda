import { dirname, join } from "node:path";
import { readJsonFile } from "../../checkpoint/files/json.ts";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import type { JsonObject } from "../../checkpoint/json.ts";
import { places, type Place } from "../../checkpoint/places.ts";
import { withOlderFiles } from "../../text/huggingface/older-files.ts";
import { huggingFaceTokenizer } from "../../text/huggingface/tokenizer.ts";
import { piecesTokenizer } from "../../text/pieces.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { orStop, stop } from "../stop.ts";

/** The JSON object of a file; undefined if there is no such file. */
export const readIfThere = (path: string, place: Place = places.json): JsonObject | undefined =>
  kindOfPath(path) === "file" ? orStop(readJsonFile(path, place)) : undefined;

/** What the files beside a tokenizer.json say of it, as one tokenizer_config.json. */
export function tokenizerConfigOf(folder: string, tokenizer: JsonObject): JsonObject {
  const read = (name: string): JsonObject | undefined => readIfThere(join(folder, name));
  const older = {
    specialTokensMap: read("special_tokens_map.json"),
    addedTokens: read("added_tokens.json"),
  };
  return withOlderFiles(read("tokenizer_config.json") ?? {}, older, tokenizer);
}

/** The tokenizer of a folder, or of a file that is named; undefined if the folder has none. */
export function findTokenizer(path: string): Tokenizer | undefined {
  if (kindOfPath(path) === undefined) stop("E741", `there is no tokenizer at \`${path}\``);
  const folder = kindOfPath(path) === "folder" ? path : dirname(path);
  const candidates =
    kindOfPath(path) === "folder"
      ? ["tokenizer.json", "pieces.json"].map((name) => join(path, name))
      : [path];
  for (const file of candidates) {
    const content = readIfThere(file, places.tokenizer);
    if (content === undefined) continue;
    if (Object.hasOwn(content, "pieces")) return orStop(piecesTokenizer(content, file));
    return orStop(huggingFaceTokenizer(content, tokenizerConfigOf(folder, content), file));
  }
  return undefined;
}
