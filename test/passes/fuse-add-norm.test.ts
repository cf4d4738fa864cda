import { describe, expect, test } from "vitest";
import { canonicalize } from "../../src/passes/canonicalize.ts";
import { deadCode } from "../../src/passes/dead-code.ts";
import { fuseAddNorm } from "../../src/passes/fuse-add-norm.ts";
import { lowerEdges } from "../../src/passes/lower-edges.ts";
import { refusalReasons } from "../../src/passes/norm-fusion/reasons.ts";
import { irAfter, remarksOf } from "./helpers.ts";

const fuse = [lowerEdges, canonicalize, deadCode, fuseAddNorm];
const after = (body: string, annotations = false): string => irAfter(fuse, body, annotations);

describe("an add and a norm become one kernel", () => {
  test("that keeps the sum for its later readers", () => {
    expect(
      after(`
        %sum = add(%x, %f)
        %n = layer_norm(x: %sum, weight: %w, bias: %b, eps: 0.00001)
        %h = tanh(%n)
        %y = add(%sum, %h)
        output y = %y`),
    ).toMatchInlineSnapshot(`
      "%n: f32[B, T, 4], %sum: f32[B, T, 4] = add_norm(source: %x, branches: [%f], weights: [%w], biases: [%b], norm: layer, eps: 1e-5, affines: [weight_bias])
      %h: f32[B, T, 4] = tanh(%n)
      %y: f32[B, T, 4] = add(%sum, %h)
      output y = %y"
    `);
  });

  test("that returns the sum if it is an output", () => {
    expect(
      after(`
        %sum = add(%x, %f)
        %n = rms_norm(x: %sum, weight: %w, eps: 0.00001, unit_offset: true)
        output n = %n
        output sum = %sum`),
    ).toMatchInlineSnapshot(`
      "%n: f32[B, T, 4], %sum: f32[B, T, 4] = add_norm(source: %x, branches: [%f], weights: [%w], norm: rms, eps: 1e-5, unit_offset: true, affines: [weight])
      output n = %n
      output sum = %sum"
    `);
  });

  test("that forgets the sum if only the norm reads it, as in a post-norm model", () => {
    expect(
      after(`
        edge 0 "edge 0" from "stream" { post layernorm "ln"; branch "f" }
        %sum = residual(source: %x, branches: [%f], edge: 0) edges 0.join
        %n = layer_norm(x: %sum, eps: 0.00001) label "ln" edges 0.post
        output n = %n`),
    ).toMatchInlineSnapshot(`
      "%n: f32[B, T, 4] = add_norm(source: %x, branches: [%f], norm: layer, eps: 1e-5, affines: [none], keep_sum: false)
      output n = %n"
    `);
  });

  test("also for the l2 norm, which has no parameters", () => {
    expect(
      after(`
        %sum = add(%x, %f)
        %n = l2_norm(x: %sum)
        output n = %n`),
    ).toMatchInlineSnapshot(`
      "%n: f32[B, T, 4] = add_norm(source: %x, branches: [%f], norm: l2, eps: 1e-12, affines: [none], keep_sum: false)
      output n = %n"
    `);
  });

  test("across the boundary of layers: the kernel belongs to both edges", () => {
    expect(
      after(
        `
        edge 0 "h.0 edge 0" from "stream" { pre layernorm "h.0.ln"; branch "f" } scope h[0]
        edge 1 "h.1 edge 0" from "stream" { pre layernorm "h.1.ln"; branch "tanh" } scope h[1]
        %n0 = layer_norm(x: %x, weight: %w, bias: %b, eps: 0.00001) label "h.0.ln" scope h[0] edges 0.pre
        %t0 = tanh(%n0)
        %s0 = residual(source: %x, branches: [%t0], edge: 0) scope h[0] edges 0.join
        %n1 = layer_norm(x: %s0, weight: %w2, bias: %b2, eps: 0.00001) label "h.1.ln" scope h[1] edges 1.pre
        %t1 = tanh(%n1)
        %s1 = residual(source: %s0, branches: [%t1], edge: 1) scope h[1] edges 1.join
        output y = %s1`,
        true,
      ),
    ).toMatchInlineSnapshot(`
      "%n0: f32[B, T, 4] = layer_norm(x: %x, weight: %w, bias: %b, eps: 1e-5) label "h.0.ln" scope h[0] edges 0.pre
      %t0: f32[B, T, 4] = tanh(%n0)
      %n1: f32[B, T, 4], %s0: f32[B, T, 4] = add_norm(source: %x, branches: [%t0], weights: [%w2], biases: [%b2], norm: layer, eps: 1e-5, affines: [weight_bias]) label "h.1.ln" scope h[0] edges 0.join 1.pre fused add layer_norm
      %t1: f32[B, T, 4] = tanh(%n1)
      %s1: f32[B, T, 4] = add(%s0, %t1) scope h[1] edges 1.join
      output y = %s1"
    `);
  });
});

