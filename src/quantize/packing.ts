import type { Graph } from "../ir/graph.ts";
import type { PackedParameter, Packing } from "../passes/packing.ts";
import { halves, type Half } from "../tensor/dtype.ts";
import type { QuantizedForm } from "../tensor/quantized.ts";
import { int4Form, int8Form } from "./forms.ts";
import { chooseParameters, type Choice, type KeptReason, type MatrixRole } from "./choose.ts";

/**
 * `int8`: all matrices that may be as codes; `int4`: linears in 4 bits, tables and heads in 8; `bf16`, `f16`: all that linears
 * and embeddings read, rounded to halves; `none`: all as floats of 32 bits.
 */
export type Scheme = "int8" | "int4" | Half | "none";

export const schemes: readonly Scheme[] = ["int8", "int4", "bf16", "f16", "none"];

export const isHalfScheme = (scheme: Scheme | undefined): scheme is Half =>
  halves.some((half) => half === scheme);

/** The form that a scheme gives a matrix, if it makes codes; tables and heads of 4 bits cost far more quality than they save. */
function schemeForm(scheme: Scheme | undefined, role: MatrixRole): QuantizedForm | undefined {
  if (scheme === "int4" && (role === "linear" || role === "experts")) return int4Form;
  return scheme === "int4" || scheme === "int8" ? int8Form : undefined;
}

export interface PackingOptions {
  /** What is asked for; what is stored in codes or halves stays so, if left off, and nothing else is packed. */
  readonly scheme?: Scheme | undefined;
  readonly activations?: Packing["activations"];
  /** How the parameters are kept that a checkpoint has as codes. */
  readonly stored?: ReadonlyMap<string, PackedParameter>;
  /** Those that it has as halves. */
  readonly storedHalves?: ReadonlyMap<string, Half>;
}

/** What is decided of a model's parameters. */
export interface Packed {
  readonly packing: Packing;
  /** Which are not packed, and why. */
  readonly choice: Choice;
  /** Those whose stored codes have fewer bits than are asked for: they stay so. */
  readonly finer: readonly string[];
}

/** How the parameters of a model are kept. */
export function packingOf(
  graph: Graph,
  { scheme, activations = "int8", stored = new Map(), storedHalves = new Map() }: PackingOptions,
): Packed {
  const choice = chooseParameters(graph);
  const parameters = new Map<string, PackedParameter>();
  const finer: string[] = [];
  for (const [name, { role, isTransposed }] of choice.chosen) {
    const known = stored.get(name);
    const own = known?.isTransposed === isTransposed ? known.form : undefined;
    const wanted = schemeForm(scheme, role);
    // Codes of no more bits than are asked for are never made again: that would only lose.
    const form =
      scheme === "none" ? undefined : own !== undefined && own.bits <= (wanted?.bits ?? 8) ? own : wanted;
    if (form !== undefined) parameters.set(name, { form, isTransposed });
    if (form !== undefined && form.bits < (wanted?.bits ?? 0)) finer.push(name);
  }
  const kept = halvesOf(graph, choice, { scheme, storedHalves });
  for (const name of parameters.keys()) kept.delete(name);
  return { packing: { parameters, activations, halves: kept }, choice, finer };
}

/** Why a matrix is never rounded: others than linears and embeddings read it, or it is an expert's. */
const neverRounded: readonly KeptReason[] = ["no_matrix", "other_reader", "expert_bias", "expert_rows"];

/** The parameters that are halves: those that a checkpoint has so, which loses nothing, or all matrices that a scheme rounds. */
function halvesOf(
  graph: Graph,
  { chosen, kept }: Choice,
  { scheme, storedHalves }: Required<Pick<PackingOptions, "storedHalves">> & Pick<PackingOptions, "scheme">,
): Map<string, Half> {
  if (scheme === "none") return new Map();
  const found = new Map<string, Half>();
  for (const { name, value } of graph.parameters) {
    const isRead = chosen.has(name)
      ? chosen.get(name)!.role !== "experts"
      : !neverRounded.includes(kept.get(name)!);
    const isRounded = isRead && value.type.shape.length === 2;
    const half = isHalfScheme(scheme) && isRounded ? scheme : storedHalves.get(name);
    if (half !== undefined && value.type.dtype === "f32") found.set(name, half);
  }
  return found;
}
