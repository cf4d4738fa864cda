import { labelSpan } from "../lower/names/observe.ts";
import type { Span } from "../support/source.ts";
import type { Analysis } from "./analyze.ts";
import { covers, keyOf, smallest, toldAs, tokenAt } from "./places.ts";

/** A name in the text: where it stands, and where it is bound; undefined for what the language defines. */
export interface NamedPlace {
  readonly name: string;
  readonly span: Span;
  readonly definition: Span | undefined;
}

/** The name at an offset: one that is read, one that is bound, or the label of a layer. */
export function nameAt(analysis: Analysis, offset: number): NamedPlace | undefined {
  const token = tokenAt(analysis, offset);
  if (token === undefined) return undefined;
  const names = toldAs(analysis, analysis.source, "reference", "definition");
  // Of a place in a block, told once a call, the one that is known.
  const found = smallest(names, token);
  const read =
    found.find(({ meaning }) => meaning.kind === "definition" || meaning.definition !== undefined) ??
    found[0];
  if (
    read !== undefined &&
    read.span.end - read.span.start <= token.end - token.start + labelSlack(read.meaning.name)
  )
    return {
      name: read.meaning.name,
      span: read.span,
      definition: read.meaning.kind === "definition" ? read.span : read.meaning.definition,
    };
  return definitionNameAt(analysis, token) ?? labelAt(analysis, token);
}

/** A label with dots is several tokens. */
const labelSlack = (name: string): number => name.length;

function definitionNameAt(
  { file }: Analysis,
  token: { readonly start: number; readonly end: number },
): NamedPlace | undefined {
  const names = file.definitions.flatMap(({ name, parameters }) => [
    name,
    ...parameters.map((each) => each.name),
  ]);
  const found = names.find(({ span }) => covers(span, token));
  return found && { name: found.text, span: found.span, definition: found.span };
}

function labelAt(
  analysis: Analysis,
  token: { readonly start: number; readonly end: number },
): NamedPlace | undefined {
  for (const { span, meaning } of toldAs(analysis, analysis.source, "layer")) {
    if (meaning.label === "") continue;
    const label = labelSpan({ span });
    const text = span.source.text.slice(label.start, label.end);
    if (covers(label, token) && /^\s*:/.test(span.source.text.slice(label.end)))
      return { name: text, span: label, definition: label };
  }
  return undefined;
}

/** Where what is named at an offset is bound; undefined for words of the language. */
export const definitionAt = (analysis: Analysis, offset: number): Span | undefined =>
  usedFileAt(analysis, offset) ?? nameAt(analysis, offset)?.definition;

/** The file that a `use` line names. */
function usedFileAt({ file, options }: Analysis, offset: number): Span | undefined {
  const use = file.uses.find(({ path: { span } }) => span.start <= offset && offset <= span.end);
  const [path] = use?.path.parts ?? [];
  if (typeof path !== "string") return undefined;
  const source = options.resolveUse?.(path, file.source);
  return source !== undefined && "text" in source ? { source, start: 0, end: 0 } : undefined;
}

/** All places of a name, that where it is bound first; in the order of the texts. */
export function placesOf({ told }: Analysis, definition: Span): readonly Span[] {
  const wanted = keyOf(definition);
  const places = new Map([[wanted, definition]]);
  for (const { span, meaning } of told)
    if (
      meaning.kind === "reference" &&
      meaning.definition !== undefined &&
      keyOf(meaning.definition) === wanted
    )
      places.set(keyOf(span), span);
  const [first, ...others] = places.values();
  return [first!, ...others.sort((a, b) => a.source.name.localeCompare(b.source.name) || a.start - b.start)];
}
