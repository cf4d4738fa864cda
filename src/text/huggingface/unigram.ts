import { PrefixIndex } from "./prefix-index.ts";
import { isCount, type Section } from "./section.ts";
import { byteFallback, remembering, Untokenizable, type Model } from "./vocabulary.ts";

/** What an unknown character scores below the least score of a token (SentencePiece's `kUnkPenalty`). */
const UNKNOWN_PENALTY = 10;

/** The tokens of a model and their scores, by id. */
interface Vocabulary {
  readonly scores: Float64Array;
  readonly unknownScore: number;
  readonly ids: ReadonlyMap<string, number>;
  readonly index: PrefixIndex;
  readonly unknown: number | undefined;
  readonly fallsBack: boolean;
}

/** Kudo's unigram model (`models/unigram/model.rs`): of all cuts of a word into tokens, the one with the best sum of scores. */
export function readUnigram(section: Section): Model {
  const list = section.list("vocab");
  const scores = new Float64Array(list.length);
  const ids = new Map<string, number>();
  for (const [id, item] of list.entries()) {
    const [token, score] = Array.isArray(item) ? (item as readonly unknown[]) : [];
    if (typeof token !== "string" || typeof score !== "number")
      return section.fail("vocab", `a list of [token, score]; item ${id} is none`);
    ids.set(token, id);
    scores[id] = score;
  }
  const unknown = section.value("unk_id");
  if (unknown !== undefined && !(isCount(unknown) && unknown < list.length))
    return section.fail("unk_id", `an id below ${list.length}`);
  const fallsBack = section.boolean("byte_fallback", false);
  const unknownScore = scores.reduce((least, score) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY;
  const vocabulary = {
    scores,
    unknownScore,
    ids,
    index: new PrefixIndex(ids, `${section.path}.vocab`),
    unknown,
    fallsBack,
  };
  return {
    ids,
    isBytePairs: false,
    size: list.length,
    tokenize: remembering((word) => tokenize(word, vocabulary)),
  };
}

function tokenize(word: string, vocabulary: Vocabulary): readonly number[] | Untokenizable {
  const parts = bestParts(word, vocabulary);
  if (parts instanceof Untokenizable) return parts;
  const { ids, unknown, fallsBack } = vocabulary;
  const found: number[] = [];
  for (const part of parts) {
    const id = ids.get(part);
    const bytes = id === undefined && fallsBack ? byteFallback(part, ids) : undefined;
    if (bytes !== undefined) for (const byte of bytes) found.push(byte);
    else if (id !== undefined) found.push(id);
    else if (unknown !== undefined) found.push(unknown);
    else return new Untokenizable(part);
  }
  return found;
}

/** The parts of the best cut, unknown neighbours as one (`encode_optimized`). */
function bestParts(
  word: string,
  { scores, unknownScore, index, unknown }: Vocabulary,
): readonly string[] | Untokenizable {
  // The best way to each place: its score, where its last part begins (-1: no way yet), and the id of that part.
  const best = new Float64Array(word.length + 1);
  const starts = new Int32Array(word.length + 1).fill(-1);
  const lastIds = new Int32Array(word.length + 1);
  const reach = (end: number, start: number, id: number, score: number): void => {
    best[end] = score;
    starts[end] = start;
    lastIds[end] = id;
  };
  for (let start = 0; start < word.length;) {
    const single = start + (word.codePointAt(start)! > 0xffff ? 2 : 1);
    let hasSingle = false;
    for (const { end, id } of index.prefixesAt(word, start)) {
      const score = scores[id]! + best[start]!;
      if (starts[end] === -1 || score > best[end]!) reach(end, start, id, score);
      hasSingle ||= end === single;
    }
    const score = unknownScore + best[start]!;
    if (!hasSingle && (starts[single] === -1 || score > best[single]!)) {
      if (unknown === undefined) return new Untokenizable(word.slice(start, single));
      reach(single, start, unknown, score);
    }
    start = single;
  }
  const parts: string[] = [];
  let unknownEnd = -1;
  for (let end = word.length; end > 0; end = starts[end]!) {
    const isUnknown = lastIds[end] === unknown;
    if (isUnknown && unknownEnd < 0) unknownEnd = end;
    if (!isUnknown && unknownEnd >= 0) {
      parts.push(word.slice(end, unknownEnd));
      unknownEnd = -1;
    }
    if (!isUnknown) parts.push(word.slice(starts[end], end));
  }
  if (unknownEnd >= 0) parts.push(word.slice(0, unknownEnd));
  return parts.reverse();
}
