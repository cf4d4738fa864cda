import { describe, expect, test } from "vitest";
import { canonicalize } from "../../src/passes/canonicalize.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { graphOf, irAfter } from "./helpers.ts";

const after = (body: string): string => irAfter(canonicalize, body);

/** The nodes that remain of an expression, and what the output reads. */
const check = (before: string, expected: string): void => {
  expect(after(before)).toBe(
    expected
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "")
      .join("\n"),
  );
};

const constants = `
  %zero = full(dtype: f32, shape: [], value: 0)
  %minus_zero = full(dtype: f32, shape: [], value: -0)
  %one = full(dtype: f32, shape: [], value: 1)
  %true = full(dtype: bool, shape: [], value: 1)
  %false = full(dtype: bool, shape: [], value: 0)`;

describe("exact algebra", () => {
  test.each([
    ["x · 1 = x", "mul(%x, %one)"],
    ["1 · x = x", "mul(%one, %x)"],
    ["x / 1 = x", "div(%x, %one)"],
    ["x - 0 = x", "sub(%x, %zero)"],
    ["x + -0 = x", "add(%x, %minus_zero)"],
    ["-0 + x = x", "add(%minus_zero, %x)"],
    ["x¹ = x", "pow(%x, %one)"],
    ["where(true, x, y) = x", "where(condition: %true, x: %x, y: %f)"],
    ["where(false, y, x) = x", "where(condition: %false, x: %f, y: %x)"],
  ])("%s", (_name, expression) =>
    check(`${constants}\n %y = ${expression}\n output y = %y`, "output y = %x"),
  );

  test("-(-x) = x", () => check("%a1 = neg(%x)\n %y = neg(%a1)\n output y = %y", "output y = %x"));

  test("where(c, x, x) = x", () =>
    check(
      "input %cond: bool[B, T, 4]\n %y = where(condition: %cond, x: %x, y: %x)\n output y = %y",
      "output y = %x",
    ));

  test("n + 0 = n for whole numbers, which have one zero", () =>
    check(
      `input %i: i32[T]
       %zero = full(dtype: i32, shape: [], value: 0)
       %y = add(%i, %zero)
       output y = %y`,
      "output y = %i",
    ));

  test.each([
    ["x + 0 is not x for x = -0", "add(%x, %zero)"],
    ["x - -0 is not x for x = -0", "sub(%x, %minus_zero)"],
    ["x · 0 is not 0 for NaN and infinities", "mul(%x, %zero)"],
    ["1 / x is not x", "div(%one, %x)"],
    ["0 - x is not -x for x = 0", "sub(%zero, %x)"],
    ["x⁰ stays, though it is 1", "pow(%x, %zero)"],
  ])("stops where it is not exact: %s", (_name, expression) => {
    expect(after(`${constants}\n %y = ${expression}\n output y = %y`)).toContain(
      `%y: f32[B, T, 4] = ${expression}`,
    );
  });

  test("keeps x · 1 where the 1 stretches x", () => {
    expect(
      after(`
        %ones = full(dtype: f32, shape: [B, T, 4], value: 1)
        %y = mul(%row, %ones)
        output y = %y`),
    ).toContain("= mul(%row, %ones)");
  });
});

describe("constants are folded by the ops' own records", () => {
  test("uniform ones, whatever their shape, run-time dims too", () =>
    check(
      `%two = full(dtype: f32, shape: [B, T], value: 2)
       %half = full(dtype: f32, shape: [], value: 0.5)
       %root = pow(%two, %half)
       %wide = reshape(%root, shape: [B * T])
       output y = %wide`,
      `%wide: f32[B*T] = full(dtype: f32, shape: [B*T], value: 1.4142135623730951)
       output y = %wide`,
    ));

  test("and different elements, while they are few", () =>
    check(
      `%a1 = constant(dtype: f32, shape: [2], values: [1, 2])
       %b1 = constant(dtype: f32, shape: [2, 1], values: [10, 20])
       %sum = add(%a1, %b1)
       output y = %sum`,
      `%sum: f32[2, 2] = constant(dtype: f32, shape: [2, 2], values: [11, 12, 21, 22])
       output y = %sum`,
    ));

  test("infinities and NaN as well", () =>
    check(
      `%zero = full(dtype: f32, shape: [], value: 0)
       %low = log(%zero)
       %odd = mul(%low, %zero)
       output low = %low
       output odd = %odd`,
      `%low: f32[] = full(dtype: f32, shape: [], value: -inf)
       %odd: f32[] = full(dtype: f32, shape: [], value: nan)
       output low = %low
       output odd = %odd`,
    ));

  test("casts round", () =>
    check(
      `%root = full(dtype: f32, shape: [], value: 55.42562584220407)
       %rounded = cast(%root, dtype: bf16)
       output y = %rounded`,
      `%rounded: bf16[] = full(dtype: bf16, shape: [], value: 55.5)
       output y = %rounded`,
    ));

  test("large ones are computed at load instead", () => {
    expect(
      after(`
        %wide = full(dtype: f32, shape: [40, 40], value: 1)
        %eye = constant(dtype: f32, shape: [1, 2], values: [1, 0])
        %y = concat(values: [%eye, %eye], axis: 0)
        %z = matmul(a: %wide, b: %wide)
        output y = %y
        output z = %z`),
    ).toContain("linear(x: %wide, weight: %wide, layout: in_out)");
  });

  test("parameters are not constants", () => {
    expect(after("%y = neg(%row)\n output y = %y")).toContain("= neg(%row)");
  });
});