describe("what stands around the add comes along", () => {
  test("an out-norm, and the next edge's pre-norm behind it (sandwich)", () => {
    expect(
      after(
        `
        edge 0 "edge 0" from "stream" { out rmsnorm "post"; branch "f" }
        edge 1 "edge 1" from "stream" { pre rmsnorm "pre"; branch "tanh" }
        %o = rms_norm(x: %f, weight: %w, eps: 0.000001, unit_offset: true) label "post" edges 0.out
        %s = residual(source: %x, branches: [%o], edge: 0) edges 0.join
        %n = rms_norm(x: %s, weight: %w2, eps: 0.000001, unit_offset: true) label "pre" edges 1.pre
        %t = tanh(%n)
        %y = residual(source: %s, branches: [%t], edge: 1) edges 1.join
        output y = %y`,
        true,
      ),
    ).toMatchInlineSnapshot(`
      "%n: f32[B, T, 4], %s: f32[B, T, 4] = add_norm(source: %x, branches: [%f], inner_weight: %w, weights: [%w2], inner: rms, inner_eps: 1e-6, inner_unit_offset: true, norm: rms, eps: 1e-6, unit_offset: true, affines: [weight]) label "pre" edges 0.join 0.out 1.pre fused add rms_norm rms_norm
      %t: f32[B, T, 4] = tanh(%n)
      %y: f32[B, T, 4] = add(%s, %t) edges 1.join
      output y = %y"
    `);
  });

  test("an out-norm alone, where no norm reads the sum", () => {
    expect(
      after(`
        %o = layer_norm(x: %f, weight: %w, bias: %b, eps: 0.00001)
        %s = add(%x, %o)
        %y = tanh(%s)
        output y = %y`),
    ).toMatchInlineSnapshot(`
      "%s: f32[B, T, 4] = add_norm(source: %x, branches: [%f], inner_weight: %w, inner_bias: %b, inner: layer, inner_eps: 1e-5, norm: none, affines: [])
      %y: f32[B, T, 4] = tanh(%s)
      output y = %y"
    `);
  });

  test("gains: a number for the skip, a tensor for the branch", () => {
    expect(
      after(`
        edge 0 "edge 0" from "stream" { branch "f"; skip number "2.83"; gain tensor "alpha" }
        %s = residual(source: %x, branches: [%f], branch_gain: %row, edge: 0, source_scale: 2.83) edges 0.join
        %n = layer_norm(x: %s, eps: 0.00001)
        output n = %n`),
    ).toMatchInlineSnapshot(`
      "%n: f32[B, T, 4] = add_norm(source: %x, branches: [%f], branch_gain: %row, source_scale: 2.83, norm: layer, eps: 1e-5, affines: [none], keep_sum: false)
      output n = %n"
    `);
  });

  test("a number and a tensor on one side; a gain of one element and a scalar one", () => {
    expect(
      after(
        `
        %s = residual(source: %x, branches: [%f], source_gain: %gain, branch_gain: %scalar, edge: 0, branch_scale: 0.22)
        %n = rms_norm(x: %s, eps: 0.00001)
        output n = %n`.replace("%s =", 'edge 0 "edge 0" from "x" { branch "f" }\n%s ='),
      ),
    ).toMatchInlineSnapshot(`
      "%n: f32[B, T, 4] = add_norm(source: %x, branches: [%f], source_gain: %gain, branch_gain: %scalar, branch_scale: 0.22, norm: rms, eps: 1e-5, affines: [none], keep_sum: false)
      output n = %n"
    `);
  });

  test("a minus of the branch", () => {
    expect(
      after(`
        %m = neg(%f)
        %s = add(%x, %m)
        %n = rms_norm(x: %s, eps: 0.00001)
        output n = %n`),
    ).toMatchInlineSnapshot(`
      "%n: f32[B, T, 4] = add_norm(source: %x, branches: [%f], branch_scale: -1, norm: rms, eps: 1e-5, affines: [none], keep_sum: false)
      output n = %n"
    `);
  });

  test("a bias of the branch", () => {
    expect(
      after(`
        %p = matmul(a: %f, b: %a)
        %q = add(%p, %row)
        %s = add(%x, %q)
        %n = layer_norm(x: %s, eps: 0.00001)
        output n = %n`),
    ).toMatchInlineSnapshot(`
      "%p: f32[B, T, 4] = linear(x: %f, weight: %a, layout: in_out)
      %n: f32[B, T, 4] = add_norm(source: %x, branches: [%p], bias: %row, norm: layer, eps: 1e-5, affines: [none], keep_sum: false)
      output n = %n"
    `);
  });

  test("several branches, added first and in their order (GPT-J)", () => {
    expect(
      after(`
        edge 0 "edge 0" from "stream" { branch "attn"; branch "mlp" }
        %h = tanh(%f)
        %s = residual(source: %x, branches: [%f, %g, %h], edge: 0) edges 0.join
        %n = layer_norm(x: %s, weight: %w, bias: %b, eps: 0.00001)
        output n = %n`),
    ).toMatchInlineSnapshot(`
      "%h: f32[B, T, 4] = tanh(%f)
      %n: f32[B, T, 4] = add_norm(source: %x, branches: [%f, %g, %h], weights: [%w], biases: [%b], norm: layer, eps: 1e-5, affines: [weight_bias], keep_sum: false)
      output n = %n"
    `);
  });

  test("two edges in a row whose middle nobody else reads, added in turn (Cohere)", () => {
    expect(
      after(
        `
        edge 0 "edge 0" from "stream" { branch "attn" }
        edge 1 "edge 1" from "stream" { branch "mlp" }
        %r = residual(source: %x, branches: [%f], edge: 0) edges 0.join
        %s = residual(source: %r, branches: [%g], edge: 1) edges 1.join
        %n = layer_norm(x: %s, weight: %w, eps: 0.00001)
        output n = %n
        output s = %s`,
        true,
      ),
    ).toMatchInlineSnapshot(`
      "%n: f32[B, T, 4], %s: f32[B, T, 4] = add_norm(source: %x, branches: [%f, %g], weights: [%w], order: in_turn, norm: layer, eps: 1e-5, affines: [weight]) edges 0.join 1.join fused add add layer_norm
      output n = %n
      output s = %s"
    `);
  });

  test("two norms of one sum that share its statistics (GPT-NeoX)", () => {
    expect(
      after(`
        %s = add(%x, %f)
        %n = layer_norm(x: %s, weight: %w, bias: %b, eps: 0.00001)
        %m = layer_norm(x: %s, weight: %w2, eps: 0.00001)
        output n = %n
        output m = %m
        output s = %s`),
    ).toMatchInlineSnapshot(`
      "%n: f32[B, T, 4], %m: f32[B, T, 4], %s: f32[B, T, 4] = add_norm(source: %x, branches: [%f], weights: [%w, %w2], biases: [%b], norm: layer, eps: 1e-5, affines: [weight_bias, weight])
      output n = %n
      output m = %m
      output s = %s"
    `);
  });

  test("a branch that lacks the leading axes, whichever side it stands on (token + position embeddings)", () => {
    expect(
      after(`
        input %p: f32[T, 4]
        %s = add(%p, %x)
        %n = layer_norm(x: %s, weight: %w, bias: %b, eps: 0.00001)
        output n = %n`),
    ).toMatchInlineSnapshot(`
      "%n: f32[B, T, 4] = add_norm(source: %x, branches: [%p], weights: [%w], biases: [%b], norm: layer, eps: 1e-5, affines: [weight_bias], keep_sum: false)
      output n = %n"
    `);
  });

  test("a weight that is made after the add, but at load", () => {
    expect(
      after(`
        %s = add(%x, %f)
        %v = tanh(%w)
        %n = rms_norm(x: %s, weight: %v, eps: 0.00001)
        output n = %n`),
    ).toMatchInlineSnapshot(`
      "%v: f32[4] = tanh(%w)
      %n: f32[B, T, 4] = add_norm(source: %x, branches: [%f], weights: [%v], norm: rms, eps: 1e-5, affines: [weight], keep_sum: false)
      output n = %n"
    `);
  });
});

