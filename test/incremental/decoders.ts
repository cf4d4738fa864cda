import type { Settings } from "./models.ts";
import { gatedDelta, runningQuotient, selectiveScan } from "./recurrent-blocks.ts";

const small = { vocab: 23, dim: 16, depth: 2, heads: 4 };
export const grouped = { ...small, hidden: 24, kv_heads: 2 };
const gpt = { ...small, ctx: 40 };

/** The examples that decode, made small. */
export const decoders: readonly (readonly [string, Settings])[] = [
  ["gpt2", gpt],
  ["llama", grouped],
  ["qwen3", { ...grouped, head_dim: 8 }],
  ["gemma2", { ...grouped, depth: 3, head_dim: 8, window: 4, query_scalar: 8 }],
  ["cohere", grouped],
  ["neox", { ...small, dim: 32 }],
  ["gptj", { ...small, dim: 32, rotary: 4 }],
  ["olmo2", grouped],
  ["granite", grouped],
  ["unet", { vocab: 23, dim: 16, half: 2, heads: 4 }],
  ["chars", { ...small, vocab: 23 }],
  ["depth", { dim: 16, depth: 2, heads: 4 }],
  ["deepnorm", { dim: 16, depth: 2, heads: 4 }],
  ["layerscale", { dim: 16, depth: 2, heads: 4 }],
  ["rezero", { dim: 16, depth: 2, heads: 4 }],
  ["placement", { ...gpt, placement: "pre" }],
  ["placement", { ...gpt, placement: "post" }],
  ["placement", { ...gpt, placement: "out" }],
  ["placement", { ...gpt, placement: "sandwich" }],
  ["placement", { ...gpt, placement: "none" }],
];

const model = (body: string, inputs = ""): string =>
  `model m(dim = 16) {\n  input tokens: i32[B, T <= 32]\n${inputs}\n  e: embedding(23, dim)\n${body}\n  ln: rmsnorm\n  output y: f32[B, T, dim]\n}`;

