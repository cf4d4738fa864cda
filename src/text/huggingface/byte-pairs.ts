import { quote } from "../../checkpoint/problem.ts";
import type { JsonValue } from "../../checkpoint/json.ts";
import { mergeIds, pairKey, type RankedMerge } from "../merge.ts";
import { byteFallback, readVocabulary, remembering, Untokenizable, type Model } from "./vocabulary.ts";
import { Unreadable, type Section } from "./section.ts";

/** What a model of byte pairs does with a character, beside its vocabulary. */
interface Options {
  readonly unknown: string | undefined;
  /** In front of each character of a word but the first. */
  readonly prefix: string;
  /** Behind the last character of a word. */
  readonly suffix: string;
  readonly fusesUnknown: boolean;
  readonly fallsBack: boolean;
}

/** Byte-pair encoding (`models/bpe/model.rs`): a word is cut into characters, which are merged by rank. */
export function readBytePairs(section: Section): Model {
  const dropout = section.value("dropout") ?? 0;
  if (dropout !== 0)
    section.refuse(
      "dropout",
      "merges would be left out at random, so that a text has no one encoding",
      "set it to null, as it is wherever a model is used",
    );
  const options: Options = {
    unknown: section.optionalString("unk_token"),
    prefix: section.optionalString("continuing_subword_prefix") ?? "",
    suffix: section.optionalString("end_of_word_suffix") ?? "",
    fusesUnknown: section.boolean("fuse_unk", false),
    fallsBack: section.boolean("byte_fallback", false),
  };
  const takesWholeWords = section.boolean("ignore_merges", false);
  const ids = readVocabulary(section);
  const merges = readMerges(section, ids, options.prefix);
  const tokenize = (word: string): readonly number[] | Untokenizable => {
    const whole = takesWholeWords ? ids.get(word) : undefined;
    if (whole !== undefined) return [whole];
    const characters = idsOfCharacters(word, ids, options);
    return characters instanceof Untokenizable ? characters : mergeIds(characters, merges);
  };
  return { ids, isBytePairs: true, size: ids.size, tokenize: remembering(tokenize) };
}

/** `["a", "b"]` as the library writes a merge now, or `"a b"` as it did; by pair, the last of equals. */
function readMerges(
  section: Section,
  ids: ReadonlyMap<string, number>,
  prefix: string,
): ReadonlyMap<number, RankedMerge> {
  const merges = new Map<number, RankedMerge>();
  const list = section.list("merges").filter((item) => !isVersion(item));
  for (const [rank, item] of list.entries()) {
    const parts: JsonValue = typeof item === "string" ? item.split(" ") : item;
    const [first, second] = Array.isArray(parts) ? (parts as readonly JsonValue[]) : [];
    if (
      !Array.isArray(parts) ||
      parts.length !== 2 ||
      typeof first !== "string" ||
      typeof second !== "string"
    )
      return section.fail("merges", `a list of pairs; pair ${rank} is none`);
    const joined = second.startsWith(prefix) ? first + second.slice(prefix.length) : undefined;
    const [left, right] = [ids.get(first), ids.get(second)];
    const id = joined === undefined ? undefined : ids.get(joined);
    if (left === undefined || right === undefined || id === undefined)
      throw new Unreadable(
        `\`${section.path}.merges[${rank}]\`: the vocabulary lacks ${quote(left === undefined ? first : right === undefined ? second : (joined ?? prefix))}`,
      );
    merges.set(pairKey(left, right), { rank, id });
  }
  return merges;
}

const isVersion = (item: JsonValue): boolean => typeof item === "string" && item.startsWith("#version");

/** The ids of the characters of a word, before merges; `merge_word` to the letter. */
function idsOfCharacters(
  word: string,
  ids: ReadonlyMap<string, number>,
  { unknown, prefix, suffix, fusesUnknown, fallsBack }: Options,
): number[] | Untokenizable {
  const found: number[] = [];
  const unknownId = unknown === undefined ? undefined : ids.get(unknown);
  let isPending = false;
  for (let at = 0; at < word.length;) {
    const character = String.fromCodePoint(word.codePointAt(at)!);
    const next = at + character.length;
    const spelt = (at > 0 ? prefix : "") + character + (next === word.length ? suffix : "");
    at = next;
    const id = ids.get(spelt);
    if (id !== undefined) {
      if (isPending) found.push(unknownId!);
      isPending = false;
      found.push(id);
      continue;
    }
    const bytes = fallsBack ? byteFallback(spelt, ids) : undefined;
    if (bytes !== undefined) {
      // The library leaves an unknown character before them pending.
      for (const byte of bytes) found.push(byte);
      continue;
    }
    if (unknownId === undefined) return new Untokenizable(character);
    if (isPending && !fusesUnknown) found.push(unknownId);
    isPending = true;
  }
  if (isPending) found.push(unknownId!);
  return found;
}
