import type { JsonObject } from "../../checkpoint/json.ts";
import { quote } from "../../checkpoint/problem.ts";
import { WORD } from "./characters.ts";
import { configTokens, readGivenToken, type GivenToken } from "./config-tokens.ts";
import type { Normalizer } from "./normalizers.ts";
import { PrefixIndex } from "./prefix-index.ts";
import { Unreadable, type Section } from "./section.ts";
import { checkId, type Model } from "./vocabulary.ts";

/** A token that is found in a text before all else. */
export interface AddedToken extends GivenToken {
  readonly id: number;
  /** What is looked for: the content as the normalizer changes it, if the token is normalized. */
  readonly sought: string;
}

/**
 * The added tokens of a file (`tokenizer/added_vocabulary.rs`), and those that the config beside it adds. The library
 * gives a token the id that the model has for it, or else the next free one, whatever is said; where another is said, the
 * file is refused.
 */
export function readAddedTokens(
  file: Section,
  config: JsonObject,
  model: Model,
  normalizer: Normalizer | undefined,
): readonly AddedToken[] {
  const tokens = new Map<string, AddedToken>();
  let nextId = model.size;
  const add = (token: GivenToken, said: number | undefined, section: Section): void => {
    const { content, isNormalized } = token;
    if (content === "") return;
    const before = tokens.get(content);
    const known = before?.id ?? model.ids.get(content);
    const id = known ?? nextId++;
    if (said !== undefined && said !== id)
      section.refuse(
        "id",
        known === undefined
          ? `${quote(content)} is not in the vocabulary, and the next free id is ${id}, not ${said}`
          : `${quote(content)} has the id ${id}, not ${said}`,
        "save the tokenizer anew with the `tokenizers` library, which numbers it so",
      );
    const sought = isNormalized && normalizer !== undefined ? normalizer(content) : content;
    // What was special once stays so.
    const isSpecial = token.isSpecial || before?.isSpecial === true;
    tokens.set(content, { ...token, isSpecial, id, sought });
  };
  for (const section of file.value("added_tokens") === undefined ? [] : file.sections("added_tokens")) {
    const id = section.count("id");
    checkId(id, section.path);
    const token = readGivenToken(section);
    section.end();
    add(token, id, section);
  }
  for (const { token, id, section } of configTokens(config, new Map(tokens))) add(token, id, section);
  const list = Array.from(tokens.values());
  requireDistinct(list);
  return list;
}

/** Two tokens that are looked for alike, or nothing to look for, are refused by the library too. */
function requireDistinct(tokens: readonly AddedToken[]): void {
  const seen = new Map<string, AddedToken>();
  for (const token of tokens) {
    const key = `${token.isNormalized ? "normalized" : "as it stands"} ${token.sought}`;
    const other = seen.get(key);
    if (token.sought === "" || other !== undefined)
      throw new Unreadable(
        `\`added_tokens\`: the normalizer makes ${token.sought === "" ? "nothing" : quote(token.sought)} of ` +
          (other === undefined
            ? quote(token.content)
            : `${quote(other.content)} and ${quote(token.content)}`),
      );
    seen.set(key, token);
  }
}

/** A part of a text: an added token, or what lies between. */
export interface Found {
  readonly start: number;
  readonly end: number;
  readonly token?: AddedToken;
}

const startsWithWord = new RegExp(`^[${WORD}]`, "v");
const endsWithWord = new RegExp(`[${WORD}]$`, "v");

/** Finds tokens in a text: the leftmost first, of those that begin there the longest. */
export function finderOf(tokens: readonly AddedToken[]): (text: string) => readonly Found[] {
  const index = new PrefixIndex(new Map(tokens.map(({ sought }, place) => [sought, place])), "added_tokens");
  const firstUnits = new Set(tokens.map(({ sought }) => sought[0]));
  const tokenAt = (text: string, at: number): AddedToken | undefined => {
    const longest = firstUnits.has(text[at]) ? index.longestAt(text, at) : undefined;
    return longest && tokens[longest.id];
  };
  return (text) => {
    if (tokens.length === 0) return text === "" ? [] : [{ start: 0, end: text.length }];
    const found: Found[] = [];
    let rest = 0;
    // Where the blanks end that were walked last: tokens of blanks stand in runs of them, which are walked once.
    let blankEnd = 0;
    for (let at = 0; at < text.length;) {
      const token = tokenAt(text, at);
      if (token === undefined) {
        at++;
        continue;
      }
      const end = at + token.sought.length;
      if (!token.isSingleWord || isSingleWord(text, at, end)) {
        const from = token.takesLeft ? blanksBefore(text, at, rest) : at;
        if (token.takesRight) blankEnd = blanksBehind(text, Math.max(end, blankEnd));
        const to = token.takesRight ? blankEnd : end;
        if (rest < from) found.push({ start: rest, end: from });
        // Blanks that the token before took leave nothing of one that is made of blanks.
        if (from < to) found.push({ start: from, end: to, token });
        rest = to;
      }
      at = end;
    }
    if (rest < text.length) found.push({ start: rest, end: text.length });
    return found;
  };
}

/** Whether no character of a word stands beside a part; two UTF-16 units hold the character before or behind. */
const isSingleWord = (text: string, start: number, end: number): boolean =>
  !endsWithWord.test(wholeCharacters(text.slice(Math.max(0, start - 2), start))) &&
  !startsWithWord.test(text.slice(end, end + 2));

/** Without a half of a character at the beginning. */
const wholeCharacters = (text: string): string => text.replace(/^[\udc00-\udfff]/u, "");

/** Where the blanks before `end` begin, or `least` if they reach that far. */
function blanksBefore(text: string, end: number, least: number): number {
  if (end < least) return least;
  let at = end;
  while (at > least && /\p{White_Space}/u.test(text[at - 1]!)) at--;
  return at;
}

function blanksBehind(text: string, start: number): number {
  let at = start;
  while (at < text.length && /\p{White_Space}/u.test(text[at]!)) at++;
  return at;
}
