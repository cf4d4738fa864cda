import type { Half } from "../tensor/dtype.ts";
import type { QuantizedForm } from "../tensor/quantized.ts";

/** How a parameter is kept: as codes of that form, of the matrix as it is read or of the transposed one. */
export interface PackedParameter {
  readonly form: QuantizedForm;
  /** The parameter is [K, N], and its codes are those of [N, K]. */
  readonly isTransposed: boolean;
}

/** How the parameters of a model are kept that are not kept as floats of 32 bits. */
export interface Packing {
  /** Those that are codes, by name. */
  readonly parameters: ReadonlyMap<string, PackedParameter>;
  /** How products of codes read their activations where a target can. */
  readonly activations: "int8" | "f32";
  /** Those whose elements are halves, which targets that have no halves widen. */
  readonly halves: ReadonlyMap<string, Half>;
}

export const noPacking: Packing = { parameters: new Map(), activations: "f32", halves: new Map() };

/** What a packed parameter becomes: parameters of these names, the last where its form has minimums. */
export const packedNames = (name: string): Readonly<Record<"codes" | "scales" | "minimums", string>> => ({
  codes: `${name}_packed`,
  scales: `${name}_scale`,
  minimums: `${name}_minimum`,
});
