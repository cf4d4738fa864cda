import { describe, expect, test } from "vitest";
import { canonicalize } from "../../src/passes/canonicalize.ts";
import { headsLast } from "../../src/passes/heads-last.ts";
import { irAfter } from "./helpers.ts";

const after = (body: string): string => irAfter([canonicalize, headsLast], body);

/** q, k and v as lowering makes them: [B, T, H·K] to [B, H, T, K]. */
const heads = (name: string, from: string): string =>
  `%${name}0 = reshape(${from}, shape: [B, T, 2, 2])
   %${name} = permute(%${name}0, axes: [0, 2, 1, 3])`;

const merged = `
  %m = permute(%o, axes: [0, 2, 1, 3])
  %y = reshape(%m, shape: [B, T, 4])
  output y = %y`;

describe("heads last", () => {
  test("attention reads what linears make and makes what the next one reads: no copy is left", () => {
    expect(
      after(`
        ${heads("q", "%x")}
        ${heads("k", "%f")}
        ${heads("v", "%g")}
        %o = attend(q: %q, k: %k, v: %v, causal: true, scale: 0.5)
        ${merged}`),
    ).toMatchInlineSnapshot(`
      "%q0: f32[B, T, 2, 2] = reshape(%x, shape: [B, T, 2, 2])
      %k0: f32[B, T, 2, 2] = reshape(%f, shape: [B, T, 2, 2])
      %v0: f32[B, T, 2, 2] = reshape(%g, shape: [B, T, 2, 2])
      %o: f32[B, T, 2, 2] = attend(q: %q0, k: %k0, v: %v0, causal: true, scale: 0.5, layout: heads_last)
      %y: f32[B, T, 4] = reshape(%o, shape: [B, T, 4])
      output y = %y"
    `);
  });

  test("the permutes pass rope, norms of each head, and gains on their way", () => {
    expect(
      after(`
        parameter %head: f32[2] = constant(1) "q_norm.weight"
        ${heads("q", "%x")}
        ${heads("k", "%f")}
        ${heads("v", "%g")}
        %qn = rms_norm(x: %q, weight: %head, eps: 0.00001)
        %qr = rope(x: %qn)
        %kr = rope(x: %k)
        %qs = mul(%qr, %scalar)
        %o = attend(q: %qs, k: %kr, v: %v, causal: true, scale: 0.5)
        ${merged}`),
    ).toMatchInlineSnapshot(`
      "%q0: f32[B, T, 2, 2] = reshape(%x, shape: [B, T, 2, 2])
      %k0: f32[B, T, 2, 2] = reshape(%f, shape: [B, T, 2, 2])
      %v0: f32[B, T, 2, 2] = reshape(%g, shape: [B, T, 2, 2])
      %qn: f32[B, T, 2, 2] = rms_norm(x: %q0, weight: %head, eps: 1e-5)
      %qr: f32[B, T, 2, 2] = rope(x: %qn, layout: heads_last)
      %kr: f32[B, T, 2, 2] = rope(x: %k0, layout: heads_last)
      %qs: f32[B, T, 2, 2] = mul(%qr, %scalar)
      %o: f32[B, T, 2, 2] = attend(q: %qs, k: %kr, v: %v0, causal: true, scale: 0.5, layout: heads_last)
      %y: f32[B, T, 4] = reshape(%o, shape: [B, T, 4])
      output y = %y"
    `);
  });

  test("one head is no exception, as grouped queries share it", () => {
    expect(
      after(`
        input %kv: f32[B, T, 2]
        ${heads("q", "%x")}
        %k0 = reshape(%kv, shape: [B, T, 1, 2])
        %k = permute(%k0, axes: [0, 2, 1, 3])
        %o = attend(q: %q, k: %k, v: %k, scale: 0.5)
        ${merged}`),
    ).toMatchInlineSnapshot(`
      "%q0: f32[B, T, 2, 2] = reshape(%x, shape: [B, T, 2, 2])
      %k0: f32[B, T, 1, 2] = reshape(%kv, shape: [B, T, 1, 2])
      %o: f32[B, T, 2, 2] = attend(q: %q0, k: %k0, v: %k0, scale: 0.5, layout: heads_last)
      %y: f32[B, T, 4] = reshape(%o, shape: [B, T, 4])
      output y = %y"
    `);
  });

  test("a value that something else reads as it is, is permuted for it alone", () => {
    expect(
      after(`
        ${heads("q", "%x")}
        ${heads("k", "%f")}
        ${heads("v", "%g")}
        %o = attend(q: %q, k: %k, v: %v, scale: 0.5)
        ${merged}
        output keys = %k`),
    ).toMatchInlineSnapshot(`
      "%q0: f32[B, T, 2, 2] = reshape(%x, shape: [B, T, 2, 2])
      %k0: f32[B, T, 2, 2] = reshape(%f, shape: [B, T, 2, 2])
      %v0: f32[B, T, 2, 2] = reshape(%g, shape: [B, T, 2, 2])
      %o: f32[B, T, 2, 2] = attend(q: %q0, k: %k0, v: %v0, scale: 0.5, layout: heads_last)
      %y: f32[B, T, 4] = reshape(%o, shape: [B, T, 4])
      %k: f32[B, 2, T, 2] = permute(%k0, axes: [0, 2, 1, 3])
      output y = %y
      output keys = %k"
    `);
  });

  test("an output that attention makes is permuted back", () => {
    expect(
      after(`
        ${heads("q", "%x")}
        %o = attend(q: %q, k: %q, v: %q, scale: 0.5)
        output o = %o`),
    ).toMatchInlineSnapshot(`
      "%q0: f32[B, T, 2, 2] = reshape(%x, shape: [B, T, 2, 2])
      %o: f32[B, T, 2, 2] = attend(q: %q0, k: %q0, v: %q0, scale: 0.5, layout: heads_last)
      %o_1: f32[B, 2, T, 2] = permute(%o, axes: [0, 2, 1, 3])
      output o = %o_1"
    `);
  });

  test("nothing changes if one of the three comes heads first", () => {
    const body = `
      input %cache: f32[B, 2, T, 2]
      ${heads("q", "%x")}
      ${heads("v", "%g")}
      %o = attend(q: %q, k: %cache, v: %v, scale: 0.5)
      ${merged}`;
    expect(after(body)).toMatchInlineSnapshot(`
      "%q0: f32[B, T, 2, 2] = reshape(%x, shape: [B, T, 2, 2])
      %v0: f32[B, T, 2, 2] = reshape(%g, shape: [B, T, 2, 2])
      %q: f32[B, 2, T, 2] = permute(%q0, axes: [0, 2, 1, 3])
      %v: f32[B, 2, T, 2] = permute(%v0, axes: [0, 2, 1, 3])
      %o: f32[B, 2, T, 2] = attend(q: %q, k: %cache, v: %v, scale: 0.5)
      %m: f32[B, T, 2, 2] = permute(%o, axes: [0, 2, 1, 3])
      %y: f32[B, T, 4] = reshape(%m, shape: [B, T, 4])
      output y = %y"
    `);
  });

  test("a gain with an element a head does not pass, as it sees the order of the axes", () => {
    expect(
      after(`
        parameter %temperature: f32[2, 1, 1] = constant(1) "temperature"
        ${heads("q", "%x")}
        ${heads("k", "%f")}
        ${heads("v", "%g")}
        %qs = mul(%q, %temperature)
        %o = attend(q: %qs, k: %k, v: %v, scale: 0.5)
        ${merged}`),
    ).toMatchInlineSnapshot(`
      "%q0: f32[B, T, 2, 2] = reshape(%x, shape: [B, T, 2, 2])
      %k0: f32[B, T, 2, 2] = reshape(%f, shape: [B, T, 2, 2])
      %v0: f32[B, T, 2, 2] = reshape(%g, shape: [B, T, 2, 2])
      %q: f32[B, 2, T, 2] = permute(%q0, axes: [0, 2, 1, 3])
      %qs: f32[B, 2, T, 2] = mul(%q, %temperature)
      %k: f32[B, 2, T, 2] = permute(%k0, axes: [0, 2, 1, 3])
      %v: f32[B, 2, T, 2] = permute(%v0, axes: [0, 2, 1, 3])
      %o: f32[B, 2, T, 2] = attend(q: %qs, k: %k, v: %v, scale: 0.5)
      %m: f32[B, T, 2, 2] = permute(%o, axes: [0, 2, 1, 3])
      %y: f32[B, T, 4] = reshape(%m, shape: [B, T, 4])
      output y = %y"
    `);
  });

  test("bias and mask keep their axes", () => {
    expect(
      after(`
        input %mask: bool[B, 1, 1, T]
        ${heads("q", "%x")}
        %bias_of = matmul(a: %q, b: %q, transpose_b: true)
        %o = attend(q: %q, k: %q, v: %q, bias: %bias_of, mask: %mask, scale: 0.5)
        ${merged}`),
    ).toMatchInlineSnapshot(`
      "%q0: f32[B, T, 2, 2] = reshape(%x, shape: [B, T, 2, 2])
      %q: f32[B, 2, T, 2] = permute(%q0, axes: [0, 2, 1, 3])
      %bias_of: f32[B, 2, T, T] = matmul(a: %q, b: %q, transpose_b: true)
      %o: f32[B, T, 2, 2] = attend(q: %q0, k: %q0, v: %q0, bias: %bias_of, mask: %mask, scale: 0.5, layout: heads_last)
      %y: f32[B, T, 4] = reshape(%o, shape: [B, T, 4])
      output y = %y"
    `);
  });
});
