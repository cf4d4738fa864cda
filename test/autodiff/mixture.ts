/** A language model with experts, whose loss has what keeps the router even and its scores small, of both layers. */
export const mixture = `
model mixture(vocab = 11, dim = 8) {
  input tokens: i32[B, T]
  wte: embedding(vocab, dim)
  let extra = 0.0
  repeat 2 as h {
    residual pre ln_1: rmsnorm { attn: attention(2) }
    residual pre ln_2: rmsnorm {
      (y, balance, size) = moe: balanced_moe(4, 2, 6)
      extra = extra + 0.01 * balance + 0.001 * size
      y
    }
  }
  ln_f: rmsnorm
  unembed(wte)
  output logits: f32[B, T, vocab]
  train {
    target next: i32[B, T]
    loss (logits, next) -> cross_entropy
    loss extra
  }
}
`;