describe("shape changes that cancel disappear", () => {
  test("a reshape of a reshape is one", () =>
    check(
      `%r = reshape(%x, shape: [B * T, 4])
       %s = reshape(%r, shape: [B, T, 2, 2])
       output y = %s`,
      `%s: f32[B, T, 2, 2] = reshape(%x, shape: [B, T, 2, 2])
       output y = %s`,
    ));

  test("there and back is nothing", () =>
    check(
      `%r = reshape(%x, shape: [B * T, 4])
       %s = reshape(%r, shape: [B, T, 4])
       %p = permute(%s, axes: [1, 2, 0])
       %q = permute(%p, axes: [2, 0, 1])
       output y = %q`,
      "output y = %x",
    ));

  test("two permutes are one", () =>
    check(
      `%p = permute(%x, axes: [1, 2, 0])
       %q = permute(%p, axes: [1, 2, 0])
       output y = %q`,
      `%q: f32[4, B, T] = permute(%x, axes: [2, 0, 1])
       output y = %q`,
    ));

  test("a permute of equal sizes is none that cancels", () => {
    expect(after("%p = permute(%a, axes: [1, 0])\n output y = %p")).toContain("permute(%a, axes: [1, 0])");
  });

  test("a slice of a slice is one; a slice of everything is nothing", () =>
    check(
      `%s = slice(%x, axis: 2, start: 1, size: 3)
       %t = slice(%s, axis: 2, start: 1, size: 2)
       %u = slice(%t, axis: 1, start: 0, size: T)
       output y = %u`,
      `%t: f32[B, T, 2] = slice(%x, axis: 2, start: 2, size: 2)
       output y = %t`,
    ));

  test("slices along two axes stay two, and a part is not everything", () => {
    expect(
      after(`
        %s = slice(%x, axis: 2, start: 1, size: 3)
        %t = slice(%s, axis: 0, start: 0, size: 1)
        output y = %t`),
    ).toMatchInlineSnapshot(`
      "%s: f32[B, T, 3] = slice(%x, axis: 2, start: 1, size: 3)
      %t: f32[1, T, 3] = slice(%s, axis: 0, start: 0, size: 1)
      output y = %t"
    `);
  });

  test("a cast to the same dtype and a concat of one value are nothing; a narrower cast is not", () =>
    check(
      `%s = cast(%x, dtype: f32)
       %t = concat(values: [%s], axis: 0)
       %u = cast(%t, dtype: f16)
       %v = cast(%u, dtype: f32)
       output y = %v`,
      `%u: f16[B, T, 4] = cast(%x, dtype: f16)
       %v: f32[B, T, 4] = cast(%u, dtype: f32)
       output y = %v`,
    ));

  test("elementwise ops stretch by themselves, so a broadcast before one goes", () =>
    check(
      `%wide = broadcast(%row, shape: [B, T, 4])
       %y = mul(%x, %wide)
       output y = %y`,
      `%y: f32[B, T, 4] = mul(%x, %row)
       output y = %y`,
    ));

  test("but stays where it gives the result its shape", () => {
    expect(
      after(`
        %wide = broadcast(%row, shape: [B, T, 4])
        %y = mul(%wide, %bias)
        output y = %y`),
    ).toContain("= broadcast(%row, shape: [B, T, 4])");
  });
});

describe("products by what is known at load are linears", () => {
  test("a matmul by a table, as it is stored and transposed", () =>
    check(
      `%y = matmul(a: %x, b: %a)
       %z = matmul(a: %x, b: %d, transpose_b: true)
       output y = %y
       output z = %z`,
      `%y: f32[B, T, 4] = linear(x: %x, weight: %a, layout: in_out)
       %z: f32[B, T, 6] = linear(x: %x, weight: %d)
       output y = %y
       output z = %z`,
    ));

  test("a linear by a transposed table reads it in the other layout", () =>
    check(
      `%t = permute(%d, axes: [1, 0])
       %y = linear(x: %x, weight: %t, layout: in_out)
       output y = %y`,
      `%y: f32[B, T, 6] = linear(x: %x, weight: %d)
       output y = %y`,
    ));

  test("but a matmul of two values of the run stays", () => {
    expect(
      after(`
        %t = reshape(%x, shape: [B * T, 4])
        %u = matmul(a: %f, b: %t, transpose_b: true)
        output y = %u`),
    ).toContain("= matmul(a: %f, b: %t, transpose_b: true)");
  });
});

test("nodes that no rule changes and that read what they read stay the same, so that they need no second look", () => {
  const before = graphOf(
    "%a1 = neg(%x)\n %a2 = neg(%a1)\n %a3 = exp(%x)\n %y = add(%a2, %a3)\n output y = %y",
  );
  const kept = runPasses(before, { passes: [canonicalize] }).nodes;
  expect(kept.map((node) => [node.op, before.nodes.includes(node)])).toEqual([
    ["exp", true],
    ["add", false],
  ]);
});
