import { describe, expect, test } from "vitest";
import { randomTable, RandomStream, threefry2x32 } from "../../src/tensor/random.ts";

describe("threefry2x32 with 20 rounds", () => {
  // The known answers of Random123 (kat_vectors), which JAX's threefry2x32 has too.
  test.each([
    { key: [0, 0], counter: [0, 0], expected: [0x6b200159, 0x99ba4efe] },
    {
      key: [0xffffffff, 0xffffffff],
      counter: [0xffffffff, 0xffffffff],
      expected: [0x1cb996fc, 0xbb002be7],
    },
    {
      key: [0x13198a2e, 0x03707344],
      counter: [0x243f6a88, 0x85a308d3],
      expected: [0xc4923a9c, 0x483df7a0],
    },
  ])("key $key, counter $counter", ({ key, counter, expected }) => {
    expect(threefry2x32(key[0]!, key[1]!, counter[0]!, counter[1]!)).toEqual(expected);
  });
});

describe("a random stream", () => {
  test("depends on its seed and its name alone", () => {
    const draw = (seed: number, name: string): number[] => {
      const stream = new RandomStream(seed, name);
      return [stream.uniform(), stream.normal(), stream.uniform()];
    };
    expect(draw(1, "a")).toEqual(draw(1, "a"));
    expect(draw(1, "a")).not.toEqual(draw(2, "a"));
    expect(draw(1, "a")).not.toEqual(draw(1, "b"));
  });

  test("has the moments of its distributions", () => {
    const stream = new RandomStream(7);
    const count = 20_000;
    const normals = Array.from({ length: count }, () => stream.normal());
    const uniforms = Array.from({ length: count }, () => stream.uniform());
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / count;
    // Four standard errors: 4 / √20000 for the mean of a standard normal, 4 · √(2 / 20000) for its variance.
    expect(Math.abs(mean(normals))).toBeLessThan(0.0283);
    expect(Math.abs(mean(normals.map((value) => value * value)) - 1)).toBeLessThan(0.04);
    expect(Math.abs(mean(uniforms) - 0.5)).toBeLessThan(0.0082);
    expect(uniforms.every((value) => value >= 0 && value < 1)).toBe(true);
  });
});

describe("a table of random words", () => {
  test("has the words of the stream of the same seed and name, and others in each column", () => {
    const stream = new RandomStream(7, "rows");
    const word = randomTable(7, "rows");
    expect(Array.from({ length: 5 }, (_, row) => word(row, 0) / 2 ** 32)).toEqual(
      Array.from({ length: 5 }, () => stream.uniform()),
    );
    expect(word(3, 1)).not.toBe(word(3, 0));
    expect(randomTable(7, "columns")(3, 1)).not.toBe(word(3, 1));
  });
});
