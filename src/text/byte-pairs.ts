import type { JsonObject } from "../checkpoint/json.ts";
import { countOf } from "../support/text.ts";
import { byteEncoder, textOfTokens, wordsOf } from "./byte-level.ts";
import type { BytePairs } from "./learn-merges.ts";
import { mergeIds, pairKey, type RankedMerge } from "./merge.ts";
import type { TextTokenizer } from "./tokenizer.ts";

/** The tokenizer of a vocabulary of byte pairs. It has tokens for every text. */
export function bytePairTokenizer(pairs: BytePairs): TextTokenizer {
  const { tokens } = pairs;
  const encodeAll = bytePairEncoder(pairs);
  return {
    size: tokens.length,
    description: countOf(tokens.length, "byte-pair token"),
    file: bytePairFile(pairs),
    encodeAll,
    encode: (text) => Array.from(encodeAll(text)),
    decode: (ids) => textOfTokens(ids.map((id) => tokens[id] ?? "")),
  };
}

/** The ids of long texts. Each word is merged once: texts repeat theirs. */
export function bytePairEncoder(pairs: BytePairs): (text: string) => Int32Array {
  const encodeWord = wordEncoder(pairs);
  return (text) => encodeWords(text, encodeWord);
}

function encodeWords(text: string, encodeWord: (word: string) => readonly number[]): Int32Array {
  const known = new Map<string, readonly number[]>();
  let ids = new Int32Array(Math.max(16, text.length));
  let count = 0;
  for (const word of wordsOf(text)) {
    let encoded = known.get(word);
    if (encoded === undefined) known.set(word, (encoded = encodeWord(word)));
    if (count + encoded.length > ids.length) {
      const larger = new Int32Array(2 * (count + encoded.length));
      larger.set(ids);
      ids = larger;
    }
    ids.set(encoded, count);
    count += encoded.length;
  }
  return ids.slice(0, count);
}

function wordEncoder({ tokens, merges }: BytePairs): (word: string) => readonly number[] {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const byteIds = byteEncoder((character) => ids.get(character)!);
  const ranked = new Map<number, RankedMerge>();
  for (const [rank, { left, right, id }] of merges.entries()) ranked.set(pairKey(left, right), { rank, id });
  return (word) => mergeIds(byteIds(word), ranked);
}

/** A `tokenizer.json` as Hugging Face's library writes it for byte-level byte pairs. */
function bytePairFile({ tokens, merges }: BytePairs): JsonObject {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: merges.map(({ left, right }) => [tokens[left]!, tokens[right]!]),
    },
  };
}
