import { tsTarget } from "../../src/emit/ts/target.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { Target } from "../../src/kernels/target.ts";
import { layoutOf } from "../../src/plan/layout.ts";
import { largestOf } from "../../src/plan/stats.ts";

const model = (mixer: string, blocks = ""): string => `model m(dim = 64) {
  input tokens: i32[B, T]
  wte: embedding(23, dim)
  repeat 2 as h { residual pre n: rmsnorm { mixer: ${mixer} } }
  ln: rmsnorm
  unembed(wte)
  output logits: f32[B, T, 23]
  train {
    target next: i32[B, T]
    loss (logits, next) -> cross_entropy
    optimizer sgd(lr: 1e-3)
  }
}
${blocks}`;

/** Two layers of 64 channels each, of the kinds that published families have. */
export const recurrentModels: Readonly<Record<string, string>> = {
  mamba: model(
    "mamba(128, 16, 4)",
    `block mamba(inner: int, state: int, rank: int) {
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
}`,
  ),
  mamba2: model("mamba2(state: 16, head_dim: 32)"),
  rwkv: model(
    "time_mix",
    `block time_mix {
  input x: [B, T, D]
  last = (0 * (x -> slice(0, end: 1, axis: 1)), x) -> concat(1) -> slice(0, end: T, axis: 1)
  k = x * 0.3 + last * 0.7 -> key: linear(D, bias: false) -> transpose -> exp -> unsqueeze(-1)
  v = x * 0.6 + last * 0.4 -> value: linear(D, bias: false) -> transpose -> unsqueeze(-1)
  fall = (k -> squeeze(-1)) * 0 - (decay: parameter([D], init: 0) -> exp -> reshape([D, 1]))
  one = k * 0 + 1
  (one, k, (v, one) -> concat(-1), fall) -> linear_attend
  (stream -> slice(0, end: 1, axis: 3)) / (stream -> slice(1, end: 2, axis: 3))
  squeeze(-1) -> transpose -> output: linear(D, bias: false)
}`,
  ),
  "qwen3_next's delta rule": model(
    "delta(2, 4, 16)",
    `block delta(k_heads: int, v_heads: int, width: int) {
  input x: [B, T, D]
  let side = k_heads * width
  (q, k, v) = qkv: linear(2 * side + v_heads * width, bias: false) -> conv: causal_conv1d(4, bias: false) -> silu -> split([side, side, v_heads * width])
  beta = x -> b_proj: linear(v_heads) -> sigmoid -> transpose
  fall = (x -> a_proj: linear(v_heads) -> softplus -> transpose) * -1.0
  (q -> heads(k_heads) -> l2norm, k -> heads(k_heads) -> l2norm, v -> heads(v_heads), fall, beta) -> linear_attend
  merge_heads -> o: linear(D, bias: false)
}`,
  ),
};

/** Bytes of the memory of a run over one text, with what kernels need while they run on one thread. */
export function runBytes(plan: Plan, { storageOf }: Target, length: number): number {
  const layout = layoutOf(plan, { ...tsTarget, storageOf });
  const sizes = new Map([
    ["B", 1],
    ["T", length],
  ]);
  return [...layout.slots(plan), layout.scratch(plan.steps)].reduce(
    (sum, region) => sum + largestOf(region, sizes),
    0,
  );
}
