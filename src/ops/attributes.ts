import type { Dim } from "../tensor/dim.ts";
import type { Dtype } from "../tensor/dtype.ts";
import type { ScalarExpression } from "./scalar.ts";

/**
 * An attribute: what an op knows before the model runs. `kind` says how its text is printed and read; the IR leaves out
 * an attribute that has its default.
 */
export interface Attribute<T> {
  readonly kind: AttributeKind;
  /** The words allowed, for `word`. */
  readonly words?: readonly string[];
  readonly default?: T;
}

export type AttributeKind =
  | "int"
  | "float"
  | "bool"
  | "word"
  | "text"
  | "dtype"
  | "dim"
  | "dims"
  | "ints"
  | "floats"
  | "optional int"
  | "optional float"
  | "expression"
  | "words";

/** Builders of attribute specs; without a default the attribute must be given. */
export const int = (value?: number): Attribute<number> => withDefault("int", value);
export const float = (value?: number): Attribute<number> => withDefault("float", value);
export const bool = (value?: boolean): Attribute<boolean> => withDefault("bool", value);
export const text = (value?: string): Attribute<string> => withDefault("text", value);
export const dtype = (): Attribute<Dtype> => ({ kind: "dtype" });
/** A size that may depend on run-time symbols. */
export const dimAttribute = (value?: Dim): Attribute<Dim> => withDefault("dim", value);
/** A shape. */
export const dims = (): Attribute<readonly Dim[]> => ({ kind: "dims" });
/** Whole numbers: axes, kernel sizes. */
export const ints = (value?: readonly number[]): Attribute<readonly number[]> => withDefault("ints", value);
export const floats = (value?: readonly number[]): Attribute<readonly number[]> =>
  withDefault("floats", value);
export const optionalInt = (): Attribute<number | undefined> => ({
  kind: "optional int",
  default: undefined,
});
export const optionalFloat = (): Attribute<number | undefined> => ({
  kind: "optional float",
  default: undefined,
});
export const expression = (value?: ScalarExpression): Attribute<ScalarExpression> =>
  withDefault("expression", value);

/** One of several words. */
export const word = <const W extends readonly [string, ...string[]]>(
  words: W,
  value?: W[number],
): Attribute<W[number]> => ({ ...withDefault<W[number]>("word", value), words });

/** A list of words. */
export const words = <const W extends readonly [string, ...string[]]>(
  allowed: W,
): Attribute<readonly W[number][]> => ({ kind: "words", words: allowed });

function withDefault<T>(kind: AttributeKind, value: T | undefined): Attribute<T> {
  return value === undefined ? { kind } : { kind, default: value };
}
