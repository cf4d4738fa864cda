import type { Token } from "../language/tokens.ts";
import { reservedWords, statementWords, freeStatementWords, trainSettings } from "../language/words.ts";
import { isPlacement, placements, type Kind } from "../lower/values/kinds.ts";
import { showMeaning, type Meaning } from "../lower/values/meaning.ts";
import { dtypes } from "../tensor/dtype.ts";
import { liesIn, type Analysis } from "./analyze.ts";
import { openAt, type OpenBracket } from "./braces.ts";
import { callablesOf, usageOf, wordsOf, type Callable } from "./catalogue.ts";
import type { WordKind } from "./words.ts";
import { isProse } from "./places.ts";
import { callAt, kindOfArgument, signatureParameters, type OpenCall } from "./calls.ts";

export type CompletionKind = "layer" | "block" | "value" | "size" | "parameter" | "word" | "setting";

export interface Completion {
  readonly label: string;
  readonly kind: CompletionKind;
  /** One line: how it is called, its value or type. */
  readonly detail: string;
  readonly doc: string;
  /** What is put in, if that is more than the label. */
  readonly insert?: string;
}

/** What may stand at an offset: a closed list of positions, told by the tokens before it, so that a text may be broken. */
type Position =
  | { readonly kind: "top" }
  | { readonly kind: "statement"; readonly inside: "model" | "train" | "config" }
  | { readonly kind: "layer"; readonly norm: boolean }
  | { readonly kind: "argument"; readonly call: OpenCall }
  | { readonly kind: "argument value"; readonly call: OpenCall; readonly of: Kind | undefined }
  | { readonly kind: "setting value"; readonly setting: string }
  | { readonly kind: "type" }
  | { readonly kind: "value" }
  | { readonly kind: "size" }
  | { readonly kind: "nothing" };

/** What can be written at an offset, the likeliest first; words that begin with what is there already. */
export function complete(analysis: Analysis, offset: number): readonly Completion[] {
  if (isProse(analysis, offset)) return [];
  const { word, before } = wordBefore(analysis.tokens, offset);
  const start = offset - word.length;
  const position = positionAt(analysis, before, start);
  const seen = new Set<string>();
  return candidates(analysis, position, start).filter(
    ({ label }) => label.startsWith(word) && !seen.has(label) && seen.add(label),
  );
}

/** The part of a word that stands before an offset, and the tokens before that word. */
function wordBefore(
  tokens: readonly Token[],
  offset: number,
): { readonly word: string; readonly before: readonly Token[] } {
  const before = tokens.filter(({ kind, start }) => start < offset && kind !== "comment");
  const last = before.at(-1);
  return last?.kind === "word" && last.end >= offset
    ? { word: last.text.slice(0, offset - last.start), before: before.slice(0, -1) }
    : { word: "", before };
}

function positionAt(analysis: Analysis, before: readonly Token[], offset: number): Position {
  const open = openAt(before, offset);
  const inner = open.at(-1);
  if (inner === undefined) return topPosition(before);
  const last = before.at(-1)!;
  if (last.text === "." || last.kind === "number") return { kind: "nothing" };
  if (inner.character === "(") return inParentheses(analysis, before, inner);
  if (inner.character === "[") return { kind: "size" };
  return inBody(before, open);
}

/** Outside of all braces: a definition begins, or its header goes on. */
function topPosition(before: readonly Token[]): Position {
  const last = before.at(-1);
  return last === undefined || last.kind === "newline" || last.text === "}"
    ? { kind: "top" }
    : { kind: "nothing" };
}

function inParentheses(analysis: Analysis, before: readonly Token[], inner: OpenBracket): Position {
  const call = callAt(analysis, before, inner);
  const last = before.at(-1)!;
  if (isHeader(before, inner))
    return last.text === ":" ? { kind: "type" } : { kind: last.text === "=" ? "value" : "nothing" };
  if (last.text === "->") return { kind: "layer", norm: false };
  if (call === undefined) return { kind: "value" };
  if (last.text === "(" || last.text === ",") return { kind: "argument", call };
  return { kind: "argument value", call, of: kindOfArgument(call) };
}

/** Whether parentheses are those of a definition: `block name(`. */
const isHeader = (before: readonly Token[], { index }: OpenBracket): boolean =>
  ["model", "block"].includes(before[index - 2]?.text ?? "");

