import type { Definition, ParameterDeclaration } from "../../language/ast.ts";
import type { Span } from "../../support/source.ts";
import { dtypes, isDtype } from "../../tensor/dtype.ts";
import { toDim, type Meaning } from "./meaning.ts";

export const placements = ["pre", "out", "post", "sandwich", "none"] as const;

export type Placement = (typeof placements)[number];

export const isPlacement = (word: string): word is Placement =>
  (placements as readonly string[]).includes(word);

/**
 * What an argument can be. An `int` of a block and a `size` of an op may depend on run-time symbols, a `count` is known;
 * `ints` is a count or a list of them, `floats` a list.
 */
export type KindName =
  | "int"
  | "float"
  | "bool"
  | "text"
  | "list"
  | "shape"
  | "layer"
  | "label"
  | "dtype"
  | "placement"
  | "words"
  | "count"
  | "size"
  | "ints"
  | "floats"
  | "init"
  | "any";

export interface Kind {
  readonly name: KindName;
  readonly words?: readonly string[];
  /** `none` is allowed: the default is `none`. */
  readonly optional: boolean;
}

export const kind = (name: KindName, optional = false): Kind => ({ name, optional });

export const wordsKind = (words: readonly string[], optional = false): Kind => ({
  name: "words",
  words,
  optional,
});

/** As a message says it: `a whole number`, `one of pre, out, post`. */
export function describeKind({ name, words, optional }: Kind): string {
  const text = words === undefined ? kindTexts[name] : `one of ${words.join(", ")}`;
  return optional && name !== "layer" ? `${text} or none` : text;
}

const kindTexts: { readonly [K in KindName]: string } = {
  int: "a whole number",
  count: "a whole number",
  float: "a number",
  bool: "true or false",
  text: "a text",
  list: "a list",
  shape: "a shape",
  layer: "a layer",
  label: "the label of a layer",
  dtype: "a dtype",
  placement: "one of pre, out, post, sandwich, none",
  words: "a word",
  size: "a size",
  ints: "a whole number or a list of them",
  floats: "a list of numbers",
  init: "an initializer",
  any: "anything",
};

/** The meaning as one of the kind, or undefined if it is none of that kind. */
export function convert(meaning: Meaning, kind: Kind): Meaning | undefined {
  if (meaning.kind === "none" && (kind.optional || kind.name === "layer")) return meaning;
  switch (kind.name) {
    case "int":
    case "count":
      if (meaning.kind === "dim") return kind.name === "int" ? meaning : undefined;
      return meaning.kind === "number" && Number.isSafeInteger(meaning.value)
        ? { ...meaning, float: false }
        : undefined;
    case "size":
      return toDim(meaning) === undefined ? undefined : meaning;
    case "float":
      return meaning.kind === "number" ? { ...meaning, float: true } : undefined;
    case "ints":
      return isWhole(meaning) || (meaning.kind === "list" && meaning.items.every(isWhole))
        ? meaning
        : undefined;
    case "floats":
      return meaning.kind === "list" && meaning.items.every((item) => item.kind === "number")
        ? meaning
        : undefined;
    case "shape":
      return meaning.kind === "list" && meaning.items.every((item) => toDim(item) !== undefined)
        ? meaning
        : undefined;
    case "words":
      if (meaning.kind === "none" && kind.words!.includes("none")) return asWord("none", kind.words!);
      return isText(meaning) && kind.words!.includes(meaning.value)
        ? asWord(meaning.value, kind.words!)
        : undefined;
    case "placement":
      if (meaning.kind === "none") return asWord("none", placements);
      return isText(meaning) && isPlacement(meaning.value) ? asWord(meaning.value, placements) : undefined;
    case "dtype":
      return isText(meaning) && isDtype(meaning.value) ? asWord(meaning.value, dtypes) : undefined;
    case "init":
      return meaning.kind === "init" ? meaning : asInit(meaning);
    case "any":
      return meaning;
    case "bool":
    case "text":
    case "list":
    case "layer":
    case "label":
      return meaning.kind === kind.name ? meaning : undefined;
  }
}

const isWhole = (meaning: Meaning): boolean =>
  meaning.kind === "number" && Number.isSafeInteger(meaning.value);

const isText = (meaning: Meaning): meaning is Meaning & { kind: "text" | "word" } =>
  meaning.kind === "text" || meaning.kind === "word";

const asWord = (value: string, words: readonly string[]): Meaning => ({ kind: "word", value, words });

/** A number stands for itself everywhere, a list of numbers for the elements. */
function asInit(meaning: Meaning): Meaning | undefined {
  if (meaning.kind === "number") return { kind: "init", init: { kind: "constant", value: meaning.value } };
  if (meaning.kind !== "list") return undefined;
  const values = meaning.items.map((item) => (item.kind === "number" ? item.value : undefined));
  return values.every((value) => value !== undefined)
    ? { kind: "init", init: { kind: "values", values } }
    : undefined;
}

/** The kind of a parameter as written after its colon; undefined if nothing or an unknown word stands there. */
export function declaredKind(parameter: ParameterDeclaration, known: readonly string[]): Kind | undefined {
  const [first] = parameter.kind;
  if (first === undefined) return undefined;
  const fallback = parameter.default;
  const optional =
    fallback?.kind === "call" && fallback.arguments === undefined && fallback.path.root.text === "none";
  const words = parameter.kind.map((word) => word.text);
  // `float | none`: a number that may be left out, whatever its default.
  if (words.length === 2 && words[1] === "none" && known.includes(first.text))
    return kind(first.text as KindName, true);
  // `none` among the words is one of them, not the absence of a word.
  if (words.length > 1) return wordsKind(words, optional && !words.includes("none"));
  return known.includes(first.text) ? kind(first.text as KindName, optional) : undefined;
}

/** A parameter as a caller sees it. */
export interface SignatureParameter {
  readonly name: string;
  readonly kind: Kind;
  /** Without a default: positional, and it must be given. */
  readonly required: boolean;
  /** Its name in the text; undefined for what the language defines. */
  readonly span?: Span;
}

export type Signature = ReadonlyMap<string, SignatureParameter>;

/** Signatures of blocks that were worked out already. */
export type Signatures = Map<Definition, Signature>;
