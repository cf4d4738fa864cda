/* Blocks of the recurrent families, for the tests of decoding and for benches. */

/** A selective scan, a decay for each channel of a state, as Mamba has it: `mamba(inner, state, rank)`. */
export const selectiveScan = `block mamba(inner: int, state: int, rank: int) {
  input x: [B, T, D]
  (u, z) = in_proj: linear(2 * inner, bias: false) -> split(2)
  u = u -> conv1d: causal_conv1d(4) -> silu
  (dt, b, c) = u -> x_proj: linear(rank + 2 * state, bias: false) -> split([rank, state, state])
  delta = dt -> dt_proj: linear(inner) -> softplus -> transpose
  rate = A_log: parameter([inner, state], init: 0) -> exp -> reshape([inner, 1, state])
  fed = delta * (u -> transpose)
  y = (c -> unsqueeze(1), b -> unsqueeze(1), fed -> unsqueeze(-1), (delta -> unsqueeze(-1)) * rate * -1.0) -> linear_attend
  y -> squeeze(-1) -> transpose
  (stream + u * (D: parameter([inner], init: 1))) * (z -> silu) -> out_proj: linear(D, bias: false)
}`;

/** A running quotient of two sums, as RWKV has it: `time_mix`. */
export const runningQuotient = `block time_mix {
  input x: [B, T, D]
  last = (0 * (x -> slice(0, end: 1, axis: 1)), x) -> concat(1) -> slice(0, end: T, axis: 1)
  k = x * 0.3 + last * 0.7 -> key: linear(D, bias: false) -> transpose -> exp -> unsqueeze(-1)
  v = x * 0.6 + last * 0.4 -> value: linear(D, bias: false) -> transpose -> unsqueeze(-1)
  fall = (k -> squeeze(-1)) * 0 - (decay: parameter([D], init: 0) -> exp -> reshape([D, 1]))
  one = k * 0 + 1
  (one, k, (v, one) -> concat(-1), fall) -> linear_attend
  (stream -> slice(0, end: 1, axis: 3)) / (stream -> slice(1, end: 2, axis: 3))
  squeeze(-1) -> transpose -> output: linear(D, bias: false)
}`;

/** A gated delta rule, as Qwen3-Next has it: `delta(k_heads, v_heads, width)`. */
export const gatedDelta = `block delta(k_heads: int, v_heads: int, width: int) {
  input x: [B, T, D]
  let side = k_heads * width
  (q, k, v) = qkv: linear(2 * side + v_heads * width, bias: false) -> conv: causal_conv1d(4, bias: false) -> silu -> split([side, side, v_heads * width])
  beta = x -> b_proj: linear(v_heads) -> sigmoid -> transpose
  fall = (x -> a_proj: linear(v_heads) -> softplus -> transpose) * -1.0
  (q -> heads(k_heads) -> l2norm, k -> heads(k_heads) -> l2norm, v -> heads(v_heads), fall, beta) -> linear_attend
  merge_heads -> o: linear(D, bias: false)
}`;
