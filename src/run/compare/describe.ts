import { Problem } from "../../checkpoint/problem.ts";
import { showPlace } from "../../support/source.ts";
import type { Difference, Distance, OutputDifference } from "./differences.ts";
import type { Observed } from "./observe.ts";

/** What a target computed, beside what the interpreter did. */
export interface Comparison {
  readonly target: string;
  /** The largest relative difference that counts as rounding. */
  readonly tolerance: number;
  /** Of every observed result, in the order of the steps. */
  readonly differences: readonly Difference[];
  /** Of every output of the run as it is: no step is observed there, and tensors take each other's memory. */
  readonly outputs: readonly OutputDifference[];
}

/** The first result that differs by more than rounding: what it reads agrees, so the fault is there. */
export const firstBeyond = ({ differences, tolerance }: Comparison): Difference | undefined =>
  differences.find(({ relative }) => relative > tolerance);

/** `add + layer_norm of h.0.ln_1 (gpt2.lmg:9:5)` */
export function showObserved({ node, result }: Observed): string {
  const { fused, label, spans } = node.origin;
  const words = fused.length > 0 ? fused.join(" + ") : node.op;
  const span = spans.at(-1);
  const which = node.results.length > 1 ? `, result ${result + 1}` : "";
  return `${words}${label === "" ? "" : ` of ${label}`}${which}${span === undefined ? "" : ` (${showPlace(span)})`}`;
}

export const showRelative = (relative: number): string => (relative === 0 ? "0" : relative.toExponential(1));

/** A comparison as plain data. */
export const describeComparison = (comparison: Comparison): object => ({
  target: comparison.target,
  tolerance: comparison.tolerance,
  steps: comparison.differences.map(({ observed, ...distance }) => ({
    op: observed.node.op,
    label: observed.node.origin.label,
    result: observed.result,
    step: showObserved(observed),
    ...describeDistance(distance),
  })),
  /** Of the run as it is, in which no step is observed. */
  outputs: comparison.outputs.map(({ output, ...distance }) => ({ output, ...describeDistance(distance) })),
});

const describeDistance = ({ relative, index, expected, found }: Distance): object => ({
  // JSON has no infinity.
  relative: Number.isFinite(relative) ? relative : null,
  index,
  expected,
  found,
});

/**
 * One mistake a target that differs: the first step, and by how much; or the output that is wrong where no step is
 * observed, though each step is right where all are.
 */
export const differencesBeyond = (comparisons: readonly Comparison[]): readonly Problem[] =>
  comparisons.flatMap((comparison) => {
    const { target, tolerance } = comparison;
    const first = firstBeyond(comparison);
    if (first !== undefined) {
      const place = `first in ${showObserved(first.observed)}`;
      return [
        new Problem("E840", `${target} differs from the interpreter, ${place}: it ${showDistance(first)}`),
      ];
    }
    const output = comparison.outputs.find(({ relative }) => relative > tolerance);
    if (output === undefined) return [];
    const message =
      `${target} differs from the interpreter in the output ${output.output}, which ${showDistance(output)}, ` +
      "though every step agrees where all are observed";
    return [
      new Problem(
        "E840",
        message,
        "tensors lie over each other in memory, which is a bug in lmg: please report it",
      ),
    ];
  });

function showDistance({ index, expected, found, relative }: Distance): string {
  if (index < 0) return `has ${found} elements instead of ${expected}`;
  return `has ${found} instead of ${expected} at element ${index}, ${showRelative(relative)} of the largest element`;
}
