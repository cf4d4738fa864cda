import { expect } from "vitest";
import type { HostTensor } from "../../../src/tensor/host.ts";

interface Tensor {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

/** Every element within `tolerance · max(1, |expected|)`; NaN only where NaN is expected; an empty tensor fails. */
export function expectNear(found: Tensor, expected: HostTensor, tolerance: number): void {
  expect(found.shape).toEqual(expected.shape);
  expect(expected.data.length).toBeGreaterThan(0);
  expect(found.data.length).toBe(expected.data.length);
  for (let i = 0; i < expected.data.length; i++) {
    const [is, wanted] = [found.data[i]!, expected.data[i]!];
    const same = Object.is(is, wanted) || is === wanted;
    if (!same && !(Math.abs(is - wanted) <= tolerance * Math.max(1, Math.abs(wanted))))
      expect.fail(`element ${i} is ${is}, expected ${wanted} within ${tolerance}`);
  }
}

/** The largest difference, relative to the largest expected element; infinite for NaN and for lists of other lengths. */
export function largest(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length || expected.length === 0) return Infinity;
  let [worst, scale] = [0, 1];
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(found[i]! - expected[i]!);
    worst = Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return worst / scale;
}
