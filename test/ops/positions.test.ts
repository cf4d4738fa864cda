import { describe, expect, test } from "vitest";
import { alibiSlopes } from "../../src/ops/evaluate/attend.ts";
import { relativeBucket } from "../../src/ops/evaluate/create.ts";
import { ropeFrequencies, type RopeScaling } from "../../src/ops/evaluate/rope.ts";
import { goldenCases, STORED_ROUNDING } from "./golden.ts";

const positions = goldenCases("positions");

const plain: RopeScaling = {
  theta: 10000,
  dims: 0,
  scaling: "none",
  factor: 1,
  original: 0,
  low_freq_factor: 1,
  high_freq_factor: 4,
  beta_fast: 32,
  beta_slow: 1,
  truncate: true,
  short_factor: [],
  long_factor: [],
};

describe("rope frequencies", () => {
  test("are θ^(-2i/d): 1, 1/10, 1/100, 1/1000 for θ 10000 and 8 channels", () => {
    const frequencies = ropeFrequencies(plain, 8, 100);
    expect([...frequencies].map((each) => Number(each.toPrecision(15)))).toEqual([1, 0.1, 0.01, 0.001]);
  });

  test("of the static NTK scaling turn the slowest pair `factor` times slower and the fastest as before", () => {
    const frequencies = ropeFrequencies({ ...plain, scaling: "ntk", factor: 8 }, 16, 100);
    const before = ropeFrequencies(plain, 16, 100);
    expect(frequencies[0]).toBe(1);
    expect(before[7]! / frequencies[7]!).toBeCloseTo(8, 12);
  });

  test("of dynamic scaling are plain up to the original length and follow the length beyond", () => {
    const at = (length: number) => [
      ...ropeFrequencies({ ...plain, scaling: "dynamic", factor: 2, original: 16 }, 8, length),
    ];
    expect(at(16)).toEqual([...ropeFrequencies(plain, 8, 16)]);
    expect(at(32)[3]).toBeLessThan(at(17)[3]!);
  });

  test("of YaRN slow down from the pair that turns beta_fast times to the last channel at most, worked by hand", () => {
    // θ 10, 4 channels: pair 0 turns 10000 / 2π ≈ 1591 times in the original text, so it stays; one turn lies beyond
    // channel 3, where the ramp ends: pair 1 is slowed by a third, to 10^-½ · (⅓ / 4 + ⅔) = ¾ · 10^-½.
    const yarn = {
      ...plain,
      theta: 10,
      scaling: "yarn",
      factor: 4,
      original: 10000,
      beta_fast: 1591,
    } as const;
    const frequencies = ropeFrequencies(yarn, 4, 10);
    expect(frequencies.length).toBe(2);
    expect(frequencies[0]).toBeCloseTo(1, 12);
    expect(frequencies[1]).toBeCloseTo(0.75 * 10 ** -0.5, 12);
  });
});

describe("ALiBi slopes", () => {
  test.each([4, 6, 8])("of %d heads are those of transformers", (heads) => {
    const expected = positions.get(`alibi_${heads}`)!.tensor("slopes").data;
    expect(expected.length).toBe(heads);
    alibiSlopes(heads).forEach((slope, head) => {
      expect(Math.abs(slope / expected[head]! - 1)).toBeLessThan(STORED_ROUNDING);
    });
    expect(alibiSlopes(heads).length).toBe(heads);
  });
});

describe("T5's buckets", () => {
  test.each(["t5_buckets_far_both_ways", "t5_buckets_far_causal", "t5_buckets_late_queries"])(
    "%s are those of transformers",
    (name) => {
      const { attrs, tensor } = positions.get(name)!;
      const [relative, buckets] = [tensor("relative").data, tensor("buckets").data];
      const [count, far] = [attrs["num_buckets"] as number, attrs["max_distance"] as number];
      const found = Array.from(relative, (each) =>
        relativeBucket(each, count, far, attrs["bidirectional"] === false),
      );
      expect(found.length).toBeGreaterThan(20);
      expect(found).toEqual([...buckets]);
    },
  );
});
