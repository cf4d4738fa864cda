import { Heap } from "../support/heap.ts";
import { byteEncoder, byteTokens, wordsOf } from "./byte-level.ts";
import { MOST_IDS, pairKey } from "./merge.ts";

/** A vocabulary of byte pairs: the 256 bytes, and a token for each merge that made a new one. */
export interface BytePairs {
  /** By id, in the alphabet of `byteTokens`. */
  readonly tokens: readonly string[];
  /** In the order in which they are applied. */
  readonly merges: readonly Merge[];
}

/** Two neighbours that become one token. */
export interface Merge {
  readonly left: number;
  readonly right: number;
  readonly id: number;
}

/** A word of the text as tokens, and how often it stands there. */
interface Word {
  symbols: number[];
  readonly count: number;
}

/** A pair that may be merged: the count that it had when it was seen, and the words that may have it. */
interface Candidate {
  readonly pair: number;
  count: number;
  readonly words: readonly Word[];
}

/** The pair that is more frequent goes first; of two, the one with the smaller ids. */
const goesFirst = (a: Candidate, b: Candidate): boolean =>
  a.count > b.count || (a.count === b.count && a.pair < b.pair);

/**
 * Learns at most `size` tokens from a text: byte-level byte-pair encoding (Sennrich et al. 2016, Radford et al. 2019).
 * The most frequent pair of neighbours becomes a token, again and again. Counts are kept up to date where a merge
 * changes them, so that a merge costs as much as the words that have the pair. Ids and merges are those of Hugging
 * Face's `BpeTrainer` with the alphabet of bytes.
 *
 * Every merge makes a token of its own: merges go through all words from the left, so that text which is to become one
 * token is cut the same way wherever it stands.
 */
export function learnMerges(text: string, size: number): BytePairs {
  const learner = new Learner(countWords(text));
  while (learner.tokens.length < size && learner.mergeNext());
  return { tokens: learner.tokens, merges: learner.merges };
}

function countWords(text: string): readonly Word[] {
  const byteIds = byteEncoder((character) => byteTokens.indexOf(character));
  const counts = new Map<string, number>();
  for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Array.from(counts, ([word, count]) => ({ symbols: byteIds(word), count }));
}

class Learner {
  readonly tokens = [...byteTokens];
  readonly merges: Merge[] = [];
  readonly #counts = new Map<number, number>();
  readonly #queue = new Heap<Candidate>(goesFirst);
  /** The pairs whose count grew since the queue was last filled, and where. */
  #grown = new Map<number, Word[]>();

  constructor(words: readonly Word[]) {
    for (const word of words)
      for (let at = 0; at + 1 < word.symbols.length; at++)
        this.#change(pairKey(word.symbols[at]!, word.symbols[at + 1]!), 1, word);
    this.#enqueueGrown();
  }

  /** Merges the first pair everywhere; false if no pair is left. */
  mergeNext(): boolean {
    for (;;) {
      const candidate = this.#queue.pop();
      if (candidate === undefined) return false;
      const count = this.#counts.get(candidate.pair)!;
      if (count === candidate.count) {
        if (count < 1) return false;
        this.#merge(candidate);
        return true;
      }
      candidate.count = count;
      this.#queue.push(candidate);
    }
  }

  #merge({ pair, words }: Candidate): void {
    const left = Math.floor(pair / MOST_IDS);
    const right = pair % MOST_IDS;
    const merge = { left, right, id: this.tokens.length };
    this.tokens.push(this.tokens[left]! + this.tokens[right]!);
    this.merges.push(merge);
    for (const word of words) this.#mergeIn(word, merge);
    this.#enqueueGrown();
  }

  /** Replaces the pair in a word from the left, and counts the neighbours that come and go. */
  #mergeIn(word: Word, { left, right, id }: Merge): void {
    const { symbols } = word;
    let length = 0;
    for (let at = 0; at < symbols.length; at++) {
      if (symbols[at] !== left || symbols[at + 1] !== right) {
        symbols[length++] = symbols[at]!;
        continue;
      }
      const before = length > 0 ? symbols[length - 1] : undefined;
      const after = symbols[at + 2];
      if (before !== undefined) {
        this.#change(pairKey(before, left), -1, word);
        this.#change(pairKey(before, id), 1, word);
      }
      if (after !== undefined) {
        this.#change(pairKey(right, after), -1, word);
        this.#change(pairKey(id, after), 1, word);
      }
      symbols[length++] = id;
      at++;
    }
    symbols.length = length;
  }

  #change(pair: number, by: 1 | -1, word: Word): void {
    this.#counts.set(pair, (this.#counts.get(pair) ?? 0) + by * word.count);
    if (by < 0) return;
    const words = this.#grown.get(pair);
    if (words === undefined) this.#grown.set(pair, [word]);
    else if (words.at(-1) !== word) words.push(word);
  }

  #enqueueGrown(): void {
    for (const [pair, words] of this.#grown) {
      const count = this.#counts.get(pair)!;
      if (count > 0) this.#queue.push({ pair, count, words });
    }
    this.#grown = new Map();
  }
}