/** Between braces: what the tokens of the statement say so far. */
function inBody(before: readonly Token[], open: readonly OpenBracket[]): Position {
  const inside = insideOf(before, open);
  const from = before.findLastIndex(
    ({ kind, text }) => kind === "newline" || text === "{" || text === "}" || text === ";",
  );
  // A line that begins with an operator goes on; one that ends with one does too.
  const statement = before.slice(from + 1);
  const last = statement.at(-1) ?? (before[from]?.kind === "newline" ? openEnd(before, from) : undefined);
  if (last === undefined) return { kind: "statement", inside };
  if (
    inside === "train" &&
    statement.length === 1 &&
    (trainSettings as readonly string[]).includes(last.text)
  )
    return { kind: "setting value", setting: last.text };
  if (inside === "config") return { kind: "nothing" };
  return inStatement(statement, last);
}

function inStatement(statement: readonly Token[], last: Token): Position {
  const [first] = statement;
  const opens = first?.text ?? "";
  if (last.text === "->") return { kind: "layer", norm: false };
  if (last.text === ":") return labelledPosition(statement);
  if (isPlacement(last.text) && opens === "residual") return { kind: "layer", norm: true };
  if (opens === "residual" && last === first) return { kind: "value" };
  if (opens === "output" || opens === "assert" || opens === "if" || opens === "repeat")
    return { kind: "value" };
  if (
    ["=", "from", "skip", "branch", "(", ",", "+", "-", "*", "/", "^", "if", "else", "=="].includes(last.text)
  )
    return { kind: "value" };
  return { kind: "nothing" };
}

/** Behind a colon: the type of an input or an output, or the layer of a label. */
function labelledPosition(statement: readonly Token[]): Position {
  const [first] = statement;
  if (
    ["input", "output", "target"].includes(first?.text ?? "") ||
    statement.some(({ text }) => text === "as")
  )
    return { kind: "type" };
  const isNorm = first?.text === "residual" && statement.slice(0, -2).some(({ text }) => isPlacement(text));
  return { kind: "layer", norm: isNorm };
}

/** The end of the line before, if a statement goes on behind it. */
function openEnd(before: readonly Token[], newline: number): Token | undefined {
  const last = before[newline - 1];
  return last !== undefined && ["->", "=", ":", ",", "+", "*"].includes(last.text) ? last : undefined;
}

function insideOf(before: readonly Token[], open: readonly OpenBracket[]): "model" | "train" | "config" {
  for (const { character, index } of open) {
    if (character !== "{") continue;
    const line = before.slice(
      before.slice(0, index).findLastIndex(({ kind }) => kind === "newline") + 1,
      index,
    );
    const [first] = line;
    if (first?.text === "train" || first?.text === "config") return first.text;
  }
  return "model";
}

function candidates(analysis: Analysis, position: Position, offset: number): readonly Completion[] {
  switch (position.kind) {
    case "nothing":
      return [];
    case "top":
      return wordsNamed("statement", ["model", "block", "use"]);
    case "type":
      return [...dtypes.map((name) => word(name, "a type of elements")), ...described("kind")];
    case "statement":
      return statementCandidates(analysis, position.inside, offset);
    case "layer":
      return layers(analysis, position.norm, offset);
    case "setting value":
      return settingCandidates(position.setting, analysis, offset);
    case "argument":
      return [
        ...parametersLeft(position.call),
        ...values(analysis, offset),
        ...layers(analysis, false, offset),
      ];
    case "argument value":
      return argumentValues(analysis, position.of, offset);
    case "size":
      return [...values(analysis, offset), ...described("function")];
    case "value":
      return [
        ...values(analysis, offset),
        ...wordsNamed("word", ["stream", "true", "false", "none"]),
        ...described("function"),
        ...layers(analysis, false, offset),
      ];
  }
}

/** All words of a kind. */
const described = (kind: WordKind): readonly Completion[] =>
  wordsOf(kind).map(({ name, usage, doc }) => ({
    label: name,
    kind: kind === "setting" ? "setting" : "word",
    detail: usage,
    doc,
  }));

const word = (label: string, detail: string): Completion => ({ label, kind: "word", detail, doc: "" });

const wordsNamed = (kind: WordKind, names: readonly string[]): readonly Completion[] =>
  described(kind).filter(({ label }) => names.includes(label));

function statementCandidates(
  analysis: Analysis,
  inside: "model" | "train" | "config",
  offset: number,
): readonly Completion[] {
  if (inside === "train") return described("setting");
  if (inside === "config") return [...parametersAt(analysis, offset), ...wordsNamed("statement", ["assert"])];
  const statements = [...statementWords, ...freeStatementWords].filter(
    (name) => !["model", "block", "use"].includes(name),
  );
  return [
    ...wordsNamed("statement", statements),
    ...layers(analysis, false, offset),
    ...values(analysis, offset),
  ];
}

