import type { Call } from "../../language/ast/expressions.ts";
import { errorAt, type Diagnostic } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import { nearest } from "../../support/text.ts";
import { showType, type TensorType } from "../../tensor/type.ts";
import { describe, type Meaning } from "../values/meaning.ts";
import { quoted } from "./suggest.ts";

/* What lines of `train` say of parameters by their names. */

export function patternOfNothing(span: Span, pattern: string, names: readonly string[]): Diagnostic {
  const near = pattern.includes("*") ? undefined : nearest(pattern, names);
  return errorAt("E583", span, `no parameter that is trained has a name like "${pattern}"`, {
    help:
      near !== undefined
        ? `did you mean "${near}"?`
        : `\`*\` stands for any part of a name; the names are ${quoted(names)}`,
  });
}

export const noEps = (span: Span, optimizer: string): Diagnostic =>
  errorAt("E584", span, `\`${optimizer}\` has no eps`, { help: "`adam` and `adamw` have one" });

export const ruleOutside = (span: Span, setting: string, wanted: string, found: number): Diagnostic =>
  errorAt("E585", span, `\`${setting}\` is ${wanted}, got ${found}`);

export const afterStepOfMore = (layer: Call): Diagnostic =>
  errorAt("E586", layer.span, "`after step` takes a layer that needs nothing but the parameter", {
    help: "no weights of its own, no dropout, no residual edge and no other value: `l2norm`, `clamp`, or a block of such",
  });

export const afterStepChanges = (layer: Call, name: string, type: TensorType, found: Meaning): Diagnostic =>
  errorAt(
    "E587",
    layer.span,
    `\`${name}\` is ${showType(type)} and stays so, but this makes ${describe(found)} of it`,
  );
