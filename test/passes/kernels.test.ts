import { describe, expect, test } from "vitest";
import { canonicalize } from "../../src/passes/canonicalize.ts";
import { elementwiseChains } from "../../src/passes/elementwise-chains.ts";
import { linearEpilogues } from "../../src/passes/linear-epilogues.ts";
import { mergeLinears } from "../../src/passes/merge-linears.ts";
import { irAfter, remarksOf } from "./helpers.ts";

describe("epilogues of linear", () => {
  const after = (body: string): string => irAfter(linearEpilogues, body);

  test("take bias, activation, gain and residual add, in their order", () => {
    expect(
      after(`
        %p = linear(x: %f, weight: %a, bias: %bias)
        %q = gelu_tanh(%p)
        %r = mul(%q, %row)
        %y = add(%x, %r)
        output y = %y`),
    ).toMatchInlineSnapshot(`
      "%y: f32[B, T, 4] = linear_epilogue(x: %f, weight: %a, extras: [%bias, %row, %x], epilogue: { add(i0, i1); gelu_tanh(t0); mul(t1, i2); add(i3, t2) })
      output y = %y"
    `);
  });

  test("of the later linear take a gated product, those of the earlier its activation", () => {
    expect(
      after(`
        %gate = linear(x: %x, weight: %a)
        %up = linear(x: %x, weight: %c)
        %act = silu(%gate)
        %y = mul(%act, %up)
        output y = %y`),
    ).toMatchInlineSnapshot(`
      "%act: f32[B, T, 4] = linear_epilogue(x: %x, weight: %a, epilogue: { silu(i0) })
      %y: f32[B, T, 4] = linear_epilogue(x: %x, weight: %c, extras: [%act], epilogue: { mul(i1, i0) })
      output y = %y"
    `);
  });

  test("read constants as numbers", () => {
    expect(
      after(`
        %half = full(dtype: f32, shape: [], value: 0.5)
        %p = linear(x: %x, weight: %a)
        %y = mul(%half, %p)
        output y = %y`),
    ).toMatchInlineSnapshot(`
      "%y: f32[B, T, 4] = linear_epilogue(x: %x, weight: %a, epilogue: { mul(0.5, i0) })
      output y = %y"
    `);
  });

  test("end before a value with a second reader", () => {
    expect(
      after(`
        %p = linear(x: %x, weight: %a)
        %q = tanh(%p)
        %y = mul(%q, %q)
        %z = neg(%q)
        output y = %y
        output z = %z`),
    ).toMatchInlineSnapshot(`
      "%q: f32[B, T, 4] = linear_epilogue(x: %x, weight: %a, epilogue: { tanh(i0) })
      %y: f32[B, T, 4] = mul(%q, %q)
      %z: f32[B, T, 4] = neg(%q)
      output y = %y
      output z = %z"
    `);
  });

  test.each([
    ["the product is an output", "%y = tanh(%p)\n output y = %y\n output p = %p"],
    ["the op stretches the product", "input %m: f32[3, B, T, 4]\n %y = add(%p, %m)\n output y = %y"],
    ["an operand stretches between axes", "input %o: f32[B, 1, 4]\n %y = add(%p, %o)\n output y = %y"],
    ["the result is no float", "%y = gt(%p, %x)\n output y = %y"],
  ])("are not made where %s", (_name, rest) => {
    expect(after(`%p = linear(x: %x, weight: %a)\n ${rest}`)).toContain("= linear(x: %x, weight: %a)");
  });

  test("read four tensors at most, the bias among them", () => {
    expect(
      after(`
        %p = linear(x: %x, weight: %a, bias: %bias)
        %q = add(%p, %f)
        %r = mul(%q, %row)
        %s = add(%r, %g)
        %y = mul(%s, %b)
        output y = %y`),
    ).toMatchInlineSnapshot(`
      "%s: f32[B, T, 4] = linear_epilogue(x: %x, weight: %a, extras: [%bias, %f, %row, %g], epilogue: { add(i0, i1); add(t0, i2); mul(t1, i3); add(t2, i4) })
      %y: f32[B, T, 4] = mul(%s, %b)
      output y = %y"
    `);
  });

  test("say so of the residual edge that they take in", () => {
    expect(
      remarksOf(
        linearEpilogues,
        `
        edge 0 "edge 0" from "stream" { branch "a" }
        %p = linear(x: %x, weight: %a) label "a"
        %y = add(%x, %p) edges 0.join
        output y = %y`,
      ),
    ).toMatchInlineSnapshot(`
      [
        "0.join fused into linear_epilogue (linear, add)",
      ]
    `);
  });
});

