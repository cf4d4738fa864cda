import { expect } from "vitest";
import type { Tensors } from "./sessions.ts";

/** Rounding of f32 through two products and a softmax. */
const TOLERANCE = 2e-6;

/** The same tensors: NaN where NaN is expected, everything else by rounding. */
export function expectNear(found: Tensors, expected: Tensors): void {
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  for (const [name, { data, shape }] of Object.entries(expected)) {
    expect(found[name]!.shape).toEqual(shape);
    for (let i = 0; i < data.length; i++)
      if (Number.isNaN(data[i]!)) expect(found[name]!.data[i], `${name} ${i}`).toBeNaN();
      else expect(Math.abs(found[name]!.data[i]! - data[i]!), `${name} ${i}`).toBeLessThan(TOLERANCE);
  }
}
