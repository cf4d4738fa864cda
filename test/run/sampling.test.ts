import { describe, expect, test } from "vitest";
import { Generation } from "../../src/run/generation.ts";
import { argmax, likeliest, sample } from "../../src/run/sampling.ts";
import { TextStream } from "../../src/run/text-stream.ts";
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
  const run = async (count: number, context: number, stops: number[]) => {
    const generation = new Generation([0, 1], { count, stop: new Set(stops) }, context, successor);
    const added: number[] = [];
    for await (const id of generation) added.push(id);
    const { tokens, stopped } = generation;
    expect([0, 1, ...added]).toEqual(tokens);
    return { tokens, stopped };
  };

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

test("a temperature near 0 takes the likeliest, and makes no infinities of logits", () => {
  const random = new RandomStream(5, "test");
  for (const temperature of [1e-3, 1e-300, 5e-324])
    expect(sample([300, -1e30, 301, 299], { temperature, topK: Infinity, topP: 1 }, random)).toBe(2);
});

describe("a text that is written as its tokens come", () => {
  /** What is written, piece by piece, for tokens whose texts follow from those before them. */
  const written = (
    decode: (ids: readonly number[]) => string,
    prompt: number[],
    added: number[],
  ): string[] => {
    const pieces: string[] = [];
    const tokenizer = { size: 0, encode: () => [], decode };
    const stream = new TextStream(tokenizer, prompt, (text) => pieces.push(text));
    const tokens = [...prompt];
    for (const id of added) stream.show([...(tokens.push(id), tokens)]);
    stream.end(tokens);
    return pieces.filter((piece) => piece !== "");
  };
  const bytes = (ids: readonly number[]): string => new TextDecoder().decode(Uint8Array.from(ids));

  test("holds back a character until its bytes are there, also one that the prompt begins", () => {
    expect(written(bytes, [0x61, 0xc3], [0xa9, 0x62])).toEqual(["aé", "b"]);
    expect(written(bytes, [0x61], [0xf0, 0x9f, 0x98, 0x80])).toEqual(["a", "😀"]);
  });

  test("ends with what is left of a character that never came", () => {
    expect(written(bytes, [0x61], [0x62, 0xc3])).toEqual(["a", "b", "\ufffd"]);
  });

  test("goes on where a token changes how those before it are spelt", () => {
    const words = ["so", "then", "."];
    const cleaned = (ids: readonly number[]): string =>
      `${ids.map((id) => words[id]!).join(" ")} `.replace(" .", ".");
    expect(written(cleaned, [0], [1, 2, 0])).toEqual(["so ", "then ", ". ", "so "]);
  });
});
