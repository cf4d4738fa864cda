import { openGguf, type OpenGguf } from "../../checkpoint/files/gguf.ts";
import { publishedModel } from "../../checkpoint/gguf/model.ts";
import type { JsonObject } from "../../checkpoint/json.ts";
import { ggufChat } from "../../text/gguf/chat.ts";
import { ggufTokenizer } from "../../text/gguf/tokenizer.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { orStop } from "../stop.ts";

/** What a GGUF file says beside its tensors; only its header is read. */
export function ofHeader<T>(path: string, read: (file: OpenGguf) => T): T {
  const file = orStop(openGguf(path));
  try {
    return read(file);
  } finally {
    file.close();
  }
}

/** The config.json that a GGUF file stands for. */
export const ggufConfig = (path: string): JsonObject =>
  ofHeader(path, (file) => orStop(publishedModel(file, file.name)).config);

/** The tokenizer in a GGUF file; undefined if it has none. */
export const readGgufTokenizer = (path: string): Tokenizer | undefined =>
  ofHeader(path, (file) => orStop(ggufTokenizer(file.metadata, file.name)));

/** What a GGUF file says of conversations, as a tokenizer_config.json does. */
export const readGgufChat = (path: string): JsonObject =>
  ofHeader(path, (file) => orStop(ggufChat(file.metadata, file.name)));
