import type { AttributesOf, OpName, OperandsOf } from "../ops/table.ts";
import type { Span } from "../support/source.ts";
import type { Half } from "../tensor/dtype.ts";
import type { TensorType } from "../tensor/type.ts";

/**
 * A model as a graph in SSA form: nodes in an order in which they can run, each value made once. Every form between
 * the language and the plan is one of these; passes make a new one and never change one.
 */
export interface Graph {
  readonly name: string;
  /** The run-time dims, in the order in which the inputs bind them. */
  readonly symbols: readonly SymbolDeclaration[];
  readonly inputs: readonly Input[];
  readonly parameters: readonly Parameter[];
  /** What passes from run to run. */
  readonly states: readonly State[];
  readonly nodes: readonly Node[];
  readonly outputs: readonly Output[];
  /** Every residual edge of the model, in text order; nodes name them by index, also after they are lowered. */
  readonly edges: readonly Edge[];
}

/**
 * What there is of a graph whose text has mistakes: for editors. The edges that could not be worked out are undefined, so
 * that it is no Graph: neither verifier nor passes take one.
 */
export interface PartialGraph extends Omit<Graph, "edges"> {
  readonly edges: readonly (Edge | undefined)[];
}

/** A run-time dim; `max` is the bound that the model states (`T <= ctx`). */
export interface SymbolDeclaration {
  readonly name: string;
  readonly max?: number;
  /** True if no input need say what it is: the caller does, and it may be 0. */
  readonly given?: true;
}

/** What flows: one result of a node, an input, or a parameter. Two values are the same value only by identity. */
export interface Value {
  readonly type: TensorType;
  /** What the printer calls it if it can: the name in the model, or one that says its part. */
  readonly hint?: string;
}

export interface Input {
  readonly name: string;
  readonly value: Value;
  /** All elements, if the caller leaves the input off; undefined if it must be given. */
  readonly fill: number | undefined;
  readonly span: Span | undefined;
}

/** A tensor that a checkpoint has under `name`. */
export interface Parameter {
  readonly name: string;
  readonly value: Value;
  readonly init: Initializer;
  /** False for running statistics: a checkpoint has them, gradients do not reach them. */
  readonly trainable: boolean;
  /** What its elements are without loss, so that a target which has halves may keep them so. */
  readonly kept?: Half;
  readonly span: Span | undefined;
}

/** What a state is for, by which trainings tell what they save and what they count. */
export const stateKinds = ["kept", "parameter", "statistic", "optimizer", "accumulated", "total"] as const;

/**
 * `parameter` and `statistic` (of a batch norm) are the model's own, `optimizer` what an optimizer keeps beside them;
 * `accumulated` and `total` are sums over micro-steps, zero between two updates; `kept` is anything else, as a cache.
 */
export type StateKind = (typeof stateKinds)[number];

/**
 * A tensor that the model keeps: each run leaves it as the next one finds it. Run-time dims in its type are fixed when
 * its memory is made, so that its size is no run's.
 */
export interface State {
  readonly name: string;
  /** What it is when a run begins. */
  readonly value: Value;
  /** What it is when the run has ended; `value` itself if the run leaves it as it is. */
  readonly next: Value;
  readonly kind: StateKind;
  readonly init: Initializer;
  readonly span: Span | undefined;
}

/** How a parameter begins if no checkpoint gives it. */
export type Initializer =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "values"; readonly values: readonly number[] }
  | { readonly kind: "normal"; readonly mean: number; readonly std: number }
  /** Normal, but what lies more than two standard deviations from the mean is drawn again. */
  | { readonly kind: "truncated_normal"; readonly mean: number; readonly std: number }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  /** Of a matrix [N, ..], its rows or its columns at right angles to each other and `gain` long (Saxe et al. 2014). */
  | { readonly kind: "orthogonal"; readonly gain: number }
  /** Of a matrix the diagonal is `gain`, else it is 0. */
  | { readonly kind: "eye"; readonly gain: number }
  /** The element at `index`, counted in the order of the data, is `gain`, the others are 0. */
  | { readonly kind: "unit"; readonly index: number; readonly gain: number }
  /** Glorot and Bengio 2010 and He et al. 2015, by the fans of the weight. */
  | {
      readonly kind: "xavier" | "he";
      readonly distribution: "uniform" | "normal";
      readonly fanIn: number;
      readonly fanOut: number;
      readonly gain: number;
    };

