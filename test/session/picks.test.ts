import { describe, expect, test } from "vitest";
import { picksOf } from "../../src/incremental/picks.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { generateTokens, type GenerateOptions, type LogitsSource } from "../../src/session/generate.ts";
import { topQuestion } from "../../src/session/picks.ts";
import type { TopLogits } from "../../src/session/ranking.ts";
import { Sampler, type Sampling } from "../../src/session/sampling.ts";
import type { StateTensors } from "../../src/session/form.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { derived, exampleGraph } from "../incremental/models.ts";

/** Parts that tell of 300 logits. */
const SIZE = 300;
const picks = picksOf(
  derived(exampleGraph("gpt2", { vocab: SIZE, dim: 16, depth: 1, heads: 2, ctx: 12 })),
  "logits",
)!;

const tensor = (data: readonly number[], dtype: "f32" | "i32" = "f32") => ({
  dtype,
  shape: [data.length],
  data: Float64Array.from(data),
});

function run(part: "best" | "top", row: readonly number[], inputs: StateTensors = {}): StateTensors {
  const given = Object.entries(inputs).map(([name, { data }]) => [
    name,
    tensor(Array.from(data), name === "asked" ? "i32" : "f32"),
  ]);
  return interpret(picks.parts[part]!, {
    inputs: { logits: tensor(row), ...(Object.fromEntries(given) as object) },
    parameters: {},
  });
}

/** What a device would tell of a row. */
function topOf(row: readonly number[], temperature: number, asked: readonly number[]): TopLogits {
  const { inputs, read } = topQuestion(SIZE, temperature, asked);
  return read(run("top", row, inputs));
}

/** Logits as a model gives them, in steps of a 16th so that many are equal. */
function rowOf(seed: number, spread: number): number[] {
  const random = new RandomStream(seed, "row");
  return Array.from({ length: SIZE }, () => Math.round(16 * spread * random.normal()) / 16);
}

const samplings: readonly Sampling[] = [
  { temperature: 1 },
  { temperature: 0.7, topK: 40 },
  { temperature: 0.7, topK: 127, topP: 0.95 },
  { temperature: 1, topP: 0.9 },
  { temperature: 0.6, topP: 0.3, minP: 0.05 },
  { temperature: 1.5, minP: 0.02 },
  { temperature: 0, repetition: { penalty: 1.3 } },
  { temperature: 0.8, repetition: { penalty: 1.2, last: 5 }, topP: 0.9 },
  { temperature: 1, repetition: { penalty: 0.5 }, presence: 0.5, frequency: 0.25, topK: 20 },
  { temperature: 1, presence: -2, topP: 0.8 },
  { temperature: 0.01, topP: 0.99 },
];

describe("what is drawn by the largest logits is what is drawn by all of them", () => {
  test.each(samplings.map((sampling) => [JSON.stringify(sampling), sampling] as const))(
    "%s",
    (_, sampling) => {
      let known = 0;
      for (let seed = 0; seed < 60; seed++) {
        const row = rowOf(seed, seed % 2 === 0 ? 3 : 0.5);
        const [all, some] = [1, 2].map(() => new Sampler(sampling, new RandomStream(seed, "sample"))) as [
          Sampler,
          Sampler,
        ];
        const tokens = [0, 1, 2, 3, 4, 5].map((at) => (17 * seed + 41 * at) % SIZE);
        for (let draw = 0; draw < 3; draw++) {
          const expected = all.draw(row, tokens, 2);
          const found = some.drawFromTop(topOf(row, some.temperature, some.penalized(tokens, 2)), tokens, 2);
          if (found === undefined) expect(some.draw(row, tokens, 2)).toBe(expected);
          else {
            known++;
            expect(found).toBe(expected);
          }
          tokens.push(expected);
        }
      }
      expect(known).toBeGreaterThan(30);
    },
  );
});

