import type { AssertStatement, Definition, Name } from "../../language/ast.ts";
import { errorAt, type Diagnostic } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import { describeKind, type Kind } from "../kinds.ts";
import { quoted, suggestOrList } from "./suggest.ts";

export const unknownSetting = (
  span: Span,
  name: string,
  { name: model }: Definition,
  parameters: readonly string[],
): Diagnostic =>
  errorAt("E541", span, `the model \`${model.text}\` has no parameter called \`${name}\``, {
    ...(parameters.length === 0
      ? { help: "it has no parameters" }
      : suggestOrList(name, parameters, "it has")),
  });

export const settingOfWrongKind = (span: Span, name: string, kind: Kind): Diagnostic =>
  errorAt("E542", span, `\`${name}\` takes ${describeKind(kind)}`);

export const configOfNoParameter = (name: Name, parameters: readonly string[]): Diagnostic =>
  errorAt(
    "E543",
    name.span,
    `the model has no parameter called \`${name.text}\``,
    suggestOrList(name.text, parameters, "it has"),
  );

export const configValueIsObject = (span: Span, key: string): Diagnostic =>
  errorAt("E544", span, `\`${key}\` of the config is an object, not a value`, {
    help: `its parts have dotted names: ${quoted([`${key}.part`])}`,
  });

export const checkpointRefused = (statement: AssertStatement, message: string): Diagnostic =>
  errorAt("E545", statement.condition.span, message, { label: "the checkpoint does not keep this" });
