import fc from "fast-check";
import { expect, test } from "vitest";
import { logDomain, logTicks, tickText } from "../../src/report/ticks.ts";

test("a short log axis is marked at 1, 2 and 5, a long one at powers of ten", () => {
  expect(logTicks(0.5, 20)).toEqual([0.5, 1, 2, 5, 10, 20]);
  expect(logTicks(0.01, 10)).toEqual([0.01, 0.1, 1, 10]);
  expect(logTicks(1e-18, 1)).toEqual([1e-18, 1e-15, 1e-12, 1e-9, 1e-6, 1e-3, 1]);
});

test("a log axis ends at the marks around its values, also where there is only one", () => {
  expect(logDomain(0.63, 17)).toEqual([0.5, 20]);
  expect(logDomain(0.0021, 3)).toEqual([0.001, 10]);
  expect(logDomain(1, 1)).toEqual([0.5, 2]);
  expect(logDomain(100, 100)).toEqual([50, 200]);
  expect(logDomain(3, 3)).toEqual([2, 5]);
});

test("whatever its values are, a log axis has at least two marks and holds them", () => {
  const size = fc.double({ min: -30, max: 30, noNaN: true }).map((power) => 10 ** power);
  fc.assert(
    fc.property(size, size, (a, b) => {
      const [low, high] = logDomain(Math.min(a, b), Math.max(a, b));
      expect(low).toBeLessThanOrEqual(Math.min(a, b));
      expect(high).toBeGreaterThanOrEqual(Math.max(a, b));
      const ticks = logTicks(low, high);
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(ticks.length).toBeLessThanOrEqual(8);
    }),
  );
});

test("marks are written short", () => {
  expect([0, 0.001, 5, 200, 30_000, 1e-9, 2e7, -0.5].map(tickText)).toEqual([
    "0",
    "0.001",
    "5",
    "200",
    "30k",
    "1e-9",
    "2e7",
    "-0.5",
  ]);
});
