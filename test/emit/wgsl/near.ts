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
