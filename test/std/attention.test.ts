import { describe, expect, test } from "vitest";
import { hostTensor, type HostTensor } from "../../src/tensor/host.ts";
import { difference, mistakes, opsOf, TOLERANCE } from "../lower/support.ts";
import { dot, linear, rowsOf, runBlock, softmax, type Vector } from "./support.ts";

const [B, T, D, heads, kvHeads] = [2, 5, 16, 4, 2];
const K = D / heads;

interface Options {
  readonly window?: number;
  readonly causal?: boolean;
  readonly softcap?: number;
  readonly alibi?: boolean;
  readonly norm?: boolean;
  readonly clip?: number;
  /** Names of the products of q, k, v and the last one, and of the norms. */
  readonly names?: readonly [string, string, string, string];
  readonly norms?: readonly [string, string];
  /** Where the rows of q, k and v stand in one weight. */
  readonly fused?: (part: "q" | "k" | "v") => readonly number[];
  readonly isTurned?: boolean;
  /** Whether key j of sequence b may be seen. */
  readonly mask?: (b: number, j: number) => boolean;
  /** The score of a learned sink of each head. */
  readonly sinks?: ArrayLike<number>;
}

const parts = ["q", "k", "v"] as const;

/** Rows of one weight, or elements of its bias. */
const rowsIn = ({ shape, data }: HostTensor, rows: readonly number[]): HostTensor => {
  const width = shape.length === 1 ? 1 : shape[1]!;
  const values = rows.flatMap((row) => [...data.slice(row * width, (row + 1) * width)]);
  return hostTensor("f32", shape.length === 1 ? [rows.length] : [rows.length, width], values);
};

/** A weight that lies as [in, out]. */
const turned = ({ shape: [rows, columns], data }: HostTensor): HostTensor =>
  hostTensor(
    "f32",
    [columns!, rows!],
    Array.from(data, (_, i) => data[(i % rows!) * columns! + Math.floor(i / rows!)]!),
  );

/** RMSNorm of one head, with a weight one head wide. */
const rms = (x: Vector, weight: ArrayLike<number>): Vector => {
  const root = Math.sqrt(dot(x, x) / x.length + 1e-6);
  return x.map((v, i) => (v / root) * weight[i]!);
};

/** Vaswani et al. 2017, eq. 1, with each pair of query heads on one key head, written out head by head and row by row. */
function expected(run: ReturnType<typeof runBlock>, options: Options): number[] {
  const names = options.names ?? ["q_proj", "k_proj", "v_proj", "o_proj"];
  const [queryNorm, keyNorm] = options.norms ?? ["q_norm", "k_norm"];
  const weight = (name: string) => run.parameters[`attn.${name}`]!;
  const matrix = (name: string) =>
    options.isTurned ? turned(weight(`${name}.weight`)) : weight(`${name}.weight`);
  const normed = (x: Vector, name: string): Vector =>
    options.norm ? rms(x, weight(`${name}.weight`).data) : x;
  const part = (x: Vector, head: number): Vector => x.slice(head * K, (head + 1) * K);
  const rows = rowsOf(run.inputs.x!);
  const cut = (y: Vector): Vector =>
    options.clip === undefined ? y : y.map((v) => Math.max(-options.clip!, Math.min(options.clip!, v)));
  const project = (part: "q" | "k" | "v") => {
    const name = options.fused === undefined ? names[parts.indexOf(part)]! : names[0];
    const [all, bias] = [matrix(name), weight(`${name}.bias`)];
    const own = options.fused?.(part);
    return rows.map((x) =>
      cut(own === undefined ? linear(x, all, bias) : linear(x, rowsIn(all, own), rowsIn(bias, own))),
    );
  };
  const [q, k, v] = [project("q"), project("k"), project("v")];
  return rows.flatMap((_, row) => {
    const [first, i] = [Math.floor(row / T) * T, row % T];
    const mixed = Array.from({ length: heads }, (_, h) => {
      const g = Math.floor(h / (heads / kvHeads));
      const query = normed(part(q[row]!, h), queryNorm);
      const scores = Array.from({ length: T }, (_, j) => {
        const isNear = Math.abs(i - j) < (options.window ?? T);
        const isSeen =
          (options.causal === false || j <= i) && isNear && options.mask?.(first / T, j) !== false;
        if (!isSeen) return -Infinity;
        let score = dot(query, normed(part(k[first + j]!, g), keyNorm)) / Math.sqrt(K);
        if (options.softcap !== undefined) score = options.softcap * Math.tanh(score / options.softcap);
        // Press et al. 2022, section 3: slopes 2^(-8/n), 2^(-16/n), … for n heads.
        return options.alibi ? score - 2 ** ((-8 * (h + 1)) / heads) * (i - j) : score;
      });
      const shares = softmax(options.sinks === undefined ? scores : [...scores, options.sinks[h]!]);
      return Array.from({ length: K }, (_, c) =>
        scores.reduce((sum, _, j) => sum + shares[j]! * part(v[first + j]!, g)[c]!, 0),
      );
    });
    const last = names[3];
    return linear(mixed.flat(), matrix(last), weight(`${last}.bias`));
  });
}

