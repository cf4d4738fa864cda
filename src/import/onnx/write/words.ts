import type { Value } from "../../../ir/graph.ts";
import { showDim, type Dim } from "../../../tensor/dim.ts";
import { NoForm } from "../graph.ts";

/** How a node is written: a chain behind a value or a tuple, an operator between two, a number, or a call of no value. */
export type Form =
  | { readonly kind: "step"; readonly of: readonly Value[]; readonly call: string }
  | { readonly kind: "infix"; readonly operator: string; readonly of: readonly [Value, Value] }
  | { readonly kind: "not"; readonly of: readonly [Value] }
  | { readonly kind: "atom"; readonly text: string }
  | { readonly kind: "source"; readonly text: string };

export const step = (call: string, ...of: readonly Value[]): Form => ({ kind: "step", of, call });

export const sizes = (shape: readonly Dim[]): string => `[${shape.map(spaced).join(", ")}]`;

/** A size as an expression: `2 * T + 1`. */
export const spaced = (size: Dim): string => showDim(size).replaceAll("*", " * ");

export function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new NoForm(`the number ${value}`);
  const [plainText, short] = [String(value), value.toExponential()];
  return (short.length < plainText.length ? short : plainText).replace("e+", "e");
}

/** A number for each axis, or one for all. */
export const list = (values: readonly number[]): string =>
  values.every((value) => value === values[0]) ? String(values[0]) : `[${values.join(", ")}]`;
