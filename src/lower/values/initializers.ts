import type { Initializer } from "../../ir/graph.ts";
import type { Call, Expression } from "../../language/ast/expressions.ts";
import { bindArguments } from "../calls/arguments.ts";
import type { Frame } from "../frame/context.ts";
import * as errors from "../errors/arguments.ts";
import { kind, wordsKind, type Signature, type SignatureParameter } from "./kinds.ts";
import type { GivenArgument, Init, Meaning } from "./meaning.ts";
import { tellOwnName } from "../names/references.ts";

const parameter = (
  name: string,
  of: SignatureParameter["kind"],
  required = false,
): [string, SignatureParameter] => [name, { name, kind: of, required }];

const distributions = wordsKind(["uniform", "normal"]);

/** How a parameter may begin, by name, with the options of each. */
export const initializers: Readonly<Record<string, Signature>> = {
  normal: new Map([parameter("mean", kind("float")), parameter("std", kind("float"))]),
  truncated_normal: new Map([parameter("mean", kind("float")), parameter("std", kind("float"))]),
  uniform: new Map([parameter("low", kind("float"), true), parameter("high", kind("float"), true)]),
  xavier: new Map([parameter("distribution", distributions), parameter("gain", kind("float"))]),
  he: new Map([parameter("distribution", distributions), parameter("gain", kind("float"))]),
  orthogonal: new Map([parameter("gain", kind("float"))]),
  eye: new Map([parameter("gain", kind("float"))]),
  unit: new Map([parameter("index", kind("count"), true), parameter("gain", kind("float"))]),
};

export const isInitCall = (expression: Expression): expression is Call =>
  expression.kind === "call" &&
  expression.path.parts.length === 0 &&
  Object.hasOwn(initializers, expression.path.root.text);

export const initializerNames = Object.keys(initializers);

/** `normal(std: 0.02)` */
export function evaluateInit(call: Call, frame: Frame): Meaning | undefined {
  const name = call.path.root.text;
  tellOwnName(call.path.root, frame);
  frame.context.observe?.(call.span, { kind: "call", callee: name, signature: initializers[name]! });
  const given = bindArguments(call.arguments ?? [], initializers[name]!, name, frame);
  if (given === undefined) return undefined;
  const init = build(name, given);
  const problem = whyImpossible(init);
  if (problem === undefined) return { kind: "init", init };
  frame.context.diagnostics.add(errors.impossibleInit(call.span, name, problem), frame.calls);
  return undefined;
}

function build(name: string, given: ReadonlyMap<string, GivenArgument>): Init {
  const value = (option: string, otherwise: number): number => {
    const meaning = given.get(option)?.meaning;
    return meaning?.kind === "number" ? meaning.value : otherwise;
  };
  if (name === "normal" || name === "truncated_normal")
    return { kind: name, mean: value("mean", 0), std: value("std", 1) };
  if (name === "orthogonal" || name === "eye") return { kind: name, gain: value("gain", 1) };
  if (name === "unit") return { kind: name, index: value("index", 0), gain: value("gain", 1) };
  if (name === "uniform") return { kind: "uniform", low: value("low", 0), high: value("high", 1) };
  const distribution = given.get("distribution")?.meaning;
  return {
    kind: name === "he" ? "he" : "xavier",
    distribution: distribution?.kind === "word" && distribution.value === "normal" ? "normal" : "uniform",
    gain: value("gain", name === "he" ? Math.SQRT2 : 1),
  };
}

function whyImpossible(init: Init): string | undefined {
  if ("std" in init && init.std < 0) return `a standard deviation is at least 0, got ${init.std}`;
  if (init.kind === "uniform" && init.low > init.high)
    return `the lower end comes first, got ${init.low} and ${init.high}`;
  if (init.kind === "unit" && init.index < 0) return `elements are counted from 0, got ${init.index}`;
  return undefined;
}

/** With the fans that the initializer needs: a weight [N, K] has K in and N out, a kernel's window counts for both. */
export function toInitializer(init: Init, fanIn: number, fanOut: number): Initializer {
  switch (init.kind) {
    case "xavier":
    case "he":
      return { ...init, fanIn, fanOut };
    case "constant":
    case "values":
    case "normal":
    case "truncated_normal":
    case "uniform":
    case "orthogonal":
    case "eye":
    case "unit":
      return init;
  }
}

/** The initializer whose draws are `factor` times as large. */
export function scaleInitializer(init: Initializer, factor: number): Initializer {
  switch (init.kind) {
    case "constant":
      return { ...init, value: init.value * factor };
    case "values":
      return { ...init, values: init.values.map((value) => value * factor) };
    case "normal":
    case "truncated_normal":
      return { ...init, mean: init.mean * factor, std: init.std * factor };
    case "uniform":
      return { ...init, low: init.low * factor, high: init.high * factor };
    case "orthogonal":
    case "eye":
    case "unit":
    case "xavier":
    case "he":
      return { ...init, gain: init.gain * factor };
  }
}