describe("what does not fit stays a node of its own, with a reason", () => {
  const remarks = (body: string): string[] => remarksOf(fuse, body);

  test("no_norm: something else reads the sum", () => {
    const body = `
      edge 0 "edge 0" from "stream" { branch "f" }
      %s = residual(source: %x, branches: [%f], edge: 0) edges 0.join
      %y = tanh(%s)
      output y = %y`;
    expect(after(body)).toMatchInlineSnapshot(`
      "%s: f32[B, T, 4] = add(%x, %f)
      %y: f32[B, T, 4] = tanh(%s)
      output y = %y"
    `);
    expect(remarks(body)).toMatchInlineSnapshot(`
      [
        "0.join no_norm: no norm reads the sum: tanh reads it",
      ]
    `);
  });

  test("no_norm: the sum is the output of the model", () => {
    expect(
      remarks(`
        edge 0 "edge 0" from "stream" { branch "f" }
        %s = residual(source: %x, branches: [%f], edge: 0) edges 0.join
        output s = %s`),
    ).toMatchInlineSnapshot(`
      [
        "0.join no_norm: no norm reads the sum: it is an output",
      ]
    `);
  });

  test("unread: nothing reads the edge", () => {
    expect(
      remarks(`
        edge 0 "edge 0" from "stream" { branch "f" }
        %s = residual(source: %x, branches: [%f], edge: 0) edges 0.join
        output x = %x`),
    ).toMatchInlineSnapshot(`
      [
        "0.join unread: nothing reads the edge's sum",
      ]
    `);
  });

  test("no_sum: the first norm of a model reads no add", () => {
    expect(
      remarks(`
        edge 0 "edge 0" from "stream" { pre layernorm "ln"; branch "f" }
        %n = layer_norm(x: %x, eps: 0.00001) label "ln" edges 0.pre
        %t = tanh(%n)
        %s = residual(source: %x, branches: [%t], edge: 0) edges 0.join
        output s = %s`),
    ).toMatchInlineSnapshot(`
      [
        "0.join no_norm: no norm reads the sum: it is an output",
        "0.pre no_sum: the norm reads an input, not the sum of an add",
      ]
    `);
  });

  test("broadcast_row: the add stretches along the row", () => {
    const body = `
      input %column: f32[B, T, 1]
      %s = add(%x, %column)
      %n = layer_norm(x: %s, eps: 0.00001)
      output n = %n`;
    expect(after(body)).toContain("layer_norm");
    expect(remarks(body)).toMatchInlineSnapshot(`
      [
        "broadcast_row: the add broadcasts over the row: a branch of shape [B, T, 1] has no row of its own",
      ]
    `);
  });

  test("broadcast_middle: the add stretches between its axes", () => {
    const body = `
      input %once: f32[B, 1, 4]
      %s = add(%x, %once)
      %n = layer_norm(x: %s, eps: 0.00001)
      output n = %n`;
    expect(after(body)).toContain("layer_norm");
    expect(remarks(body)).toMatchInlineSnapshot(`
      [
        "broadcast_middle: the add stretches [B, 1, 4] between its axes; a kernel repeats a branch over leading axes only",
      ]
    `);
  });

  test("gain_rank: a gain for each row is applied before", () => {
    const body = `
      input %share: f32[B, T, 1]
      edge 0 "edge 0" from "stream" { branch "f"; gain tensor "share" }
      %h = mul(%f, %share)
      %s = residual(source: %x, branches: [%h], edge: 0) edges 0.join
      %n = layer_norm(x: %s, eps: 0.00001)
      output n = %n`;
    expect(after(body)).toMatchInlineSnapshot(`
      "%h: f32[B, T, 4] = mul(%f, %share)
      %n: f32[B, T, 4] = add_norm(source: %x, branches: [%h], norm: layer, eps: 1e-5, affines: [none], keep_sum: false)
      output n = %n"
    `);
    expect(remarks(body)).toMatchInlineSnapshot(`
      [
        "0.join gain_rank: a gain of shape [B, T, 1] is not one number or one a column; it is applied before",
        "0.join fused into add_norm (layer)",
      ]
    `);
  });

  test("gain_count: a second tensor on one side is applied before", () => {
    const body = `
      %h = mul(%f, %row)
      %k = mul(%h, %gain)
      %s = add(%x, %k)
      %n = layer_norm(x: %s, eps: 0.00001)
      output n = %n`;
    expect(after(body)).toMatchInlineSnapshot(`
      "%h: f32[B, T, 4] = mul(%f, %row)
      %n: f32[B, T, 4] = add_norm(source: %x, branches: [%h], branch_gain: %gain, norm: layer, eps: 1e-5, affines: [none], keep_sum: false)
      output n = %n"
    `);
    expect(remarks(body)).toMatchInlineSnapshot(`
      [
        "gain_count: there is a gain already; a further gain is applied before",
        "fused into add_norm (layer; branch gain)",
      ]
    `);
  });

  test("a gain that something else reads too is not computed twice", () => {
    expect(
      after(`
        %h = mul(%f, %row)
        %s = add(%x, %h)
        %n = layer_norm(x: %s, eps: 0.00001)
        output n = %n
        output h = %h`),
    ).toMatchInlineSnapshot(`
      "%h: f32[B, T, 4] = mul(%f, %row)
      %n: f32[B, T, 4] = add_norm(source: %x, branches: [%h], norm: layer, eps: 1e-5, affines: [none], keep_sum: false)
      output n = %n
      output h = %h"
    `);
  });

  test("not_last_axis: batch_norm's statistics are not of the row", () => {
    const body = `
      parameter %mean: f32[4] = constant(0) "bn.running_mean" fixed
      parameter %variance: f32[4] = constant(1) "bn.running_var" fixed
      %s = add(%x, %f)
      %n = batch_norm(x: %s, mean: %mean, variance: %variance, eps: 0.00001, axis: 2)
      output n = %n`;
    expect(after(body)).toContain("batch_norm");
    expect(remarks(body)).toMatchInlineSnapshot(`
      [
        "not_last_axis: the statistics of batch_norm are not over the row",
      ]
    `);
  });

  test("width_mismatch: the norm reads the sum in rows of another width", () => {
    const body = `
      edge 0 "edge 0" from "stream" { branch "f" }
      parameter %half: f32[2] = constant(1) "half"
      %s = residual(source: %x, branches: [%f], edge: 0) edges 0.join
      %r = reshape(%s, shape: [B, T, 2, 2])
      %n = rms_norm(x: %r, weight: %half, eps: 0.00001)
      output n = %n`;
    expect(after(body)).toContain("rms_norm");
    expect(remarks(body)).toMatchInlineSnapshot(`
      [
        "0.join width_mismatch: the norm's row is not the sum's: f32[B, T, 4] against f32[B, T, 2, 2]",
      ]
    `);
  });

  test("in_between: an activation stands between the add and the norm", () => {
    const body = `
      edge 0 "edge 0" from "stream" { branch "f"; post layernorm "ln" }
      %s = residual(source: %x, branches: [%f], edge: 0) edges 0.join
      %r = relu(%s)
      %n = layer_norm(x: %r, eps: 0.00001) label "ln" edges 0.post
      output n = %n`;
    expect(after(body)).toContain("layer_norm");
    expect(remarks(body)).toMatchInlineSnapshot(`
      [
        "0.join in_between: relu stands between the add and the norm",
        "0.post in_between: relu stands between the add and the norm",
      ]
    `);
  });

  test("dtype: a cast stands between the add and the norm", () => {
    const body = `
      input %h: f16[B, T, 4]
      edge 0 "edge 0" from "stream" { branch "f" }
      %s = residual(source: %h, branches: [%h], edge: 0) edges 0.join
      %r = cast(%s, dtype: f32)
      %n = rms_norm(x: %r, eps: 0.00001)
      output n = %n`;
    expect(after(body)).toContain("rms_norm");
    expect(remarks(body)).toMatchInlineSnapshot(`
      [
        "0.join dtype: a cast stands between the add and the norm: f16 to f32",
      ]
    `);
  });

  test("statistics_differ: a second norm with another epsilon stays", () => {
    const body = `
      %s = add(%x, %f)
      %n = rms_norm(x: %s, weight: %w, eps: 0.00001)
      %m = rms_norm(x: %s, weight: %w2, eps: 0.001)
      output n = %n
      output m = %m`;
    expect(after(body)).toMatchInlineSnapshot(`
      "%n: f32[B, T, 4], %s: f32[B, T, 4] = add_norm(source: %x, branches: [%f], weights: [%w], norm: rms, eps: 1e-5, affines: [weight])
      %m: f32[B, T, 4] = rms_norm(x: %s, weight: %w2, eps: 0.001)
      output n = %n
      output m = %m"
    `);
    expect(remarks(body)).toMatchInlineSnapshot(`
      [
        "statistics_differ: the kernel's norm has other statistics: rms_norm eps 0.00001, cast before, not rms_norm eps 0.001, cast before",
        "fused into add_norm (rms; keeps the sum)",
      ]
    `);
  });

  test("late_weight: the norm's weight is computed from the sum itself", () => {
    const body = `
      %s = add(%x, %f)
      %v = reduce_mean(%s, axes: [0, 1])
      %n = rms_norm(x: %s, weight: %v, eps: 0.00001)
      output n = %n`;
    expect(after(body)).toContain("rms_norm");
    expect(remarks(body)).toMatchInlineSnapshot(`
      [
        "late_weight: the norm's weight is computed from the sum",
      ]
    `);
  });

  test("too_many_branches: a fifth branch is added before", () => {
    const body = `
      %u0 = tanh(%f)
      %u1 = tanh(%g)
      %u2 = abs(%f)
      %u3 = abs(%g)
      %u4 = square(%f)
      edge 0 "edge 0" from "stream" { branch "a"; branch "b"; branch "c"; branch "d"; branch "e" }
      %s = residual(source: %x, branches: [%u0, %u1, %u2, %u3, %u4], edge: 0) edges 0.join
      %n = layer_norm(x: %s, eps: 0.00001)
      output n = %n`;
    expect(after(body)).toMatchInlineSnapshot(`
      "%u0: f32[B, T, 4] = tanh(%f)
      %u1: f32[B, T, 4] = tanh(%g)
      %u2: f32[B, T, 4] = abs(%f)
      %u3: f32[B, T, 4] = abs(%g)
      %u4: f32[B, T, 4] = square(%f)
      %0: f32[B, T, 4] = add(%u0, %u1)
      %n: f32[B, T, 4] = add_norm(source: %x, branches: [%0, %u2, %u3, %u4], norm: layer, eps: 1e-5, affines: [none], keep_sum: false)
      output n = %n"
    `);
    expect(remarks(body)).toMatchInlineSnapshot(`
      [
        "0.join 0.branch too_many_branches: a kernel adds at most 4 branches; the first ones are added before",
        "0.join 0.branch fused into add_norm (layer; 4 branches)",
      ]
    `);
  });

  test("inner_rounding: half precision is rounded after the weight of the branch's norm", () => {
    const body = `
      input %h: f16[B, T, 4]
      input %k: f16[B, T, 4]
      %o = rms_norm(x: %k, eps: 0.001, cast: after)
      %s = add(%h, %o)
      %n = rms_norm(x: %s, eps: 0.001, cast: after)
      output n = %n`;
    expect(after(body)).toMatchInlineSnapshot(`
      "%o: f16[B, T, 4] = rms_norm(x: %k, eps: 0.001, cast: after)
      %n: f16[B, T, 4] = add_norm(source: %h, branches: [%o], norm: rms, eps: 0.001, cast: after, affines: [none], keep_sum: false)
      output n = %n"
    `);
    expect(remarks(body)).toMatchInlineSnapshot(`
      [
        "inner_rounding: the branch's norm rounds to f16 after its weight, which the kernel does not",
        "fused into add_norm (rms)",
      ]
    `);
  });

  test("norm_taken: a norm of a plain add that is the out-norm of the next one", () => {
    const body = `
      %s = add(%x, %f)
      %o = layer_norm(x: %s, eps: 0.00001)
      %y = add(%g, %o)
      output y = %y
      output s = %s`;
    expect(after(body)).toMatchInlineSnapshot(`
      "%s: f32[B, T, 4] = add(%x, %f)
      %y: f32[B, T, 4] = add_norm(source: %g, branches: [%s], inner: layer, inner_eps: 1e-5, norm: none, affines: [])
      output y = %y
      output s = %s"
    `);
    expect(remarks(body)).toMatchInlineSnapshot(`
      [
        "fused into add_norm (no norm of the sum; layer out-norm, keeps the sum)",
        "norm_taken: layer_norm is the out-norm of another add and belongs to its kernel",
      ]
    `);
  });

  test("x + x reads one value twice, and what makes it stays", () => {
    expect(
      after(`
        %m = rms_norm(x: %f, eps: 0.00001)
        %s = add(%m, %m)
        %n = rms_norm(x: %s, eps: 0.00001)
        output n = %n`),
    ).toMatchInlineSnapshot(`
      "%m: f32[B, T, 4] = rms_norm(x: %f, eps: 1e-5)
      %n: f32[B, T, 4] = add_norm(source: %m, branches: [%m], norm: rms, eps: 1e-5, affines: [none], keep_sum: false)
      output n = %n"
    `);
  });

  test.each([
    ["a gained value added to itself", "%v = mul(%f, %gain)\n %s = add(%v, %v)"],
    ["one with a number, taken from itself", "%v = mul(%f, %scalar)\n %m = neg(%v)\n %s = add(%v, %m)"],
    ["a biased one added to itself", "%v = add(%f, %row)\n %s = add(%v, %v)"],
    ["a sum of branches added to itself", "%v = add(%f, %g)\n %s = add(%v, %v)"],
    ["a sum that is a branch and its own gain", "%v = mul(%row, %w)\n %m = mul(%v, %v)\n %s = add(%w2, %m)"],
    [
      "a norm that is its own gain",
      "%v = rms_norm(x: %row, eps: 0.001)\n %m = mul(%v, %v)\n %s = add(%w2, %m)",
    ],
    [
      "a sum that is a branch and the weight of its norm",
      "%v = add(%row, %w)\n %m = rms_norm(x: %v, weight: %v, eps: 0.001)\n %s = add(%w2, %m)",
    ],
    ["a value that is source, branch and gain", "%v = tanh(%row)\n %m = mul(%v, %v)\n %s = add(%v, %m)"],
  ])("%s: every role of the value is still there", (_, lines) => {
    // `after` verifies each graph and compares it with the one before.
    expect(after(`${lines}\n %n = layer_norm(x: %s, eps: 0.00001)\n output n = %n`)).toContain("add_norm");
  });

  test.each([
    ["the sum itself", "%s = add(%row, %w)\n %n = rms_norm(x: %s, weight: %s, eps: 0.001)"],
    ["made of the sum", "%s = add(%row, %w)\n %t = tanh(%s)\n %n = rms_norm(x: %s, weight: %t, eps: 0.001)"],
  ])("a weight that is %s is late, though all of it is known at load", (_, lines) => {
    expect(after(`${lines}\n output n = %n`)).not.toContain("add_norm");
  });

  test("a middle sum with another reader is kept: two kernels, not one in turn", () => {
    expect(
      after(`
        %r = add(%x, %f)
        %s = add(%r, %g)
        %n = layer_norm(x: %s, eps: 0.00001)
        output n = %n
        output r = %r`),
    ).toMatchInlineSnapshot(`
      "%r: f32[B, T, 4] = add(%x, %f)
      %n: f32[B, T, 4] = add_norm(source: %r, branches: [%g], norm: layer, eps: 1e-5, affines: [none], keep_sum: false)
      output n = %n
      output r = %r"
    `);
  });
});

test("every reason to refuse has a test here", async () => {
  const { readFileSync } = await import("node:fs");
  const text = readFileSync(new URL(import.meta.url), "utf8");
  expect(refusalReasons.filter((reason) => !text.includes(`test("${reason}: `))).toEqual([]);
});
