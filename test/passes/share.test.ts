import { describe, expect, test } from "vitest";
import { deadCode } from "../../src/passes/dead-code.ts";
import { shareNodes } from "../../src/passes/share.ts";
import { irAfter } from "./helpers.ts";

describe("common subexpressions", () => {
  const after = (body: string, annotations = false): string => irAfter([shareNodes], body, annotations);

  test("are computed once, and what reads the copies becomes equal too", () => {
    expect(
      after(`
        %p = tanh(%x)
        %q = tanh(%x)
        %r = mul(%p, %f)
        %s = mul(%f, %q)
        output r = %r
        output s = %s`),
    ).toMatchInlineSnapshot(`
      "%p: f32[B, T, 4] = tanh(%x)
      %r: f32[B, T, 4] = mul(%p, %f)
      output r = %r
      output s = %r"
    `);
  });

  test("remember the edges of all copies", () => {
    expect(
      after(
        `
        edge 0 "edge 0" from "stream" { pre layernorm "ln"; branch "f" }
        edge 1 "edge 1" from "stream" { pre layernorm "ln"; branch "g" }
        %n = layer_norm(x: %x, eps: 0.00001) edges 0.pre
        %m = layer_norm(x: %x, eps: 0.00001) edges 1.pre
        output n = %n
        output m = %m`,
        true,
      ),
    ).toMatchInlineSnapshot(`
      "%n: f32[B, T, 4] = layer_norm(x: %x, eps: 1e-5) edges 0.pre 1.pre
      output n = %n
      output m = %n"
    `);
  });

  test.each([
    ["operands that may not change places", "sub(%x, %f)", "sub(%f, %x)"],
    ["another attribute", "layer_norm(x: %x, eps: 0.00001)", "layer_norm(x: %x, eps: 0.0001)"],
    ["another weight", "rms_norm(x: %x, weight: %w, eps: 1)", "rms_norm(x: %x, weight: %w2, eps: 1)"],
    [
      "weight and bias swapped",
      "layer_norm(x: %x, weight: %w, eps: 1)",
      "layer_norm(x: %x, bias: %w, eps: 1)",
    ],
    ["0 and -0", "full(dtype: f32, shape: [], value: 0)", "full(dtype: f32, shape: [], value: -0)"],
    ["infinities", "full(dtype: f32, shape: [], value: inf)", "full(dtype: f32, shape: [], value: -inf)"],
    ["another shape", "full(dtype: f32, shape: [B], value: 0)", "full(dtype: f32, shape: [T], value: 0)"],
    ["another dtype", "full(dtype: f32, shape: [], value: 0)", "full(dtype: i32, shape: [], value: 0)"],
  ])("are not found in spite of %s", (_name, first, second) => {
    const text = after(`%p = ${first}\n %q = ${second}\n output p = %p\n output q = %q`);
    expect(text).toContain("output p = %p");
    expect(text).toContain("output q = %q");
  });
});

describe("dead code", () => {
  test("is dropped with all that only it reads; inputs and parameters stay", () => {
    expect(
      irAfter(
        deadCode,
        `
        %p = tanh(%x)
        %q = exp(%p)
        %r = exp(%x)
        output r = %r`,
      ),
    ).toMatchInlineSnapshot(`
      "%r: f32[B, T, 4] = exp(%x)
      output r = %r"
    `);
  });

  test("is not what has a second result that is read", () => {
    expect(
      irAfter(
        deadCode,
        `
        %values, %indices = topk(%x, k: 2)
        output i = %indices`,
      ),
    ).toContain("topk");
  });
});
