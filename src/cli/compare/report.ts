import { firstBeyond, showObserved, showRelative, type Comparison } from "../../run/compare/describe.ts";
import type { Distance } from "../../run/compare/differences.ts";
import { showTable } from "../table.ts";

const worstOf = <D extends Distance>(distances: readonly D[]): D =>
  distances.reduce((a, b) => (b.relative > a.relative ? b : a));

/** A line a target: the largest difference and where, the first that is more than rounding, and the run as it is. */
export function showSummary(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map((comparison) => {
    const worst = worstOf(comparison.differences);
    const first = firstBeyond(comparison);
    return [
      comparison.target,
      showRelative(worst.relative),
      worst.relative === 0 ? "" : showObserved(worst.observed),
      first === undefined ? `none above ${comparison.tolerance}` : showObserved(first.observed),
      showRelative(worstOf(comparison.outputs).relative),
    ];
  });
  return showTable(["target", "largest", "at", "first that differs", "outputs, unobserved"], rows, [1, 4]);
}

/** A line a result, then one an output of the run as it is; a column a target. */
export function showEveryStep(comparisons: readonly Comparison[]): string {
  const rows = comparisons[0]!.differences.map(({ observed }, index) => [
    showObserved(observed),
    ...comparisons.map(({ differences }) => showRelative(differences[index]!.relative)),
  ]);
  comparisons[0]!.outputs.forEach(({ output }, index) =>
    rows.push([
      `output ${output}, no step observed`,
      ...comparisons.map(({ outputs }) => showRelative(outputs[index]!.relative)),
    ]),
  );
  const columns = comparisons.map(({ target }) => target);
  return showTable(
    ["step", ...columns],
    rows,
    columns.map((_, index) => index + 1),
  );
}
