import { describe, expect, test } from "vitest";
import { likeliest } from "../../src/run/candidates.ts";
import { generateText, generateTokens, type GenerateOptions } from "../../src/session/generate.ts";
import { StopTexts, TextPieces } from "../../src/session/pieces.ts";
import { argmax, Sampler, type Sampling } from "../../src/session/sampling.ts";
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

const sampler = (sampling: Sampling): Sampler => new Sampler(sampling, new RandomStream(5, "test"));

/** How often each id is drawn in 20,000 draws of one seed. */
function frequencies(sampling: Sampling): number[] {
  const drawn = sampler(sampling);
  const counts = [0, 0, 0, 0];
  for (let draw = 0; draw < 20_000; draw++) counts[drawn.draw(logits, [], 0)]!++;
  return counts.map((count) => count / 20_000);
}

describe("draws follow the distribution", () => {
  // The deviation of a frequency is at most sqrt(0.25 / 20000) = 0.0035; four of them are allowed.
  test.each([
    ["of the logits", { temperature: 1 }, [0.25, 0.125, 0.5, 0.125]],
    ["of half the temperature: squared", { temperature: 0.5 }, [4 / 22, 1 / 22, 16 / 22, 1 / 22]],
    ["of the two likeliest", { temperature: 1, topK: 2 }, [1 / 3, 0, 2 / 3, 0]],
    ["of the fewest that reach p", { temperature: 1, topP: 0.7 }, [1 / 3, 0, 2 / 3, 0]],
    ["of one token for a tiny p", { temperature: 1, topP: 0 }, [0, 0, 1, 0]],
  ])("%s", (_name, sampling, expected) => {
    frequencies(sampling).forEach((frequency, id) =>
      expect(Math.abs(frequency - expected[id]!)).toBeLessThan(0.014),
    );
  });

  test("and temperature 0 takes the first of the largest", () => {
    expect(sampler({}).draw([1, 7, 7], [], 0)).toBe(1);
    expect(argmax([1, 7, 7])).toBe(1);
  });
});

test("a row of many logits is sorted as far as it must be, with the draws of one that is sorted whole", () => {
  const random = new RandomStream(3, "row");
  const row = Float32Array.from({ length: 5000 }, () => 8 * random.normal());
  const weights = Array.from(row, (logit) => Math.exp(logit / 8));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const order = Array.from(row.keys()).sort((a, b) => row[b]! - row[a]! || a - b);
  const [mine, draws] = [sampler({ temperature: 8 }), new RandomStream(5, "test")];
  for (let draw = 0; draw < 50; draw++) {
    let rest = draws.uniform() * total;
    const expected = order.find((id) => (rest -= weights[id]!) < 0);
    expect(mine.draw(row, [], 0)).toBe(expected);
  }
});

test("options that no draw has are refused", () => {
  expect(() => sampler({ temperature: -1 })).toThrow("`temperature` is a number from 0 to Infinity, got -1");
  expect(() => sampler({ topK: 0 })).toThrow("`topK` is a number from 1 to Infinity, got 0");
  expect(() => sampler({ topP: 2 })).toThrow("`topP` is a number from 0 to 1, got 2");
  expect(() => sampler({ repetition: { penalty: 0 } })).toThrow("`repetition.penalty`");
});

test("logits that are no numbers give no token", () => {
  for (const wrong of [NaN, Infinity])
    expect(() => sampler({ temperature: 1 }).draw([1, wrong, 2], [4, 5], 0)).toThrow(
      "the logits after 2 tokens are no numbers: no token can be drawn from them",
    );
  expect(sampler({ temperature: 1 }).draw([-Infinity, 2, -Infinity], [], 0)).toBe(1);
});

/** A model of 5 ids that says the successor of the last. */
const successor = (capacity: number) => ({
  capacity,
  logitsAfter: (tokens: readonly number[]) =>
    Promise.resolve(Array.from({ length: 5 }, (_, id) => (id === (tokens.at(-1)! + 1) % 5 ? 9 : 0))),
});

describe("generation", () => {
  const run = async (capacity: number, options: GenerateOptions) => {
    const tokens = [0, 1];
    const running = generateTokens(successor(capacity), tokens.slice(), options);
    for (;;) {
      const next = await running.next();
      if (next.done === true) return { tokens, stopped: next.value };
      tokens.push(next.value);
    }
  };

  test("adds as many tokens as asked for", async () => {
    expect(await run(99, { maxTokens: 3 })).toEqual({ tokens: [0, 1, 2, 3, 4], stopped: "length" });
    expect(await run(99, { maxTokens: 0 })).toEqual({ tokens: [0, 1], stopped: "length" });
  });
  test("ends with a stop token", async () => {
    expect(await run(99, { maxTokens: 9, stopTokens: [3] })).toEqual({
      tokens: [0, 1, 2, 3],
      stopped: "end",
    });
  });
  test("ends where there is no room for what it would read", async () => {
    expect(await run(4, { maxTokens: 9 })).toEqual({ tokens: [0, 1, 2, 3, 4], stopped: "capacity" });
  });
  test("ends where a signal says so, after the step that runs", async () => {
    const stop = new AbortController();
    const running = generateTokens(successor(99), [0], { signal: stop.signal });
    expect(await running.next()).toEqual({ done: false, value: 1 });
    stop.abort();
    expect(await running.next()).toEqual({ done: true, value: "aborted" });
  });
});

