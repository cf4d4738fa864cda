import type { Value } from "../../ir/graph.ts";
import type { AllowStatement, Body, Definition, Statement } from "../../language/ast.ts";
import type { Call, Chain, Expression, Layer } from "../../language/ast/expressions.ts";
import type { Span } from "../../support/source.ts";
import type { Budget } from "./budget.ts";
import type { Builder } from "./builder.ts";
import type { Kind, Signatures } from "../values/kinds.ts";
import type { LabelScope } from "../names/labels.ts";
import type { GivenArgument, LayerValue, Meaning } from "../values/meaning.ts";
import type { Module } from "../names/module.ts";
import type { Library } from "../names/modules.ts";
import type { Observe } from "../names/observe.ts";
import type { Diagnostics } from "./report.ts";
import type { Scope } from "../names/scope.ts";
import type { Namings } from "../names/namings.ts";

/** Takes the result of an attention, and the share of its softmax that is dropped. */
export type WholeAttention = (result: Value, rate: number) => void;

/** What is one for the whole lowering of a model. */
export interface Context {
  readonly builder: Builder;
  readonly library: Library;
  readonly diagnostics: Diagnostics;
  readonly training: boolean;
  readonly wholeAttention: WholeAttention | undefined;
  readonly walk: Walk;
  /** Sees what the text means; without one nothing is made for it. */
  readonly observe: Observe | undefined;
  /** The definitions that were lowered, wherever they were called. */
  readonly lowered: Set<Definition>;
  /** What `default` lines say: by the layer's name, then the parameter's. */
  readonly defaults: Map<string, Map<string, GivenArgument>>;
  readonly signatures: Signatures;
  /** Parameters that may be read again: those of the layers being run once more. */
  readonly replays: { readonly first: number; readonly end: number }[];
  /** Full names of parameters in which a part was made up. */
  readonly unlabelled: Map<string, Span>;
  readonly namings: Namings;
  /** Edges whose `init` scales their weights, by index. */
  readonly scaledEdges: Set<number>;
  /** What `allow` can silence. */
  readonly lintNames: readonly string[];
  /** The `allow` statements that were met, and the definition that each stands in. */
  readonly allowed: Map<AllowStatement, Definition>;
  /** Levels of expressions around the current place. */
  depth: number;
  /** What the lowering has taken, of what it may. */
  readonly budget: Budget;
}

/** Where a call stands: where only a layer may, at the head of a chain, or in an expression, where a function of numbers may. */
export type CallPlace = "layer" | "head" | "value";

/**
 * The parts of the lowering that need each other: an expression holds chains, a chain applies layers, a layer is a block
 * with statements, a statement holds expressions. Each is a file that knows the others by this record only.
 */
export interface Walk {
  readonly evaluate: (expression: Expression, frame: Frame) => Meaning | undefined;
  readonly evaluateAs: (
    expression: Expression,
    kind: Kind,
    frame: Frame,
    what: string,
  ) => Meaning | undefined;
  readonly chain: (chain: Chain, frame: Frame) => Meaning | undefined;
  readonly resolveLayer: (call: Call, frame: Frame, place?: CallPlace) => LayerValue | "none" | undefined;
  readonly applyLayer: (layer: Layer, flow: Flow, frame: Frame) => Meaning | undefined;
  /** The same for a layer that is known already. */
  readonly applyValue: (
    layer: LayerValue,
    label: string | undefined,
    span: Span,
    flow: Flow,
    frame: Frame,
  ) => Meaning | undefined;
  readonly body: (body: Body, frame: Frame) => void;
  readonly statement: (statement: Statement, frame: Frame) => void;
}

/** What comes to a layer: the stream, a meaning, or undefined, which has been reported and makes undefined again. */
export type Flow = "stream" | Meaning | undefined;

/** A definition that is being lowered, once for each place where it is called. */
export interface Frame {
  readonly context: Context;
  readonly module: Module;
  readonly definition: Definition;
  readonly scope: Scope;
  /** The calls that led here, innermost first. */
  readonly calls: readonly Span[];
  /** The definitions that led here, to find recursion. */
  readonly stack: readonly Definition[];
  readonly outputs: OutputValue[];
  labels: LabelScope;
  stream: Stream;
  /** Where the inputs that are bound stand, by name; the first one begins the stream. */
  readonly inputs: Map<string, Span>;
  /** True after a failed assertion: what follows would only fail for the same reason. */
  stopped: boolean;
  /** What a call gives to the inputs that are not bound yet; undefined for the model itself. */
  operands: (Meaning | undefined)[] | undefined;
  /** Layers applied since a branch began, for the listing of edges. */
  applied: AppliedLayer[];
}

export interface AppliedLayer {
  readonly label: string | undefined;
  readonly kind: string;
}

export interface OutputValue {
  readonly name: string;
  /** Where the name stands. */
  readonly at: Span;
  readonly value: Value | undefined;
  readonly span: Span;
}

/** The stream: a value, or branches of `parallel` that are not summed unless somebody reads the sum. */
export type Stream =
  | { readonly kind: "value"; readonly value: Value; readonly span: Span }
  | { readonly kind: "sum"; readonly branches: readonly Branch[]; readonly span: Span }
  /** Nothing yet, or an error that has been reported. */
  | { readonly kind: "unset" }
  | { readonly kind: "failed" };

export interface Branch {
  readonly value: Value;
  readonly span: Span;
  readonly label: string;
}
