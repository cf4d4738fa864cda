import { readVocabulary, remembering, Untokenizable, type Model } from "./vocabulary.ts";
import type { Section } from "./section.ts";

/** One token a word (`models/wordlevel`). */
export function readWordLevel(section: Section): Model {
  const unknown = section.string("unk_token");
  const ids = readVocabulary(section);
  const unknownId = ids.get(unknown);
  const tokenize = (word: string): readonly number[] | Untokenizable => {
    const id = ids.get(word) ?? unknownId;
    return id === undefined ? new Untokenizable(word) : [id];
  };
  return { ids, isBytePairs: false, size: ids.size, tokenize };
}

/** The longest token first, again and again; a word that does not come out is unknown as a whole (`models/wordpiece`). */
export function readWordPiece(section: Section): Model {
  const unknown = section.string("unk_token");
  const prefix = section.string("continuing_subword_prefix");
  const maxCharacters = section.count("max_input_chars_per_word");
  const ids = readVocabulary(section);
  const longest = Array.from(ids.keys()).reduce((most, token) => Math.max(most, token.length), 0);
  const unknownId = ids.get(unknown);
  const tokenize = (word: string): readonly number[] | Untokenizable => {
    const isShort = word.length <= maxCharacters || Array.from(word).length <= maxCharacters;
    const parts = isShort ? longestParts(word, ids, prefix, longest) : undefined;
    return parts ?? (unknownId === undefined ? new Untokenizable(word) : [unknownId]);
  };
  return { ids, isBytePairs: false, size: ids.size, tokenize: remembering(tokenize) };
}

function longestParts(
  word: string,
  ids: ReadonlyMap<string, number>,
  prefix: string,
  longest: number,
): readonly number[] | undefined {
  const parts: number[] = [];
  for (let start = 0; start < word.length;) {
    let end = Math.min(word.length, start + longest);
    let id: number | undefined;
    while (end > start) {
      id = ids.get((start > 0 ? prefix : "") + word.slice(start, end));
      if (id !== undefined) break;
      end--;
    }
    if (id === undefined) return undefined;
    parts.push(id);
    start = end;
  }
  return parts;
}
