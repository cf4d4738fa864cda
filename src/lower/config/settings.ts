import type { Expression } from "../../language/ast/expressions.ts";
import { parse } from "../../language/parse.ts";
import type { Source } from "../../support/source.ts";
import type { Frame } from "../frame/context.ts";
import * as errors from "../errors/settings.ts";
import { convert, type Kind } from "../values/kinds.ts";
import { bool, none, number, type GivenArgument, type Meaning } from "../values/meaning.ts";
import { blockSignature } from "../calls/signature.ts";

/** A parameter's value from outside: a text is read as `.lmg` writes the value. */
export type SettingValue = string | number | boolean | null | readonly SettingValue[];

/** The settings as arguments of the model; unknown names and wrong kinds are reported. */
export function readSettings(
  settings: Readonly<Record<string, SettingValue>>,
  frame: Frame,
): Map<string, GivenArgument> {
  const { definition, module, context } = frame;
  const signature = blockSignature(definition, module, context.library);
  const given = new Map<string, GivenArgument>();
  for (const [name, value] of Object.entries(settings)) {
    const source: Source = {
      name: `--set ${name}`,
      text: typeof value === "string" ? value : JSON.stringify(value),
    };
    const span = { source, start: 0, end: source.text.length };
    const parameter = signature.get(name);
    if (parameter === undefined) {
      context.diagnostics.add(errors.unknownSetting(span, name, definition, [...signature.keys()]));
      continue;
    }
    const meaning =
      typeof value === "string"
        ? readText(source, parameter.kind, name, frame)
        : readValue(value, parameter.kind);
    if (meaning !== undefined) given.set(name, { meaning, span });
    else if (typeof value !== "string")
      context.diagnostics.add(errors.settingOfWrongKind(span, name, parameter.kind));
  }
  return given;
}

function readValue(value: SettingValue, kind: Kind): Meaning | undefined {
  const meaning = meaningOf(value);
  return meaning === undefined ? undefined : convert(meaning, kind);
}

/** A value of JSON as a meaning. */
export function meaningOf(value: unknown): Meaning | undefined {
  if (value === null) return none;
  if (typeof value === "number") return Number.isFinite(value) ? number(value) : undefined;
  if (typeof value === "boolean") return bool(value);
  if (typeof value === "string") return { kind: "text", value };
  if (!Array.isArray(value)) return undefined;
  const items = value.map(meaningOf);
  return items.every((item) => item !== undefined) ? { kind: "list", items } : undefined;
}

/** A text as on the command line: a bare text where the parameter is one, else an expression. */
function readText(source: Source, kind: Kind, name: string, frame: Frame): Meaning | undefined {
  if (kind.name === "text") return { kind: "text", value: source.text };
  const expression = parseExpression(source);
  if (expression === undefined) {
    const span = { source, start: 0, end: source.text.length };
    frame.context.diagnostics.add(errors.settingOfWrongKind(span, name, kind));
    return undefined;
  }
  return frame.context.walk.evaluateAs(expression, kind, frame, `\`${name}\``);
}

/** The expression of a text, its spans in that text. */
function parseExpression(source: Source): Expression | undefined {
  const before = "model setting { let value = ";
  const { file, diagnostics } = parse({ name: source.name, text: `${before}${source.text}\n}` });
  const [statement, ...others] = file.definitions[0]?.body.statements ?? [];
  const isOne = file.definitions.length === 1 && others.length === 0 && diagnostics.length === 0;
  if (!isOne || statement?.kind !== "let") return undefined;
  return shifted(statement.value, source, before.length);
}

/** The tree with its spans moved from the wrapped text into the text itself. */
function shifted<T>(tree: T, source: Source, by: number): T {
  if (Array.isArray(tree)) return tree.map((item: unknown) => shifted(item, source, by)) as T;
  if (typeof tree !== "object" || tree === null) return tree;
  const moved = Object.entries(tree).map(([key, value]: [string, unknown]) => {
    if (key !== "span" && key !== "operatorSpan") return [key, shifted(value, source, by)];
    const { start, end } = value as { start: number; end: number };
    return [key, { source, start: start - by, end: end - by }];
  });
  return Object.fromEntries(moved) as T;
}
