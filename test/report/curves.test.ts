import { expect, test } from "vitest";
import { smooth, thin } from "../../src/report/curves.ts";
import { showPoint, showSize } from "../../src/report/sizes.ts";

const curve = (values: readonly number[]) => values.map((y, x) => ({ x, y }));

test("a smoothed constant is that constant from its first value on, and NaN stays where it is", () => {
  const values = smooth(curve([2, 2, NaN, 2]), 3).map(({ y }) => y);
  expect(values.map((y) => Number(y.toFixed(12)))).toEqual([2, 2, NaN, 2]);
});

test("a smoothed curve is the mean with weights that fall by e over the memory", () => {
  const [a, b, c] = [1, 4, -2];
  const keep = Math.exp(-1 / 2);
  const mean = (keep ** 2 * a + keep * b + c) / (keep ** 2 + keep + 1);
  expect(smooth(curve([a, b, c]), 2).at(-1)!.y).toBeCloseTo(mean, 12);
});

test("a thinned curve keeps its highest, its lowest and its broken points in order", () => {
  const points = curve(Array.from({ length: 10_000 }, (_, x) => Math.sin(x / 700)));
  points[1234] = { x: 1234, y: 50 };
  points[4321] = { x: 4321, y: -50 };
  points[7777] = { x: 7777, y: NaN };
  const kept = thin(points, 100);
  expect(kept.length).toBeLessThanOrEqual(110);
  for (const x of [1234, 4321, 7777]) expect(kept).toContain(points[x]);
  expect(kept.map(({ x }) => x)).toEqual(kept.map(({ x }) => x).toSorted((a, b) => a - b));
  expect(thin(points.slice(0, 100), 100)).toEqual(points.slice(0, 100));
});

test("sizes are written with three digits, a point that a line has not as a dash", () => {
  expect([undefined, 0, NaN, Infinity, 1.4567, 0.0677, 12_345, 1e-9].map(showSize)).toEqual([
    "",
    "0",
    "NaN",
    "Infinity",
    "1.46",
    "0.0677",
    "1.23e+4",
    "1.00e-9",
  ]);
  expect([0.0123456, "branch" as const].map(showPoint)).toEqual(["0.0123", "–"]);
});
