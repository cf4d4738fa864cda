import type { QuantizedForm } from "../tensor/quantized.ts";

/** How a parameter is kept: as codes of that form, of the matrix as it is read or of the transposed one. */
export interface PackedParameter {
  readonly form: QuantizedForm;
  /** The parameter is [K, N], and its codes are those of [N, K]. */
  readonly isTransposed: boolean;
}

/** The parameters that are kept as codes, by name, and how products of them read their activations where a target can. */
export interface Packing {
  readonly parameters: ReadonlyMap<string, PackedParameter>;
  readonly activations: "int8" | "f32";
}

export const noPacking: Packing = { parameters: new Map(), activations: "f32" };

/** What a packed parameter becomes: parameters of these names, the last where its form has minimums. */
export const packedNames = (name: string): Readonly<Record<"codes" | "scales" | "minimums", string>> => ({
  codes: `${name}_packed`,
  scales: `${name}_scale`,
  minimums: `${name}_minimum`,
});
