import type { Name } from "../../language/ast.ts";
import { errorAt, type Diagnostic } from "../../support/diagnostic.ts";
import { lintNames } from "../lints/names.ts";
import { suggestOrList } from "./suggest.ts";

export const unknownLint = (name: Name): Diagnostic =>
  errorAt(
    "E532",
    name.span,
    `there is no lint called \`${name.text}\``,
    suggestOrList(name.text, lintNames, "there are"),
  );
