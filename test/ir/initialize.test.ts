import { describe, expect, test } from "vitest";
import type { Graph, Initializer } from "../../src/ir/graph.ts";
import { initialParameters } from "../../src/ir/initialize.ts";
import { makeValue } from "../../src/ir/node.ts";
import { tensorType } from "../../src/tensor/type.ts";

/** What a parameter of a shape begins as. */
function drawn(init: Initializer, shape: readonly number[], seed = 1, name = "w"): ArrayLike<number> {
  const value = makeValue(tensorType("f32", ...shape), "w");
  const parameters = [{ name, value, init, trainable: true, span: undefined }];
  const graph: Graph = {
    name: "g",
    symbols: [],
    inputs: [],
    parameters,
    nodes: [],
    outputs: [],
    states: [],
    edges: [],
  };
  return initialParameters(graph, seed)[name]!.data;
}

const [rows, columns] = [300, 400];
const count = rows * columns;

function moments(data: ArrayLike<number>) {
  const values = Array.from(data);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const std = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
  return { mean, std, largest: values.reduce((a, b) => Math.max(a, Math.abs(b)), 0) };
}

/**
 * The mean of n draws has a standard error of σ / √n, their standard deviation one of at most σ / √n for these
 * distributions (σ / √(2n) for the normal): 5 of them are passed by chance once in a million.
 */
const errorOf = (std: number): number => (5 * std) / Math.sqrt(count);

// PyTorch, TensorFlow and Keras document these variances: Glorot and Bengio 2010, eq. 12 and 16; He et al. 2015, eq. 10.
const fans = { fanIn: columns, fanOut: rows } as const;
const cases: readonly (readonly [string, Initializer, { mean: number; std: number; bound?: number }])[] = [
  ["normal", { kind: "normal", mean: 0.5, std: 0.02 }, { mean: 0.5, std: 0.02 }],
  ["uniform", { kind: "uniform", low: -1, high: 3 }, { mean: 1, std: 4 / Math.sqrt(12), bound: 3 }],
  [
    "Xavier normal",
    { kind: "xavier", distribution: "normal", gain: 2, ...fans },
    { mean: 0, std: 2 * Math.sqrt(2 / 700) },
  ],
  [
    "Xavier uniform",
    { kind: "xavier", distribution: "uniform", gain: 1, ...fans },
    { mean: 0, std: Math.sqrt(2 / 700), bound: Math.sqrt(6 / 700) },
  ],
  [
    "He normal",
    { kind: "he", distribution: "normal", gain: Math.SQRT2, ...fans },
    { mean: 0, std: Math.sqrt(2 / 400) },
  ],
  [
    "He uniform",
    { kind: "he", distribution: "uniform", gain: Math.SQRT2, ...fans },
    { mean: 0, std: Math.sqrt(2 / 400), bound: Math.sqrt(6 / 400) },
  ],
  [
    // scipy.stats.truncnorm(-2, 2).std() is 0.8796256610342398.
    "truncated normal",
    { kind: "truncated_normal", mean: 0, std: 0.02 },
    { mean: 0, std: 0.02 * 0.8796256610342398, bound: 0.04 },
  ],
];

describe("what parameters begin as", () => {
  test.each(cases)("%s has the mean, the spread and the bound of its formula", (_, init, expected) => {
    const { mean, std, largest } = moments(drawn(init, [rows, columns]));
    expect(Math.abs(mean - expected.mean)).toBeLessThan(errorOf(expected.std));
    expect(Math.abs(std - expected.std)).toBeLessThan(errorOf(expected.std));
    // 120,000 draws come near the bound of a distribution that has one, up to the rounding of f32.
    if (expected.bound !== undefined) {
      expect(largest).toBeLessThanOrEqual(expected.bound * (1 + 2 ** -24));
      expect(largest).toBeGreaterThan(0.99 * expected.bound);
    }
  });

  test.each([
    ["wide", [6, 20]],
    ["tall", [20, 6]],
    ["square", [8, 8]],
    ["a kernel, its later axes as one", [6, 4, 3, 2]],
  ])("orthogonal: a %s matrix keeps lengths, times the gain", (_, shape) => {
    const gain = 1.5;
    const data = Array.from(drawn({ kind: "orthogonal", gain }, shape));
    const height = shape[0]!;
    const width = data.length / height;
    const at = (row: number, column: number): number => data[row * width + column]!;
    const short = Math.min(height, width);
    for (let i = 0; i < short; i++)
      for (let j = 0; j <= i; j++) {
        let product = 0;
        for (let k = 0; k < Math.max(height, width); k++)
          product += width >= height ? at(i, k) * at(j, k) : at(k, i) * at(k, j);
        // Sums of at most 24 products of f32 numbers, each rounded by 2^-24 of at most 1.5.
        expect(Math.abs(product - (i === j ? gain * gain : 0))).toBeLessThan(24 * 2 * 1.5 * 2 ** -24);
      }
  });

  test("eye: a matrix of any shape has its gain on the diagonal; unit: one element has", () => {
    expect(Array.from(drawn({ kind: "eye", gain: 2 }, [2, 3]))).toEqual([2, 0, 0, 0, 2, 0]);
    expect(Array.from(drawn({ kind: "eye", gain: 1 }, [3, 2]))).toEqual([1, 0, 0, 1, 0, 0]);
    expect(Array.from(drawn({ kind: "unit", index: 2, gain: 0.5 }, [4, 1]))).toEqual([0, 0, 0.5, 0]);
  });

  test("a seed and a name give the same numbers, another seed or name others", () => {
    const init: Initializer = { kind: "truncated_normal", mean: 0, std: 1 };
    const first = Array.from(drawn(init, [8]));
    expect(Array.from(drawn(init, [8]))).toEqual(first);
    expect(Array.from(drawn(init, [8], 2))).not.toEqual(first);
    expect(Array.from(drawn(init, [8], 1, "v"))).not.toEqual(first);
  });
});
