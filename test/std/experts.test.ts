import { describe, expect, test } from "vitest";
import { hostTensor, type HostTensor } from "../../src/tensor/host.ts";
import { difference, messages, opsOf, parameterNames, TOLERANCE } from "../lower/support.ts";
import { linear, rowsOf, runBlock, silu, softmax, type Vector } from "./support.ts";

const symbols = { B: 2, T: 3 };

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const add = (a: Vector, b: Vector): number[] => a.map((v, i) => v + b[i]!);
const sum = (values: Vector): number => values.reduce((a, b) => a + b, 0);

/** The indices of the largest, the largest first. */
const largest = (scores: Vector, count: number): number[] =>
  [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!).slice(0, count);

/** Matrix e of [E, .., ..], turned if it lies as [in, out]. */
function matrixOf({ shape, data }: HostTensor, e: number, isTurned = false): HostTensor {
  const [, rows, columns] = shape as [number, number, number];
  const own = data.slice(e * rows * columns, (e + 1) * rows * columns);
  if (!isTurned) return hostTensor("f32", [rows, columns], own);
  const values = Array.from(own, (_, i) => own[(i % rows) * columns + Math.floor(i / rows)]!);
  return hostTensor("f32", [columns, rows], values);
}

const rowAt = ({ shape: [, width], data }: HostTensor, row: number): HostTensor =>
  hostTensor("f32", [width!], data.slice(row * width!, (row + 1) * width!));

