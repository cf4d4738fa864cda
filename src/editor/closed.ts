import type { File } from "../language/ast.ts";
import { parse } from "../language/parse.ts";
import { tokenize } from "../language/tokens.ts";
import type { Diagnostic } from "../support/diagnostic.ts";
import { largest } from "../support/lists.ts";
import type { Source } from "../support/source.ts";
import { openAt } from "./braces.ts";

const closers = { "{": "}", "(": ")", "[": "]" } as const;

/** The code of a bracket that is never closed: the definition around it is not parsed. */
const NEVER_CLOSED = "E102";
/** That of one which closes nothing: one before it closed too much. */
const CLOSES_NOTHING = "E103";

/**
 * A text as an editor reads it: if brackets are open, as they are while one types, they are closed, at the end of their line or of
 * their definition, and braces whose `{` is gone close nothing: whichever leaves most that can be understood. What closes takes the room
 * of blanks, or stands behind the text, so that all places stay where they are.
 */
export function parseOpen(source: Source): {
  readonly file: File;
  readonly diagnostics: readonly Diagnostic[];
} {
  const parsed = parse(source);
  const open = parsed.diagnostics
    .filter(({ code }) => code === NEVER_CLOSED)
    .map(({ labels }) => labels[0]!.span.start);
  const isEarly = parsed.diagnostics.some(({ code }) => code === CLOSES_NOTHING);
  if (open.length === 0 && !isEarly) return parsed;
  const tried = [
    ...(open.length === 0 ? [parsed] : [closedOnLines(source, open), closedAtEnds(source)].map(parse)),
    ...(isEarly ? [parse(withoutEarlyClosers(source))] : []),
  ];
  const worth = ({ file, diagnostics }: (typeof tried)[number]): number =>
    file.definitions.length * 1000 - diagnostics.length;
  const most = largest(tried.map(worth));
  return { file: tried.find((each) => worth(each) === most)!.file, diagnostics: parsed.diagnostics };
}

/** What is blamed is closed at the end of its line. */
function closedOnLines({ name, text }: Source, open: readonly number[]): Source {
  let made = text;
  const lines = new Set(open.map((at) => text.lastIndexOf("\n", at) + 1));
  for (const start of lines) {
    const end = text.indexOf("\n", start);
    if (end >= 0) made = closeWithin(made, start, end);
  }
  return { name, text: made };
}

/** All that is open at the end of a definition is closed there. */
function closedAtEnds({ name, text }: Source): Source {
  let made = text;
  const heads = [...text.matchAll(/^(?:model|block)\b/gm)].map(({ index }) => index);
  for (const [at, start] of heads.entries()) made = closeWithin(made, start, heads[at + 1] ?? text.length);
  return { name, text: made };
}

/** A `}` that would close a definition, but is indented at the head of its line, is that of a `{` which is gone: it becomes a blank. */
function withoutEarlyClosers({ name, text }: Source): Source {
  let [made, depth] = [text, 0];
  for (const { kind, text: character, start, end } of tokenize(text)) {
    if (kind !== "symbol") continue;
    if (character === "{") depth++;
    if (character !== "}") continue;
    const before = text.slice(text.lastIndexOf("\n", start) + 1, start);
    const isIndented = before !== "" && before.trim() === "";
    if (depth === 1 && isIndented) made = `${made.slice(0, start)} ${made.slice(end)}`;
    else depth = Math.max(0, depth - 1);
  }
  return { name, text: made };
}

/** Closes what is open between two places behind the last token there; the text stays as it is where there is no room for that. */
function closeWithin(text: string, start: number, end: number): string {
  const tokens = tokenize(text, start, end).filter(({ kind }) => kind !== "newline" && kind !== "comment");
  const closing = openAt(tokens, end)
    .toReversed()
    .map(({ character }) => closers[character])
    .join("");
  const last = tokens.at(-1)?.end ?? start;
  const rest = text.slice(last);
  const [blanks] = /^\s*/.exec(rest)!;
  if (blanks.length === rest.length) return `${text}\n${closing}`;
  if (closing.length >= blanks.length) return text;
  return `${text.slice(0, last)}${closing}\n${blanks.slice(closing.length + 1)}${rest.slice(blanks.length)}`;
}