/** The parameters of the definition around an offset: what lines of a config section give. */
function parametersAt({ file }: Analysis, offset: number): readonly Completion[] {
  const around = file.definitions.find(({ span }) => span.start <= offset && offset <= span.end);
  return (around?.parameters ?? []).map(({ name }) => ({
    label: name.text,
    kind: "parameter",
    detail: `a parameter of ${around!.name.text}`,
    doc: "",
  }));
}

function settingCandidates(setting: string, analysis: Analysis, offset: number): readonly Completion[] {
  const of = ({ optimizer: "optimizer", schedule: "schedule" } as const)[setting];
  return of === undefined ? values(analysis, offset) : described(of);
}

const parametersLeft = (call: OpenCall): readonly Completion[] =>
  signatureParameters(call).map(({ name, kind, default: fallback }) => ({
    label: name,
    kind: "parameter",
    detail: fallback === undefined ? kind : `${kind}, ${fallback} if not given`,
    doc: "",
    insert: `${name}: `,
  }));

function argumentValues(analysis: Analysis, of: Kind | undefined, offset: number): readonly Completion[] {
  const none = of?.optional === true ? [word("none", "not given")] : [];
  switch (of?.name) {
    case "bool":
      return [word("true", "bool"), word("false", "bool"), ...values(analysis, offset)];
    case "words":
      return [...of.words!.map((each) => word(each, "a word")), ...none];
    case "placement":
      return [...wordsNamed("clause", placements), ...values(analysis, offset), word("none", "no norm")];
    case "dtype":
      return dtypes.map((name) => word(name, "a type of elements"));
    case "init":
      return described("initializer");
    case "layer":
      return [...none, ...layers(analysis, false, offset)];
    default:
      return [...values(analysis, offset), ...none, ...described("function")];
  }
}

/** Layers and blocks that can be called, and parameters that are layers; norms first where one is wanted. */
function layers(analysis: Analysis, norm: boolean, offset: number): readonly Completion[] {
  const all = [...callablesOf(analysis).values()]
    .filter(({ kind }) => kind !== "model")
    .sort((a, b) => rankOf(a, norm) - rankOf(b, norm));
  const own = bindingsAt(analysis, offset).filter(({ value }) => value?.kind === "layer");
  return [...own.map(valueCompletion), ...all.map(callCompletion)];
}

const callCompletion = (callable: Callable): Completion => ({
  label: callable.name,
  kind: callable.kind === "layer" ? "layer" : "block",
  detail: usageOf(callable),
  doc: callable.doc,
});

const rankOf = ({ from, name }: Callable, norm: boolean): number => {
  if (norm && /norm$|^dyt$/.test(name)) return 0;
  return from === "file" ? 1 : from === "library" ? 2 : 3;
};

/** A name that is bound before an offset, in braces that are open there. */
interface VisibleName {
  readonly name: string;
  readonly value: Meaning | undefined;
}

function values(analysis: Analysis, offset: number): readonly Completion[] {
  return bindingsAt(analysis, offset).map(valueCompletion);
}

const valueCompletion = ({ name, value }: VisibleName): Completion => ({
  label: name,
  kind: /^[A-Z]/.test(name) ? "size" : value?.kind === "layer" ? "layer" : "value",
  detail: value === undefined ? "" : showMeaning(value),
  doc: "",
});

/** The names that can be read at an offset, the nearest first; of each what it was when it was bound first. */
function bindingsAt(analysis: Analysis, offset: number): readonly VisibleName[] {
  const { source, tokens, file, told } = analysis;
  const around = file.definitions.find(({ span }) => span.start <= offset && offset <= span.end);
  const start = around?.span.start ?? definitionStart(tokens, offset);
  const open = new Set(openAt(tokens, offset).map(({ at }) => at));
  const names = new Map<string, VisibleName & { readonly at: number }>();
  for (const { span, meaning } of told) {
    if (meaning.kind !== "definition" || !liesIn(span, source) || names.has(meaning.name)) continue;
    if (span.start < start || span.start >= offset || reservedWords.has(meaning.name)) continue;
    // Parameters stand in the header's parentheses; all else in braces, which must be open still.
    const braces = openAt(tokens, span.start).filter(({ character }) => character === "{");
    if (braces.every(({ at }) => open.has(at)))
      names.set(meaning.name, { name: meaning.name, value: meaning.value, at: span.start });
  }
  return [...names.values()].sort((a, b) => b.at - a.at);
}

/** Where the definition around an offset begins, in a text that could not be parsed there. */
function definitionStart(tokens: readonly Token[], offset: number): number {
  const heads = tokens.filter(({ text, start }) => (text === "model" || text === "block") && start < offset);
  return heads.at(-1)?.start ?? 0;
}
