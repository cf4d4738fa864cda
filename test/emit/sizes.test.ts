import { describe, test } from "vitest";
import { graphOf } from "../plan/graphs.ts";
import { expectSameAsOracle } from "./compare.ts";

/** Sizes below, at and beyond the blocks of 4, 8, 16 and 64 that kernels are made of. */
const odd = [1, 3, 17, 63, 64, 65, 257];

const header = `
  dim B
  dim T`;

describe.each(odd)("with an axis of %i", (n) => {
  test.each([
    ["rows", 5, n, 7],
    ["columns", n, 5, 7],
    ["inner sums", 6, 9, n],
  ])("a product of matrices with so many %s", async (_, columns, rows, depth) => {
    await expectSameAsOracle(
      graphOf(
        `${header}
        input %x: f32[B, T, ${depth}]
        parameter %w: f32[${columns}, ${depth}] = normal(0, 1) "w"
        parameter %u: f32[${depth}, ${columns}] = normal(0, 1) "u"
        parameter %b: f32[${columns}] = constant(0) "b"
        parameter %s: f32[1] = constant(1) "s"
        %y: f32[B, T, ${columns}] = linear(x: %x, weight: %w, bias: %b)
        %z: f32[B, T, ${columns}] = linear_epilogue(x: %x, weight: %u, extras: [%b, %y, %s], layout: in_out,
          epilogue: { add(i0, i1); gelu(t0); mul(t1, i3); add(t2, i2) })
        %t: f32[B, T, ${columns}] = linear(x: %x, weight: %u, layout: in_out)
        output y = %y
        output z = %z
        output t = %t`.replace(/,\n\s+epilogue/g, ", epilogue"),
      ),
      { B: 1, T: rows },
    );
  });

  test("norms of rows and joins of so many channels", async () => {
    const rows = `f32[B, T, ${n}]`;
    await expectSameAsOracle(
      graphOf(
        `${header}
        input %x: ${rows}
        input %f: ${rows}
        parameter %p: f32[T2, ${n}] = normal(0, 1) "p"
        parameter %w: f32[${n}] = constant(1) "w"
        parameter %b: f32[${n}] = constant(0) "b"
        %l: ${rows} = layer_norm(x: %x, weight: %w, bias: %b, eps: 1e-5)
        %r: ${rows} = rms_norm(x: %x, weight: %w, eps: 1e-6, unit_offset: true)
        %u: ${rows} = l2_norm(x: %x)
        %n: ${rows}, %m: ${rows}, %s: ${rows} = add_norm(source: %x, branches: [%f, %p], bias: %b, branch_gain: %w, inner_weight: %w, weights: [%w, %w], biases: [%b], branch_scale: 0.5, inner: rms, inner_eps: 1e-5, norm: layer, eps: 1e-5, affines: [weight_bias, weight])
        %q: ${rows} = add_norm(source: %x, branches: [%f], source_gain: %w, norm: rms, eps: 1e-6, affines: [none], keep_sum: false)
        output l = %l
        output r = %r
        output u = %u
        output n = %n
        output m = %m
        output s = %s
        output q = %q`.replaceAll("T2", "1"),
      ),
      { B: 2, T: 3 },
    );
  });

  test("softmax along either axis, sums and running sums", async () => {
    await expectSameAsOracle(
      graphOf(`
        input %x: f32[2, ${n}, 3]
        %a: f32[2, ${n}, 3] = softmax(x: %x, axis: 1)
        %t: f32[2, 3, ${n}] = permute(x: %x, axes: [0, 2, 1])
        %b: f32[2, 3, ${n}] = log_softmax(x: %t)
        %c: f32[2, ${n}, 3] = cumsum(x: %x, axis: 1)
        %d: f32[3] = reduce_mean(x: %x, axes: [0, 1])
        %e: f32[2, 1, 3] = reduce_max(x: %x, axes: [1], keep: true)
        %f: f32[] = reduce_sum(x: %t, axes: [0, 1, 2])
        output a = %a
        output b = %b
        output c = %c
        output d = %d
        output e = %e
        output f = %f`),
      {},
    );
  });

  test.each([
    ["queries and keys", n, n],
    ["keys", 2, n],
    ["queries", n, 3],
  ])("attention over so many %s", async (_, queries, keys) => {
    const attend = (name: string, attributes: string, extra = ""): string =>
      `%${name}: f32[B, 4, T, 5] = attend(q: %q, k: %k, v: %v${extra}, scale: 0.4${attributes})\n output ${name} = %${name}`;
    await expectSameAsOracle(
      graphOf(`
        dim B
        dim T
        dim S
        input %q: f32[B, 4, T, 6]
        input %k: f32[B, 2, S, 6]
        input %v: f32[B, 2, S, 5]
        input %bias: f32[4, 1, S]
        input %mask: bool[B, 1, T, S]
        ${attend("plain", "")}
        ${attend("causal", ", causal: true")}
        ${attend("window", ", causal: true, window: 2")}
        ${attend("near", ", window: 3")}
        ${attend("capped", ", softcap: 2, alibi: true, causal: true")}
        ${attend("biased", ", window: 5", ", bias: %bias, mask: %mask")}`),
      { B: 2, T: queries, S: keys },
    );
  });
});

test.each([
  ["one token", 1, 1],
  ["several", 2, 19],
])("heads in the last place but one, rope and grouped keys, for %s", async (_, B, T) => {
  await expectSameAsOracle(
    graphOf(`${header}
      input %x: f32[B, T, 40]
      input %at: i32[B, T]
      %q: f32[B, T, 24] = slice(x: %x, axis: 2, start: 0, size: 24)
      %k: f32[B, T, 8] = slice(x: %x, axis: 2, start: 24, size: 8)
      %v: f32[B, T, 8] = slice(x: %x, axis: 2, start: 32, size: 8)
      %q4: f32[B, T, 3, 8] = reshape(x: %q, shape: [B, T, 3, 8])
      %k4: f32[B, T, 1, 8] = reshape(x: %k, shape: [B, T, 1, 8])
      %v4: f32[B, T, 1, 8] = reshape(x: %v, shape: [B, T, 1, 8])
      %qr: f32[B, T, 3, 8] = rope(x: %q4, layout: heads_last, dims: 6)
      %kr: f32[B, T, 1, 8] = rope(x: %k4, positions: %at, layout: heads_last, dims: 6, pairs: interleaved)
      %kd: f32[B, T, 1, 8] = rope(x: %k4, positions: %at, layout: heads_last, scaling: dynamic, factor: 2, original: 4)
      %o: f32[B, T, 3, 8] = attend(q: %qr, k: %kr, v: %v4, scale: 0.3, causal: true, layout: heads_last)
      %flat: f32[B, T, 24] = reshape(x: %o, shape: [B, T, 24])
      output o = %flat
      output k = %kd`),
    { B, T },
  );
});

test("products of many matrices, one of them for all, in either order", async () => {
  await expectSameAsOracle(
    graphOf(`${header}
      input %a: f32[B, 3, T, 5]
      input %b: f32[3, 5, 7]
      input %c: f32[B, 1, 7, 5]
      %x: f32[B, 3, T, 7] = matmul(a: %a, b: %b)
      %y: f32[B, 3, T, 7] = matmul(a: %a, b: %c, transpose_b: true)
      output x = %x
      output y = %y`),
    { B: 2, T: 6 },
  );
});
