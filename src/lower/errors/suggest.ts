import type { DiagnosticOptions } from "../../support/diagnostic.ts";
import { listWords, nearest } from "../../support/text.ts";
import { sameWord } from "./synonyms.ts";

/** A way forward, and the edit if it is one. */
type Suggestion = Pick<DiagnosticOptions, "help" | "misspelt">;

/** `did you mean \`depth\`?`; where no name is near what `otherwise` says, or nothing. */
export function suggest(word: string, candidates: Iterable<string>, otherwise?: string): Suggestion {
  const meant = nearName(word, candidates);
  if (meant !== undefined) return { help: `did you mean \`${meant}\`?`, misspelt: { word, meant } };
  return otherwise === undefined ? {} : { help: otherwise };
}

/** Every letter is one edit away from every other: a name of one letter is near nothing. */
function nearName(word: string, candidates: Iterable<string>): string | undefined {
  const others = [...candidates].filter((candidate) => candidate !== word);
  return sameWord(word, others) ?? (word.length < 2 ? undefined : nearest(word, others));
}

/** The nearest name; if none is near, all of them. */
export const suggestOrList = (word: string, candidates: readonly string[], what: string): Suggestion =>
  suggest(word, candidates, candidates.length === 0 ? undefined : `${what} ${quoted(candidates)}`);

/** More names than this are not listed. */
const MOST_NAMES = 12;

export function quoted(names: readonly string[], last = "and"): string {
  const shown = names.slice(0, MOST_NAMES).map((name) => `\`${name}\``);
  return names.length > MOST_NAMES ? `${shown.join(", ")}, …` : listWords(shown, last);
}

/** Source text on one line: without comments, however it was broken into lines. */
export const joinLines = (text: string): string =>
  text.replaceAll(
    /("(?:\\.|[^"\\\n])*")|(?<=[([])(?:\s|\/\/.*)+|,?(?:\s|\/\/.*)+(?=[)\]])|((?:\s|\/\/.*)+)/g,
    (_, quotedText?: string, blanks?: string) => quotedText ?? (blanks === undefined ? "" : " "),
  );

/** The same, cut where it is long. */
export function oneLine(text: string, most = 60): string {
  const line = joinLines(text);
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`;
}
