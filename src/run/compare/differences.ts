import type { HostTensor } from "../../tensor/host.ts";
import type { Observed } from "./observe.ts";

/** How far a tensor of a target is from the interpreter's. */
export interface Distance {
  /** The largest difference over the largest finite expected element; infinite for another shape, NaN or infinity. */
  readonly relative: number;
  /** Where that is, row-major, and what stands there; -1 for another number of elements. */
  readonly index: number;
  readonly expected: number;
  readonly found: number;
}

/** That of a step's result. */
export interface Difference extends Distance {
  readonly observed: Observed;
}

/** That of an output. */
export interface OutputDifference extends Distance {
  readonly output: string;
}

type Outputs = ReadonlyMap<string, HostTensor>;

/** The difference of every observed result, in the order of the steps. */
export const differencesOf = (
  observed: readonly Observed[],
  expected: Outputs,
  found: Outputs,
): readonly Difference[] =>
  observed.map((each) => ({
    observed: each,
    ...distanceOf(expected.get(each.output)!, found.get(each.output)!),
  }));

/** The difference of every output that both have: of a model with every step observed and as it is, or of two models. */
export const outputDifferencesOf = (expected: Outputs, found: Outputs): readonly OutputDifference[] =>
  [...found].flatMap(([output, tensor]) => {
    const other = expected.get(output);
    return other === undefined ? [] : [{ output, ...distanceOf(other, tensor) }];
  });

function distanceOf(expected: HostTensor, found: HostTensor): Distance {
  const [a, b] = [expected.data, found.data];
  if (a.length !== b.length) return { relative: Infinity, index: -1, expected: a.length, found: b.length };
  let largest = 0;
  for (const value of a) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  let [worst, index] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const difference = between(a[i]!, b[i]!);
    if (difference > worst) [worst, index] = [difference, i];
  }
  const relative = worst === 0 ? 0 : worst / (largest === 0 ? 1 : largest);
  return { relative, index, expected: a[index] ?? 0, found: b[index] ?? 0 };
}

/** NaN equals NaN, and an infinity itself. */
function between(a: number, b: number): number {
  if (Object.is(a, b)) return 0;
  return Number.isFinite(a) && Number.isFinite(b) ? Math.abs(a - b) : Infinity;
}
