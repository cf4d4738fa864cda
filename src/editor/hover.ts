import type { Token } from "../language/tokens.ts";
import { describeKind } from "../lower/values/kinds.ts";
import { nameOf, showMeaning, type LayerValue, type Meaning } from "../lower/values/meaning.ts";
import type { Span } from "../support/source.ts";
import { countOf, plural } from "../support/text.ts";
import { constantDim, showDim } from "../tensor/dim.ts";
import { elementsOf, showType } from "../tensor/type.ts";
import type { Analysis, Told } from "./analyze.ts";
import { callablesOf, usageOf, wordsOf } from "./catalogue.ts";
import { covers, smallest, toldAs, tokenAt, type KindOf } from "./places.ts";

/** What is said of a piece of text: a head in the language's own words, and Markdown below. */
export interface Hover {
  readonly span: Pick<Span, "start" | "end">;
  /** Lines of `.lmg`. */
  readonly code: readonly string[];
  /** Markdown, a paragraph each. */
  readonly notes: readonly string[];
}

/** At most so many variants are listed of a place that is lowered several times. */
const MOST = 4;

/** What the piece of text at an offset means; undefined for blanks, comments, and what nothing is known of. */
export function hover(analysis: Analysis, offset: number): Hover | undefined {
  const token = tokenAt(analysis, offset);
  if (token === undefined) return undefined;
  return (
    hoverLayer(analysis, token) ??
    hoverName(analysis, token) ??
    hoverEdge(analysis, token) ??
    hoverWord(token) ??
    hoverValue(analysis, token)
  );
}

/** The label of a layer, or the name behind it: what came out of it at each call, its weights, what it does. */
function hoverLayer(analysis: Analysis, token: Token): Hover | undefined {
  const layers = smallest(toldAs(analysis, analysis.source, "layer"), token);
  const [first] = layers;
  if (first === undefined || !isHead(first.span, token)) return undefined;
  const { layer } = first.meaning;
  const weights = toldAs(analysis, analysis.source, "parameter").filter(
    ({ span }) => span.start === first.span.start && span.end === first.span.end,
  );
  const outs = variants(layers.map(({ meaning }) => resultOf(meaning.out)));
  const norms = toldAs(analysis, analysis.source, "norm").filter(
    ({ span }) => span.start === first.span.start,
  );
  const { code, notes } = describeLayer(analysis, layer);
  return {
    span: token,
    code: [...code, ...outs.map((out) => `-> ${out}`)],
    notes: [
      ...norms.slice(0, 1).map(({ meaning }) => placementNote(meaning)),
      ...notes,
      ...weightNotes(weights),
    ],
  };
}

const resultOf = (out: Meaning | undefined): string => (out === undefined ? "?" : showMeaning(out));

/** Whether a token stands before the arguments of the layer with this span. */
const isHead = ({ source, start }: Span, token: Token): boolean =>
  !/[({]/.test(source.text.slice(start, token.start));

const placementNote = ({ edge, norm }: KindOf<"norm">): string => {
  const formula = wordsOf("clause").find(({ name }) => name === norm.position)?.doc;
  return `\`${norm.position}\` norm of ${starred(edge)}${formula === undefined ? "" : `: ${formula}`}`;
};

function describeLayer(analysis: Analysis, layer: LayerValue): Pick<Hover, "code" | "notes"> {
  const name = nameOf(layer);
  const callable = callablesOf(analysis).get(name);
  if (callable === undefined) return { code: [showMeaning({ kind: "layer", layer })], notes: [] };
  const kinds = callable.parameters.map(
    ({ name: parameter, kind, default: fallback }) =>
      `- \`${parameter}\`: ${kind}${fallback === undefined ? "" : `, \`${fallback}\` if not given`}`,
  );
  return {
    code: [usageOf(callable)],
    notes: [
      ...(callable.doc === "" ? [] : [callable.doc]),
      ...(kinds.length === 0 ? [] : [kinds.join("\n")]),
    ],
  };
}

function weightNotes(weights: readonly Told<KindOf<"parameter">>[]): readonly string[] {
  if (weights.length === 0) return [];
  const names = variants(
    weights.map(({ meaning: { name, value } }) => `\`${starred(name)}\` ${showType(value.type)}`),
  );
  const elements = weights.reduce(
    (all, { meaning: { value } }) => all + (constantDim(elementsOf(value.type)) ?? 0),
    0,
  );
  return [`${countOf(elements, "weight")}: ${names.join(", ")}`];
}

/** `h.*.attn` for `h.3.attn`. */
const starred = (label: string): string => label.replace(/(?<=^|\.)\d+(?=\.|$| )/g, "*");

/** Each text once, with how many times it came; at most as many as a person reads. */
function variants(texts: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  const shown = [...counts].slice(0, MOST).map(([text, times]) => (times > 1 ? `${text} ×${times}` : text));
  return counts.size > MOST ? [...shown, `and ${counts.size - MOST} more`] : shown;
}

