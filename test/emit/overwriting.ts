import type { KernelOp } from "../../src/kernels/contracts.ts";

export const row = "f32[B, 3, 8]";

/** For each op whose result may lie over an operand: lines that make %y of type `row` from %a, which dies there. */
export const overwriting: Readonly<Partial<Record<KernelOp, string>>> = {
  elementwise: `%y: ${row} = exp(%a)`,
  cast: `%h: bf16[B, 3, 8] = cast(x: %a, dtype: bf16)\n %y: ${row} = cast(x: %h, dtype: f32)`,
  cumsum: `%y: ${row} = cumsum(x: %a, axis: 1)`,
  softmax: `%y: ${row} = softmax(x: %a, axis: 1)`,
  log_softmax: `%y: ${row} = log_softmax(x: %a)`,
  linear_epilogue: `%y: ${row} = linear_epilogue(x: %x, weight: %w, extras: [%a], epilogue: { mul(i0, i1) })`,
  rope: `%f: f32[B, 1, 3, 8] = reshape(x: %a, shape: [B, 1, 3, 8])
    %r: f32[B, 1, 3, 8] = rope(x: %f, dims: 6)
    %y: ${row} = reshape(x: %r, shape: [B, 3, 8])`,
  linear_attend: `%c: f32[B, 3, 2] = slice(x: %x, axis: 2, start: 0, size: 2)
    %t: f32[B, 2, 3] = permute(x: %c, axes: [0, 2, 1])
    %k: f32[B, 1, 2, 3] = reshape(x: %t, shape: [B, 1, 2, 3])
    %d: f32[B, 2, 8] = slice(x: %x, axis: 1, start: 0, size: 2)
    %u: f32[B, 1, 2, 8] = reshape(x: %d, shape: [B, 1, 2, 8])
    %f: f32[B, 1, 3, 8] = reshape(x: %a, shape: [B, 1, 3, 8])
    %o: f32[B, 1, 2, 8], %s: f32[B, 1, 3, 8] = linear_attend(q: %k, k: %k, v: %u, state: %f)
    %y: ${row} = reshape(x: %s, shape: [B, 3, 8])`,
  layer_norm: `%y: ${row} = layer_norm(x: %a, weight: %v, bias: %v, eps: 1e-5)`,
  rms_norm: `%y: ${row} = rms_norm(x: %a, weight: %v, eps: 1e-5)`,
  l2_norm: `%y: ${row} = l2_norm(x: %a)`,
  batch_norm: `%y: ${row} = batch_norm(x: %a, mean: %v, variance: %p, weight: %v, bias: %v, eps: 1e-5, axis: 2)`,
  add_norm: `%y: ${row} = add_norm(source: %x, branches: [%a], inner_weight: %v, inner: layer, inner_eps: 1e-5, norm: rms, eps: 1e-5, affines: [none], keep_sum: false)`,
};

/** A write lies over a state alone: test/states has it. */
