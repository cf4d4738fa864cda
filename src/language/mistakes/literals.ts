import * as errors from "../errors/statements.ts";
import { isFailure, match } from "../grammar.ts";
import type { Token } from "../tokens.ts";
import type { Failure, Recognizer } from "./failure.ts";

/** `.5`, `1.`, `5x`, `1_000` */
const numberForm: Recognizer = (failure) => {
  const { found, before, tokens, index } = failure;
  const next = tokens[index + 1];
  if (found?.text === "." && next?.kind === "number" && next.start === found.end)
    return errors.numberForm(failure.span(found, next), `.${next.text}`, `0.${next.text}`);
  if (found?.text === "." && before?.kind === "number")
    return errors.numberForm(failure.span(before, found), `${before.text}.`, `${before.text}.0`);
  const word = [before, found].find((token) => token?.kind === "word" && /^\d/.test(token.text));
  if (word === undefined) return undefined;
  const [, factor, name] = /^(\d+)([a-zA-Z]\w*)$/.exec(word.text) ?? [];
  if (factor !== undefined && !/^e\d+$/i.test(name!))
    return errors.numberForm(failure.span(word), word.text, `${factor} * ${name!}`);
  const digits = word.text.replaceAll("_", "");
  return errors.numberForm(failure.span(word), word.text, /^\d+$/.test(digits) ? digits : undefined);
};

const operatorsElsewhere: Readonly<Record<string, string>> = {
  "||": "or",
  "**": "^",
  "!": "not",
  "<>": "!=",
  "...": "..",
  is: "==",
};

const otherOperator: Recognizer = (failure) => {
  const { tokens, index } = failure;
  for (const [first, last] of [
    [index, index],
    [index - 1, index],
  ] as const) {
    const text = tokens
      .slice(Math.max(0, first), last + 1)
      .map((token) => token.text)
      .join("");
    const fix = Object.hasOwn(operatorsElsewhere, text) ? operatorsElsewhere[text] : undefined;
    if (fix === undefined) continue;
    const span = failure.span(tokens[first]!, tokens[last]);
    return errors.otherOperator(span, text, fix, [{ span, text: fix === "not" ? "not " : fix }]);
  }
  return undefined;
};

/** A `{` in a text that is no hole with a value, the most likely reason why a text does not match. */
const holeInText: Recognizer = (failure) => {
  const { found } = failure;
  return found?.kind === "text" ? brokenHole(failure, found) : undefined;
};

function brokenHole(failure: Failure, text: Token): ReturnType<Recognizer> {
  const holes = /\\.|\{([^}"]*)(\}?)/g;
  for (const hole of text.text.matchAll(holes)) {
    const [whole, value, closer] = hole;
    if (value === undefined) continue;
    const start = text.start + hole.index;
    const span = failure.piece.span(start, start + whole.length);
    if (closer === "") return errors.holeInText(span, "this `{` is never closed in its text");
    if (value.trim() === "") return errors.holeInText(span, "there is no value in these braces");
    if (isFailure(match(value.trim(), "Expr")))
      return errors.holeInText(span, `\`${value.trim()}\` is not a value`);
  }
  return undefined;
}

export const literalMistakes: readonly Recognizer[] = [holeInText, otherOperator, numberForm];
