import type { AssertStatement, ConfigLine, ConfigStatement, Expression, Path } from "../language/ast.ts";
import type { Span } from "../support/source.ts";
import type { Frame } from "./context.ts";
import * as errors from "./errors/settings.ts";
import { evaluateCondition, evaluateText } from "./expressions.ts";
import { convert, type SignatureParameter } from "./kinds.ts";
import { none, type GivenArgument, type Meaning } from "./meaning.ts";
import { Scope } from "./scope.ts";
import { meaningOf } from "./settings.ts";
import { blockSignature } from "./signature.ts";

/** A value of a config.json. */
export type ConfigValue =
  string | number | boolean | null | readonly ConfigValue[] | { readonly [key: string]: ConfigValue };

/** The model's parameters from a published config.json, by its `config { }` section; its asserts are checked. */
export function settingsFromConfig(
  config: Readonly<Record<string, ConfigValue>>,
  frame: Frame,
): Map<string, GivenArgument> {
  const { definition, module, context } = frame;
  const given = new Map<string, GivenArgument>();
  const signature = blockSignature(definition, module, context.library);
  const section = definition.body.statements.find(
    (statement): statement is ConfigStatement => statement.kind === "config",
  );
  for (const line of section?.lines ?? []) {
    if (line.kind === "assert") checkAssert(line, config, frame);
    else {
      const parameter = signature.get(line.name.text);
      if (parameter === undefined)
        context.diagnostics.add(errors.configOfNoParameter(line.name, [...signature.keys()]));
      else {
        const meaning = readKey(line, parameter, config, frame);
        if (meaning !== undefined) given.set(parameter.name, { meaning, span: line.span });
      }
    }
  }
  return given;
}

/** The first alternative whose keys are all there; none: the parameter's default stays. */
function readKey(
  line: ConfigLine & { readonly kind: "key" },
  parameter: SignatureParameter,
  config: Readonly<Record<string, ConfigValue>>,
  frame: Frame,
): Meaning | undefined {
  for (const value of line.values) {
    const keys = keysOf(value);
    if (keys.some((key) => isMissing(lookUp(config, key)))) continue;
    const meaning = frame.context.walk.evaluateAs(
      inline(value),
      parameter.kind,
      keyFrame(keys, config, value.span, frame),
      `\`${line.name.text}\``,
    );
    return meaning === undefined ? undefined : convert(meaning, parameter.kind);
  }
  return undefined;
}

function checkAssert(
  line: AssertStatement,
  config: Readonly<Record<string, ConfigValue>>,
  frame: Frame,
): void {
  const holes = line.message.parts.filter((part) => typeof part !== "string");
  const keys = [line.condition, ...holes].flatMap(keysOf);
  const inner = keyFrame(keys, config, line.condition.span, frame);
  if (evaluateCondition(inline(line.condition), inner) !== false) return;
  const parts = line.message.parts.map((part) => (typeof part === "string" ? part : inline(part)));
  const message = evaluateText({ ...line.message, parts }, inner);
  if (message?.kind === "text") frame.context.diagnostics.add(errors.checkpointRefused(line, message.value));
}

/** A frame in which the keys, dots and all, are the only names. */
function keyFrame(
  keys: readonly string[],
  config: Readonly<Record<string, ConfigValue>>,
  span: Span,
  frame: Frame,
): Frame {
  const scope = new Scope(() => undefined);
  for (const key of keys) {
    const value = lookUp(config, key);
    const meaning = isMissing(value) ? none : meaningOf(value);
    if (meaning === undefined) frame.context.diagnostics.add(errors.configValueIsObject(span, key));
    scope.bind(key, meaning, span);
  }
  return { ...frame, scope };
}

const isMissing = (value: ConfigValue | undefined): boolean => value === undefined || value === null;

function lookUp(config: Readonly<Record<string, ConfigValue>>, key: string): ConfigValue | undefined {
  let value: ConfigValue | undefined = config;
  for (const part of key.split(".")) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    value = Object.hasOwn(value, part) ? (value as Readonly<Record<string, ConfigValue>>)[part] : undefined;
  }
  return value;
}

const words: ReadonlySet<string> = new Set(["true", "false", "none"]);

/** A path without index as the key that it names; undefined for a word of the language. */
function keyOf(path: Path): string | undefined {
  const parts = [path.root.text];
  for (const part of path.parts) {
    if (part.kind === "index") return undefined;
    parts.push(part.name.text);
  }
  const key = parts.join(".");
  return words.has(key) ? undefined : key;
}

/** The keys that an expression reads. */
function keysOf(expression: Expression): readonly string[] {
  switch (expression.kind) {
    case "call": {
      const inner = (expression.arguments ?? []).flatMap((argument) => keysOf(argument.value));
      const key = expression.arguments === undefined ? keyOf(expression.path) : undefined;
      const indices = expression.path.parts.flatMap((part) =>
        part.kind === "index" ? keysOf(part.value) : [],
      );
      const root = indices.length > 0 ? [expression.path.root.text] : [];
      return key === undefined ? [...root, ...inner, ...indices] : [key];
    }
    case "unary":
      return keysOf(expression.operand);
    case "binary":
      return [...keysOf(expression.left), ...keysOf(expression.right)];
    case "conditional":
      return [expression.condition, expression.then, expression.otherwise].flatMap(keysOf);
    case "list":
      return expression.items.flatMap(keysOf);
    case "group":
      return expression.chains.flatMap(({ head }) => (head.kind === "layer" ? [] : keysOf(head)));
    case "number":
    case "text":
      return [];
  }
}

/** The expression with each dotted key as one name, which is how the scope of a config has it. */
function inline(expression: Expression): Expression {
  switch (expression.kind) {
    case "call": {
      const key = expression.arguments === undefined ? keyOf(expression.path) : undefined;
      if (key !== undefined)
        return {
          ...expression,
          path: { span: expression.path.span, root: { span: expression.path.span, text: key }, parts: [] },
        };
      if (expression.arguments === undefined) return expression;
      const given = expression.arguments.map((argument) => ({ ...argument, value: inline(argument.value) }));
      return { ...expression, arguments: given };
    }
    case "unary":
      return { ...expression, operand: inline(expression.operand) };
    case "binary":
      return { ...expression, left: inline(expression.left), right: inline(expression.right) };
    case "conditional":
      return {
        ...expression,
        condition: inline(expression.condition),
        then: inline(expression.then),
        otherwise: inline(expression.otherwise),
      };
    case "list":
      return { ...expression, items: expression.items.map(inline) };
    case "group":
      return {
        ...expression,
        chains: expression.chains.map((chain) =>
          chain.head.kind === "layer" ? chain : { ...chain, head: inline(chain.head) },
        ),
      };
    case "number":
    case "text":
      return expression;
  }
}
