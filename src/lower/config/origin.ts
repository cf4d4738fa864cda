import type { Definition, LetStatement } from "../../language/ast.ts";
import { namesRead } from "../../language/mentions.ts";
import { spanText, type Span } from "../../support/source.ts";
import { readFromConfig } from "../errors/config.ts";
import type { GivenArgument } from "../values/meaning.ts";
import type { Entry } from "./file.ts";

/** An argument that a line of a section gives, and the keys of the file of which it was made. */
export interface ConfigArgument extends GivenArgument {
  readonly entries: readonly Entry[];
}

/**
 * What is said of a mistake in a model's body whose parameters are a checkpoint's: the keys of the parameters that the
 * places name, also by way of `let`s and defaults. Undefined if they name none. A parameter that is set is no longer the
 * file's.
 */
export function originNotes(
  definition: Definition,
  fromConfig: ReadonlyMap<string, ConfigArgument>,
  set: ReadonlyMap<string, GivenArgument>,
  configName = "config.json",
): (places: readonly Span[]) => string | undefined {
  const known = new Map([...fromConfig].filter(([name]) => !set.has(name)));
  const standsFor = new Map(bindingsOf(definition));
  for (const { name, default: value } of definition.parameters)
    if (value !== undefined && !fromConfig.has(name.text)) standsFor.set(name.text, value);
  return (places) => {
    const names = [
      ...namesBehind(
        places.flatMap((place) => wordsAt(place, definition)),
        standsFor,
      ),
    ];
    const parameters = names.filter((name) => known.has(name));
    const entries = new Map(
      parameters.flatMap((name) => known.get(name)!.entries.map((entry) => [entry.key, entry] as const)),
    );
    return entries.size === 0 ? undefined : readFromConfig(configName, parameters, [...entries.values()]);
  };
}

/** The names, and those that they stand for. */
function namesBehind(names: readonly string[], standsFor: ReadonlyMap<string, object>): ReadonlySet<string> {
  const found = new Set<string>();
  const left = names.toReversed();
  while (left.length > 0) {
    const name = left.pop()!;
    if (found.has(name)) continue;
    found.add(name);
    const value = standsFor.get(name);
    if (value !== undefined)
      for (const behind of [...namesRead(value).keys()].toReversed()) left.push(behind);
  }
  return found;
}

/** The words of a place in the definition, but for what stands in braces: a body has mistakes of its own. */
function wordsAt(span: Span, { span: whole }: Definition): readonly string[] {
  if (span.source !== whole.source || span.start < whole.start || span.end > whole.end) return [];
  const [head] = spanText(span).split("{", 1);
  return head!.match(/[\p{L}_][\p{L}\p{N}_]*/gu) ?? [];
}

/** Every `let` of a definition, at whatever depth it stands: its name and what it is. */
function bindingsOf(definition: Definition): readonly (readonly [string, object])[] {
  const found: [string, object][] = [];
  const left: unknown[] = [definition.body];
  while (left.length > 0) {
    const node = left.pop();
    if (typeof node !== "object" || node === null) continue;
    if (isLet(node)) found.push([node.name.text, node.value]);
    for (const [key, child] of Object.entries(node))
      if (!key.toLowerCase().endsWith("span")) left.push(child);
  }
  return found;
}

const isLet = (node: object): node is LetStatement => "kind" in node && node.kind === "let";
