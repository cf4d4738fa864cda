import type { Graph } from "../ir/graph.ts";
import type { PackedParameter, Packing } from "../passes/packing.ts";
import type { QuantizedForm } from "../tensor/quantized.ts";
import { int4Form, int8Form } from "./forms.ts";
import { chooseParameters, type Choice, type MatrixRole } from "./choose.ts";

/** `int8`: all matrices that may be; `int4`: linears in 4 bits, tables and heads in 8; `none`: nothing. */
export type Scheme = "int8" | "int4" | "none";

export const schemes: readonly Scheme[] = ["int8", "int4", "none"];

/** The form that a scheme gives a matrix; tables and heads of 4 bits cost far more quality than they save. */
const schemeForm = (scheme: Exclude<Scheme, "none">, role: MatrixRole): QuantizedForm =>
  scheme === "int4" && (role === "linear" || role === "experts") ? int4Form : int8Form;

export interface PackingOptions {
  /** What is asked for; what is stored in codes stays so, if left off, and nothing else is packed. */
  readonly scheme?: Scheme | undefined;
  readonly activations?: Packing["activations"];
  /** How the parameters are kept that a checkpoint has as codes. */
  readonly stored?: ReadonlyMap<string, PackedParameter>;
}

/** How the parameters of a model are kept, and which of them are not packed, and why. */
export function packingOf(
  graph: Graph,
  { scheme, activations = "int8", stored = new Map() }: PackingOptions,
): { readonly packing: Packing; readonly choice: Choice } {
  const choice = chooseParameters(graph);
  const parameters = new Map<string, PackedParameter>();
  for (const [name, { role, isTransposed }] of choice.chosen) {
    const kept = stored.get(name);
    const own = kept?.isTransposed === isTransposed ? kept.form : undefined;
    const wanted = scheme === undefined || scheme === "none" ? undefined : schemeForm(scheme, role);
    // Codes of no more bits than are asked for are never made again: that would only lose.
    const form =
      scheme === "none" ? undefined : own !== undefined && own.bits <= (wanted?.bits ?? 8) ? own : wanted;
    if (form !== undefined) parameters.set(name, { form, isTransposed });
  }
  return { packing: { parameters, activations }, choice };
}
