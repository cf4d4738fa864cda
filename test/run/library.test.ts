import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { randomInputs } from "../../src/ir/initialize.ts";
import type { Tensors } from "../../src/run/engine.ts";
import {
  compareTargets,
  differencesBeyond,
  findTokenizer,
  generate,
  matchWeights,
  nextTokens,
  openEngine,
  orThrow,
  outputDifferencesOf,
  outputOf,
  Problem,
  probedLoss,
  ProblemError,
  probeModel,
  randomBatch,
  randomWeights,
  runModel,
  smallDims,
  type Generated,
  type RunnableModel,
} from "../../src/run/index.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { tinyModel } from "../cli/harness.ts";

function compiled(text = tinyModel) {
  const { model, graph, plan } = compile({ name: "tiny.lmg", text });
  return { model: model!, graph: graph!, plan: plan! };
}

async function runnable(seed = 1, more: Partial<RunnableModel> = {}) {
  const { model, plan } = compiled();
  const engine = orThrow(await openEngine("ts", plan, randomWeights(model.graph, seed)));
  return { graph: model.graph, engine, ...more };
}

/** Eleven letters: the ids of the tiny model. */
const letters = {
  size: 11,
  encode: (text: string) => Array.from(text, (letter) => "abcdefghijk".indexOf(letter)),
  decode: (ids: readonly number[]) => ids.map((id) => "abcdefghijk"[id]).join(""),
};

describe("a run", () => {
  test("gives the outputs by name, and the likeliest tokens after the last", async () => {
    const model = await runnable();
    const outputs = orThrow(await runModel(model, [[1, 2, 3]]));
    const logits = outputs.get(outputOf(model))!;
    expect(logits.shape).toEqual([1, 3, 11]);
    const candidates = nextTokens(logits, 11);
    expect(candidates.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 12);
    const row = logits.data.subarray(22);
    expect(candidates[0]!.id).toBe(row.indexOf(Math.max(...row)));
  });

  test.each([
    ["no tokens", undefined, "E816", "the input `tokens` i32[B, T] is not given"],
    [
      "a foreign token",
      [[1, 11]],
      "E814",
      "token 11 at position 1 is not in the vocabulary: the model has ids 0 to 10",
    ],
    ["too many tokens", [[1, 2, 3, 4, 5, 6, 7]], "E815", "7 tokens are too many: the model reads at most 6"],
  ])("on %s is a problem, not an error", async (_, rows, code, message) => {
    const found = await runModel(await runnable(), rows);
    expect(found).toBeInstanceOf(Problem);
    expect(found).toMatchObject({ code, message });
  });

  test("on inputs that the module refuses is a problem too", async () => {
    const { engine } = await runnable();
    const found = await engine.run(new Map([["tokens", hostTensor("i32", [2], [1, 2])]]));
    expect(found).toMatchObject({ code: "E816", message: expect.stringContaining("tokens") as string });
  });
});

test("all that is wrong with weights is told at once", () => {
  const { model } = compiled();
  const { tensors } = randomWeights(model.graph, 1);
  const others = new Map([...tensors].filter(([name]) => name !== "ln_f.weight"));
  others.set("more", tensors.get("ln_f.weight")!);
  const found = matchWeights(
    model.graph,
    { name: "w", tensors: others, close: () => undefined },
    { prefix: "" },
  );
  expect(found).toHaveLength(2);
  expect(() => orThrow(found)).toThrow(ProblemError);
});

/** All that is generated. */
async function all(pieces: AsyncGenerator<string, Generated>): Promise<Generated> {
  for (;;) {
    const next = await pieces.next();
    if (next.done === true) return next.value;
  }
}

