import { basename, dirname, join } from "node:path";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import { shortestDecimal, type Metadata, type MetadataValue } from "../../checkpoint/gguf/metadata.ts";
import { TextList } from "../../checkpoint/gguf/text-list.ts";
import type { JsonObject } from "../../checkpoint/json.ts";
import { Problem, quotePath } from "../../checkpoint/problem.ts";
import { CHAT_TEMPLATE, GENERATION_CONFIG, GGUF_TOKENIZER } from "../../page/manifest.ts";
import { tokenizerFiles } from "../../run/tokenizer.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import type { Out } from "../out.ts";
import { findChatTemplate } from "../run/chat.ts";
import { ofHeader } from "../run/gguf.ts";
import { ggufOfTokenizer, readIfThere, readTextIfThere, readTokenizer } from "../run/tokenizer-files.ts";
import { stop } from "../stop.ts";

/** What a page makes texts with, as files of its folder. */
export interface PageTexts {
  readonly tokenizer: Tokenizer;
  readonly canChat: boolean;
  readonly files: readonly TextFile[];
}

interface TextFile {
  readonly path: string;
  readonly text: string;
}

/** What stands beside a tokenizer.json, and what is said of conversations. */
const besideTokenizer = [
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  CHAT_TEMPLATE,
];

/**
 * Tokenizer, chat template and generation_config.json of a checkpoint: as a folder has them, or made of a GGUF file. Without
 * a tokenizer the command ends. `config` is the checkpoint's, which says where texts end if nothing else does.
 */
export function textsOf(place: string | undefined, config: JsonObject | undefined, out: Out): PageTexts {
  const help = "name a tokenizer.json, a folder that has one, or a .gguf file, with --tokenizer";
  if (place === undefined) return stop("E818", "there is no tokenizer to write texts with", help);
  const tokenizer =
    readTokenizer(place) ??
    stop("E818", `${quotePath(place)} has no tokenizer, so a page could write no texts by it`, help);
  const template = findChatTemplate(place);
  if (template instanceof Problem)
    out.note(`warning: the page will have no conversations: ${template.message}\n`);
  const gguf = ggufOfTokenizer(place);
  const files = gguf === undefined ? publishedFiles(place) : [ggufFile(gguf)];
  const canChat = template !== undefined && !(template instanceof Problem);
  return { tokenizer, canChat, files: [...files, generationFile(place, config)] };
}

/** The files of a folder, or of the folder of a file that is named, which is the tokenizer then. */
function publishedFiles(place: string): readonly TextFile[] {
  const isFolder = kindOfPath(place) === "folder";
  const folder = isFolder ? place : dirname(place);
  const named = isFolder
    ? tokenizerFiles.find((name) => kindOfPath(join(folder, name)) === "file")!
    : basename(place);
  const own = { path: isFolder ? named : tokenizerFiles[0]!, text: readTextIfThere(join(folder, named))! };
  const others = besideTokenizer.flatMap((path): TextFile[] => {
    const text = readTextIfThere(join(folder, path));
    return text === undefined ? [] : [{ path, text }];
  });
  return [own, ...others];
}

/** The keys of a GGUF file's metadata that its tokenizer is made of. */
const ggufFile = (path: string): TextFile => ({
  path: GGUF_TOKENIZER,
  text: ofHeader(path, ({ metadata }) => JSON.stringify(Object.fromEntries(tokenizerKeys(metadata)))),
});

const tokenizerKeys = (metadata: Metadata): readonly (readonly [string, unknown])[] =>
  [...metadata].filter(([key]) => key.startsWith("tokenizer.")).map(([key, value]) => [key, plain(value)]);

/** A value as JSON has it; whole numbers that no float holds are none of a tokenizer. */
function plain(value: MetadataValue): unknown {
  if (value instanceof TextList) return value.all();
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Float32Array) return Array.from(value, shortestDecimal);
  if (ArrayBuffer.isView(value)) return Array.from(value);
  return Array.isArray(value) ? value.map((one: MetadataValue) => plain(one)) : value;
}

/** The generation_config.json of a folder, with what its config.json says of the end of texts if it does not. */
function generationFile(place: string, config: JsonObject = {}): TextFile {
  const folder = kindOfPath(place) === "folder" ? place : dirname(place);
  const own = readIfThere(join(folder, GENERATION_CONFIG)) ?? {};
  const { eos_token_id = null } = config;
  const all = { ...(eos_token_id === null ? {} : { eos_token_id }), ...own };
  return { path: GENERATION_CONFIG, text: `${JSON.stringify(all, null, 2)}\n` };
}
