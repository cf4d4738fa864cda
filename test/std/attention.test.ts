import { describe, expect, test } from "vitest";
import { difference, opsOf, TOLERANCE } from "../lower/support.ts";
import { dot, linear, rowsOf, runBlock, softmax, type Vector } from "./support.ts";

const [B, T, D, heads, kvHeads] = [2, 5, 16, 4, 2];
const K = D / heads;

interface Options {
  readonly window?: number;
  readonly causal?: boolean;
  readonly softcap?: number;
  readonly alibi?: boolean;
  readonly norm?: boolean;
}

/** RMSNorm of one head, with a weight one head wide. */
const rms = (x: Vector, weight: ArrayLike<number>): Vector => {
  const root = Math.sqrt(dot(x, x) / x.length + 1e-6);
  return x.map((v, i) => (v / root) * weight[i]!);
};

/** Vaswani et al. 2017, eq. 1, with each pair of query heads on one key head, written out head by head and row by row. */
function expected(run: ReturnType<typeof runBlock>, options: Options): number[] {
  const weight = (name: string) => run.parameters[`attn.${name}`]!;
  const normed = (x: Vector, name: string): Vector =>
    options.norm ? rms(x, weight(`${name}.weight`).data) : x;
  const part = (x: Vector, head: number): Vector => x.slice(head * K, (head + 1) * K);
  const rows = rowsOf(run.inputs.x!);
  const project = (name: string) =>
    rows.map((x) => linear(x, weight(`${name}.weight`), weight(`${name}.bias`)));
  const [q, k, v] = [project("q_proj"), project("k_proj"), project("v_proj")];
  return rows.flatMap((_, row) => {
    const [first, i] = [Math.floor(row / T) * T, row % T];
    const mixed = Array.from({ length: heads }, (_, h) => {
      const g = Math.floor(h / (heads / kvHeads));
      const query = normed(part(q[row]!, h), "q_norm");
      const scores = Array.from({ length: T }, (_, j) => {
        const isSeen = (options.causal === false || j <= i) && i - j < (options.window ?? T);
        if (!isSeen) return -Infinity;
        let score = dot(query, normed(part(k[first + j]!, g), "k_norm")) / Math.sqrt(K);
        if (options.softcap !== undefined) score = options.softcap * Math.tanh(score / options.softcap);
        // Press et al. 2022, section 3: slopes 2^(-8/n), 2^(-16/n), … for n heads.
        return options.alibi ? score - 2 ** ((-8 * (h + 1)) / heads) * (i - j) : score;
      });
      const shares = softmax(scores);
      return Array.from({ length: K }, (_, c) =>
        shares.reduce((sum, p, j) => sum + p * part(v[first + j]!, g)[c]!, 0),
      );
    });
    return linear(mixed.flat(), weight("o_proj.weight"), weight("o_proj.bias"));
  });
}

const run = (args: string) => runBlock(`attn: attention(${heads}, kv_heads: ${kvHeads}${args})`, { B, T }, D);

describe("attention", () => {
  test.each<[string, string, Options]>([
    ["grouped heads, causal", "", {}],
    ["all keys", ", causal: false", { causal: false }],
    ["a window", ", window: 2", { window: 2 }],
    ["a soft cap", ", softcap: 0.5", { softcap: 0.5 }],
    ["ALiBi", ", alibi: true", { alibi: true }],
    ["a norm on each head of q and k", ", qk_norm: rmsnorm", { norm: true }],
  ])("with %s", (_, args, options) => {
    const result = run(args);
    expect(difference(result.y.data, expected(result, options))).toBeLessThan(TOLERANCE);
  });

  test("a norm over the full width stands before the split into heads", () => {
    const { graph } = run(", qk_norm: rmsnorm, qk_norm_full: true, rope: rope");
    const norms = graph.parameters.filter(({ name }) => name.includes("_norm"));
    expect(norms.map(({ name, value }) => [name, value.type.shape[0]!.key])).toEqual([
      ["attn.q_norm.weight", "16"],
      ["attn.k_norm.weight", "8"],
    ]);
    expect(opsOf(graph).slice(0, 5)).toEqual(["linear", "rms_norm", "reshape", "permute", "rope"]);
  });

  test("any rope turns q and k, and leaves v", () => {
    const scalings = ["linear", "ntk", "dynamic", "yarn", "llama3"];
    const args = scalings.map((scaling) => `rope(scaling: ${scaling}, factor: 2.0, original: 4)`);
    for (const rope of [
      "rope",
      "rope(theta: 500.0, dims: 2)",
      "rope(pairs: interleaved, partial_rotary_factor: 0.5)",
      "rope(scaling: longrope, factor: 2.0, original: 4, short_factor: [1, 1.5], long_factor: [2, 4])",
      ...args,
    ]) {
      const result = runBlock(`attn: attention(2, rope: ${rope})`, { B, T }, 8);
      expect(opsOf(result.graph).filter((op) => op === "rope")).toHaveLength(2);
      expect(result.y.data.every((element) => Number.isFinite(element))).toBe(true);
    }
  });
});

describe("cross attention", () => {
  test("reads keys and values of another length and width, those that the mask leaves", () => {
    const S = 3;
    const chain = "(x, memory, mask) -> attn: cross_attention(3, bias: false)";
    const result = runBlock(
      chain,
      { B, T, S },
      6,
      `input memory: f32[B, S, 4]; input mask: bool[B, S] = true`,
    );
    const weight = (name: string) => result.parameters[`attn.${name}.weight`]!;
    const memory = rowsOf(result.inputs.memory!);
    const values = rowsOf(result.inputs.x!).flatMap((x, row) => {
      const b = Math.floor(row / T);
      const mine = memory.slice(b * S, (b + 1) * S);
      const q = linear(x, weight("q_proj"));
      const mixed = [0, 1, 2].flatMap((h) => {
        const [from, to] = [2 * h, 2 * h + 2];
        const scores = mine.map((m, j) => {
          const key = linear(m, weight("k_proj")).slice(from, to);
          return result.inputs.mask!.data[b * S + j] === 0
            ? -Infinity
            : dot(q.slice(from, to), key) / Math.sqrt(2);
        });
        const shares = softmax(scores);
        const v = mine.map((m) => linear(m, weight("v_proj")).slice(from, to));
        return [0, 1].map((c) => shares.reduce((sum, p, j) => sum + p * v[j]![c]!, 0));
      });
      return linear(mixed, weight("o_proj"));
    });
    expect(result.inputs.mask!.data).toContain(0);
    expect(difference(result.y.data, values)).toBeLessThan(TOLERANCE);
  });
});
