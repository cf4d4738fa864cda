import type { JsonObject } from "../checkpoint/json.ts";
import { Heap } from "../support/heap.ts";
import { countOf } from "../support/text.ts";
import { byteEncoder, textOfTokens, wordsOf } from "./byte-level.ts";
import { pairKey, type BytePairs } from "./learn-merges.ts";
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

/** What a pair becomes, and its place in the order of merges. */
interface RankedMerge {
  readonly rank: number;
  readonly id: number;
}

function wordEncoder({ tokens, merges }: BytePairs): (word: string) => readonly number[] {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const byteIds = byteEncoder((character) => ids.get(character)!);
  const ranked = new Map<number, RankedMerge>();
  for (const [rank, { left, right, id }] of merges.entries()) ranked.set(pairKey(left, right), { rank, id });
  return (word) => mergeIds(byteIds(word), ranked);
}

/** Rank and place of a step in one number, which orders steps as they are taken. Words are shorter than this. */
const PLACES = 2 ** 28;

/** Applies the merges in the order in which they were learnt, each from the left; n log n in the length. */
function mergeIds(ids: number[], ranked: ReadonlyMap<number, RankedMerge>): readonly number[] {
  // A list with links: those of a token that was merged into its left neighbour are never read again.
  const next = ids.map((_, at) => at + 1);
  const previous = ids.map((_, at) => at - 1);
  const isGone = new Uint8Array(ids.length);
  const mergeAt = (at: number): RankedMerge | undefined =>
    at < 0 || next[at]! >= ids.length ? undefined : ranked.get(pairKey(ids[at]!, ids[next[at]!]!));
  const steps = new Heap<number>((a, b) => a < b);
  const consider = (at: number): void => {
    const merge = mergeAt(at);
    if (merge !== undefined) steps.push(merge.rank * PLACES + at);
  };
  for (let at = 0; at < ids.length; at++) consider(at);
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    const at = step % PLACES;
    const merge = isGone[at] === 1 ? undefined : mergeAt(at);
    if (merge?.rank !== Math.floor(step / PLACES)) continue;
    const merged = next[at]!;
    isGone[merged] = 1;
    ids[at] = merge.id;
    next[at] = next[merged]!;
    if (next[at] < ids.length) previous[next[at]] = at;
    consider(at);
    consider(previous[at]!);
  }
  return ids.filter((_, at) => isGone[at] === 0);
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
