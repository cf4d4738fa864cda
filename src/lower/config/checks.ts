import type { AssertStatement, NeutralKey } from "../../language/ast.ts";
import { listWords } from "../../support/text.ts";
import { spanText } from "../../support/source.ts";
import type { Frame } from "../frame/context.ts";
import * as errors from "../errors/config.ts";
import { evaluate, evaluateCondition, evaluateText } from "../values/expressions.ts";
import { showMeaning, type Meaning } from "../values/meaning.ts";
import { meaningOf } from "./settings.ts";
import { entriesOf, evaluateWithKeys } from "./evaluate.ts";
import type { ConfigFile } from "./file.ts";
import { inline, keyOf, keysOf } from "./keys.ts";

/**
 * An assert of a section: its keys are read, and where it does not hold the checkpoint is refused. One of another section that is
 * taken with `like` reads none: the model may have nothing that they would set.
 */
export function checkAssert(line: AssertStatement, file: ConfigFile, frame: Frame, isLike: boolean): void {
  const holes = line.message.parts.filter((part) => typeof part !== "string");
  const keys = [line.condition, ...holes].flatMap(keysOf);
  if (!isLike) file.markRead(keys);
  const message = evaluateWithKeys(line.condition, keys, file, frame, (inner, condition) => {
    if (evaluateCondition(condition, inner) !== false) return undefined;
    const parts = line.message.parts.map((part) => (typeof part === "string" ? part : inline(part)));
    return evaluateText({ ...line.message, parts }, inner);
  });
  if (message?.kind !== "text") return;
  const found = entriesOf(keysOf(line.condition), file);
  frame.context.diagnostics.add(errors.checkpointRefused(line, file, message.value, found), frame.calls);
}

/** A key that changes nothing here, or nothing at some values: with another one the checkpoint is refused. */
export function checkNeutral(neutral: NeutralKey, file: ConfigFile, frame: Frame): void {
  const key = keyOf(neutral.path);
  if (key === undefined) {
    frame.context.diagnostics.add(errors.neutralNeedsKey(neutral.path.span), frame.calls);
    return;
  }
  const value = file.lookUp(key);
  const expressions = neutral.values ?? [];
  const allowed = expressions.map((expression) =>
    evaluateWithKeys(expression, [], file, frame, (inner, inlined) => evaluate(inlined, inner)),
  );
  file.markRead([key]);
  if (value === undefined || neutral.values === undefined || allowed.includes(undefined)) return;
  const meaning = meaningOf(value);
  if (meaning !== undefined && allowed.some((other) => sameMeaning(meaning, other!))) return;
  const known = listWords(
    expressions.map(({ span }) => `\`${spanText(span)}\``),
    "or",
  );
  frame.context.diagnostics.add(
    errors.notNeutral(neutral, frame.definition, file, entriesOf([key], file)[0]!, known),
    frame.calls,
  );
}

/** Whether two values that were known before the model runs are the same. */
export const sameMeaning = (a: Meaning, b: Meaning): boolean =>
  a.kind === b.kind && showMeaning(a) === showMeaning(b);