export interface Output {
  readonly name: string;
  readonly value: Value;
  readonly span: Span | undefined;
}

export interface NodeOf<K extends OpName> {
  readonly op: K;
  readonly operands: OperandsOf<K, Value>;
  readonly attrs: AttributesOf<K>;
  readonly results: readonly Value[];
  readonly origin: Origin;
}

/** Any node; `node.op` tells which, and TypeScript follows. */
export type Node = { readonly [K in OpName]: NodeOf<K> }[OpName];

/** Where a node comes from: what messages, listings and emitted comments say of it. */
export interface Origin {
  /** The text that made it, innermost first; the last is in the user's own file, those before it in blocks it calls. */
  readonly spans: readonly Span[];
  /** The full label of the layer: `h.0.attn.c_attn`, empty for a node that belongs to no layer. */
  readonly label: string;
  /** The repeats around it, outermost first, for folding `h.0 … h.11` back into one. */
  readonly scope: readonly Iteration[];
  /** The part that it plays in a residual edge: one for a node of the language, several where edges meet in a kernel. */
  readonly edges: readonly EdgePart[];
  /** Names of the ops that this node took in, for a person: `add`, `rms_norm`. */
  readonly fused: readonly string[];
  /** The part of a training step that it belongs to; none for the forward pass. */
  readonly phase?: Phase;
}

/** What a training step adds to a forward pass, in the order in which a step comes to it. */
export const phases = ["recompute", "backward", "update"] as const;

export type Phase = (typeof phases)[number];

export interface Iteration {
  /** The label of the repeat, `h` or `repeat`. */
  readonly label: string;
  readonly index: number;
  /** True if a training step keeps nothing that is made inside it, and makes it again for the backward. */
  readonly checkpoint?: true;
  /** True if the repeat stands in a block of the library, where no user can mark it. */
  readonly library?: true;
}

export type EdgeRole = "pre" | "out" | "post" | "skip" | "branch" | "join";

export interface EdgePart {
  readonly edge: number;
  readonly role: EdgeRole;
}

export type Position = "pre" | "out" | "post";

/** A residual edge as it was written: y = post(skip · s + branch · out(f(pre(x)))). */
export interface Edge {
  /** Unique, readable: the repeat's label and the number of the edge there, `h.0 edge 1`. */
  readonly name: string;
  readonly span: Span | undefined;
  readonly scope: readonly Iteration[];
  /** Where `s` comes from, as written: `stream`, `x0`, `blocks[2].level`. */
  readonly source: string;
  /** The labels of the layers in the branch, one text a branch: `attn`, `mlp`; empty for the identity. */
  readonly branches: readonly string[];
  readonly norms: readonly EdgeNorm[];
  readonly skip: EdgeGain | undefined;
  readonly branch: EdgeGain | undefined;
}

export interface EdgeNorm {
  readonly position: Position;
  /** `layernorm`, `rmsnorm`, or the name of the block that stands there. */
  readonly kind: string;
  /** The full label: `h.0.ln_1`. */
  readonly label: string;
  /** What multiplies the norm's result. */
  readonly gain?: EdgeGain;
}

export interface EdgeGain {
  /** A number known at compile time, a tensor that multiplies, or a layer that is applied. */
  readonly kind: "number" | "tensor" | "layer";
  /** As written, or its value: `2.83`, `resweight: scale([1])`. */
  readonly text: string;
}

export const noOrigin: Origin = { spans: [], label: "", scope: [], edges: [], fused: [] };
