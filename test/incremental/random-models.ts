import { RandomStream } from "../../src/tensor/random.ts";

/** The text of a model that a caller could write: decoders of all sorts, and now and then one that looks ahead. */
export function randomModel(seed: number): string {
  const random = new RandomStream(seed, "model");
  const pick = <X>(list: readonly X[]): X => list[random.below(list.length)]!;
  const chance = (share: number): boolean => random.uniform() < share;
  const norm = (): string => pick(["layernorm", "rmsnorm", "dyt", "rmsnorm(unit_offset: true)"]);
  const attention = (): string => {
    const given = [
      ...(chance(0.4) ? [`kv_heads: ${pick([1, 2])}`] : []),
      ...(chance(0.5) ? [`rope: ${pick(["rope", "rope(pairs: interleaved)", "rope(theta: 100)"])}`] : []),
      ...(chance(0.4) ? [`window: ${pick([1, 2, 3, 5, 40])}`] : []),
      ...(chance(0.2) ? ["alibi: true"] : []),
      ...(chance(0.2) ? ["softcap: 3.0"] : []),
      ...(chance(0.2) ? ["qk_norm: rmsnorm"] : []),
      ...(chance(0.12) ? ["causal: false"] : []),
    ];
    return `attention(${["4", ...given].join(", ")})`;
  };
  const mixers: readonly (() => string)[] = [
    () => `attn: ${attention()}`,
    () => `attn: ${attention()}`,
    () => "mixer: mamba2(state: 4, head_dim: 8)",
    () => `mlp: ${pick(["ffn(24)", "swiglu(24)", "geglu(24)", "moe(4, 2, 8)"])}`,
    () =>
      `transpose -> unsqueeze(-1) -> conv: conv2d(16, kernel: [3, 1], padding: [${chance(0.1) ? 1 : 2}, 0], groups: 16)\nslice(0, end: T, axis: 2) -> squeeze(-1) -> transpose`,
    () =>
      "x = stream ; (0 * (x -> slice(0, end: 1, axis: 1)), x) -> concat(1) -> slice(0, end: T, axis: 1) -> mix: linear(16)",
    () =>
      "x = stream ; at = positions -> cast(f32) -> unsqueeze(1) ; (x -> cumsum(axis: 1)) / (at + 1) -> mean: linear(16)",
    () => "x = stream ; x * (x -> slice(0, end: 1, axis: 1))",
    () =>
      `x = stream ; p = (positions -> unsqueeze(1)) ${pick([">=", ">=", ">=", ">", "<="])} (positions -> unsqueeze(0)) ; q = x -> q: linear(16) ; k = x -> k: linear(16) ; ((p, (q, k) -> matmul(transpose: true), 0.0) -> where, x) -> matmul -> out: linear(16)`,
    () => (chance(0.2) ? "x = stream ; x - (x -> mean(axis: 1, keep: true))" : "lin: linear(16) -> gelu"),
  ];
  const residual = (): string => {
    const form = pick([
      "",
      `pre n: ${norm()} `,
      `post n: ${norm()} `,
      `pre a: ${norm()}, post b: ${norm()} `,
    ]);
    return `residual ${form}{ ${pick(mixers)()} }`;
  };
  const layers = Array.from(
    { length: 1 + random.below(3) },
    (_, at) => `repeat ${pick([1, 1, 2])} as l${at} { ${residual()} }`,
  );
  const positions = pick([
    "",
    "residual { wpe: learned_positions(32) }",
    "residual { sinusoidal_positions }",
    "residual { stream * 0.1 }",
  ]);
  return `model m {\n  input tokens: i32[B, T <= 32]\n  e: embedding(23, 16)\n  ${[positions, ...layers].join("\n  ")}\n  last: ${norm()}\n  output y: f32[B, T, 16]\n}`;
}