const digits = { decode: (ids: readonly number[]) => ids.join("") };

describe("a text that is generated", () => {
  const textOf = async (options: GenerateOptions) => {
    const pieces: string[] = [];
    const running = generateText(successor(99), digits, [0], { maxTokens: 9, ...options });
    for (;;) {
      const next = await running.next();
      if (next.done === true) return { pieces, ...next.value };
      pieces.push(next.value);
    }
  };

  test("says what was made, why it ended and how fast", async () => {
    const found = await textOf({ maxTokens: 4 });
    expect(found).toMatchObject({ pieces: ["1", "2", "3", "4"], tokens: [1, 2, 3, 4], text: "1234" });
    expect(found).toMatchObject({ stopped: "length", prompt: 1 });
    expect(found.firstToken).toBeGreaterThanOrEqual(0);
    expect(found.rate).toBeGreaterThan(0);
  });
  test("ends before a stop text that comes in several tokens, and holds back what may become one", async () => {
    const found = await textOf({ stop: ["340", "99"] });
    expect(found).toMatchObject({ pieces: ["1", "2"], text: "12", tokens: [1, 2, 3, 4, 0], stopped: "stop" });
    expect(await textOf({ maxTokens: 4, stop: "345" })).toMatchObject({
      pieces: ["1", "2", "34"],
      text: "1234",
    });
  });
  test("has no text of the token that ends it", async () => {
    expect(await textOf({ stopTokens: [3] })).toMatchObject({
      text: "12",
      tokens: [1, 2, 3],
      stopped: "end",
    });
  });
});

test("of several stop texts the one that comes first counts, and a beginning that goes on otherwise is given", () => {
  const stops = new StopTexts(["ab", "b"]);
  expect([stops.add("xa"), stops.add("cb"), stops.isReached]).toEqual(["x", "ac", true]);
});

test("a temperature near 0 takes the likeliest, and makes no infinities of logits", () => {
  for (const temperature of [1e-3, 1e-300, 5e-324])
    expect(sampler({ temperature }).draw([300, -1e30, 301, 299], [], 0)).toBe(2);
});

describe("a text that is written as its tokens come", () => {
  /** What is written, piece by piece, for tokens whose texts follow from those before them. */
  const written = (
    decode: (ids: readonly number[]) => string,
    prompt: number[],
    added: number[],
  ): string[] => {
    const pieces = new TextPieces({ decode }, prompt);
    return [...added.map((id) => pieces.add(id)), pieces.end()].filter((piece) => piece !== "");
  };
  const bytes = (ids: readonly number[]): string => new TextDecoder().decode(Uint8Array.from(ids));

  test("holds back a character until its bytes are there, also one that the prompt begins", () => {
    expect(written(bytes, [0x61, 0xc3], [0xa9, 0x62])).toEqual(["é", "b"]);
    expect(written(bytes, [0x61], [0xf0, 0x9f, 0x98, 0x80])).toEqual(["😀"]);
  });

  test("ends with what is left of a character that never came", () => {
    expect(written(bytes, [0x61], [0x62, 0xc3])).toEqual(["b", "\ufffd"]);
  });

  test("goes on where a token changes how those before it are spelt", () => {
    const words = ["so", "then", "."];
    const cleaned = (ids: readonly number[]): string =>
      `${ids.map((id) => words[id]!).join(" ")} `.replaceAll(" .", ".");
    expect(written(cleaned, [0], [1, 2, 0])).toEqual(["then ", ". ", "so "]);
  });

  test("is that of the whole where the prompt is long, and so is what is added", () => {
    const text = "Words — wörter, слова, 言葉, 😀 — again and again and again. ".repeat(4);
    const ids = [...new TextEncoder().encode(text)];
    for (const prompt of [1, 40, 100]) {
      const before = new TextDecoder().decode(Uint8Array.from(ids.slice(0, prompt))).replace(/\ufffd+$/, "");
      expect(before + written(bytes, ids.slice(0, prompt), ids.slice(prompt)).join("")).toBe(text);
    }
  });
});
