import type { Initializer, Value } from "../../ir/graph.ts";
import type { Definition } from "../../language/ast.ts";
import type { Span } from "../../support/source.ts";
import { constantDim, dim, showDim, type Dim } from "../../tensor/dim.ts";
import { showType } from "../../tensor/type.ts";
import type { Module } from "../names/module.ts";

/** What an expression or a chain stands for: something known before the model runs, or tensors that flow. */
export type Meaning =
  /** `float` remembers that it was not written as a whole number, which makes a parameter's kind. */
  | { readonly kind: "number"; readonly value: number; readonly float: boolean }
  /** A size with run-time symbols in it; a size that is known is a number. */
  | { readonly kind: "dim"; readonly dim: Dim }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "text"; readonly value: string }
  /** `words`: all that could stand in its place. */
  | { readonly kind: "word"; readonly value: string; readonly words?: readonly string[] }
  | { readonly kind: "list"; readonly items: readonly Meaning[] }
  | { readonly kind: "none" }
  | { readonly kind: "init"; readonly init: Init }
  | { readonly kind: "layer"; readonly layer: LayerValue }
  | { readonly kind: "label"; readonly instance: Instance }
  | { readonly kind: "tensor"; readonly value: Value }
  | { readonly kind: "tuple"; readonly items: readonly Meaning[] };

/** How a parameter begins, before the fans of its weight are known. */
export type Init =
  | Extract<
      Initializer,
      {
        readonly kind:
          "constant" | "values" | "normal" | "truncated_normal" | "uniform" | "orthogonal" | "eye" | "unit";
      }
    >
  | { readonly kind: "xavier" | "he"; readonly distribution: "uniform" | "normal"; readonly gain: number };

/** A layer with some of its arguments, before it is applied: `rmsnorm(eps)`, `gelu`, `same(wte)`. */
export interface LayerValue {
  readonly callee: Callee;
  readonly given: ReadonlyMap<string, GivenArgument>;
  /** Where it was written last. */
  readonly span: Span;
}

export type Callee =
  | { readonly kind: "op"; readonly name: string }
  | { readonly kind: "block"; readonly definition: Definition; readonly module: Module }
  | { readonly kind: "same"; readonly instance: Instance };

export interface GivenArgument {
  readonly meaning: Meaning;
  readonly span: Span;
}

/** A layer that was applied, with the parameters that it owns: what `same` and `unembed` find at a label. */
export interface Instance {
  /** The full label: `h.0.attn`. */
  readonly label: string;
  readonly layer: LayerValue;
  readonly span: Span;
  /** By what follows the label: `weight`, `bias`, or nothing. Empty for a block. */
  readonly owned: Map<string, Value>;
  /** The parameters of the graph from `first` up to `end` belong to it. */
  readonly first: number;
  end: number;
}

export const none: Meaning = { kind: "none" };

export const number = (value: number, float = !Number.isInteger(value)): Meaning => ({
  kind: "number",
  value,
  float,
});

export const bool = (value: boolean): Meaning => ({ kind: "bool", value });

export const tensor = (value: Value): Meaning => ({ kind: "tensor", value });

export function fromDim(size: Dim): Meaning {
  const known = constantDim(size);
  return known === undefined ? { kind: "dim", dim: size } : number(known);
}

/** The size that a meaning is, if it is one. */
export function toDim(meaning: Meaning): Dim | undefined {
  if (meaning.kind === "dim") return meaning.dim;
  return meaning.kind === "number" && Number.isSafeInteger(meaning.value) ? dim(meaning.value) : undefined;
}

/** What a layer is called, where nothing else names it. */
export function nameOf(layer: LayerValue): string {
  const { callee } = layer;
  if (callee.kind === "op") return callee.name;
  return callee.kind === "block" ? callee.definition.name.text : nameOf(callee.instance.layer);
}

/** As it is shown in a listing or put in the hole of a message. */
export function showMeaning(meaning: Meaning): string {
  switch (meaning.kind) {
    case "number":
    case "bool":
      return String(meaning.value);
    case "dim":
      return showDim(meaning.dim);
    case "text":
    case "word":
      return meaning.value;
    case "list":
      return `[${meaning.items.map(showMeaning).join(", ")}]`;
    case "none":
      return "none";
    case "init":
      return showInit(meaning.init);
    case "layer":
      return showLayer(meaning.layer);
    case "label":
      return meaning.instance.label;
    case "tensor":
      return showType(meaning.value.type);
    case "tuple":
      return `(${meaning.items.map(showMeaning).join(", ")})`;
  }
}

function showLayer(layer: LayerValue): string {
  const given = [...layer.given].map(([name, { meaning }]) => `${name}: ${showMeaning(meaning)}`);
  return given.length === 0 ? nameOf(layer) : `${nameOf(layer)}(${given.join(", ")})`;
}

function showInit(init: Init): string {
  switch (init.kind) {
    case "constant":
      return String(init.value);
    case "values":
      return `[${init.values.join(", ")}]`;
    case "normal":
    case "truncated_normal":
      return `${init.kind}(std: ${init.std})`;
    case "orthogonal":
    case "eye":
      return init.gain === 1 ? init.kind : `${init.kind}(gain: ${init.gain})`;
    case "unit":
      return init.gain === 1 ? `unit(${init.index})` : `unit(${init.index}, gain: ${init.gain})`;
    case "uniform":
      return `uniform(low: ${init.low}, high: ${init.high})`;
    case "xavier":
    case "he":
      return `${init.kind}(${init.distribution})`;
  }
}

/** With its article, for a message: `the number 3`, `a tensor f32[B, T]`. */
export function describe(meaning: Meaning): string {
  const shown =
    meaning.kind === "number" ? String(Number(meaning.value.toPrecision(6))) : showMeaning(meaning);
  switch (meaning.kind) {
    case "number":
      return meaning.float ? `the number ${shown}` : `the whole number ${shown}`;
    case "dim":
      return `the run-time size ${shown}`;
    case "bool":
    case "none":
      return `\`${shown}\``;
    case "text":
      return `the text "${shown}"`;
    case "word":
      return `the word \`${shown}\``;
    case "list":
      return `the list ${shown}`;
    case "init":
      return `the initializer ${shown}`;
    case "layer":
      return `the layer \`${shown}\``;
    case "label":
      return `the label \`${shown}\``;
    case "tensor":
      return `a tensor ${shown}`;
    case "tuple":
      return `a tuple of ${meaning.items.length}`;
  }
}