/** A name that is read or bound: its value, at each call. */
function hoverName(analysis: Analysis, token: Token): Hover | undefined {
  const found = smallest(toldAs(analysis, analysis.source, "reference", "definition", "word"), token);
  const [first] = found;
  if (first === undefined || !covers(first.span, token)) return undefined;
  const { meaning } = first;
  if (meaning.kind === "word") {
    const doc = wordsOf("clause").find(({ name }) => name === meaning.name)?.doc;
    return {
      span: first.span,
      code: [meaning.words.join(" | ")],
      notes: [...(doc === undefined ? [] : [doc]), ...placed(analysis, first.span)],
    };
  }
  const values = found.flatMap(({ meaning: { kind, ...rest } }) =>
    kind !== "word" && "value" in rest && rest.value !== undefined ? [rest.value] : [],
  );
  const layer = values.find((value) => value.kind === "layer");
  const callable = callablesOf(analysis).get(meaning.name);
  const definition = meaning.kind === "reference" ? meaning.definition : first.span;
  if (values.length === 0 && definition === undefined) return hoverWord(token);
  if (layer !== undefined && nameOf(layer.layer) === meaning.name)
    return { span: first.span, ...describeLayer(analysis, layer.layer) };
  if (values.length === 0 && callable !== undefined)
    return { span: first.span, code: [usageOf(callable)], notes: callable.doc === "" ? [] : [callable.doc] };
  return {
    span: first.span,
    code: variants(values.map((value) => showBinding(meaning.name, value))),
    notes: argumentNotes(analysis, token),
  };
}

const showBinding = (name: string, value: Meaning): string =>
  value.kind === "tensor" ? `${name}: ${showMeaning(value)}` : `${name} = ${showMeaning(value)}`;

/** What a name means as the name of an argument. */
function argumentNotes(analysis: Analysis, token: Token): readonly string[] {
  const [argument] = smallest(toldAs(analysis, analysis.source, "argument"), token);
  if (argument === undefined || argument.span.start !== token.start) return [];
  const { callee, parameter, of } = argument.meaning;
  return [`\`${parameter}\` of \`${callee}\`: ${describeKind(of)}`];
}

/** The norms whose placement a word says. */
function placed(analysis: Analysis, { end }: Span): readonly string[] {
  const norms = toldAs(analysis, analysis.source, "norm").filter(
    ({ span }) => span.start >= end && /^\s*$/.test(span.source.text.slice(end, span.start)),
  );
  return norms
    .slice(0, 1)
    .map(({ meaning: { norm, edge } }) => `here \`${norm.position}\`: ${norm.kind} of ${starred(edge)}`);
}

/** The word `residual`: what the edge adds up, and the stream after it. */
function hoverEdge(analysis: Analysis, token: Token): Hover | undefined {
  if (token.text !== "residual") return undefined;
  const edges = toldAs(analysis, analysis.source, "edge").filter(({ span }) => span.start === token.start);
  const streams = toldAs(analysis, analysis.source, "stream").filter(
    ({ span }) => span.start === token.start,
  );
  const [first] = edges;
  if (first === undefined) return undefined;
  const names = edges.map(({ meaning }) => meaning.edge.name);
  return {
    span: token,
    code: [
      ...variants(edges.map(({ meaning }) => formulaOf(meaning))),
      ...variants(streams.map(({ meaning }) => `-> ${showType(meaning.type)}`)),
    ],
    notes: [`${plural(names.length, "residual edge")}: ${variants(names.map(starred)).join(", ")}`],
  };
}

/** `y = N(s + f(N(x)))`, as the edge has its norms and gains. */
export function formulaOf({ edge }: KindOf<"edge">): string {
  const has = (position: string): boolean => edge.norms.some((norm) => norm.position === position);
  const normed = (position: string, inside: string): string => {
    const gain = edge.norms.find((norm) => norm.position === position)?.gain;
    return has(position) ? `${gain === undefined ? "" : `${gain.text} · `}N(${inside})` : inside;
  };
  const carried = edge.source === "stream" ? "x" : "s";
  const inner = edge.branches.map((branch) => {
    const name = branch === "" ? "" : branch.split(".").at(-1)!;
    const input = normed("pre", "x");
    return name === "" ? input : `${name}(${input})`;
  });
  const sum = inner.length === 0 ? "x" : inner.join(" + ");
  const out = normed("out", sum);
  const branch =
    edge.branch === undefined
      ? out
      : `${edge.branch.text} · ${inner.length > 1 && !has("out") ? `(${out})` : out}`;
  const skip = edge.skip === undefined ? carried : `${edge.skip.text} · ${carried}`;
  return `y = ${normed("post", `${skip} + ${branch}`)}`;
}

/** A word of the language. */
function hoverWord(token: Token): Hover | undefined {
  const entries = wordsOf(
    "statement",
    "clause",
    "word",
    "setting",
    "optimizer",
    "schedule",
    "augmentation",
    "initializer",
    "function",
    "kind",
    "dtype",
    "lint",
  );
  const entry = entries.find(({ name }) => name === token.text);
  return entry && { span: token, code: [entry.usage], notes: [entry.doc] };
}

/** An expression, or a size in a type. */
function hoverValue(analysis: Analysis, token: Token): Hover | undefined {
  const found = smallest(toldAs(analysis, analysis.source, "expression", "size", "config"), token);
  const [first] = found;
  if (first === undefined) return undefined;
  const texts = found.map(({ meaning }) =>
    meaning.kind === "size" ? showDim(meaning.size) : showMeaning(meaning.value),
  );
  return { span: first.span, code: variants(texts), notes: [] };
}

/** As editors show it. */
export const showHover = ({ code, notes }: Hover): string =>
  [...(code.length === 0 ? [] : [`\`\`\`lmg\n${code.join("\n")}\n\`\`\``]), ...notes].join("\n\n");
