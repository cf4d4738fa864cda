import type { KernelOp } from "../../src/kernels/contracts.ts";

export const row = "f32[B, 4, 8]";

/** For each op whose result may lie over an operand: lines that make %y of type `row` from %a, which dies there. */
export const overwriting: Readonly<Partial<Record<KernelOp, string>>> = {
  elementwise: `%y: ${row} = exp(%a)`,
  cast: `%h: bf16[B, 4, 8] = cast(x: %a, dtype: bf16)\n %y: ${row} = cast(x: %h, dtype: f32)`,
  cumsum: `%y: ${row} = cumsum(x: %a, axis: 1)`,
  softmax: `%y: ${row} = softmax(x: %a, axis: 1)`,
  log_softmax: `%y: ${row} = log_softmax(x: %a)`,
  linear_epilogue: `%y: ${row} = linear_epilogue(x: %x, weight: %w, extras: [%a], epilogue: { mul(i0, i1) })`,
  round_blocks: `%f: f32[B, 32] = reshape(x: %a, shape: [B, 32])
    %r: f32[B, 32] = round_blocks(x: %f)
    %y: ${row} = reshape(x: %r, shape: [B, 4, 8])`,
  packed_linear: `%f: f32[B, 32] = reshape(x: %a, shape: [B, 32])
    %h: f32[B, 32] = reshape(x: %x, shape: [B, 32])
    %i: i32[256] = iota(size: 256)
    %c: i32[32, 8] = reshape(x: %i, shape: [32, 8])
    %s: f32[32, 1] = full(shape: [32, 1], value: 0.01, dtype: f32)
    %r: f32[B, 32] = packed_linear(x: %h, codes: %c, scales: %s, extras: [%f], bits: 8, block: 32, activations: f32, epilogue: { mul(i0, i1) })
    %y: ${row} = reshape(x: %r, shape: [B, 4, 8])`,
  rope: `%f: f32[B, 1, 4, 8] = reshape(x: %a, shape: [B, 1, 4, 8])
    %r: f32[B, 1, 4, 8] = rope(x: %f, dims: 6)
    %y: ${row} = reshape(x: %r, shape: [B, 4, 8])`,
  linear_attend: `%c: f32[B, 4, 2] = slice(x: %x, axis: 2, start: 0, size: 2)
    %t: f32[B, 2, 4] = permute(x: %c, axes: [0, 2, 1])
    %k: f32[B, 1, 2, 4] = reshape(x: %t, shape: [B, 1, 2, 4])
    %d: f32[B, 2, 8] = slice(x: %x, axis: 1, start: 0, size: 2)
    %u: f32[B, 1, 2, 8] = reshape(x: %d, shape: [B, 1, 2, 8])
    %f: f32[B, 1, 4, 8] = reshape(x: %a, shape: [B, 1, 4, 8])
    %o: f32[B, 1, 2, 8], %s: f32[B, 1, 4, 8] = linear_attend(q: %k, k: %k, v: %u, state: %f)
    %y: ${row} = reshape(x: %s, shape: [B, 4, 8])`,
  layer_norm: `%y: ${row} = layer_norm(x: %a, weight: %v, bias: %v, eps: 1e-5)`,
  rms_norm: `%y: ${row} = rms_norm(x: %a, weight: %v, eps: 1e-5)`,
  l2_norm: `%y: ${row} = l2_norm(x: %a)`,
  batch_norm: `%y: ${row} = batch_norm(x: %a, mean: %v, variance: %p, weight: %v, bias: %v, eps: 1e-5, axis: 2)`,
  add_norm: `%y: ${row} = add_norm(source: %x, branches: [%a], inner_weight: %v, inner: layer, inner_eps: 1e-5, norm: rms, eps: 1e-5, affines: [none], keep_sum: false)`,
};

/** A write lies over a state alone: test/states has it. */
