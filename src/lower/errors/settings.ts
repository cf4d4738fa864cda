import type { Definition } from "../../language/ast.ts";
import { errorAt, type Diagnostic } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import { describeKind, type Kind } from "../values/kinds.ts";
import { suggestOrList } from "./suggest.ts";

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
