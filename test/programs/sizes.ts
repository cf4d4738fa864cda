/** Sizes at which a model runs in the interpreter in milliseconds; those that it has no parameter for do not count. */
export const smallSizes: Readonly<Record<string, number>> = {
  dim: 16,
  depth: 2,
  heads: 2,
  kv_heads: 1,
  head_dim: 8,
  rotary: 4,
  hidden: 12,
  vocab: 11,
  ctx: 16,
  experts: 3,
  partial: 0.5,
};
