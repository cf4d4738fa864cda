import type { Position } from "../../ir/graph.ts";
import type { MeasuredEdge } from "./measure.ts";

/**
 * What an edge computes at initialization: `y = N(2.63 x + f(N(x)))`, a gain that is a tensor by its size; `g` is what multiplies a norm,
 * which often differs from edge to edge.
 */
export function formOf({ edge, skipGain, branchGain }: MeasuredEdge): string {
  const source = edge.source === "stream" ? "x" : "s";
  const normed = (inside: string, position: Position): string => {
    const norm = edge.norms.find((each) => each.position === position);
    return norm === undefined ? inside : `${norm.gain === undefined ? "" : "g "}N(${inside})`;
  };
  const branch = normed(`f(${normed("x", "pre")})`, "out");
  const terms = [gained(source, skipGain, edge.skip?.kind), gained(branch, branchGain, edge.branch?.kind)];
  const sum = terms.filter((term) => term !== "").join(" + ");
  return `y = ${normed(sum === "" ? "0" : sum, "post")}`;
}

/** A term with its gain; what a number takes away is left out, what can be learned stays. */
function gained(term: string, gain: number, kind: "number" | "tensor" | "layer" | undefined): string {
  if (gain === 1 && kind === undefined) return term;
  if (gain === 0 && (kind === undefined || kind === "number")) return "";
  return `${Number(gain.toPrecision(3))} ${term}`;
}

/** The form that most edges have; the later one of equally many. */
export function usualForm(forms: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const form of forms) counts.set(form, (counts.get(form) ?? 0) + 1);
  return [...counts].reduce((best, entry) => (entry[1] >= best[1] ? entry : best))[0];
}
