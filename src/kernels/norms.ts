import type { RowNormKind } from "../ops/evaluate/norm.ts";
import type { AttributesOf } from "../ops/table.ts";
import type { View } from "./view.ts";

/** A norm of each row, whichever op it is. */
export interface RowNorm {
  readonly kind: RowNormKind;
  readonly eps: number;
  readonly weight?: View | undefined;
  readonly bias?: View | undefined;
  readonly unitOffset?: boolean;
  readonly cast?: "before" | "after";
}

export const rowNormName = ({ kind, weight, bias, unitOffset }: RowNorm): string =>
  [
    `${kind}_norm`,
    ...(weight === undefined ? [] : [unitOffset === true ? "unit_weight" : "weight"]),
    ...(bias === undefined ? [] : ["bias"]),
  ].join("_");

const formulas = {
  layer: "(x - mean) / √(variance + e)",
  rms: "x / √(mean of x² + e)",
  l2: "x / max(√Σx², e)",
} as const satisfies Record<RowNormKind, string>;

export function rowNormFormula({ kind, weight, bias, unitOffset }: RowNorm): string {
  const factor = weight === undefined ? "" : unitOffset === true ? " · (1 + weight)" : " · weight";
  return `${formulas[kind]}${factor}${bias === undefined ? "" : " + bias"}`;
}

type AddNorm = AttributesOf<"add_norm">;

/** The results of the norms, and the sum if it is a result: alone where there is no norm. */
export const addNormResults = (
  results: readonly View[],
  { norm, affines, keep_sum: keepsSum }: AddNorm,
): { readonly outs: readonly View[]; readonly sum: View | undefined } => ({
  outs: norm === "none" ? [] : results.slice(0, affines.length),
  sum: keepsSum || norm === "none" ? results.at(-1) : undefined,
});

/** Weight and bias of each norm of the sum, taken from the lists in order. */
export function addNormAffines(
  operands: { readonly weights: readonly View[]; readonly biases: readonly View[] },
  { affines }: AddNorm,
): readonly { readonly weight: View | undefined; readonly bias: View | undefined }[] {
  const [weights, biases] = [operands.weights.values(), operands.biases.values()];
  return affines.map((affine) => ({
    weight: affine.startsWith("weight") ? weights.next().value : undefined,
    bias: affine.endsWith("bias") ? biases.next().value : undefined,
  }));
}

export const addNormName = (
  branches: number,
  { inner, norm, affines, keep_sum: keepsSum }: AddNorm,
): string =>
  [
    "add",
    ...(branches === 1 ? [] : [String(branches)]),
    ...(inner === "none" ? [] : [inner]),
    ...(norm === "none" ? ["join"] : affines.map(() => `${norm}_norm`)),
    ...(keepsSum && norm !== "none" ? ["keep"] : []),
  ].join("_");

/** What the kernel is for; `eps` as the target writes it. */
export function addNormDoc({ inner, norm, keep_sum: keepsSum }: AddNorm, eps: string): string {
  const own = inner === "none" ? "" : `, the branch under its own ${inner} norm`;
  if (norm === "none") return `The join of a residual edge${own}.`;
  const kept = keepsSum ? "; the sum is a result too" : "";
  return `The join of a residual edge${own} and the ${norm} norm of the sum, e = ${eps}${kept}.`;
}
