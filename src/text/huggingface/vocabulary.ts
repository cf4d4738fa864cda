import { quote } from "../../checkpoint/problem.ts";
import { MOST_IDS } from "../merge.ts";
import { isCount, Unreadable, type Section } from "./section.ts";

/** A text that no token stands for, nor one for what is unknown. */
export class Untokenizable {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What makes tokens of a word. */
export interface Model {
  readonly ids: ReadonlyMap<string, number>;
  readonly isBytePairs: boolean;
  /** How many tokens it has, which is where ids of added tokens begin. */
  readonly size: number;
  readonly tokenize: (word: string) => readonly number[] | Untokenizable;
}

/** `{"token": id}`, ids from 0, each of one token. */
export function readVocabulary(section: Section): ReadonlyMap<string, number> {
  const vocabulary = section.section("vocab");
  const ids = new Map<string, number>();
  const seen = new Map<number, string>();
  for (const token of vocabulary.keys()) {
    const id = vocabulary.value(token);
    if (!isCount(id)) return vocabulary.fail(token, "an id, a whole number from 0");
    checkId(id, vocabulary.path);
    const other = seen.get(id);
    if (other !== undefined)
      throw new Unreadable(`\`${vocabulary.path}\`: ${quote(other)} and ${quote(token)} have the id ${id}`);
    seen.set(id, token);
    ids.set(token, id);
  }
  return ids;
}

/** Refuses an id that no vocabulary reaches. */
export function checkId(id: number, path: string): void {
  if (id >= MOST_IDS)
    throw new Unreadable(`\`${path}\`: the id ${id} is too large; ids are below ${MOST_IDS}`);
}

/** Longest word that is kept with its tokens (as in `tokenizers`), and how many are kept. */
const MAX_KEPT_LENGTH = 256;
const MAX_KEPT = 100_000;

/** Remembers the tokens of words: texts repeat theirs. */
export function remembering(tokenize: Model["tokenize"]): Model["tokenize"] {
  const kept = new Map<string, readonly number[]>();
  return (word) => {
    const known = kept.get(word);
    if (known !== undefined) return known;
    const ids = tokenize(word);
    if (!(ids instanceof Untokenizable) && word.length < MAX_KEPT_LENGTH && kept.size < MAX_KEPT)
      kept.set(word, ids);
    return ids;
  };
}

const utf8 = new TextEncoder();

/** The ids of `<0x00>`, one for each byte of a text in UTF-8; undefined if one is missing. */
export function byteFallback(text: string, ids: ReadonlyMap<string, number>): readonly number[] | undefined {
  const found = Array.from(utf8.encode(text), (byte) =>
    ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`),
  );
  return found.every((id) => id !== undefined) ? found : undefined;
}
