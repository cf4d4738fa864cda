import { describe, expect, test } from "vitest";
import { InternalError } from "../../src/support/invariant.ts";
import { planOf, resultHomes, stepOps } from "./graphs.ts";

describe("ops that move no element become views", () => {
  test("merged queries, keys and values are read where they lie: no copy", () => {
    const plan = planOf(`
      dim B
      dim T
      input %x: f32[B, T, 12]
      parameter %w: f32[36, 12] = normal(0, 1) "qkv.weight"
      %qkv: f32[B, T, 36] = linear(x: %x, weight: %w)
      %q: f32[B, T, 12] = slice(x: %qkv, axis: 2, start: 0, size: 12)
      %k: f32[B, T, 12] = slice(x: %qkv, axis: 2, start: 12, size: 12)
      %v: f32[B, T, 12] = slice(x: %qkv, axis: 2, start: 24, size: 12)
      %q4: f32[B, T, 3, 4] = reshape(x: %q, shape: [B, T, 3, 4])
      %k4: f32[B, T, 3, 4] = reshape(x: %k, shape: [B, T, 3, 4])
      %v4: f32[B, T, 3, 4] = reshape(x: %v, shape: [B, T, 3, 4])
      %o: f32[B, T, 3, 4] = attend(q: %q4, k: %k4, v: %v4, scale: 0.5, layout: heads_last)
      output o = %o`);
    expect(stepOps(plan)).toEqual(["linear_epilogue", "attend"]);
    const { operands } = plan.steps[1]! as Extract<(typeof plan.steps)[number], { op: "attend" }>;
    expect(operands.k.offset.key).toBe("12");
    expect(operands.k.strides.map(({ key }) => key)).toEqual(["36*T", "36", "4", "1"]);
  });

  test("heads that are moved first are strides too", () => {
    const plan = planOf(`
      input %x: f32[2, 5, 3, 4]
      %h: f32[2, 3, 5, 4] = permute(x: %x, axes: [0, 2, 1, 3])
      %o: f32[2, 3, 5, 4] = attend(q: %h, k: %h, v: %h, scale: 0.5)
      output o = %o`);
    expect(stepOps(plan)).toEqual(["attend"]);
  });

  test("a reshape that strides cannot say is a copy first, made once for both readers", () => {
    const plan = planOf(`
      input %x: f32[4, 6]
      %t: f32[6, 4] = permute(x: %x, axes: [1, 0])
      %r: f32[24] = reshape(x: %t, shape: [24])
      %a: f32[24] = exp(%r)
      %s: f32[2, 12] = reshape(x: %t, shape: [2, 12])
      %b: f32[2, 12] = exp(%s)
      output a = %a
      output b = %b`);
    expect(stepOps(plan)).toEqual(["copy", "elementwise", "elementwise"]);
  });

  test("a kernel that needs rows gets a copy of columns", () => {
    const plan = planOf(`
      input %x: f32[4, 6]
      %t: f32[6, 4] = permute(x: %x, axes: [1, 0])
      %n: f32[6, 4] = layer_norm(x: %t, eps: 1e-5)
      output n = %n`);
    expect(stepOps(plan)).toEqual(["copy", "layer_norm"]);
  });

  test("a cast between dtypes of one word is the same memory, one that rounds is a step", () => {
    const plan = planOf(`
      input %x: f32[3]
      %wide: f64[3] = cast(x: %x, dtype: f64)
      %narrow: bf16[3] = cast(x: %wide, dtype: bf16)
      output y = %narrow`);
    expect(stepOps(plan)).toEqual(["cast"]);
  });
});

describe("what is known at load", () => {
  test("nodes of parameters and constants only run once, before the first run", () => {
    const plan = planOf(`
      dim B
      input %x: f32[B, 2]
      parameter %a: f32[3, 2] = normal(0, 1) "a"
      parameter %b: f32[1, 2] = normal(0, 1) "b"
      %w: f32[4, 2] = concat(values: [%a, %b], axis: 0)
      %y: f32[B, 4] = linear(x: %x, weight: %w)
      output y = %y`);
    expect(plan.prepare.map(({ op }) => op)).toEqual(["copy", "copy"]);
    expect(stepOps(plan)).toEqual(["linear_epilogue"]);
  });

  test("a size that the run brings keeps a node in the run", () => {
    const plan = planOf(`
      dim T
      input %x: i32[T]
      %i: i32[T] = iota(size: T)
      %y: i32[T] = add(%x, %i)
      output y = %y`);
    expect(plan.prepare).toEqual([]);
    expect(stepOps(plan)).toEqual(["iota", "elementwise"]);
  });

  test("a full tensor is one number, whatever its shape", () => {
    const plan = planOf(`
      dim B
      input %x: f32[B, 1000]
      %c: f32[1000] = full(dtype: f32, shape: [1000], value: 2)
      %y: f32[B, 1000] = mul(%x, %c)
      output y = %y`);
    const constants = plan.buffers.filter(({ home }) => home.kind === "constant");
    expect(constants.map(({ elements }) => elements.key)).toEqual(["1"]);
  });

  test("a parameter that no step reads has no memory and stays in the list that checkpoints are matched with", () => {
    const plan = planOf(`
      input %x: f32[3]
      parameter %unused: f32[9] = constant(0) "unused"
      %y: f32[3] = exp(%x)
      output y = %y`);
    expect(plan.parameters).toEqual([{ name: "unused", dtype: "f32", shape: [9], buffer: undefined }]);
  });
});

describe("outputs", () => {
  test("a result that is returned is written where the caller gets it", () => {
    const plan = planOf(`
      input %x: f32[3]
      %y: f32[3] = exp(%x)
      %z: f32[3] = exp(%y)
      output y = %y
      output z = %z`);
    expect(resultHomes(plan)).toEqual(["output", "output"]);
  });

  test.each([
    ["an input", "output y = %x"],
    ["a parameter", "output y = %p"],
    ["a value that is returned already", "%e: f32[3] = exp(%x)\n output first = %e\n output y = %e"],
    [
      "a part of a value",
      "%e: f32[3] = exp(%x)\n %s: f32[2] = slice(x: %e, axis: 0, start: 1, size: 2)\n output y = %s",
    ],
  ])("%s is copied", (_, rest) => {
    const plan = planOf(`
      input %x: f32[3]
      parameter %p: f32[3] = constant(1) "p"
      ${rest}`);
    expect(stepOps(plan).at(-1)).toBe("copy");
  });
});

test("a graph with a residual edge left is refused as our own mistake", () => {
  expect(() =>
    planOf(`
      edge 0 "edge 0" from "stream" { branch "f" }
      input %x: f32[3]
      %y: f32[3] = residual(source: %x, branches: [%x], edge: 0)
      output y = %y`),
  ).toThrow(new InternalError("a plan cannot hold `residual`"));
});
