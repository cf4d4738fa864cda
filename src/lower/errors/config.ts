import type { AssertStatement, ConfigStatement, Definition, NeutralKey } from "../../language/ast.ts";
import type { Name } from "../../language/ast/expressions.ts";
import { errorAt, warningAt, type Diagnostic } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import { listWords, plural } from "../../support/text.ts";
import {
  isConfigObject,
  showValue,
  type ConfigFile,
  type ConfigObject,
  type ConfigValue,
  type Disagreement,
  type Entry,
} from "../config/file.ts";
import { describeKind, type SignatureParameter } from "../values/kinds.ts";
import { quoted, suggestOrList } from "./suggest.ts";

export const configOfNoParameter = (name: Name, parameters: readonly string[]): Diagnostic =>
  errorAt(
    "E543",
    name.span,
    `the model has no parameter called \`${name.text}\``,
    suggestOrList(name.text, parameters, "it has"),
  );

export const likeNothing = (name: Name, definitions: readonly string[]): Diagnostic =>
  errorAt(
    "E555",
    name.span,
    `there is no model and no block called \`${name.text}\``,
    suggestOrList(name.text, definitions, "there are"),
  );

export const likeNoSection = (name: Name, definition: Definition): Diagnostic =>
  errorAt("E555", name.span, `the ${definition.kind} \`${name.text}\` has no config section`, {
    more: [{ span: definition.name.span, text: "defined here" }],
    help: "`like` takes the lines of another definition's section: name one that has some",
  });

/** A value that no name can stand for in an expression. */
export const configValueIsObject = (span: Span, key: string, value: ConfigValue): Diagnostic =>
  isConfigObject(value)
    ? errorAt("E544", span, `\`${key}\` is an object, not a value`, {
        help: `its parts have dotted names: ${quoted([`${key}.part`])}`,
      })
    : errorAt("E544", span, `\`${key}\` is ${showValue(value)}, which no model computes with`);

export const neutralNeedsKey = (span: Span): Diagnostic =>
  errorAt("E554", span, "after `neutral` stands a key of the config", {
    help: "its name, with dots for nested ones",
  });

export const checkpointRefused = (
  statement: AssertStatement,
  file: ConfigFile,
  message: string,
  keys: readonly Entry[],
): Diagnostic =>
  errorAt("E545", statement.condition.span, `${file.name}: ${message}`, {
    label: keys.length === 0 ? "the checkpoint does not keep this" : listWords(keys.map(showEntry)),
  });

/** More keys than this are counted, not listed. */
const MOST_KEYS = 20;

type Unread = Entry & { readonly disagreement?: Disagreement };

/** Keys of the file that no line reads: the model may compute something else than the checkpoint wants. */
export function unreadKeys(
  place: Span,
  definition: Definition,
  file: ConfigFile,
  entries: readonly Unread[],
): Diagnostic {
  const listed = entries.slice(0, MOST_KEYS).map(({ key, value }) => `\`${key}\` (${showValue(value)})`);
  const rest = entries.length - listed.length;
  const keys = listWords(rest > 0 ? [...listed, `${rest} more`] : listed);
  return errorAt("E546", place, `${file.name}: \`${definition.name.text}\` does not read ${keys}`, {
    label: "no line reads this",
    help: unreadHelp(entries),
  });
}

function unreadHelp(entries: readonly Unread[]): string {
  const [first] = entries;
  const isOne = entries.length === 1;
  if (isOne && first!.key === "model_type")
    return `say which checkpoints the section speaks for: \`config for ${showValue(first!.value)} { … }\``;
  const quantization = entries.find(({ key }) => key === "quantization_config")?.value;
  if (isOne && isConfigObject(quantization ?? null)) return quantizationHelp(quantization as ConfigObject);
  return (
    `${isOne ? "it" : "each"} may change what the checkpoint computes: read it in the config section, say \`neutral ${first!.key}\` there, ` +
    `or pass over it with \`--ignore-config ${first!.key}\``
  );
}

const quantizationHelp = ({ quant_method: method }: ConfigObject): string =>
  `its weights are quantized${method === undefined ? "" : ` (\`quant_method\` is ${showValue(method)})`} in a way that lmg does not compute with: ` +
  "convert the checkpoint to f32, f16 or bf16 without this key, and let `lmg quantize` or `--quantize` make codes of it";

/** The same of a model that reads no config at all. */
export const configUnread = (
  definition: Definition,
  file: ConfigFile,
  entries: readonly Entry[],
): Diagnostic =>
  errorAt(
    "E550",
    definition.name.span,
    `${file.name} has ${plural(entries.length, "key")} that the model does not read, ${quoted(entries.map(({ key }) => key))}: \`${definition.name.text}\` has no \`config\` section`,
    { help: "`--ignore-config '*'` passes over the file; parameters are set with --set" },
  );

