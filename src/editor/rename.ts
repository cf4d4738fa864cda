import { printGraph } from "../ir/print.ts";
import type { Graph, PartialGraph } from "../ir/graph.ts";
import { reservedWords } from "../language/words.ts";
import { isError, type Diagnostic, type Edit } from "../support/diagnostic.ts";
import { editedText } from "../support/fixes.ts";
import { spanText, type Source, type Span } from "../support/source.ts";
import { analyze, type Analysis } from "./analyze.ts";
import { nameAt, placesOf } from "./names.ts";
import { keyOf } from "./places.ts";

/** The edits of a renaming, or why there are none, as a sentence. */
export type Renaming =
  | {
      readonly kind: "edits";
      readonly edits: readonly Edit[];
      /** Weights that are called otherwise then: a checkpoint has their old names. */
      readonly weights: readonly string[];
    }
  | { readonly kind: "refused"; readonly why: string };

const refused = (why: string): Renaming => ({ kind: "refused", why });

/** The name at an offset, if it can be renamed: neither a word of the language nor a part of the library. */
export function renamable(
  analysis: Analysis,
  offset: number,
): { readonly span: Span; readonly name: string } | undefined {
  const found = nameAt(analysis, offset);
  if (found?.definition === undefined || isLibrary(found.definition.source)) return undefined;
  return { span: found.span, name: spanText(found.span) };
}

const isLibrary = ({ name }: Source): boolean => name.startsWith("std/");

/**
 * Renames what is named at an offset, wherever it is named: where it is bound, read, given as an argument, in branches that are not taken,
 * in files that are used, and in `others`, texts that may use the same files. It is refused unless each of the renamed texts lowers to the
 * same graph but for that name, and each of its names is bound where it was: so a name that would hide another one, or be hidden, is
 * never given.
 */
export function rename(
  analysis: Analysis,
  offset: number,
  name: string,
  others: readonly Analysis[] = [],
): Renaming {
  const found = nameAt(analysis, offset);
  if (found?.definition === undefined) return refused("there is no name here that a model gives");
  if (isLibrary(found.definition.source)) return refused(`\`${found.name}\` belongs to the standard library`);
  const old = spanText(found.definition);
  const wrong = wrongName(name, old);
  if (wrong !== undefined) return refused(wrong);
  const texts = [analysis, ...others.filter((other) => names(other, found.definition!))];
  const each = texts.map((text) => ({ text, places: placesOf(text, found.definition!) }));
  const odd = each.flatMap(({ places }) => places).find((place) => spanText(place) !== old);
  if (odd !== undefined) return refused(`\`${old}\` is written as \`${spanText(odd)}\` elsewhere`);
  const puts = each.map(({ text, places }) => putAt(text, found.definition!, places, { old, name }));
  const all = [...new Map(puts.flat().map((put) => [keyOf(put.span), put])).values()];
  const edits = all.map(({ span, text }) => ({ span, text }));
  const weights = new Set<string>();
  for (const [index, before] of texts.entries()) {
    const after = analyzeEdited(before, edits);
    const changed = changedMeaning(before, after, { name, put: puts[index]!, all });
    if (changed !== undefined) return changed;
    for (const weight of renamedWeights(before, after)) weights.add(weight);
  }
  return { kind: "edits", edits, weights: [...weights] };
}

/** Whether a text, or a file that it uses, names what is bound at a place. */
const names = (analysis: Analysis, definition: Span): boolean => placesOf(analysis, definition).length > 1;

/** An edit, and where in its text the new name stands. */
interface Put extends Edit {
  readonly at: number;
}

/**
 * What is put at each place. A bare name among arguments, `attend(scale)`, is for the parameter of the same name: with one of the two called
 * otherwise both are written, `attend(scale: factor)`.
 */
function putAt(
  analysis: Analysis,
  definition: Span,
  places: readonly Span[],
  { old, name }: { readonly old: string; readonly name: string },
): readonly Put[] {
  const bare = bareArguments(analysis);
  const values = places.map((span): Put => {
    const before = bare.has(keyOf(span)) ? `${old}: ` : "";
    return { span, text: `${before}${name}`, at: before.length };
  });
  const wanted = keyOf(definition);
  const named = [...bare.values()]
    .filter(({ parameter }) => parameter !== undefined && keyOf(parameter) === wanted)
    .map(({ span }): Put => ({ span, text: `${name}: ${old}`, at: 0 }));
  return [...values, ...named];
}

