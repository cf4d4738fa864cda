import { describe, expect, test } from "vitest";
import { generate } from "../../src/cli/run/generate.ts";
import { argmax, likeliest, sample } from "../../src/cli/run/sampling.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { RandomStream } from "../../src/tensor/random.ts";

/** Probabilities 1/2, 1/4, 1/8, 1/8. */
const logits = [2, 1, 3, 1].map((bits) => bits * Math.LN2);

test("the likeliest come first, with their probabilities; of equal ones the smaller id", () => {
  expect(
    likeliest(logits, 3).map(({ id, probability }) => [id, Number(probability.toFixed(12))]),
  ).toStrictEqual([
    [2, 0.5],
    [0, 0.25],
    [1, 0.125],
  ]);
});

test("logits that would overflow give probabilities", () => {
  expect(likeliest([1e30, -1e30, -Infinity], 3)).toStrictEqual([
    { id: 0, probability: 1 },
    { id: 1, probability: 0 },
    { id: 2, probability: 0 },
  ]);
});

/** How often each id is drawn in 20,000 draws of one seed. */
function frequencies(sampling: { temperature: number; topK: number; topP: number }): number[] {
  const random = new RandomStream(5, "test");
  const counts = [0, 0, 0, 0];
  for (let draw = 0; draw < 20_000; draw++) counts[sample(logits, sampling, random)]!++;
  return counts.map((count) => count / 20_000);
}

describe("draws follow the distribution", () => {
  // The deviation of a frequency is at most sqrt(0.25 / 20000) = 0.0035; four of them are allowed.
  test.each([
    ["of the logits", { temperature: 1, topK: Infinity, topP: 1 }, [0.25, 0.125, 0.5, 0.125]],
    [
      "of half the temperature: squared",
      { temperature: 0.5, topK: Infinity, topP: 1 },
      [4 / 22, 1 / 22, 16 / 22, 1 / 22],
    ],
    ["of the two likeliest", { temperature: 1, topK: 2, topP: 1 }, [1 / 3, 0, 2 / 3, 0]],
    ["of the fewest that reach p", { temperature: 1, topK: Infinity, topP: 0.7 }, [1 / 3, 0, 2 / 3, 0]],
    ["of one token for a tiny p", { temperature: 1, topK: Infinity, topP: 0 }, [0, 0, 1, 0]],
  ])("%s", (_name, sampling, expected) => {
    frequencies(sampling).forEach((frequency, id) =>
      expect(Math.abs(frequency - expected[id]!)).toBeLessThan(0.014),
    );
  });

  test("and temperature 0 takes the largest", () => {
    expect(sample(logits, { temperature: 0, topK: 1, topP: 1 }, new RandomStream(0))).toBe(2);
    expect(argmax([1, 7, 7])).toBe(1);
  });
});

describe("generation", () => {
  /** A model of 5 ids that says the successor of the last. */
  const successor = (tokens: readonly number[]) => {
    const row = new Array<number>(5).fill(0);
    row[(tokens.at(-1)! + 1) % 5] = 9;
    return Promise.resolve(hostTensor("f32", [1, 1, 5], row));
  };
  const greedy = { temperature: 0, topK: Infinity, topP: 1 };
  const run = (count: number, context: number, stops: number[]) =>
    generate([0, 1], count, context, new Set(stops), greedy, new RandomStream(0), successor, () => undefined);

  test("adds as many tokens as asked for", async () => {
    expect(await run(3, 99, [])).toStrictEqual({ tokens: [0, 1, 2, 3, 4], stopped: "length" });
  });
  test("ends with a stop token", async () => {
    expect(await run(9, 99, [3])).toStrictEqual({ tokens: [0, 1, 2, 3], stopped: "end" });
  });
  test("ends where the context is full", async () => {
    expect(await run(9, 4, [])).toStrictEqual({ tokens: [0, 1, 2, 3], stopped: "context" });
  });
});
