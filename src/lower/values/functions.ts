import { largest, smallest } from "../../support/lists.ts";
import type { Argument, Call } from "../../language/ast/expressions.ts";
import { floorDivideDim } from "../../tensor/dim.ts";
import { dtypes, isDtype, roundTo } from "../../tensor/dtype.ts";
import type { Frame } from "../frame/context.ts";
import * as errors from "../errors/arithmetic.ts";
import { fromDim, number, toDim, type Meaning } from "./meaning.ts";
import { tellOwnName } from "../names/references.ts";

/** Functions of compile-time numbers, by name: how many arguments they take and what they give. */
export const functions: Readonly<
  Record<string, { readonly least: number; readonly most: number; readonly doc: string }>
> = {
  sqrt: { least: 1, most: 1, doc: "the square root" },
  exp: { least: 1, most: 1, doc: "e to the power" },
  log: { least: 1, most: 1, doc: "the natural logarithm" },
  floor: { least: 1, most: 1, doc: "the largest whole number that is not above" },
  round: {
    least: 1,
    most: 2,
    doc: "the nearest whole number, or the nearest number of a dtype: round(x, bf16)",
  },
  abs: { least: 1, most: 1, doc: "the size without sign" },
  min: { least: 2, most: 8, doc: "the smallest" },
  max: { least: 2, most: 8, doc: "the largest" },
  div: { least: 2, most: 2, doc: "the whole part of a / b" },
  count: { least: 1, most: 1, doc: "how many elements a list has" },
};

/** A name with positional arguments is a function if there is one; `max(axis: 1)` is the layer. */
export const isFunctionCall = (call: Call): boolean =>
  call.path.parts.length === 0 &&
  Object.hasOwn(functions, call.path.root.text) &&
  call.arguments !== undefined &&
  call.arguments.some((argument) => argument.name === undefined);

export function evaluateFunction(call: Call, frame: Frame): Meaning | undefined {
  const name = call.path.root.text;
  const given = call.arguments ?? [];
  const { least, most } = functions[name]!;
  if (given.length < least || given.length > most || given.some((argument) => argument.name !== undefined)) {
    frame.context.diagnostics.add(errors.functionArity(call, least, most), frame.calls);
    return undefined;
  }
  tellOwnName(call.path.root, frame);
  if (name === "round" && given.length === 2) return roundToDtype(given[0]!, given[1]!, frame);
  const meanings = given.map((argument) => frame.context.walk.evaluate(argument.value, frame));
  if (!meanings.every((meaning) => meaning !== undefined)) return undefined;
  const result = valueOf(name, meanings);
  if (result === undefined || (result.kind === "number" && !Number.isFinite(result.value))) {
    frame.context.diagnostics.add(errors.functionOfWhat(call, meanings), frame.calls);
    return undefined;
  }
  return result;
}

function roundToDtype(value: Argument, dtype: Argument, frame: Frame): Meaning | undefined {
  const { walk, diagnostics } = frame.context;
  const meaning = walk.evaluateAs(value.value, { name: "float", optional: false }, frame, "round");
  const { value: word } = dtype;
  const name = word.kind === "call" && word.arguments === undefined ? word.path.root.text : "";
  if (!isDtype(name)) {
    diagnostics.add(errors.roundToWhat(word.span), frame.calls);
    return undefined;
  }
  frame.context.observe?.(word.span, { kind: "word", name, words: dtypes });
  return meaning?.kind === "number" ? number(roundTo(name, meaning.value), true) : undefined;
}

function valueOf(name: string, meanings: readonly Meaning[]): Meaning | undefined {
  const [first, second] = meanings;
  if (name === "div") return divide(first!, second!);
  if (name !== "count") return onNumbers(name, meanings);
  return first!.kind === "list" ? number(first.items.length) : undefined;
}

/** floor(a / b), also of a run-time size by a whole number. */
function divide(a: Meaning, b: Meaning): Meaning | undefined {
  if (a.kind === "number" && b.kind === "number")
    return number(Math.floor(a.value / b.value), a.float || b.float);
  const size = toDim(a);
  const known = b.kind === "number" && Number.isSafeInteger(b.value) && b.value >= 1;
  return size === undefined || !known ? undefined : fromDim(floorDivideDim(size, b.value));
}

function onNumbers(name: string, meanings: readonly Meaning[]): Meaning | undefined {
  const values = meanings.map((meaning) => (meaning.kind === "number" ? meaning.value : NaN));
  const [x] = values;
  const float = meanings.some((meaning) => meaning.kind === "number" && meaning.float);
  switch (name) {
    case "sqrt":
      return number(Math.sqrt(x!), true);
    case "exp":
      return number(Math.exp(x!), true);
    case "log":
      return number(Math.log(x!), true);
    case "floor":
      return number(Math.floor(x!), false);
    case "round":
      return number(Math.round(x!), false);
    case "abs":
      return number(Math.abs(x!), float);
    case "min":
      return number(smallest(values), float);
    default:
      return number(largest(values), float);
  }
}