describe("experts", () => {
  test("moe: the best experts of each token, weighted by their shares of the probability", () => {
    const { inputs, parameters, y } = runBlock("f: moe(4, 2, 5)", symbols, 4);
    const weight = (name: string) => parameters[`f.${name}.weight`]!;
    const expected = rowsOf(inputs.x!).flatMap((x) => {
      const odds = softmax(linear(x, weight("gate")));
      const best = [...odds.keys()].sort((a, b) => odds[b]! - odds[a]!).slice(0, 2);
      const total = best.reduce((sum, e) => sum + odds[e]!, 0);
      return best
        .map((e) => {
          const w3 = linear(x, weight(`experts.${e}.w3`));
          const gated = linear(x, weight(`experts.${e}.w1`)).map((v, i) => silu(v) * w3[i]!);
          return linear(gated, weight(`experts.${e}.w2`)).map((v) => (v * odds[e]!) / total);
        })
        .reduce((a, b) => a.map((v, i) => v + b[i]!));
    });
    expect(difference(y.data, expected)).toBeLessThan(TOLERANCE);
  });

  test("only what is chosen is computed: one product of chosen matrices for each weight of an expert", () => {
    const { graph } = runBlock("f: moe(4, 2, 5)", symbols, 4);
    expect(opsOf(graph).filter((op) => op === "routed_linear")).toHaveLength(3);
    expect(opsOf(graph).filter((op) => op === "linear")).toHaveLength(1);
    expect(parameterNames(graph).slice(0, 3)).toEqual([
      "f.gate.weight",
      "f.experts.*.w1.weight",
      "f.experts.*.w3.weight",
    ]);
  });

  test("stacked weights [in, out] with biases, gates beside what they gate, another formula (GPT-OSS)", () => {
    const { inputs, parameters, y } = runBlock(
      'f: moe(3, 2, 5, router: "router", router_bias: true, names: ["experts.gate_up_proj", "experts.down_proj"], ' +
        "layout: in_out, bias: true, interleaved: true, combine: clamped_swiglu(limit: 0.2))",
      symbols,
      4,
    );
    const weight = (name: string) => parameters[`f.${name}`]!;
    const expected = rowsOf(inputs.x!).flatMap((x) => {
      const logits = linear(x, weight("router.weight"), weight("router.bias"));
      const best = largest(logits, 2);
      const shares = softmax(best.map((e) => logits[e]!));
      return best
        .map((e, at) => {
          const both = linear(
            x,
            matrixOf(weight("experts.gate_up_proj"), e, true),
            rowAt(weight("experts.gate_up_proj_bias"), e),
          );
          const made = Array.from({ length: 5 }, (_, i) => {
            const gate = Math.min(both[2 * i]!, 0.2);
            const up = Math.max(-0.2, Math.min(0.2, both[2 * i + 1]!));
            return (up + 1) * gate * sigmoid(1.702 * gate);
          });
          const down = linear(
            made,
            matrixOf(weight("experts.down_proj"), e, true),
            rowAt(weight("experts.down_proj_bias"), e),
          );
          return down.map((v) => v * shares[at]!);
        })
        .reduce(add);
    });
    expect(difference(y.data, expected)).toBeLessThan(TOLERANCE);
  });

  test("groups, a correction that only chooses, sigmoids, a gain (DeepSeek V3)", () => {
    const { inputs, parameters, y } = runBlock(
      'f: moe(8, 3, 5, scores: sigmoid, correction: "gate.bias", groups: 4, kept: 2, best_of_group: two, gain: 2.5)',
      symbols,
      4,
    );
    const weight = (name: string) => parameters[`f.${name}`]!;
    const expected = rowsOf(inputs.x!).flatMap((x) => {
      const scores = linear(x, weight("gate.weight")).map(sigmoid);
      const choice = add(scores, [...weight("gate.bias").data]);
      const worth = [0, 1, 2, 3].map((g) => choice[2 * g]! + choice[2 * g + 1]!);
      const open = largest(worth, 2);
      const hidden = choice.map((score, e) => (open.includes(Math.floor(e / 2)) ? score : -Infinity));
      const best = largest(hidden, 3);
      const total = sum(best.map((e) => scores[e]!));
      return best
        .map((e) => {
          const up = linear(x, weight(`experts.${e}.w3.weight`));
          const made = linear(x, weight(`experts.${e}.w1.weight`)).map((v, i) => silu(v) * up[i]!);
          return linear(made, weight(`experts.${e}.w2.weight`)).map((v) => (2.5 * v * scores[e]!) / total);
        })
        .reduce(add);
    });
    expect(weight("gate.bias").data.some((v) => v !== 0)).toBe(true);
    expect(difference(y.data, expected)).toBeLessThan(TOLERANCE);
  });

  test("shares of what experts are given (Llama 4), and left as they are", () => {
    const { inputs, parameters, y } = runBlock(
      "f: moe(4, 2, 5, scores: sigmoid, renorm: false, shares: inputs)",
      symbols,
      4,
    );
    const weight = (name: string) => parameters[`f.${name}.weight`]!;
    const expected = rowsOf(inputs.x!).flatMap((x) => {
      const scores = linear(x, weight("gate")).map(sigmoid);
      return largest(scores, 2)
        .map((e) => {
          const given = x.map((v) => v * scores[e]!);
          const up = linear(given, weight(`experts.${e}.w3`));
          const made = linear(given, weight(`experts.${e}.w1`)).map((v, i) => silu(v) * up[i]!);
          return linear(made, weight(`experts.${e}.w2`));
        })
        .reduce(add);
    });
    expect(difference(y.data, expected)).toBeLessThan(TOLERANCE);
  });

  test("one more expert that all tokens share, behind a gate of its own (Qwen 2 MoE)", () => {
    const of = (more: string) => runBlock(`f: moe(4, 2, 5${more})`, symbols, 4);
    const [plain, both] = [of(""), of(', shared: 6, shared_gate: "shared_expert_gate"')];
    const weight = (name: string) => both.parameters[`f.${name}.weight`]!;
    const expected = rowsOf(both.inputs.x!).flatMap((x, row) => {
      const up = linear(x, weight("shared_expert.up_proj"));
      const made = linear(x, weight("shared_expert.gate_proj")).map((v, i) => silu(v) * up[i]!);
      const [gate] = linear(x, weight("shared_expert_gate")).map(sigmoid);
      const shared = linear(made, weight("shared_expert.down_proj")).map((v) => v * gate!);
      return add(rowsOf(plain.y)[row]!, shared);
    });
    expect(difference(both.y.data, expected)).toBeLessThan(TOLERANCE);
  });

  test("load_balance: experts · Σ (share of tokens) · (mean probability), as Switch Transformers have it", () => {
    const { inputs, parameters, y } = runBlock(
      "(z, balance, _) = f: balanced_moe(4, 2, 5)\nbalance + 0 * (z -> sum)",
      symbols,
      4,
    );
    const rows = rowsOf(inputs.x!).map((x) => softmax(linear(x, parameters["f.gate.weight"]!)));
    const expected = [0, 1, 2, 3].map((e) => {
      const used = rows.filter((odds) => largest(odds, 2).includes(e)).length / rows.length;
      return used * (sum(rows.map((odds) => odds[e]!)) / rows.length);
    });
    expect(y.data[0]).toBeCloseTo(4 * sum(expected), 12);
  });

  test("router_z: the mean square of log Σ exp of a token's scores, as ST-MoE has it, at any height of them", () => {
    const { inputs, parameters, y } = runBlock(
      "(z, _, size) = f: balanced_moe(4, 2, 5)\nsize + 0 * (z -> sum)",
      symbols,
      4,
    );
    const squares = rowsOf(inputs.x!).map((x) => {
      const scores = linear(x, parameters["f.gate.weight"]!);
      return Math.log(sum(scores.map(Math.exp))) ** 2;
    });
    expect(y.data[0]).toBeCloseTo(sum(squares) / squares.length, 12);
    const high = runBlock("1000 * (stream -> linear(4)) -> router_z", symbols, 4).y;
    expect(Number.isFinite(high.data[0])).toBe(true);
  });

  test("more experts to choose than there are is a mistake that says so", () => {
    const text = "model m { input x: f32[B, T, 4]; f: moe(2, 3, 5); output y }";
    expect(messages(text)).toContain("cannot choose 3 of 2 experts");
  });
});