test("too little is known where what was cut lies behind the largest, and the same chance draws from all", () => {
  const flat = Array.from({ length: SIZE }, () => 1);
  for (const sampling of [{ topP: 0.9 }, { topK: 128 }, { minP: 0.5 }, { topK: 200 }]) {
    const [all, some] = [1, 2].map(
      () => new Sampler({ temperature: 1, ...sampling }, new RandomStream(1, "s")),
    );
    expect(some!.drawFromTop(topOf(flat, 1, []), [], 0)).toBe(undefined);
    expect(some!.draw(flat, [], 0)).toBe(all!.draw(flat, [], 0));
  }
});

test("the likeliest is the first of equal ones, and none where a logit is no number", () => {
  const row = rowOf(3, 1).map((logit) => Math.min(logit, 0.25));
  const bestOf = (logits: readonly number[]): number => run("best", logits)["id"]!.data[0]!;
  expect(bestOf(row)).toBe(row.indexOf(0.25));
  expect(bestOf(row.map(() => -Infinity))).toBe(0);
  expect(bestOf(row.with(7, NaN))).toBe(-1);
  expect(bestOf(row.with(7, Infinity))).toBe(-1);
  const sampler = new Sampler({ temperature: 1 }, new RandomStream(1, "s"));
  for (const wrong of [NaN, Infinity])
    expect(() => sampler.drawFromTop(topOf(row.with(7, wrong), 1, []), [4, 5], 0)).toThrow(
      "the logits after 2 tokens are no numbers",
    );
});

/** A source that tells of logits where they lie, and of how often it is asked for all of them. */
function sourceOf(logitsOf: (tokens: readonly number[]) => number[]) {
  const asked = { best: 0, top: 0, all: 0 };
  let last: number[] = [];
  const source: LogitsSource = {
    capacity: 99,
    logitsAfter: () => Promise.reject(new Error("all logits are asked for")),
    picks: {
      bestAfter: (tokens) => {
        asked.best++;
        return Promise.resolve(run("best", (last = logitsOf(tokens)))["id"]!.data[0]!);
      },
      topAfter: (tokens, { temperature, asked: ids }) => {
        asked.top++;
        return Promise.resolve(topOf((last = logitsOf(tokens)), temperature, ids));
      },
      logits: () => {
        asked.all++;
        return Promise.resolve(last);
      },
    },
  };
  return { source, asked };
}

describe("generation from logits that stay where they lie", () => {
  const logitsOf = (tokens: readonly number[]): number[] => rowOf(tokens.length + 7 * tokens.at(-1)!, 1);
  const textOf = async (source: LogitsSource, options: GenerateOptions): Promise<number[]> => {
    const tokens: number[] = [];
    for await (const id of generateTokens(source, [5, 6], { maxTokens: 12, seed: 3, ...options }))
      tokens.push(id);
    return tokens;
  };

  test.each([
    ["the likeliest alone", {}, { best: 12, top: 0 }],
    ["the likeliest with a penalty", { repetition: { penalty: 2 } }, { best: 0, top: 12 }],
    ["the likeliest ones", { temperature: 0.9, topK: 30 }, { best: 0, top: 12 }],
    ["all where these are too few", { temperature: 3 }, { best: 0, top: 12 }],
  ] as const)("asks for %s, and gives the text that all logits give", async (_, options, expected) => {
    const { source, asked } = sourceOf(logitsOf);
    const whole: LogitsSource = { capacity: 99, logitsAfter: (tokens) => Promise.resolve(logitsOf(tokens)) };
    expect(await textOf(source, options)).toEqual(await textOf(whole, options));
    expect(asked).toMatchObject(expected);
    if ("temperature" in options && options.temperature === 3) expect(asked.all).toBeGreaterThan(0);
    else expect(asked.all).toBe(0);
  });

  test("logits that are no numbers end it", async () => {
    const { source } = sourceOf((tokens) =>
      (tokens.length > 4 ? [NaN] : [1]).concat(Array(SIZE - 1).fill(0)),
    );
    await expect(textOf(source, {})).rejects.toThrow("the logits after 5 tokens are no numbers");
  });
});
