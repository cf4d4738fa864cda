import type { Node } from "ohm-js";
import { errorAt, type Diagnostic, type Label } from "../../support/diagnostic.ts";
import type { Source, Span } from "../../support/source.ts";
import type { Value } from "../graph.ts";

/** What reading a line may look up and add to. One is made for each text. */
export interface Context {
  readonly source: Source;
  /** Where the line at hand begins. */
  lineStart: number;
  readonly diagnostics: Diagnostic[];
  /** Values by name; undefined for one whose line is wrong, so that its readers are not blamed too. */
  readonly values: Map<string, Value | undefined>;
  readonly symbols: Set<string>;
}

export const spanOf = (context: Context, node: Node): Span => ({
  source: context.source,
  start: context.lineStart + node.source.startIdx,
  end: context.lineStart + node.source.endIdx,
});

/** Reports a mistake; its caller returns the undefined. */
export function wrong(
  context: Context,
  code: string,
  node: Node,
  message: string,
  options: { readonly label?: string; readonly help?: string; readonly more?: readonly Label[] } = {},
): undefined {
  context.diagnostics.push(errorAt(code, spanOf(context, node), message, options));
  return undefined;
}

/** All results, if none is missing. */
export function all<T>(results: readonly (T | undefined)[]): T[] | undefined {
  return results.some((result) => result === undefined) ? undefined : (results as T[]);
}

/** The text of a quoted text or of a word. */
export function textOf(context: Context, node: Node): string | undefined {
  const raw = node.sourceString;
  if (!raw.startsWith('"')) return raw;
  try {
    return JSON.parse(raw) as string;
  } catch {
    wrong(context, "E602", node, `${raw} is not a text: escapes are those of JSON`);
    return;
  }
}

/** The number that a literal stands for. */
export function numberOf(node: Node): number {
  const raw = node.sourceString;
  if (raw === "inf") return Infinity;
  if (raw === "-inf") return -Infinity;
  return raw.endsWith("nan") ? NaN : Number(raw);
}

/** A whole number of at least 0: an index, a bound. */
export function wholeOf(context: Context, node: Node): number | undefined {
  const value = numberOf(node);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  wrong(context, "E602", node, `expected a whole number of at least 0, got ${node.sourceString}`);
}
