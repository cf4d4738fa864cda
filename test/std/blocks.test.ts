import { describe, expect, test } from "vitest";
import { difference, TOLERANCE } from "../lower/support.ts";
import { dot, linear, rowsOf, runBlock, silu } from "./support.ts";

const symbols = { B: 2, T: 3 };

describe("feed-forward blocks", () => {
  test("swiglu: down(silu(gate(x)) * up(x))", () => {
    const { inputs, parameters, y } = runBlock("f: swiglu(6)", symbols, 4);
    const weight = (name: string) => parameters[`f.${name}.weight`]!;
    const expected = rowsOf(inputs.x!).flatMap((x) => {
      const up = linear(x, weight("up_proj"));
      const gated = linear(x, weight("gate_proj")).map((v, i) => silu(v) * up[i]!);
      return linear(gated, weight("down_proj"));
    });
    expect(difference(y.data, expected)).toBeLessThan(TOLERANCE);
  });

  test("swiglu with one weight of the gate and what it gates, and other names", () => {
    const { inputs, parameters, y } = runBlock('f: swiglu(6, names: ["gate_up", "w2"])', symbols, 4);
    const both = parameters["f.gate_up.weight"]!;
    const expected = rowsOf(inputs.x!).flatMap((x) => {
      const made = linear(x, both);
      return linear(
        made.slice(0, 6).map((v, i) => silu(v) * made[6 + i]!),
        parameters["f.w2.weight"]!,
      );
    });
    expect(difference(y.data, expected)).toBeLessThan(TOLERANCE);
  });

  test("geglu gates with gelu, ffn has no gate", () => {
    const ops = (chain: string) => runBlock(chain, symbols, 4).graph.nodes.map(({ op }) => op);
    expect(ops("geglu(6)")).toEqual(["linear", "gelu", "linear", "mul", "linear"]);
    expect(ops("ffn(6, act: relu2)")).toEqual(["linear", "relu2", "linear"]);
  });
});

describe("elementary blocks", () => {
  test("softcap: cap · tanh(x / cap)", () => {
    const { inputs, y } = runBlock("softcap(0.5)", symbols, 4);
    const expected = [...inputs.x!.data].map((v) => 0.5 * Math.tanh(v / 0.5));
    expect(difference(y.data, expected)).toBeLessThan(TOLERANCE);
  });

  test("unit: every row has length 1", () => {
    const { y } = runBlock("unit", symbols, 4);
    for (const row of rowsOf(y)) expect(Math.abs(dot(row, row) - 1)).toBeLessThan(TOLERANCE);
  });

  test("dyt: tanh(alpha · x) · weight + bias", () => {
    const { inputs, parameters, y } = runBlock("n: dyt", symbols, 4);
    const [alpha, weight, bias] = ["alpha", "weight", "bias"].map((name) => parameters[`n.${name}`]!.data);
    const expected = rowsOf(inputs.x!).flatMap((x) =>
      x.map((v, i) => Math.tanh(alpha![0]! * v) * weight![i]! + bias![i]!),
    );
    expect(difference(y.data, expected)).toBeLessThan(TOLERANCE);
  });

  test("sinkhorn: rows and columns add up to 1", () => {
    const { y } = runBlock("exp -> sinkhorn(rounds: 60)", { B: 2, T: 4 }, 4);
    const rows = rowsOf(y);
    for (const b of [0, 1]) {
      const matrix = rows.slice(4 * b, 4 * b + 4);
      for (const i of [0, 1, 2, 3]) {
        // Sixty rounds: what remains shrinks by a constant factor each round.
        expect(Math.abs(matrix[i]!.reduce((s, v) => s + v, 0) - 1)).toBeLessThan(1e-9);
        expect(Math.abs(matrix.reduce((s, row) => s + row[i]!, 0) - 1)).toBeLessThan(1e-9);
      }
    }
  });
});

describe("positions", () => {
  test("learned ones are the first rows of a table, added by an edge", () => {
    const { graph, inputs, parameters, y } = runBlock("residual { wpe: learned_positions(7) }", symbols, 4);
    const table = rowsOf(parameters["wpe.weight"]!);
    const expected = rowsOf(inputs.x!).flatMap((x, row) => x.map((v, i) => v + table[row % 3]![i]!));
    expect(difference(y.data, expected)).toBe(0);
    expect(graph.symbols.find(({ name }) => name === "T")).toEqual({ name: "T", max: 7 });
  });

  test("sinusoids: Vaswani et al. 2017, section 3.5, in halves", () => {
    const { y } = runBlock("sinusoidal_positions", { B: 1, T: 6 }, 8);
    expect(y.shape).toEqual([6, 8]);
    const expected = Array.from({ length: 6 }, (_, t) => {
      const angles = [0, 1, 2, 3].map((i) => t / 10000 ** ((2 * i) / 8));
      return [...angles.map(Math.sin), ...angles.map(Math.cos)];
    }).flat();
    expect(difference(y.data, expected)).toBeLessThan(TOLERANCE);
  });
});