describe("elementwise chains", () => {
  const after = (body: string): string => irAfter(elementwiseChains, body);

  test("take trees of ops, each input once, constants as numbers", () => {
    expect(
      after(`
        %half = full(dtype: f32, shape: [], value: 0.5)
        %p = mul(%x, %half)
        %q = tanh(%f)
        %r = sub(%p, %q)
        %y = max(%r, %x)
        output y = %y`),
    ).toMatchInlineSnapshot(`
      "%y: f32[B, T, 4] = elementwise([%x, %f], program: { mul(i0, 0.5); tanh(i1); sub(t0, t1); max(t2, i0) })
      output y = %y"
    `);
  });

  test("are made of single ops too, so that a plan sees one kind", () => {
    expect(after("%y = softplus(%x)\n output y = %y")).toMatchInlineSnapshot(`
      "%y: f32[B, T, 4] = elementwise([%x], program: { softplus(i0) })
      output y = %y"
    `);
  });

  test("end at a value with another reader, which is computed once", () => {
    expect(
      after(`
        %p = exp(%x)
        %q = neg(%p)
        %r = tanh(%p)
        output q = %q
        output r = %r`),
    ).toMatchInlineSnapshot(`
      "%p: f32[B, T, 4] = elementwise([%x], program: { exp(i0) })
      %q: f32[B, T, 4] = elementwise([%p], program: { neg(i0) })
      %r: f32[B, T, 4] = elementwise([%p], program: { tanh(i0) })
      output q = %q
      output r = %r"
    `);
  });

  test("do not repeat work on a smaller tensor for every row of a larger one", () => {
    expect(
      after(`
        input %p: f32[T, 4]
        %q = exp(%p)
        %y = mul(%x, %q)
        output y = %y`),
    ).toMatchInlineSnapshot(`
      "%q: f32[T, 4] = elementwise([%p], program: { exp(i0) })
      %y: f32[B, T, 4] = elementwise([%x, %q], program: { mul(i0, i1) })
      output y = %y"
    `);
  });

  test("do not repeat in the run what is known at load", () => {
    expect(
      after(`
        %p = exp(%w)
        %q = reshape(%x, shape: [B * T, 4])
        %s = slice(%q, axis: 0, start: 0, size: 1)
        %v = reshape(%s, shape: [4])
        %y = mul(%p, %v)
        output y = %y`),
    ).toMatchInlineSnapshot(`
      "%p: f32[4] = elementwise([%w], program: { exp(i0) })
      %q: f32[B*T, 4] = reshape(%x, shape: [B*T, 4])
      %s: f32[1, 4] = slice(%q, axis: 0, start: 0, size: 1)
      %v: f32[4] = reshape(%s, shape: [4])
      %y: f32[4] = elementwise([%p, %v], program: { mul(i0, i1) })
      output y = %y"
    `);
  });

  test("end at whole numbers, which divide and wrap in their own type", () => {
    expect(
      after(`
        input %i: i32[T]
        input %j: i32[T]
        %p = mod(%i, %j)
        %y = lt(%p, %j)
        output y = %y`),
    ).toMatchInlineSnapshot(`
      "%p: i32[T] = elementwise([%i, %j], program: { mod(i0, i1) })
      %y: bool[T] = elementwise([%p, %j], program: { lt(i0, i1) })
      output y = %y"
    `);
  });

  test("go through conditions", () => {
    expect(
      after(`
        %p = gt(%x, %f)
        %y = where(condition: %p, x: %x, y: %g)
        output y = %y`),
    ).toMatchInlineSnapshot(`
      "%y: f32[B, T, 4] = elementwise([%x, %f, %g], program: { gt(i0, i1); where(t0, i0, i2) })
      output y = %y"
    `);
  });

  test("keep a constant as a tensor where it gives the result its shape", () => {
    expect(
      after(`
        %ones = full(dtype: f32, shape: [B, T, 4], value: 1)
        %y = add(%row, %ones)
        output y = %y`),
    ).toMatchInlineSnapshot(`
      "%ones: f32[B, T, 4] = full(dtype: f32, shape: [B, T, 4], value: 1)
      %y: f32[B, T, 4] = elementwise([%row, %ones], program: { add(i0, i1) })
      output y = %y"
    `);
  });

  test("keep a float constant as a tensor among whole numbers, whose type it changes", () => {
    expect(
      after(`
        input %i: i32[T]
        %two = full(dtype: f32, shape: [], value: 2)
        %y = mul(%i, %two)
        output y = %y`),
    ).toMatchInlineSnapshot(`
      "%two: f32[] = full(dtype: f32, shape: [], value: 2)
      %y: f32[T] = elementwise([%i, %two], program: { mul(i0, i1) })
      output y = %y"
    `);
  });

  test("read seven tensors at most", () => {
    const inputs = Array.from({ length: 9 }, (_, index) => `input %v${index}: f32[B, T, 4]`);
    const sums = Array.from({ length: 8 }, (_, index) => `%s${index + 1} = add(%s${index}, %v${index + 1})`);
    const text = after([...inputs, "%s0 = neg(%v0)", ...sums, "output y = %s8"].join("\n"));
    expect(text).toMatchInlineSnapshot(`
      "%s2: f32[B, T, 4] = elementwise([%v0, %v1, %v2], program: { neg(i0); add(t0, i1); add(t1, i2) })
      %s8: f32[B, T, 4] = elementwise([%s2, %v3, %v4, %v5, %v6, %v7, %v8], program: { add(i0, i1); add(t0, i2); add(t1, i3); add(t2, i4); add(t3, i5); add(t4, i6) })
      output y = %s8"
    `);
  });
});

