import type { Name } from "../../language/ast/expressions.ts";
import { errorAt, warningAt, type Diagnostic } from "../../support/diagnostic.ts";
import type { Finding } from "../lints/lint.ts";
import { suggestOrList } from "./suggest.ts";

export const unknownLint = (name: Name, lints: readonly string[]): Diagnostic =>
  errorAt(
    "E532",
    name.span,
    `there is no lint called \`${name.text}\``,
    suggestOrList(name.text, lints, "there are"),
  );

/** W301 to W319, and the codes of lints that are not ours: what a lint found, and the word that silences it. */
export const lintFinding = (
  name: string,
  code: string,
  { spans, message, label, more, help, fix }: Finding,
): Diagnostic =>
  warningAt(code, spans[0]!, message, {
    ...(label !== undefined && { label }),
    ...(more !== undefined && { more }),
    ...(fix !== undefined && { fix }),
    help: `${help}; or say \`allow ${name}\``,
  });

export const silencesNothing = (name: Name): Diagnostic =>
  warningAt("W310", name.span, `\`${name.text}\` has nothing to silence here`, {
    help: "an `allow` reaches as far as the braces in which it stands",
  });
