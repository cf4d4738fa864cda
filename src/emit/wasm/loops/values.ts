import type { I32, V128 } from "../assembler/code.ts";
import { f32, f64, i32 } from "../assembler/numbers.ts";
import { f32x4, f64x2, i32x4 } from "../assembler/simd.ts";
import { demoted, promoted, promotedWholes, type Doubles } from "../functions/doubles.ts";
import { asFloats, asWholes, floats, literal, type Lanes } from "../functions/lanes.ts";
import type { Wide } from "../functions/wide.ts";
import type { Pen } from "./pen.ts";

/** A whole number that is the same for all lanes. */
export interface Lone {
  readonly kind: "lone";
  readonly value: I32;
}

/** float64. */
export interface Double extends Doubles {
  readonly kind: "double";
}

/** What an expression becomes. Lanes of one vector, where others have several, are the same for all of these. */
export type Value = Lanes | Lone | Double;

export const lone = (value: I32): Lone => ({ kind: "lone", value });

/** As many vectors as there are side by side. */
const widened = (wide: Wide, units: number): Wide =>
  wide.length === units ? wide : new Array<V128>(units).fill(wide[0]!);

/** float32, or whole numbers as they are. */
export function lanesOf(value: Value, pen: Pen): Lanes {
  const { units } = pen;
  switch (value.kind) {
    case "lone":
      return value.value.known === undefined
        ? { kind: "whole", vectors: widened([pen.keep(i32x4.splat(value.value))], units) }
        : literal(value.value.known, pen, units);
    case "double":
      return floats(widened(demoted(value, pen), units));
    default:
      return value.vectors.length === units
        ? value
        : { kind: value.kind, vectors: widened([pen.keep(value.vectors[0]!)], units) };
  }
}

export function doubleOf(value: Value, pen: Pen): Double {
  const { units } = pen;
  if (value.kind === "double")
    return { kind: "double", low: widened(value.low, units), high: widened(value.high, units) };
  if (value.kind === "lone") {
    const { known } = value.value;
    const splat =
      known === undefined
        ? pen.keep(f64x2.splat(f64.convert_i32_s(value.value)))
        : pen.constants.splatDouble(known);
    return { kind: "double", low: widened([splat], units), high: widened([splat], units) };
  }
  if (value.known !== undefined) {
    const splat = widened([pen.constants.splatDouble(value.known)], units);
    return { kind: "double", low: splat, high: splat };
  }
  const { low, high } =
    value.kind === "float" ? promoted(value.vectors, pen) : promotedWholes(asWholes(value, pen), pen);
  return { kind: "double", low: widened(low, units), high: widened(high, units) };
}

/** A whole number outside of lanes. */
export function wordOfValue(value: Value, pen: Pen): I32 {
  if (value.kind === "lone") return value.value;
  const lanes = lanesOf(value, pen);
  if (lanes.known !== undefined) return i32.const(Math.trunc(lanes.known));
  return lanes.kind === "float"
    ? i32.trunc_sat_f32_s(f32x4.extract_lane(lanes.vectors[0]!, 0))
    : i32x4.extract_lane(asWholes(lanes, pen)[0]!, 0);
}

/** Floats of as many vectors as there are side by side. */
export const floatsOf = (value: Value, pen: Pen): Wide =>
  value.kind === "lone" && value.value.known === undefined
    ? widened([pen.keep(f32x4.splat(f32.convert_i32_s(value.value)))], pen.units)
    : asFloats(lanesOf(value, pen), pen);

/** In variables. */
export function keptValue(value: Value, pen: Pen): Value {
  const keep = (wide: Wide): Wide => wide.map((vector) => (vector.isAtHand ? vector : pen.keep(vector)));
  switch (value.kind) {
    case "lone":
      return lone(pen.keep(value.value));
    case "double":
      return { kind: "double", low: keep(value.low), high: keep(value.high) };
    default:
      return {
        kind: value.kind,
        vectors: keep(value.vectors),
        ...(value.known !== undefined && { known: value.known }),
      };
  }
}