/** Arguments that are a name alone, for the parameter of that name; with where that is declared. */
function bareArguments({
  told,
}: Analysis): ReadonlyMap<string, { readonly span: Span; readonly parameter: Span | undefined }> {
  const calls = told.filter(({ meaning }) => meaning.kind === "call");
  const bare = new Map<string, { readonly span: Span; readonly parameter: Span | undefined }>();
  for (const { span, meaning } of told) {
    if (meaning.kind !== "argument" || spanText(span) !== meaning.parameter || bare.has(keyOf(span)))
      continue;
    const call = calls.find(
      (each) =>
        each.span.source === span.source &&
        each.span.start < span.start &&
        span.end <= each.span.end &&
        each.meaning.kind === "call" &&
        each.meaning.callee === meaning.callee,
    );
    const parameter =
      call?.meaning.kind === "call" ? call.meaning.signature.get(meaning.parameter)?.span : undefined;
    bare.set(keyOf(span), { span, parameter });
  }
  return bare;
}

function wrongName(name: string, old: string): string | undefined {
  const isLabel = old.includes(".");
  if (!(isLabel ? /^[\w.]+$/ : /^[A-Za-z_]\w*$/).test(name))
    return `\`${name}\` is no name: letters, digits and _`;
  if (reservedWords.has(name)) return `\`${name}\` is a word of the language`;
  const isDim = (text: string): boolean => /^[A-Z]/.test(text);
  if (isDim(old) !== isDim(name))
    return isDim(old)
      ? "a dim that a run binds begins with a capital"
      : "capitals are the dims that a run binds";
  return name === old ? "it is called so already" : undefined;
}

/** The same analysis of the edited texts, those of used files too. */
function analyzeEdited({ source, options }: Analysis, edits: readonly Edit[]): Analysis {
  const edited = (other: Source): Source => ({
    name: other.name,
    text: editedText(
      other.text,
      edits.filter(({ span }) => span.source.name === other.name),
    ),
  });
  const { resolveUse, ...rest } = options;
  return analyze(edited(source), {
    ...rest,
    ...(resolveUse !== undefined && {
      resolveUse: (path, from) => {
        const there = resolveUse(path, from);
        return there !== undefined && "text" in there ? edited(there) : there;
      },
    }),
  });
}

interface Renamed {
  readonly name: string;
  /** What is put at places that the text itself or a file that it uses has. */
  readonly put: readonly Put[];
  /** Also what others have, in files that both use. */
  readonly all: readonly Put[];
}

/** Why a renamed text means something else; undefined if it means the same. */
function changedMeaning(
  before: Analysis,
  after: Analysis,
  { name, put, all }: Renamed,
): Renaming | undefined {
  const isNew = ({ code }: Diagnostic): boolean => !before.diagnostics.some((each) => each.code === code);
  const mistake = after.diagnostics.find((diagnostic) => isError(diagnostic) && isNew(diagnostic));
  if (mistake !== undefined) return refused(`the renamed text has a mistake: ${mistake.message}`);
  const expected = put.map((one) => placeIn(one, all, name));
  const keys = new Set(expected.map(keyOf));
  const now = placesOf(after, expected[0]!);
  if (now.length !== put.length || !now.every((place) => keys.has(keyOf(place))))
    return refused(`\`${name}\` means something else there already`);
  const renamed = (graph: PartialGraph | undefined): string =>
    graph === undefined ? "" : nameless(printGraph(graph as Graph));
  const isSame = renamed(before.graph) === renamed(after.graph);
  return isSame
    ? undefined
    : refused(`the model would compute something else: \`${name}\` means something else there already`);
}

/** Where a new name lies in the edited text. */
function placeIn({ span, at }: Put, all: readonly Put[], name: string): Span {
  const moved = all
    .filter(({ span: { source, start } }) => source.name === span.source.name && start < span.start)
    .reduce((by, each) => by + each.text.length - (each.span.end - each.span.start), 0);
  const start = span.start + moved + at;
  return { ...span, start, end: start + name.length };
}

/** A printed graph with each of its names as the number of its first place: what is left is what it computes. */
function nameless(text: string): string {
  const numbers = new Map<string, number>();
  return text.replace(/"[^"]*"|[%\w][\w.]*/g, (name) => {
    if (/^[\d.]+(?:e[\d-]+)?$/.test(name)) return name;
    if (!numbers.has(name)) numbers.set(name, numbers.size);
    return `_${numbers.get(name)!}`;
  });
}

function renamedWeights(before: Analysis, after: Analysis): readonly string[] {
  const weightsOf = ({ graph }: Analysis): readonly string[] =>
    (graph?.parameters ?? []).map((parameter) => parameter.name);
  const kept = new Set(weightsOf(after));
  return weightsOf(before).filter((name) => !kept.has(name));
}
