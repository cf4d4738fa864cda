import type { Expression } from "../../language/ast/expressions.ts";
import type { Span } from "../../support/source.ts";
import type { Frame } from "../frame/context.ts";
import * as errors from "../errors/config.ts";
import { none, type Meaning } from "../values/meaning.ts";
import { Diagnostics } from "../frame/report.ts";
import { Scope } from "../names/scope.ts";
import { meaningOf } from "./settings.ts";
import type { ConfigFile, Entry } from "./file.ts";
import { inline } from "./keys.ts";

/**
 * Evaluates an expression in a frame where the keys, dots and all, are the only names; one that is missing or null is
 * `none`. What is wrong is said of the file, with what the keys are.
 */
export function evaluateWithKeys<Result>(
  expression: Expression,
  keys: readonly string[],
  file: ConfigFile,
  frame: Frame,
  evaluate: (inner: Frame, expression: Expression) => Result,
): Result {
  const { library, diagnostics } = frame.context;
  const found = new Diagnostics((source) => library.has(source));
  const scope = scopeOf(keys, file, expression.span, found);
  const inner: Frame = { ...frame, scope, context: { ...frame.context, diagnostics: found } };
  const result = evaluate(inner, inline(expression));
  for (const diagnostic of found.all)
    diagnostics.add(errors.saidOfKeys(diagnostic, file, entriesOf(keys, file)), frame.calls);
  return result;
}

/** The keys that have a value, each once, also where the file itself has none. */
export const entriesOf = (keys: readonly string[], file: ConfigFile): readonly Entry[] =>
  [...new Set(keys)].flatMap((key): Entry[] => {
    const value = file.lookUp(key);
    if (value === undefined) return [];
    return [file.has(key) ? { key, value } : { key, value, isMissing: true }];
  });

function scopeOf(keys: readonly string[], file: ConfigFile, span: Span, found: Diagnostics): Scope {
  const scope = new Scope(() => undefined);
  for (const key of keys) scope.bind(key, meaningOfKey(key, file, span, found), undefined);
  return scope;
}

function meaningOfKey(key: string, file: ConfigFile, span: Span, found: Diagnostics): Meaning | undefined {
  const value = file.lookUp(key);
  if (value === undefined) return none;
  const meaning = meaningOf(value);
  if (meaning === undefined) found.add(errors.configValueIsObject(span, key, value));
  return meaning;
}