describe("a text that goes on", () => {
  const options = { maxTokens: 9, temperature: 1, seed: 3 };

  test("ends where the context is full, or reads the last tokens only", async () => {
    const model = await runnable();
    const whole = await all(generate(model, letters, [1, 2], options));
    // The sixth position gives a seventh token, which nothing can be read behind.
    expect([whole.tokens.length, whole.stopped]).toEqual([5, "capacity"]);
    const sliding = await all(generate(model, letters, [1, 2], { ...options, slide: true }));
    expect([sliding.tokens.length, sliding.stopped]).toEqual([9, "length"]);
    expect(sliding.tokens.slice(0, 5)).toEqual(whole.tokens);
    // Each token is drawn behind the last ones, of which as many are read again as half of the context has.
    const lengths: number[] = [];
    const watched = {
      ...model,
      engine: {
        ...model.engine,
        run: (inputs: Tensors) => {
          lengths.push([...inputs.values()][0]!.shape[1]!);
          return model.engine.run(inputs);
        },
      },
    };
    const again = await all(generate(watched, letters, [1, 2], { ...options, slide: true }));
    expect(again.tokens).toEqual(sliding.tokens);
    expect(lengths).toEqual([2, 3, 4, 5, 6, 4, 5, 6, 4]);
  });

  test("comes as pieces of text, and is what the tokens spell", async () => {
    const model = await runnable();
    const pieces: string[] = [];
    for await (const piece of generate(model, letters, "bc", options)) pieces.push(piece);
    const same = await all(generate(model, letters, [1, 2], options));
    expect(pieces.join("")).toBe(letters.decode(same.tokens));
    expect(same.text).toBe(pieces.join(""));
    await expect(all(generate(model, letters, "", options))).rejects.toThrow("the prompt has no tokens");
  });

  test("is refused for a prompt that the model cannot read, and on the way for logits that are no numbers", async () => {
    const model = await runnable();
    await expect(all(generate(model, letters, [99], options))).rejects.toThrow("token 99 at position 0");
    const broken: RunnableModel = {
      graph: model.graph,
      engine: {
        ...model.engine,
        run: () =>
          Promise.resolve(
            new Map([["logits", hostTensor("f32", [1, 1, 11], new Array<number>(11).fill(NaN))]]),
          ),
      },
    };
    const first = generate(broken, letters, [1], options).next();
    await expect(first).rejects.toThrow(ProblemError);
    await expect(first).rejects.toThrow("`logits` has NaN after 1 token: no token can be drawn from it");
  });
});

describe("a comparison", () => {
  test("holds a target to the interpreter, step by step", async () => {
    const { model, graph, plan } = compiled();
    const inputs = new Map(
      Object.entries(randomInputs(model.graph, orThrow(smallDims(graph.symbols, new Map())), 0)),
    );
    const weights = randomWeights(model.graph, 3);
    const comparisons = orThrow(await compareTargets(["ts"], { graph, plan }, weights, inputs));
    expect(comparisons[0]!.differences.length).toBeGreaterThan(3);
    expect(differencesBeyond(comparisons)).toEqual([]);
    const strict = orThrow(await compareTargets(["ts"], { graph, plan }, weights, inputs, { tolerance: 0 }));
    expect(differencesBeyond(strict)).toEqual([expect.objectContaining({ code: "E840" })]);
  });

  test("tells two models apart by the outputs that both have", async () => {
    const [one, other] = [await runnable(1), await runnable(2)];
    const rows = [[1, 2, 3]];
    const outputs = orThrow(await runModel(one, rows));
    expect(outputDifferencesOf(outputs, outputs)).toMatchObject([{ output: "logits", relative: 0 }]);
    expect(outputDifferencesOf(outputs, orThrow(await runModel(other, rows)))[0]!.relative).toBeGreaterThan(
      0.1,
    );
    expect(outputDifferencesOf(outputs, new Map())).toEqual([]);
  });
});

describe("a probe", () => {
  test("measures each residual edge, beside what theory says of it", async () => {
    const { model } = compiled();
    const { graph } = probedLoss(model)!;
    const sizes = new Map([
      ["B", 2],
      ["T", 5],
    ]);
    const measured = await probeModel({ graph, batch: randomBatch(graph, sizes, 1), seed: 1 });
    if (!("found" in measured)) throw new Error("expected a measurement");
    const { form, edges } = measured.found;
    expect(form).toBe("y = x + f(N(x))");
    expect(edges.map(({ name }) => name)).toEqual(["h.0", "h.1"].map((layer) => `${layer} edge 0`));
    for (const { before } of edges) expect(Math.min(before.activation, before.gradient)).toBeGreaterThan(0);
  });

  test("of a model without edges is a problem", async () => {
    const { model } = compiled("model m { input x: f32[B, 8]; linear(8); output y }");
    const { graph } = probedLoss(model)!;
    const found = await probeModel({ graph, batch: randomBatch(graph, new Map([["B", 1]]), 0), seed: 0 });
    expect(found).toMatchObject([{ code: "E864", message: "the model has no residual edge to measure at" }]);
  });
});

test("a tokenizer is found among the files that are there, and none is no mistake", () => {
  const pieces = { pieces: ["<unk>", "<s>", "</s>"], scores: [0, 0, 0] };
  expect(findTokenizer(() => undefined)).toBeUndefined();
  const read = (name: string) => (name === "pieces.json" ? pieces : undefined);
  expect(findTokenizer(read)).toMatchObject({
    code: "E741",
    message: "pieces.json: expected at least 259 pieces (3 special, 256 bytes), found 3",
  });
  expect(findTokenizer(read, ["tokenizer.json"])).toBeUndefined();
});
