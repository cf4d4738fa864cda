import { PrefixIndex } from "./prefix-index.ts";
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
  const unknownId = ids.get(unknown);
  const path = `${section.path}.vocab`;
  const starts = new PrefixIndex(ids, path);
  const goesOn = prefix === "" ? starts : new PrefixIndex(continuing(ids, prefix), path);
  const tokenize = (word: string): readonly number[] | Untokenizable => {
    const isShort = word.length <= maxCharacters || Array.from(word).length <= maxCharacters;
    const parts = isShort ? longestParts(word, starts, goesOn) : undefined;
    return parts ?? (unknownId === undefined ? new Untokenizable(word) : [unknownId]);
  };
  return { ids, isBytePairs: false, size: ids.size, tokenize: remembering(tokenize) };
}

/** The tokens that go on with a word, without their prefix. */
function continuing(ids: ReadonlyMap<string, number>, prefix: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [token, id] of ids) if (token.startsWith(prefix)) found.set(token.slice(prefix.length), id);
  return found;
}

function longestParts(word: string, starts: PrefixIndex, goesOn: PrefixIndex): readonly number[] | undefined {
  const parts: number[] = [];
  for (let start = 0; start < word.length;) {
    const longest = (start === 0 ? starts : goesOn).longestAt(word, start);
    if (longest === undefined) return undefined;
    parts.push(longest.id);
    start = longest.end;
  }
  return parts;
}