describe("linears that read the same value", () => {
  const after = (body: string): string => irAfter(mergeLinears, body);

  test("become one, its weights joined at load (QKV)", () => {
    expect(
      after(`
        %q = linear(x: %x, weight: %a, bias: %bias)
        %k = linear(x: %x, weight: %d, bias: %bias6)
        %v = linear(x: %x, weight: %c, bias: %row)
        %r = reshape(%k, shape: [B, T, 3, 2])
        output q = %q
        output k = %r
        output v = %v`),
    ).toMatchInlineSnapshot(`
      "%0: f32[14, 4] = concat([%a, %d, %c], axis: 0)
      %1: f32[14] = concat([%bias, %bias6, %row], axis: 0)
      %2: f32[B, T, 14] = linear(x: %x, weight: %0, bias: %1)
      %q: f32[B, T, 4] = slice(%2, axis: 2, start: 0, size: 4)
      %k: f32[B, T, 6] = slice(%2, axis: 2, start: 4, size: 6)
      %v: f32[B, T, 4] = slice(%2, axis: 2, start: 10, size: 4)
      %r: f32[B, T, 3, 2] = reshape(%k, shape: [B, T, 3, 2])
      output q = %q
      output k = %r
      output v = %v"
    `);
  });

  test("join along the columns where weights are [in, out]", () => {
    expect(
      after(`
        parameter %in_out: f32[4, 6] = normal(0, 1) "e.weight"
        %q = linear(x: %x, weight: %a, layout: in_out)
        %k = linear(x: %x, weight: %in_out, layout: in_out)
        output q = %q
        output k = %k`),
    ).toMatchInlineSnapshot(`
      "%0: f32[4, 10] = concat([%a, %in_out], axis: 1)
      %1: f32[B, T, 10] = linear(x: %x, weight: %0, layout: in_out)
      %q: f32[B, T, 4] = slice(%1, axis: 2, start: 0, size: 4)
      %k: f32[B, T, 6] = slice(%1, axis: 2, start: 4, size: 6)
      output q = %q
      output k = %k"
    `);
  });

  test("of layers that run several times share the joined weights", () => {
    expect(
      after(`
        %q = linear(x: %x, weight: %a)
        %k = linear(x: %x, weight: %c)
        %s = matmul(a: %q, b: %k, transpose_b: true)
        %t = softmax(%s)
        %o = matmul(a: %t, b: %x)
        %q1 = linear(x: %o, weight: %a)
        %k1 = linear(x: %o, weight: %c)
        output q = %q1
        output k = %k1`).match(/concat/g),
    ).toHaveLength(1);
  });

  const remarks = (body: string): string[] => remarksOf(mergeLinears, body);

  test.each([
    [
      "epilogue",
      `%p = linear(x: %x, weight: %a)
       %q = linear(x: %x, weight: %c)
       %s = silu(%p)
       %y = mul(%s, %q)
       output y = %y`,
    ],
    [
      "bias",
      `%p = linear(x: %x, weight: %a, bias: %bias)
       %q = linear(x: %x, weight: %c)
       output p = %p
       output q = %q`,
    ],
    [
      "layout",
      `%p = linear(x: %x, weight: %a)
       %q = linear(x: %x, weight: %c, layout: in_out)
       output p = %p
       output q = %q`,
    ],
    [
      "dtype",
      `parameter %h: f16[4, 4] = normal(0, 1) "h.weight"
       %p = linear(x: %x, weight: %a)
       %q = linear(x: %x, weight: %h)
       output p = %p
       output q = %q`,
    ],
    [
      "late_weight",
      `input %v: f32[4, 4]
       %p = linear(x: %x, weight: %a)
       %q = linear(x: %x, weight: %v)
       output p = %p
       output q = %q`,
    ],
    [
      "shared_weight",
      `input %ids: i32[B]
       %e = embedding(table: %d, ids: %ids)
       %p = linear(x: %x, weight: %a)
       %q = linear(x: %x, weight: %d)
       output e = %e
       output p = %p
       output q = %q`,
    ],
  ])("stay apart for the reason %s", (reason, body) => {
    expect(after(body)).not.toContain("concat");
    expect(remarks(body).join("\n")).toContain(`${reason}: `);
  });

  test("stay apart with a sentence for each", () => {
    expect(
      remarks(`
        %p = linear(x: %x, weight: %a, bias: %bias)
        %q = linear(x: %x, weight: %c)
        %r = linear(x: %x, weight: %d, bias: %bias6)
        output p = %p
        output q = %q
        output r = %r`),
    ).toMatchInlineSnapshot(`
      [
        "fused into linear (linear, linear)",
        "bias: one has a bias and the other has none",
      ]
    `);
  });

  test("are named by the layer that they are in, and by what became one", () => {
    expect(
      irAfter(
        mergeLinears,
        `
        %q = linear(x: %x, weight: %a) label "h.0.attn.q_proj"
        %k = linear(x: %x, weight: %c) label "h.0.attn.k_proj"
        output q = %q
        output k = %k`,
        true,
      ),
    ).toMatchInlineSnapshot(`
      "%0: f32[8, 4] = concat([%a, %c], axis: 0) label "h.0.attn"
      %1: f32[B, T, 8] = linear(x: %x, weight: %0) label "h.0.attn" fused "h.0.attn.q_proj" "h.0.attn.k_proj"
      %q: f32[B, T, 4] = slice(%1, axis: 2, start: 0, size: 4) label "h.0.attn.q_proj"
      %k: f32[B, T, 4] = slice(%1, axis: 2, start: 4, size: 4) label "h.0.attn.k_proj"
      output q = %q
      output k = %k"
    `);
  });

  test("become one in each form that several have", () => {
    expect(
      after(`
        %p = linear(x: %x, weight: %a, bias: %bias)
        %q = linear(x: %x, weight: %c)
        %r = linear(x: %x, weight: %d, bias: %bias6)
        %s = linear(x: %x, weight: %d)
        output p = %p
        output q = %q
        output r = %r
        output s = %s`),
    ).toMatchInlineSnapshot(`
      "%0: f32[10, 4] = concat([%a, %d], axis: 0)
      %1: f32[10] = concat([%bias, %bias6], axis: 0)
      %2: f32[10, 4] = concat([%c, %d], axis: 0)
      %3: f32[B, T, 10] = linear(x: %x, weight: %0, bias: %1)
      %p: f32[B, T, 4] = slice(%3, axis: 2, start: 0, size: 4)
      %4: f32[B, T, 10] = linear(x: %x, weight: %2)
      %q: f32[B, T, 4] = slice(%4, axis: 2, start: 0, size: 4)
      %r: f32[B, T, 6] = slice(%3, axis: 2, start: 4, size: 6)
      %s: f32[B, T, 6] = slice(%4, axis: 2, start: 4, size: 6)
      output p = %p
      output q = %q
      output r = %r
      output s = %s"
    `);
  });

  test("of several layers that read one value become one in each layer, so that no result waits for its turn", () => {
    const text = after(`
      %k0 = linear(x: %x, weight: %a) scope h[0]
      %v0 = linear(x: %x, weight: %c) scope h[0]
      %k1 = linear(x: %x, weight: %d) scope h[1]
      %v1 = linear(x: %x, weight: %a) scope h[1]
      output k0 = %k0
      output v0 = %v0
      output k1 = %k1
      output v1 = %v1`);
    expect(text.match(/linear\(/g)).toHaveLength(2);
  });

  test("of different values stay apart without a word", () => {
    expect(
      remarks(`
        %p = linear(x: %x, weight: %a)
        %q = linear(x: %f, weight: %c)
        output p = %p
        output q = %q`),
    ).toEqual([]);
  });
});

test("canonicalization turns a tied head into a linear that takes an epilogue", () => {
  expect(
    irAfter(
      [canonicalize, linearEpilogues],
      `
      %p = matmul(a: %x, b: %d, transpose_b: true)
      %y = tanh(%p)
      output y = %y`,
    ),
  ).toMatchInlineSnapshot(`
    "%y: f32[B, T, 6] = linear_epilogue(x: %x, weight: %d, epilogue: { tanh(i0) })
    output y = %y"
  `);
});
