import type { ParameterDeclaration } from "../../language/ast.ts";
import { nameOf, type LayerValue, type Meaning } from "../../lower/values/meaning.ts";
import { InternalError } from "../../support/invariant.ts";
import { spanText } from "../../support/source.ts";

/** A value that is known before a model runs, as `.lmg` writes it in the place of another: a number stays a float or none. */
export function writtenMeaning(meaning: Meaning, instead = ""): string {
  switch (meaning.kind) {
    case "number":
      return writtenNumber(meaning.value, meaning.float || /^-?(\d+\.|\d+e-?\d)/.test(instead));
    case "bool":
      return String(meaning.value);
    case "text":
      return JSON.stringify(meaning.value).replaceAll("{", String.raw`\{`);
    case "word":
      return meaning.value;
    case "none":
      return "none";
    case "list":
      return `[${meaning.items.map((item) => writtenMeaning(item)).join(", ")}]`;
    case "layer":
      return writtenLayer(meaning.layer);
    case "dim":
    case "init":
    case "label":
    case "tensor":
    case "tuple":
      throw new InternalError(`no config gives a ${meaning.kind}`);
  }
}

/** Whole floats keep their point; those of many zeros have an exponent. */
function writtenNumber(value: number, float: boolean): string {
  if (!float) return String(value);
  const short = value.toExponential().replace("e+", "e");
  const plain = Number.isInteger(value) ? `${value}.0` : String(value);
  return short.length < plain.length ? short : plain;
}

/** With the arguments that are no defaults; those that a layer must have stand in their order, without names. */
function writtenLayer(layer: LayerValue): string {
  const declared = new Map(
    layer.callee.kind === "block"
      ? layer.callee.definition.parameters.map((parameter) => [parameter.name.text, parameter] as const)
      : [],
  );
  const given = [...layer.given].flatMap(([name, { meaning }]) => {
    const parameter = declared.get(name);
    const text = writtenMeaning(meaning, defaultOf(parameter));
    if (text === defaultOf(parameter)) return [];
    return [parameter !== undefined && parameter.default === undefined ? text : `${name}: ${text}`];
  });
  return given.length === 0 ? nameOf(layer) : `${nameOf(layer)}(${given.join(", ")})`;
}

const defaultOf = (parameter: ParameterDeclaration | undefined): string =>
  parameter?.default === undefined ? "" : spanText(parameter.default.span);