/** Models of the kinds that published families have and no example does: each is to be read as the whole graph would. */
export const texts: Readonly<Record<string, string>> = {
  "latent attention, as DeepSeek's": `${model("repeat 2 as h { residual pre n: rmsnorm { attn: latent(4, 6, 4, 2, 3) } }")}
block latent(heads: int, rank: int, plain: int, turned: int, v_dim: int) {
  input x: [B, T, D]
  (q, q_turned) = q_proj: linear(heads * (plain + turned), bias: false) -> heads(heads) -> split([plain, turned])
  (latent, k_turned) = x -> kv_a: linear(rank + turned, bias: false) -> split([rank, turned])
  (k, v) = latent -> kv_norm: rmsnorm -> kv_b: linear(heads * (plain + v_dim), bias: false) -> heads(heads) -> split([plain, v_dim])
  k_turned = k_turned -> unsqueeze(1) -> rope(pairs: interleaved) -> expand(1, n: heads)
  ((q, q_turned -> rope(pairs: interleaved)) -> concat(-1), (k, k_turned) -> concat(-1), v) -> attend(causal: true)
  merge_heads -> o: linear(D, bias: false)
}`,
  "a window in each layer but the last, and grouped heads": model(
    "repeat 2 as h { residual pre n: rmsnorm { attn: attention(4, kv_heads: 2, rope: rope, window: 4) } }\nresidual pre n: rmsnorm { attn: attention(4, kv_heads: 1, rope: rope) }",
  ),
  "a learned sink in a window, as GPT-OSS's": `${model("residual { attn: sink(2, 3) }")}
block sink(heads: int, window: int) {
  input x: [B, T, D]
  q = q: linear(D) -> heads(heads) -> rope
  k = k: linear(D) -> heads(heads) -> rope
  v = v: linear(D) -> heads(heads)
  nothing = 0 * (k -> slice(0, end: 1, axis: 2))
  at = positions -> cast(f32)
  sink = (sinks: parameter([heads])) -> reshape([heads, 1, 1])
  near = (at -> unsqueeze(1)) - (at -> unsqueeze(0)) < window
  seen = ((at -> unsqueeze(1)) == (at -> unsqueeze(1)), near) -> concat(-1)
  (q, (nothing, k) -> concat(2), (nothing, v) -> concat(2), (sink, sink * 0 + at * 0) -> concat(-1), seen) -> attend(causal: true)
  merge_heads -> o: linear(D)
}`,
  "chunks of attention, as Llama 4's": model(
    "at = positions -> cast(f32)\npart = at / 4 -> floor\nsame = (part -> unsqueeze(1)) == (part -> unsqueeze(0))\nresidual { q = q: linear(dim) -> heads(2) -> rope ; (q, q, x2: linear(dim) -> heads(2), same) -> attend(causal: true) -> merge_heads }",
  ),
  "experts, and a convolution behind gates": `${model("residual pre n: rmsnorm { conv: gated(3) }\nresidual pre m: rmsnorm { mlp: moe(4, 2, 8) }\nresidual { attn: attention(2) }")}
block gated(kernel: int) {
  input x: [B, T, D]
  (b, c, u) = in_proj: linear(3 * D, bias: false) -> split(3)
  b * u -> transpose -> unsqueeze(-1) -> conv: conv2d(D, kernel: [kernel, 1], padding: [kernel - 1, 0], groups: D)
  squeeze(-1) -> slice(0, end: T) -> transpose
  c * stream -> out_proj: linear(D, bias: false)
}`,
  "a shift of one token and a running softmax, as RWKV's": `${model("residual pre n: layernorm { att: mix }")}
block mix {
  input x: [B, T, D]
  last = (0 * (x -> slice(0, end: 1, axis: 1)), x) -> concat(1) -> slice(0, end: T, axis: 1)
  k = x * 0.3 + last * 0.7 -> key: linear(D, bias: false) -> transpose -> unsqueeze(-2)
  v = x * 0.6 + last * 0.4 -> value: linear(D, bias: false) -> transpose -> unsqueeze(-2)
  ago = (positions -> cast(f32) -> unsqueeze(1)) - (positions -> cast(f32) -> unsqueeze(0))
  fall = decay: parameter([D], init: 0) -> exp -> reshape([D, 1, 1])
  weights = (ago >= 0, k - fall * ago, -1e30) -> where -> softmax
  weights * v -> sum(axis: -1) -> transpose -> output: linear(D, bias: false)
}`,
  "a state space layer": model(
    "repeat 2 as h { residual pre n: rmsnorm { mixer: mamba2(state: 4, head_dim: 8) } }",
  ),
  "a selective scan, a decay for each channel of a state, as Mamba's": `${model("residual pre n: rmsnorm { mixer: mamba(32, 4, 3) }")}
${selectiveScan}`,
  "a running quotient of two sums, as RWKV's": `${model("residual pre n: layernorm { att: time_mix }")}
${runningQuotient}`,
  "a gated delta rule, as Qwen3-Next's": `${model("residual pre n: rmsnorm { net: delta(2, 4, 4) }")}
${gatedDelta}`,
  "an encoder and a decoder with distances, as T5's": `${model(
    "causal = (positions -> unsqueeze(1)) >= (positions -> unsqueeze(0))\nbias = distance(8, 16, causal: true) -> table: embedding(8, 4) -> permute([2, 0, 1])\nrepeat 2 as h { residual { (stream, stream, bias, causal) -> self: t5(4) } ; residual { (stream, memory, 0.0, seen -> key_mask) -> cross: t5(4) } }",
    "input source: i32[B, S]\ninput seen: bool[B, S] = true\nsource -> shared: embedding(23, dim)\nboth = distance(8, 16) -> both: embedding(8, 4) -> permute([2, 0, 1])\nresidual pre n: rmsnorm { (stream, stream, both, seen -> key_mask) -> enc: t5(4) }\nmemory = stream -> done: rmsnorm\ntokens",
  )}
block t5(heads: int) {
  input x: [B, T, D]
  input memory: [B, S, D]
  input scores: [..]
  input mask: bool[..]
  q = x -> q: linear(D, bias: false) -> heads(heads)
  k = memory -> k: linear(D, bias: false) -> heads(heads)
  v = memory -> v: linear(D, bias: false) -> heads(heads)
  (q, k, v, scores, mask) -> attend(scale: 1.0) -> merge_heads -> o: linear(D, bias: false)
}`,
};
