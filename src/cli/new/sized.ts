import type { JsonObject } from "../../checkpoint/json.ts";
import { printGraph } from "../../ir/print.ts";
import type { ParameterDeclaration } from "../../language/ast.ts";
import { format } from "../../language/format.ts";
import { parse } from "../../language/parse.ts";
import { unreadParameter } from "../../lower/lints/unread-parameter.ts";
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
  const naming = { start: span.start, end: span.end, text: name };
  return { text: withoutWarnings(family, name, naming, defaults) };
}

/**
 * The text with its edits, such that every parameter is read. Some serve only what another is without a config, as a pattern of the
 * kinds of layers does: that one stays as the family writes it where this gives the same model, and the relation is not lost.
 * Where a config deviates from it, the parameter stays for other configs, and the text allows it.
 */
function withoutWarnings(family: Source, name: string, naming: Edit, edits: readonly Edit[]): string {
  const write = (chosen: readonly Edit[]): string =>
    formatted(family, name, edited(family.text, [naming, ...chosen]));
  const text = write(edits);
  const first = checked(name, text);
  if (!first.isUnread) return text;
  for (const edit of edits) {
    const shorter = write(edits.filter((other) => other !== edit));
    const other = checked(name, shorter);
    if (!other.isUnread && other.graph === first.graph) return shorter;
  }
  const body = parse({ name, text }).file.definitions.find(({ kind }) => kind === "model")!.body;
  const at = body.statements[0]!.span.start;
  return formatted(family, name, edited(text, [{ start: at, end: at, text: "allow unread_parameter\n" }]));
}

/** The graph of a text, printed, and whether nothing reads one of its parameters. */
function checked(name: string, text: string): { readonly graph: string; readonly isUnread: boolean } {
  const { model, diagnostics } = lower(parse({ name, text }).file, { lint: true });
  return {
    graph: model === undefined ? "" : printGraph(model.graph),
    isUnread: diagnostics.some(({ code }) => code === unreadParameter.code),
  };
}

function formatted(family: Source, name: string, text: string): string {
  const { text: found, diagnostics } = format({ name: `${name}.lmg`, text });
  if (diagnostics.some(isError))
    throw new InternalError(`${family.name} with its sizes cannot be read: ${diagnostics[0]!.message}`);
  return found;
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
