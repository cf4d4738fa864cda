import type { JsonObject } from "../../checkpoint/json.ts";
import type { ParameterDeclaration } from "../../language/ast.ts";
import { format } from "../../language/format.ts";
import { parse } from "../../language/parse.ts";
import { lower } from "../../lower/lower.ts";
import type { Meaning } from "../../lower/values/meaning.ts";
import { isError, type Diagnostic } from "../../support/diagnostic.ts";
import { InternalError } from "../../support/invariant.ts";
import { spanText, type Source } from "../../support/source.ts";
import { writtenMeaning } from "./written.ts";

/** A checkpoint's config, as a family reads it. */
export interface Sizes {
  readonly config: JsonObject;
  readonly configName: string;
  readonly ignoreConfig?: readonly string[];
}

/** A part of the text, and what stands there instead. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The model of a family under a name of one's own, formatted, with what a config says as the defaults of its parameters; with
 * mistakes where the config is not one that the family computes.
 */
export function sizedModel(
  family: Source,
  name: string,
  sizes?: Sizes,
): { readonly text: string } | { readonly diagnostics: readonly Diagnostic[] } {
  const { file } = parse(family);
  const definition = file.definitions.find(({ kind }) => kind === "model");
  if (definition === undefined) throw new InternalError(`${family.name} has no model`);
  const lowered = sizes === undefined ? undefined : lower(file, sizes);
  if (lowered !== undefined && lowered.model === undefined)
    return { diagnostics: lowered.diagnostics.filter(isError) };
  const defaults = definition.parameters.flatMap((parameter): readonly Edit[] => {
    const meaning = lowered?.model?.configured.get(parameter.name.text);
    return meaning === undefined ? [] : [defaultEdit(parameter, meaning)];
  });
  const { span } = definition.name;
  const text = edited(family.text, [{ start: span.start, end: span.end, text: name }, ...defaults]);
  const formatted = format({ name: `${name}.lmg`, text });
  if (formatted.diagnostics.some(isError))
    throw new InternalError(
      `${family.name} with its sizes cannot be read: ${formatted.diagnostics[0]!.message}`,
    );
  return { text: formatted.text };
}

/** Behind a parameter without a default comes one. */
function defaultEdit({ default: written, span }: ParameterDeclaration, meaning: Meaning): Edit {
  const text = writtenMeaning(meaning, written === undefined ? "" : spanText(written.span));
  return written === undefined
    ? { start: span.end, end: span.end, text: ` = ${text}` }
    : { start: written.span.start, end: written.span.end, text };
}

const edited = (text: string, edits: readonly Edit[]): string =>
  edits
    .toSorted((a, b) => b.start - a.start)
    .reduce((all, { start, end, text: part }) => all.slice(0, start) + part + all.slice(end), text);