export const familyNotSpoken = (
  statement: ConfigStatement,
  file: ConfigFile,
  found: ConfigValue,
  families: readonly string[],
  fitting: string | undefined,
): Diagnostic =>
  errorAt(
    "E547",
    statement.families[0]!.span,
    `${file.name}: \`model_type\` is ${showValue(found)}, and this section speaks for ${listWords(families.map(showValue), "or")}`,
    {
      label: "what this model computes",
      help:
        (fitting === undefined
          ? "another family computes something else from the same weights"
          : `${fitting} is for it`) + "; `--ignore-config model_type` reads the file all the same",
    },
  );

export const notNeutral = (
  key: NeutralKey,
  definition: Definition,
  file: ConfigFile,
  entry: Entry,
  known: string,
): Diagnostic =>
  errorAt(
    "E548",
    key.span,
    `${file.name}: ${showEntry(entry)}, and \`${definition.name.text}\` computes with ${known} only`,
    {
      help: `\`--ignore-config ${entry.key}\` passes over it, if it changes nothing`,
    },
  );

/** Two spellings of one thing, and each says something else. */
export const keysDisagree = (
  file: ConfigFile,
  entry: Entry,
  { parameter, taken, place }: Disagreement,
): Diagnostic =>
  errorAt(
    "E549",
    place,
    `${file.name}: ${showEntry(entry)}, but another key makes \`${parameter}\` ${taken}`,
    {
      help: `leave one of them out; \`--ignore-config ${entry.key}\` passes over this one`,
    },
  );

export const keyOfWrongKind = (
  place: Span,
  file: ConfigFile,
  entry: Entry,
  { name, kind }: SignatureParameter,
): Diagnostic => {
  const help =
    entry.value === null && !kind.optional
      ? { help: "null means none, never a default" }
      : isConfigObject(entry.value)
        ? { help: `its parts have dotted names: ${quoted([`${entry.key}.part`])}` }
        : kind.name === "layer"
          ? { help: "a layer has parentheses here: names alone are keys" }
          : {};
  return errorAt(
    "E551",
    place,
    `${file.name}: ${showEntry(entry)}, and \`${name}\` takes ${describeKind(kind)}`,
    help,
  );
};

/** What was found wrong with an expression, and what the keys in it are. */
export const saidOfKeys = (diagnostic: Diagnostic, file: ConfigFile, keys: readonly Entry[]): Diagnostic => ({
  ...diagnostic,
  message: `${file.name}: ${diagnostic.message}`,
  ...(keys.length === 0
    ? {}
    : {
        help: [diagnostic.help, listWords(keys.map(showEntry))]
          .filter((part) => part !== undefined)
          .join("; "),
      }),
});

/** Said of a mistake in the body: its parameters are those of a checkpoint, by these keys. */
export const readFromConfig = (
  fileName: string,
  parameters: readonly string[],
  keys: readonly Entry[],
): string =>
  `${fileName} gives ${quoted(parameters)}: ${listWords(keys.map(showEntry))}; \`--set ${parameters.length === 1 ? parameters[0]! : "NAME"}=…\` says otherwise`;

export const secondSection = (second: ConfigStatement, first: ConfigStatement): Diagnostic =>
  errorAt("E552", second.span, "there are two `config` sections", {
    more: [{ span: first.span, text: "the first one" }],
    help: "write the lines in one; a line may depend on `model_type`",
  });

export const readsItself = (place: Span, definition: Definition): Diagnostic =>
  errorAt("E553", place, `the config section of \`${definition.name.text}\` reads itself`);

export const passedOver = (place: Span, file: ConfigFile, entries: readonly Entry[]): Diagnostic =>
  warningAt("W204", place, `${file.name}: ${listWords(entries.map(showEntry))}, passed over as asked`);

export const nothingToPassOver = (place: Span, file: ConfigFile, patterns: readonly string[]): Diagnostic =>
  warningAt(
    "W205",
    place,
    `${file.name} has no key ${quoted(patterns, "or")}, which it was asked to pass over`,
  );

const showEntry = ({ key, value, isMissing }: Entry): string =>
  isMissing === true
    ? `\`${key}\`, which is missing, is ${showValue(value)} then`
    : `\`${key}\` is ${showValue(value)}`;
