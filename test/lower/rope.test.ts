import { describe, expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import { ropeFrequencies } from "../../src/ops/evaluate/rope.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { runOnEachCpu } from "../emit/cpu.ts";
import { goldenCases, STORED_ROUNDING, type GoldenCase } from "../ops/golden.ts";
import { expectClose } from "../ops/tensors.ts";
import { graphOf, messages } from "./support.ts";

const golden = goldenCases("rope");

/** The names of a config that the layer calls otherwise; all others are the same. */
const names: Readonly<Record<string, string>> = {
  rope_theta: "theta",
  rope_type: "scaling",
  original_max_position_embeddings: "original",
};

const show = (value: unknown): string =>
  value === null ? "none" : JSON.stringify(value).replaceAll('"', "");

/** The layer as a config has it, word for word. */
function layerOf({ attrs }: GoldenCase): string {
  const given = Object.entries(attrs["rope_parameters"] as Record<string, unknown>);
  const args = given.map(([name, value]) => `${names[name] ?? name}: ${show(value)}`);
  return `rope(${args.join(", ")}, max_positions: ${show(attrs["max_position_embeddings"])})`;
}

const turned = (layer: string, width: number) =>
  graphOf(`model m {
    input q: f32[B, 2, T, ${width}]
    input at: i32[T]
    (q, at) -> ${layer}
    output y
  }`);

/** Inputs and results of a step are stored as float32, which costs each of two products and a sum some 2^-24. */
const FLOAT32 = 2e-6;

describe("rope under the names of a config", () => {
  test.each([...golden.values()].map((found) => [found.name, found] as const))(
    "is that of transformers: %s",
    async (_, found) => {
      const [q, at, y] = ["q", "positions", "y"].map(found.tensor) as [HostTensor, HostTensor, HostTensor];
      const width = q.shape[3]!;
      const graph = turned(layerOf(found), width);
      const node = graph.nodes.find((each) => each.op === "rope");
      if (node?.op !== "rope") throw new Error("no rope was made");

      const expected = found.tensor("inv_freq").data;
      const frequencies = ropeFrequencies(node.attrs, width, Math.max(...at.data) + 1);
      expect(frequencies.length).toBe(expected.length);
      expect(frequencies.length).toBeGreaterThan(0);
      frequencies.forEach((each, pair) => {
        expect(Math.abs(each - expected[pair]!)).toBeLessThanOrEqual(STORED_ROUNDING * expected[pair]!);
      });
      // Two logarithms, a quotient and a root, in float64 on both sides.
      expect(node.attrs.attention_factor).toBeCloseTo(found.scalars["attention_factor"]!, 12);

      const bindings = { inputs: { q, at }, parameters: {} };
      expectClose(interpret(graph, bindings).y!, y, STORED_ROUNDING);
      for (const emitted of await runOnEachCpu(graph, bindings))
        expectClose({ ...y, ...emitted["y"], data: Float64Array.from(emitted["y"]!.data) }, y, FLOAT32);
    },
  );

  test("counts the length from the sequence where no positions are given", () => {
    const layer =
      "rope(scaling: longrope, original: 3, factor: 1.0, short_factor: [1, 1], long_factor: [2, 4])";
    const plain = graphOf(`model m { input q: f32[1, 1, T, 4]; ${layer}; output y }`);
    const slower = graphOf(
      `model m { input q: f32[1, 1, T, 4]; rope(scaling: linear, factor: 2.0); output y }`,
    );
    const run = (graph: typeof plain, rows: number) =>
      interpret(graph, {
        inputs: { q: { dtype: "f32", shape: [1, 1, rows, 4], data: new Float64Array(4 * rows).fill(1) } },
        parameters: {},
      }).y!.data;
    // The first pair, channels 0 and 2, is what linear makes of it; in short texts nothing slows.
    expect(run(plain, 4)[4]).toBe(run(slower, 4)[4]);
    expect(run(plain, 3)[4]).toBe(Math.cos(1) - Math.sin(1));
  });
});

describe("rope refuses", () => {
  const complaint = (args: string): string | undefined =>
    /E\d+\]: (.*)/.exec(messages(`model m { input q: f32[B, 2, T, 8]; rope(${args}); output y }`))?.[1];

  test.each([
    ["scaling: linear", "the scaling linear needs `factor`"],
    ["scaling: ntk", "the scaling ntk needs `factor`"],
    ["scaling: llama3, original: 8", "the scaling llama3 needs `factor`"],
    ["scaling: llama3, factor: 8.0", "the scaling llama3 needs `original` or `max_positions`"],
    ["scaling: dynamic, factor: 8.0", "the scaling dynamic needs `original` or `max_positions`"],
    ["scaling: yarn, factor: 8.0", "the scaling yarn needs `original` or `max_positions`"],
    ["scaling: yarn, original: 8", "the scaling yarn needs `factor` or `max_positions`"],
    ["scaling: longrope, original: 8, factor: 2.0", "the scaling longrope needs `short_factor`"],
    [
      "scaling: longrope, original: 8, factor: 2.0, short_factor: [1, 1, 1, 1]",
      "the scaling longrope needs `long_factor`",
    ],
    [
      "factor: 2.0",
      "`factor`: the scaling default does not read it, only linear, ntk, dynamic, llama3, proportional, yarn, longrope",
    ],
    [
      "attention_factor: 0.5",
      "`attention_factor`: the scaling default does not read it, only yarn, longrope",
    ],
    [
      "scaling: linear, factor: 2.0, attention_factor: 0.5",
      "`attention_factor`: the scaling linear does not read it, only yarn, longrope",
    ],
    ["scaling: linear, factor: 2.0, mscale: 0.5", "`mscale`: the scaling linear does not read it, only yarn"],
    [
      "scaling: yarn, factor: 2.0, original: 8, long_factor: [1, 1, 1, 1]",
      "`long_factor`: the scaling yarn does not read it, only longrope",
    ],
    [
      "dims: 4, partial_rotary_factor: 0.5",
      "`dims` and `partial_rotary_factor` say the same: give one of them",
    ],
    [
      "partial_rotary_factor: 0.1",
      "`partial_rotary_factor`: 0.1 of 8 channels are 0, expected an even number from 2 to 8",
    ],
    [
      "partial_rotary_factor: -1.0",
      "`partial_rotary_factor`: -1 of 8 channels are -8, expected an even number from 2 to 8",
    ],
    [
      "partial_rotary_factor: 0.4",
      "`partial_rotary_factor`: 0.4 of 8 channels are 3, expected an even number from 2 to 8",
    ],
    [
      "partial_rotary_factor: 1.5",
      "`partial_rotary_factor`: 1.5 of 8 channels are 12, expected an even number from 2 to 8",
    ],
    [
      "scaling: proportional, partial_rotary_factor: 0.2",
      "`partial_rotary_factor`: 0.2 of 8 channels are 0, expected an even number from 2 to 8",
    ],
    [
      "scaling: longrope, original: 1, factor: 2.0, short_factor: [1, 1, 1, 1], long_factor: [1, 1, 1, 1]",
      "`attention_factor`: expected a number of at least 0, got Infinity",
    ],
    [
      "scaling: yarn, factor: 2.0, original: 8, mscale: 1.0, mscale_all_dim: -500.0",
      "`attention_factor`: expected a number of at least 0, got -",
    ],
    [
      "short_factor: [1, true]",
      "`short_factor` of `rope` takes a list of numbers or none, got the list [1, true]",
    ],
  ])("%s", (args, message) => {
    expect(complaint(args)).toContain(message);
  });
});
