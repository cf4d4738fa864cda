import type { Span } from "../../support/source.ts";

/* What stands in a statement: chains, layers, expressions and types. */

export interface Name {
  readonly span: Span;
  readonly text: string;
}

/**
 * `model.layers` or `layer.0.SelfAttention`, kept whole: a label is a prefix of checkpoint names, not a path. In quotes it
 * may have holes, which are known when it is lowered: `"{query}"`.
 */
export type LabelName = Name | Text;

/** `head as a -> layer as b -> layer` */
export interface Chain {
  readonly span: Span;
  readonly head: Layer | Expression;
  readonly headTap: Tap | undefined;
  readonly steps: readonly Step[];
}

export interface Step {
  readonly span: Span;
  readonly layer: Layer;
  readonly tap: Tap | undefined;
}

/** `as name` or `as name: type` */
export interface Tap {
  readonly span: Span;
  readonly name: Name;
  readonly type: TypeReference | undefined;
}

/** A layer's place: `label: call` or `call`. As the head of a chain it stands only with a label; else a `Call` does. */
export interface Layer {
  readonly kind: "layer";
  readonly span: Span;
  readonly label: LabelName | undefined;
  readonly call: Call;
}

/** A path with or without arguments: `relu`, `linear(4)`, `h[k].attn`. What it names is found when it is lowered. */
export interface Call {
  readonly kind: "call";
  readonly span: Span;
  readonly path: Path;
  /** Undefined without parentheses. */
  readonly arguments: readonly Argument[] | undefined;
}

export interface Argument {
  readonly span: Span;
  readonly name: Name | undefined;
  readonly value: Expression;
}

export interface Path {
  readonly span: Span;
  readonly root: Name;
  readonly parts: readonly PathPart[];
}

export type PathPart =
  | { readonly kind: "field"; readonly name: Name }
  | { readonly kind: "index"; readonly span: Span; readonly value: Expression };

export type BinaryOperator =
  "+" | "-" | "*" | "/" | "%" | "^" | "<=" | ">=" | "==" | "!=" | "<" | ">" | "and" | "or" | "in";

export type Expression = NumberLiteral | Text | List | MadeList | Group | Call | Unary | Binary | Conditional;

export interface NumberLiteral {
  readonly kind: "number";
  readonly span: Span;
  readonly value: number;
  /** Written without point and exponent. */
  readonly whole: boolean;
}

/** `"text with {value}"`: plain parts and holes, in order. Escapes are already resolved in the plain parts. */
export interface Text {
  readonly kind: "text";
  readonly span: Span;
  readonly parts: readonly (string | Expression)[];
}

export interface List {
  readonly kind: "list";
  readonly span: Span;
  readonly items: readonly Expression[];
}

/** `[item for index in end]` or `[item for index in first..end]`: an element for each number from first to end - 1. */
export interface MadeList {
  readonly kind: "made_list";
  readonly span: Span;
  readonly item: Expression;
  readonly index: Name;
  /** Undefined for 0. */
  readonly first: Expression | undefined;
  readonly end: Expression;
}

/** Parentheses: one chain groups, several (or one with a trailing comma) are a tuple. */
export interface Group {
  readonly kind: "group";
  readonly span: Span;
  readonly chains: readonly Chain[];
  readonly tuple: boolean;
}

export interface Unary {
  readonly kind: "unary";
  readonly span: Span;
  readonly operator: "-" | "not";
  readonly operand: Expression;
}

export interface Binary {
  readonly kind: "binary";
  readonly span: Span;
  readonly operator: BinaryOperator;
  readonly operatorSpan: Span;
  readonly left: Expression;
  readonly right: Expression;
}

/** `then if condition else otherwise` */
export interface Conditional {
  readonly kind: "conditional";
  readonly span: Span;
  readonly condition: Expression;
  readonly then: Expression;
  readonly otherwise: Expression;
}

/** `f32[B, T <= ctx, dim]`, `[.., D]`, `i32` */
export interface TypeReference {
  readonly span: Span;
  readonly dtype: Name | undefined;
  /** Undefined for a scalar. */
  readonly dims: readonly DimReference[] | undefined;
}

export type DimReference =
  | { readonly kind: "rest"; readonly span: Span }
  | {
      readonly kind: "dim";
      readonly span: Span;
      readonly value: Expression;
      /** `T <= ctx` */
      readonly bound: Expression | undefined;
    };
