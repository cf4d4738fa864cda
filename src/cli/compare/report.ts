import { Problem } from "../../checkpoint/problem.ts";
import { showPlace } from "../../support/source.ts";
import { showTable } from "../table.ts";
import type { Difference } from "./differences.ts";
import type { Observed } from "./observe.ts";

/** What a target computed, beside what the interpreter did. */
export interface Comparison {
  readonly target: string;
  /** The largest relative difference that counts as rounding. */
  readonly tolerance: number;
  /** Of every observed result, in the order of the steps. */
  readonly differences: readonly Difference[];
}

/** The first result that differs by more than rounding: what it reads agrees, so the fault is there. */
const firstBeyond = ({ differences, tolerance }: Comparison): Difference | undefined =>
  differences.find(({ relative }) => relative > tolerance);

/** `add + layer_norm of h.0.ln_1 (gpt2.lmg:9:5)` */
export function showObserved({ node, result }: Observed): string {
  const { fused, label, spans } = node.origin;
  const words = fused.length > 0 ? fused.join(" + ") : node.op;
  const span = spans.at(-1);
  const which = node.results.length > 1 ? `, result ${result + 1}` : "";
  return `${words}${label === "" ? "" : ` of ${label}`}${which}${span === undefined ? "" : ` (${showPlace(span)})`}`;
}

const showRelative = (relative: number): string => (relative === 0 ? "0" : relative.toExponential(1));

/** A line a target: the largest difference and where, and the first that is more than rounding. */
export function showSummary(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map((comparison) => {
    const worst = comparison.differences.reduce((a, b) => (b.relative > a.relative ? b : a));
    const first = firstBeyond(comparison);
    return [
      comparison.target,
      showRelative(worst.relative),
      worst.relative === 0 ? "" : showObserved(worst.observed),
      first === undefined ? `none above ${comparison.tolerance}` : showObserved(first.observed),
    ];
  });
  return showTable(["target", "largest", "at", "first that differs"], rows, [1]);
}

/** A line a result, a column a target. */
export function showEveryStep(comparisons: readonly Comparison[]): string {
  const rows = comparisons[0]!.differences.map(({ observed }, index) => [
    showObserved(observed),
    ...comparisons.map(({ differences }) => showRelative(differences[index]!.relative)),
  ]);
  const columns = comparisons.map(({ target }) => target);
  return showTable(
    ["step", ...columns],
    rows,
    columns.map((_, index) => index + 1),
  );
}

export const describeComparison = (comparison: Comparison): object => ({
  target: comparison.target,
  tolerance: comparison.tolerance,
  steps: comparison.differences.map(({ observed, relative, index, expected, found }) => ({
    op: observed.node.op,
    label: observed.node.origin.label,
    result: observed.result,
    step: showObserved(observed),
    // JSON has no infinity.
    relative: Number.isFinite(relative) ? relative : null,
    index,
    expected,
    found,
  })),
});

/** One mistake a target that differs: the first step, and by how much. */
export const differencesBeyond = (comparisons: readonly Comparison[]): readonly Problem[] =>
  comparisons.flatMap((comparison) => {
    const first = firstBeyond(comparison);
    if (first === undefined) return [];
    const { index, expected, found, relative, observed } = first;
    const what =
      index < 0
        ? `has ${found} elements instead of ${expected}`
        : `has ${found} instead of ${expected} at element ${index}, ${showRelative(relative)} of the largest element`;
    const message = `${comparison.target} differs from the interpreter, first in ${showObserved(observed)}: it ${what}`;
    return [new Problem("E840", message)];
  });
