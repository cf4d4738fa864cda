import { expect, test } from "vitest";
import { bytesOf, elementBytes, elementsIn } from "../../src/kernels/storage.ts";
import { portableTarget, type Target } from "../../src/kernels/target.ts";
import { planGraph } from "../../src/plan/build.ts";
import { layoutOf } from "../../src/plan/layout.ts";
import { planStats } from "../../src/plan/stats.ts";
import { dim, symbolDim } from "../../src/tensor/dim.ts";
import { graphOf } from "./graphs.ts";

const T = symbolDim("T");

test.each([
  ["f64", "56", "8*T", 8],
  ["f32", "28", "4*T", 4],
  ["i32", "28", "4*T", 4],
  ["f16", "14", "2*T", 2],
  ["bf16", "14", "2*T", 2],
  ["i8", "7", "T", 1],
  ["i4", "4", "div(T + 1, 2)", 0.5],
] as const)("%s takes %s bytes for 7 elements, %s for T", (storage, seven, many, each) => {
  expect(bytesOf(storage, dim(7)).key).toBe(seven);
  expect(bytesOf(storage, T).key).toBe(many);
  expect(elementBytes(storage)).toBe(each);
  if (each >= 1) expect(elementsIn(storage, bytesOf(storage, T)).key).toBe("T");
});

test("a target says how each buffer is stored, and what a plan takes follows", () => {
  const plan = planGraph(
    graphOf(`
      dim T
      input %x: f32[T, 6]
      input %m: i32[T]
      parameter %w: f32[5, 6] = constant(1) "w"
      %y: f32[T, 5] = linear(x: %x, weight: %w)
      %n: i32[T] = neg(%m)
      output y = %y
      output n = %n`),
  );
  const small: Target = {
    ...portableTarget,
    storageOf: ({ dtype, home }) => (home === "parameter" ? "i4" : dtype === "i32" ? "i32" : "f16"),
  };
  const layout = layoutOf(plan, small);
  expect(plan.buffers.map(({ name }, buffer) => `${name} ${layout.storage(buffer)}`)).toEqual([
    "x f16",
    "m i32",
    "w i4",
    "y f16",
    "n i32",
  ]);
  const { weightBytes, arenaBytes, outputBytes } = planStats(plan, new Map([["T", 3]]), layout);
  expect({ weightBytes, arenaBytes, outputBytes }).toEqual({
    weightBytes: 15,
    arenaBytes: 2 * 18 + 4 * 3,
    outputBytes: 2 * 15 + 4 * 3,
  });
});
