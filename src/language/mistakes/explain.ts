import type { FailedMatchResult } from "ohm-js";
import type { Diagnostic } from "../../support/diagnostic.ts";
import * as errors from "../errors/statements.ts";
import type { Rule } from "../grammar.ts";
import type { Piece } from "../pieces.ts";
import type { statementWords } from "../words.ts";
import { bindingMistakes } from "./bindings.ts";
import { chainMistakes } from "./chains.ts";
import { endsValue, Failure, startsValue, type Recognizer } from "./failure.ts";
import { headerMistakes, inputForm } from "./headers.ts";
import { literalMistakes } from "./literals.ts";
import { startMistakes } from "./starts.ts";

/**
 * Puts into words why a statement does not match the grammar. The first recognizer that knows the mistake speaks;
 * if none does, what the grammar would have taken is said in a few words, never as the grammar's own list.
 */
export function explain(piece: Piece, rule: Rule, result: FailedMatchResult): Diagnostic {
  const failure = new Failure(piece, rule, result);
  for (const recognize of recognizers) {
    const diagnostic = recognize(failure);
    if (diagnostic !== undefined) return diagnostic;
  }
  return errors.unexpected(failure.place, expectation(failure), failure.shown);
}

/** Two values side by side within brackets. */
const missingComma: Recognizer = (failure) => {
  const { found, before } = failure;
  if (failure.openBracket() < 0 || !failure.wants(",") || !startsValue(found) || !endsValue(before))
    return undefined;
  const isFactor = before?.kind === "number" && found?.kind === "word";
  return errors.missingComma(
    failure.place,
    failure.shown,
    isFactor ? `a product is written \`${before.text} * ${found.text}\`` : undefined,
  );
};

/** A comma at the end of a line joins it to the next one. */
const commaAtEnd: Recognizer = (failure) => {
  const { found, place } = failure;
  if (found?.text !== "," || failure.openBracket() >= 0) return undefined;
  return /^[ \t\r]*(?:\n|\/\/|$)/.test(place.source.text.slice(place.end))
    ? errors.commaAtEnd(place)
    : undefined;
};

const extraComma: Recognizer = (failure) => {
  const { found, before } = failure;
  const isEmpty = before?.text === "," || before?.text === "(" || before?.text === "[";
  return found?.text === "," && isEmpty ? errors.extraComma(failure.place) : undefined;
};

const statementsShareLine: Recognizer = (failure) => {
  const { found, before } = failure;
  const isComplete = failure.wants("end of input") && (endsValue(before) || before?.text === "}");
  if (!isComplete || !startsValue(found) || failure.openBracket() >= 0) return undefined;
  const isLabel = failure.tokens[failure.index + 1]?.text === ":";
  const begins = found?.kind === "word" && alwaysBegin.has(found.text) && !isLabel;
  return errors.statementsShareLine(failure.place, failure.shown, begins);
};

/** Of the words that begin statements, those that can stand neither in a chain nor behind a value. */
const alwaysBegin: ReadonlySet<string> = new Set<(typeof statementWords)[number]>([
  "input",
  "output",
  "let",
  "assert",
  "repeat",
  "parallel",
  "residual",
]);

const recognizers: readonly Recognizer[] = [
  ...startMistakes,
  ...literalMistakes,
  ...bindingMistakes,
  ...chainMistakes,
  ...headerMistakes,
  missingComma,
  commaAtEnd,
  inputForm,
  extraComma,
  statementsShareLine,
];

/** What could have stood at the place, as a person would say it. */
function expectation(failure: Failure): string {
  const wants = (text: string): boolean => failure.wants(text);
  if (wants("a number") && wants("(")) return wants("a label") ? "a value or a layer" : "a value";
  if (wants("a label")) return "a layer";
  const open = failure.tokens[failure.openBracket()];
  if (open !== undefined && wants(",")) return open.text === "(" ? "`,` or `)`" : "`,` or `]`";
  const known = ["a name", "a position", "a text", "{", "=", ":", "else", ")", "]", "|"].filter(wants);
  const [only] = known;
  if (only !== undefined) return only.startsWith("a ") ? only : `\`${only}\``;
  return "the end of the statement";
}