const run = (args: string) => runBlock(`attn: attention(${heads}, kv_heads: ${kvHeads}${args})`, { B, T }, D);

describe("attention", () => {
  test.each<[string, string, Options]>([
    ["grouped heads, causal", "", {}],
    ["all keys", ", causal: false", { causal: false }],
    ["a window", ", window: 2", { window: 2 }],
    ["the window of a layer that has it", ", window: 2, kind: sliding_attention", { window: 2 }],
    ["no window where the layer sees all", ", window: 2, kind: full_attention", {}],
    ["the words of GPT-Neo", ", window: 2, kind: local", { window: 2 }],
    ["a soft cap", ", softcap: 0.5", { softcap: 0.5 }],
    ["ALiBi", ", alibi: true", { alibi: true }],
    ["a norm on each head of q and k", ", qk_norm: rmsnorm", { norm: true }],
  ])("with %s", (_, args, options) => {
    const result = run(args);
    expect(difference(result.y.data, expected(result, options))).toBeLessThan(TOLERANCE);
  });

  test("a layer of a window that is not given is refused, and one of another kind by name", () => {
    expect(mistakes("  attn: attention(4, kind: sliding_attention)")).toContain(
      "a layer with sliding_attention needs a `window`, and has none",
    );
    expect(mistakes('  attn: attention(4, kind: "linear_attention")')).toContain(
      "one of full_attention, sliding_attention, global, local",
    );
  });

  const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);
  const [wide, narrow] = [heads * K, kvHeads * K];
  const each = heads / kvHeads;
  /** All of q, then all of k, then all of v. */
  const inParts = (part: "q" | "k" | "v"): number[] =>
    part === "q" ? range(0, wide) : range(part === "k" ? wide : wide + narrow, narrow);
  /** Of each key head its queries, its key, its value. */
  const byHead = (part: "q" | "k" | "v"): number[] =>
    range(0, kvHeads).flatMap((g) => {
      const first = g * (each + 2) * K;
      return part === "q" ? range(first, each * K) : range(first + (part === "k" ? each : each + 1) * K, K);
    });

  test.each<[string, string, Options]>([
    [
      "other names",
      ', names: ["query", "key", "value", "out.dense"]',
      { names: ["query", "key", "value", "out.dense"] },
    ],
    [
      "norms of other names",
      ', qk_norm: rmsnorm, norm_names: ["q_layernorm", "k_layernorm"]',
      { norm: true, norms: ["q_layernorm", "k_layernorm"] },
    ],
    [
      "one weight",
      ', names: ["qkv_proj", "o_proj"]',
      { names: ["qkv_proj", "", "", "o_proj"], fused: inParts },
    ],
    [
      "one weight [in, out]",
      ', names: ["c_attn", "c_proj"], layout: in_out',
      { names: ["c_attn", "", "", "c_proj"], fused: inParts, isTurned: true },
    ],
    [
      "one weight, head by head",
      ', names: ["query_key_value", "dense"], interleaved: true',
      { names: ["query_key_value", "", "", "dense"], fused: byHead },
    ],
    ["a clip", ", clip: 0.3", { clip: 0.3 }],
    ["a window on both sides", ", causal: false, window: 2", { causal: false, window: 2 }],
  ])("with %s", (_, args, options) => {
    const result = run(args);
    expect(difference(result.y.data, expected(result, options))).toBeLessThan(TOLERANCE);
  });

  test("sees the keys that a mask leaves", () => {
    const chain = `(x, mask) -> attn: attention(${heads}, kv_heads: ${kvHeads}, causal: false)`;
    const result = runBlock(chain, { B, T }, D, "input mask: bool[B, T] = true");
    const { data } = result.inputs.mask!;
    expect(data).toContain(0);
    const mask = (b: number, j: number): boolean => data[b * T + j] !== 0;
    expect(difference(result.y.data, expected(result, { causal: false, mask }))).toBeLessThan(TOLERANCE);
  });

  test.each(["", ", window: 2"])("shares each softmax with a learned sink%s", (window) => {
    const result = run(`, sinks: true${window}`);
    const sinks = result.parameters["attn.sinks"]!.data;
    const options = { sinks, ...(window !== "" && { window: 2 }) };
    expect(difference(result.y.data, expected(result, options))).toBeLessThan(TOLERANCE);
  });

  test("norms what has turned already, if it is asked to", () => {
    const ops = opsOf(run(", qk_norm: rmsnorm, norm_turned: true, rope: rope").graph);
    expect(ops.indexOf("rope")).toBeLessThan(ops.indexOf("rms_norm"));
  });

  test("a gate beside q opens the result", () => {
    const { graph } = run(", gated: true, qk_norm: rmsnorm");
    const found = graph.parameters.find(({ name }) => name === "attn.q_proj.weight")!;
    expect(found.value.type.shape.map(({ key }) => key)).toEqual([String(2 * wide), String(D)]);
    const ops = opsOf(graph);
    expect(ops.slice(ops.indexOf("attend"))).toEqual([
      "attend",
      "sigmoid",
      "mul",
      "permute",
      "reshape",
      "linear",
    ]);
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
