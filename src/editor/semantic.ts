import type { Statement } from "../language/ast.ts";
import { tokenize } from "../language/tokens.ts";
import {
  freeClauseWords,
  freeStatementWords,
  parameterKinds,
  reservedWords,
  trainSettings,
} from "../language/words.ts";
import { isPlacement } from "../lower/values/kinds.ts";
import type { Meaning } from "../lower/values/meaning.ts";
import { isDtype } from "../tensor/dtype.ts";
import { spanText, type Source, type Span } from "../support/source.ts";
import { statementsIn } from "./hints.ts";
import { labelSpan } from "../lower/names/observe.ts";
import { liesIn, type Analysis } from "./analyze.ts";
import { toldAs } from "./places.ts";

/** The kinds of words, by what they mean; editors have colours for them. */
export const semanticKinds = [
  "keyword",
  "parameter",
  "variable",
  "type",
  "function",
  "property",
  "enumMember",
  "number",
  "string",
  "comment",
] as const;

export type SemanticKind = (typeof semanticKinds)[number];

export interface SemanticToken {
  readonly start: number;
  readonly end: number;
  readonly kind: SemanticKind;
}

const keywords: ReadonlySet<string> = new Set([
  ...reservedWords,
  ...freeStatementWords,
  ...freeClauseWords,
  ...trainSettings,
  "target",
  "step",
]);

/** What the words of a text are: sizes, layers, labels, parameters; what only tokens tell, where nothing was lowered. */
export function semanticTokens(analysis: Analysis): readonly SemanticToken[] {
  const meant = meanings(analysis);
  const repeats = new Set(
    analysis.file.definitions.flatMap(({ body }) => statementsIn(body).flatMap(repeatLabel)),
  );
  const tokens = tokenize(analysis.source.text);
  return tokens.flatMap(({ kind, text, start, end }, index) => {
    const isRepeat =
      repeats.has(text) && (tokens[index - 1]?.text === "as" || tokens[index + 1]?.text === "[");
    const of =
      kind === "word"
        ? (meant.get(start) ??
          (isRepeat ? "property" : wordKind(text, tokens[index - 1]?.text, tokens[index + 1]?.text)))
        : plainKinds[kind];
    return of === undefined ? [] : [{ start, end, kind: of }];
  });
}

/** The parts of the label of a repeat. */
const repeatLabel = (statement: Statement): readonly string[] =>
  statement.kind === "repeat" && statement.label !== undefined
    ? spanText(statement.label.span).split(".")
    : [];

const plainKinds: Readonly<Record<string, SemanticKind | undefined>> = {
  number: "number",
  text: "string",
  comment: "comment",
};

/** What a word is by itself, and by what stands around it: so labels and words of parameters have a kind where nothing was lowered. */
function wordKind(
  text: string,
  before: string | undefined,
  after: string | undefined,
): SemanticKind | undefined {
  const isKind = before === ":" || before === "|";
  if (isKind && (parameterKinds as readonly string[]).includes(text)) return "type";
  if (keywords.has(text)) return "keyword";
  if (isDtype(text)) return "type";
  if (isPlacement(text) || before === "|" || after === "|") return "enumMember";
  if (after === ":") return "property";
  return text === "_" ? "variable" : undefined;
}

/** By the offset at which a word begins. */
function meanings(analysis: Analysis): ReadonlyMap<number, SemanticKind> {
  const kinds = new Map<number, SemanticKind>();
  const { source, file } = analysis;
  const parameters = new Set(
    file.definitions.flatMap((each) => each.parameters.map(({ name }) => name.span.start)),
  );
  for (const { span, meaning } of toldAs(analysis, source, "reference", "definition")) {
    const at = meaning.kind === "definition" ? span : meaning.definition;
    const isParameter = at !== undefined && liesIn(at, source) && parameters.has(at.start);
    const kind = isParameter ? "parameter" : kindOf(meaning.name, meaning.value);
    for (const word of wordsIn(source, span)) kinds.set(word, kind);
  }
  for (const { span } of toldAs(analysis, source, "word")) kinds.set(span.start, "enumMember");
  for (const { span } of toldAs(analysis, source, "argument"))
    if (/^\w+\s*:/.test(source.text.slice(span.start, span.end))) kinds.set(span.start, "property");
  for (const { span } of toldAs(analysis, source, "layer")) markLabel(kinds, span);
  for (const { name } of file.definitions) kinds.set(name.span.start, "function");
  return kinds;
}

/** Each part of a label with dots. */
function markLabel(kinds: Map<number, SemanticKind>, span: Span): void {
  const { source, start, end } = labelSpan({ span });
  if (!/^\s*:/.test(source.text.slice(end))) return;
  for (const word of wordsIn(source, { start, end })) kinds.set(word, "property");
}

/** Where the words of a name with dots begin. */
const wordsIn = ({ text }: Source, { start, end }: Pick<Span, "start" | "end">): readonly number[] =>
  tokenize(text, start, end).flatMap(({ kind, start: at }) => (kind === "word" ? [at] : []));

function kindOf(name: string, value: Meaning | undefined): SemanticKind {
  if (keywords.has(name)) return "keyword";
  if (/^[A-Z]/.test(name)) return "type";
  switch (value?.kind) {
    case "layer":
      return "function";
    case "label":
      return "property";
    case "word":
      return "enumMember";
    default:
      return value === undefined ? "function" : "variable";
  }
}
