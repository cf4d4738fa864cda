import { finderOf, type AddedToken } from "../huggingface/added-tokens.ts";
import { byteFallback } from "../huggingface/vocabulary.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { joinByScore } from "./by-score.ts";
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
  const { texts, types } = tokens;
  const scores = keys.numbers("scores", texts.length) ?? keys.refuse("there are no `tokenizer.ggml.scores`");
  const ids = new Map<string, number>();
  for (const [id, text] of texts.entries()) if (!ids.has(text)) ids.set(text, id);
  const unknown = keys.id("unknown", texts.length) ?? types.indexOf(TOKEN_TYPES.unknown);
  const hasPrefix = keys.flag("add_space_prefix", true);
  const { before, behind } = around(keys, tokens, { bos: true, eos: false });
  const find = finderOf(foundFirst(tokens));
  const scoreOf = (piece: string): number | undefined => {
    const id = ids.get(piece);
    return id !== undefined && types[id] === TOKEN_TYPES.normal ? scores[id] : undefined;
  };
  const encodePart = (text: string, into: number[]): void => {
    const starts = joinByScore(text, scoreOf);
    for (const [index, start] of starts.entries()) {
      const piece = text.slice(start, starts[index + 1] ?? text.length);
      const id = ids.get(piece);
      // The vocabulary has a piece for a byte that may be written out in a text; that is not the byte.
      const isPiece = id !== undefined && types[id] !== TOKEN_TYPES.byte;
      for (const one of isPiece ? [id] : (byteFallback(piece, ids) ?? [unknown])) {
        const isAgain = one === unknown && into.at(-1) === unknown;
        if (one >= 0 && !isAgain) into.push(one);
      }
    }
  };
  const encodeBare = (text: string): readonly number[] => {
    const found: number[] = [];
    let isBehindToken = true;
    for (const { start, end, token } of find(text.replace(/\p{Cs}/gu, "\ufffd"))) {
      if (token !== undefined) found.push(token.id);
      else encodePart(withBlanks(text.slice(start, end), hasPrefix && isBehindToken), found);
      isBehindToken = token !== undefined;
    }
    return found;
  };
  return {
    size: texts.length,
    encodeBare,
    encode: (text) => [...before, ...encodeBare(text), ...behind],
    decode: decoderOf(tokens, hasPrefix),
  };
}

const withBlanks = (text: string, hasPrefix: boolean): string =>
  (hasPrefix ? BLANK : "") + text.replace(/\p{Cs}/gu, "\ufffd").replaceAll(" ", BLANK);

/** Tokens that are sought in a text as they stand. */
export const foundFirst = ({ texts, types }: Tokens): readonly AddedToken[] =>
  texts.flatMap((content, id): readonly AddedToken[] => {
    const isSpecial = types[id] === TOKEN_TYPES.control;
    const isSought = isSpecial || types[id] === TOKEN_TYPES.userDefined;
    if (!isSought || content === "") return [];
    const plain = { isSingleWord: false, takesLeft: false, takesRight: false, isNormalized: false };
    return [{ ...plain, content, sought: content, id, isSpecial }];
  });

/** Pieces with their blanks, bytes as they are; without the blank that was put in front. */
function decoderOf({ texts, types }: Tokens, hasPrefix: boolean): Tokenizer["decode"] {
  const utf8 = new TextEncoder();
  return (ids) => {
    const parts = ids.flatMap((id): readonly Uint8Array[] => {
      const text = texts[id];
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
