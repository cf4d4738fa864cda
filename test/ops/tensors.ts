import { expect } from "vitest";
import { hostTensor, type HostTensor } from "../../src/tensor/host.ts";

export const f32 = (shape: readonly number[], values: ArrayLike<number>): HostTensor =>
  hostTensor("f32", shape, values);
export const i32 = (shape: readonly number[], values: ArrayLike<number>): HostTensor =>
  hostTensor("i32", shape, values);
export const bool = (shape: readonly number[], values: ArrayLike<number>): HostTensor =>
  hostTensor("bool", shape, values);

/** start, start + step, …: elements that are easy to follow on paper. */
export const counting = (shape: readonly number[], start = 0, step = 1): HostTensor =>
  f32(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => start + i * step),
  );

/** Every element within `tolerance · max(1, |expected|)`, NaN only where NaN is expected; an empty tensor fails. */
export function expectClose(actual: HostTensor, expected: HostTensor, tolerance: number): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.dtype).toBe(expected.dtype);
  expect(expected.data.length).toBeGreaterThan(0);
  expect(actual.data.length).toBe(expected.data.length);
  for (let i = 0; i < expected.data.length; i++) {
    const [found, wanted] = [actual.data[i]!, expected.data[i]!];
    const same = Object.is(found, wanted) || found === wanted;
    const near = Math.abs(found - wanted) <= tolerance * Math.max(1, Math.abs(wanted));
    if (!same && !near) expect.fail(`element ${i} is ${found}, expected ${wanted} within ${tolerance}`);
  }
}
