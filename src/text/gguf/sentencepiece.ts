import type { TextList } from "../../checkpoint/gguf/text-list.ts";
import { finderOf, type AddedToken } from "../huggingface/added-tokens.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { joinByScore } from "./by-score.ts";
import { TextIndex } from "./text-index.ts";
import { around, readTokens, TOKEN_TYPES, type TokenizerKeys, type Tokens } from "./vocabulary.ts";

/** What stands for a blank in pieces. */
const BLANK = "▁";

/** A piece that is a byte: `<0x0A>`. */
const BYTE = /^<0x([0-9A-F]{2})>$/;

/**
 * SentencePiece's byte pairs by score, as llama.cpp runs them (`llm_tokenizer_spm`): tokens that are not normal are found
 * first, as they stand; between them blanks become ▁, and neighbours are joined by the score of their piece. What has no
 * piece is its bytes, or unknown.
 */
export function sentencePieceTokenizer(keys: TokenizerKeys): Tokenizer {
  const tokens = readTokens(keys);
  const hasPrefix = keys.flag("add_space_prefix", true);
  const { before, behind } = around(keys, tokens, { bos: true, eos: false });
  const find = finderOf(foundFirst(tokens));
  const encodePart = partEncoder(keys, tokens);
  const encodeBare = (text: string): readonly number[] => {
    const found: number[] = [];
    let isBehindToken = true;
    for (const { start, end, token } of find(text)) {
      if (token !== undefined) found.push(token.id);
      else encodePart(withBlanks(text.slice(start, end), hasPrefix && isBehindToken), found);
      isBehindToken = token !== undefined;
    }
    return found;
  };
  return {
    size: tokens.texts.length,
    encodeBare,
    encode: (text) => [...before, ...encodeBare(text), ...behind],
    decode: decoderOf(tokens, hasPrefix),
  };
}

/** Adds the ids of a text without tokens that are found first to others. */
function partEncoder(
  keys: TokenizerKeys,
  { texts, types }: Tokens<TextList>,
): (text: string, into: number[]) => void {
  const utf8 = new TextEncoder();
  const scores = keys.numbers("scores", texts.length) ?? keys.refuse("there are no `tokenizer.ggml.scores`");
  const index = new TextIndex(texts);
  const unknown = keys.id("unknown", texts.length) ?? types.indexOf(TOKEN_TYPES.unknown);
  const bytePieces = Array.from({ length: 256 }, (_, byte) => index.find(utf8.encode(bytePiece(byte))));
  const idsOf = (bytes: Uint8Array, start: number, end: number): readonly number[] => {
    const id = index.find(bytes, start, end);
    // The vocabulary has a piece for a byte that may be written out in a text; that is not the byte.
    if (id !== undefined && types[id] !== TOKEN_TYPES.byte) return [id];
    const single = Array.from(bytes.subarray(start, end), (byte) => bytePieces[byte]);
    return single.every((one) => one !== undefined) ? single : [unknown];
  };
  return (text, into) => {
    // Halves of characters become U+FFFD.
    const bytes = utf8.encode(text);
    const starts = joinByScore(bytes, (start, end) => {
      const id = index.find(bytes, start, end);
      return id !== undefined && types[id] === TOKEN_TYPES.normal ? scores[id] : undefined;
    });
    for (const [part, start] of starts.entries())
      for (const id of idsOf(bytes, start, starts[part + 1] ?? bytes.length)) {
        const isAgain = id === unknown && into.at(-1) === unknown;
        if (id >= 0 && !isAgain) into.push(id);
      }
  };
}

const bytePiece = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;

const withBlanks = (text: string, hasPrefix: boolean): string =>
  (hasPrefix ? BLANK : "") + text.replaceAll(" ", BLANK);

/** Tokens that are sought in a text as they stand. */
export function foundFirst({ texts, types }: Tokens): readonly AddedToken[] {
  const found: AddedToken[] = [];
  for (const [id, type] of types.entries()) {
    const isSpecial = type === TOKEN_TYPES.control;
    const isSought = isSpecial || type === TOKEN_TYPES.userDefined;
    const content = isSought ? texts.at(id)! : "";
    if (content === "") continue;
    const plain = { isSingleWord: false, takesLeft: false, takesRight: false, isNormalized: false };
    found.push({ ...plain, content, sought: content, id, isSpecial });
  }
  return found;
}

/** Pieces with their blanks, bytes as they are; without the blank that was put in front. */
function decoderOf({ texts, types }: Tokens, hasPrefix: boolean): Tokenizer["decode"] {
  const utf8 = new TextEncoder();
  return (ids) => {
    const parts = ids.flatMap((id): readonly Uint8Array[] => {
      const text = texts.at(id);
      if (text === undefined || types[id] === TOKEN_TYPES.control) return [];
      const byte = types[id] === TOKEN_TYPES.byte ? BYTE.exec(text)?.[1] : undefined;
      return [
        byte === undefined ? utf8.encode(text.replaceAll(BLANK, " ")) : Uint8Array.of(parseInt(byte, 16)),
      ];
    });
    const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    return hasPrefix && text.startsWith(" ") ? text.slice(1) : text;
  };
}
