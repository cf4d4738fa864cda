import { describe, expect, test } from "vitest";
import { learningRate } from "../../src/autodiff/train/schedule.ts";
import { trainingStep } from "../../src/autodiff/train/step.ts";
import { initialParameters } from "../../src/ir/initialize.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import { hostTensor, type HostTensor } from "../../src/tensor/host.ts";
import { RandomStream, randomTensor } from "../../src/tensor/random.ts";
import { torchOptimizer, trainingGraph } from "./classifier.ts";
import { Trainer } from "./trainer.ts";

const sgd = torchOptimizer("sgd", {});

const model = (layers: string): string => `
model m {
  input x: f32[B, 8]
  ${layers}
  output y
  train { target t: f32[B, 8]; loss (y, t) -> mean_squared_error }
}
`;

function trainerOf(layers: string, seed = 0): Trainer {
  const graph = trainingGraph(model(layers));
  return new Trainer(trainingStep(graph, { optimizer: sgd }), sgd, initialParameters(graph, 1), { seed });
}

const rows = (count: number): { x: HostTensor; t: HostTensor } => {
  const x = randomTensor([count, 8], new RandomStream(4, "x"));
  return { x, t: { ...x, data: x.data.map(() => 0) } };
};

describe("dropout", () => {
  // With a target of zero the loss is the mean of squares: of the kept elements, each doubled.
  const lossesOf = (seed: number): number[] => {
    const trainer = trainerOf("scale([8]) -> dropout(0.5)", seed);
    return [0, 1, 2].map(() => trainer.update(rows(64), 0)["loss"]!.data[0]!);
  };

  test("draws anew for each step, and the same again for the same seed", () => {
    const first = lossesOf(1);
    expect(new Set(first).size).toBe(3);
    expect(lossesOf(1)).toEqual(first);
    expect(lossesOf(2)).not.toEqual(first);
  });

  test("keeps the share that it says", () => {
    const { x } = rows(64);
    const squares = [...x.data].reduce((sum, element) => sum + element ** 2, 0) / x.data.length;
    // Half of 512 elements stay, times 4: four standard deviations of the share are 4 · √(0.25 / 512) = 9 %, twice that
    // of the loss.
    for (const loss of lossesOf(3)) expect(Math.abs(loss / (2 * squares) - 1)).toBeLessThan(0.25);
  });

  test("of two layers drops different elements", () => {
    const trainer = trainerOf("scale([8]) -> dropout(0.5) -> dropout(0.5)");
    // If both dropped the same, half would stay, sixteen times as large squared: 8 times the mean of squares, not 4.
    const { x } = rows(256);
    const squares = [...x.data].reduce((sum, element) => sum + element ** 2, 0) / x.data.length;
    expect(trainer.update(rows(256), 0)["loss"]!.data[0]! / squares).toBeLessThan(5.5);
  });
});

describe("running statistics", () => {
  const { x, t } = rows(5);
  const column = Array.from({ length: 5 }, (_, row) => x.data[row * 8]!);
  const mean = column.reduce((a, b) => a + b) / 5;
  const biased = column.reduce((sum, element) => sum + (element - mean) ** 2, 0) / 5;

  test("move toward the unbiased variance, as PyTorch's do", () => {
    const trainer = trainerOf("bn: batchnorm");
    trainer.update({ x, t }, 0);
    expect(trainer.state.get("bn.running_mean")!.data[0]).toBeCloseTo(0.1 * mean, 12);
    expect(trainer.state.get("bn.running_var")!.data[0]).toBeCloseTo(0.9 + (0.1 * biased * 5) / 4, 12);
  });

  test("move toward the biased variance with Keras's settings", () => {
    const trainer = trainerOf("bn: batchnorm(eps: 1e-3, momentum: 0.01, unbiased: false)");
    trainer.update({ x, t }, 0);
    expect(trainer.state.get("bn.running_var")!.data[0]).toBeCloseTo(0.99 + 0.01 * biased, 12);
  });

  test("of a norm that is used twice move twice", () => {
    const trainer = trainerOf("bn: batchnorm(affine: false) -> same(bn)");
    trainer.update({ x, t }, 0);
    // The second norm reads normed columns: mean 0.
    expect(trainer.state.get("bn.running_mean")!.data[0]).toBeCloseTo(0.9 * 0.1 * mean, 12);
  });
});

describe("a training step", () => {
  test("leaves parameters alone that the loss does not depend on", () => {
    const text = model("a: linear(8)\n  unused = b: linear(8)");
    const { update } = trainingStep(trainingGraph(text), { optimizer: sgd });
    expect(update.states.map(({ name }) => name)).toEqual(["a.weight", "a.bias"]);
    expect(update.parameters.map(({ name }) => name)).toEqual(["b.weight", "b.bias"]);
  });

  const blocks = `
block inner { input x: [B, 8]; a: scale([8]) }
block outer { input x: [B, 8]; learning_rate: scale([8]) -> first_moment: inner }`;

  test.each([
    ["an input of the model", "x", "x: scale([8])"],
    ["a number that the host gives", "optimizer.learning_rate", "optimizer: outer"],
  ])("tells a parameter from %s with its name", (_, name, layers) => {
    const graph = trainingGraph(model(layers) + blocks);
    const trainer = new Trainer(trainingStep(graph, { optimizer: sgd }), sgd, initialParameters(graph, 1));
    const { x } = rows(5);
    const t = { ...x, data: x.data.map((element) => 2 * element) };
    // Gains of one: y = x, and t is twice that.
    const expected = [...x.data].reduce((sum, element) => sum + element ** 2, 0) / x.data.length;
    const losses = [0, 1].map(() => trainer.update({ x, t }, 0.1)["loss"]!.data[0]!);
    expect(losses[0]).toBeCloseTo(expected, 12);
    expect(losses[1]).toBeLessThan(losses[0]!);
    expect(Math.min(...trainer.state.get(name)!.data)).toBeGreaterThan(1);
  });

  test.each([
    ["optimizer.first_moment.a", "a: scale([8]) -> optimizer: outer", 1],
    ["accumulated.a", "a: scale([8]) -> accumulated: inner", 2],
  ])("cannot have a parameter called as its own state %s", (name, layers, accumulate) => {
    const graph = trainingGraph(model(layers) + blocks);
    const { diagnostics } = trainingStep(graph, { optimizer: torchOptimizer("adam", {}), accumulate });
    expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([
      `E581 a parameter and a state of the training step are both called \`${name}\``,
    ]);
  });

  test("points at the parameter that is called as a state", () => {
    const graph = trainingGraph(model("a: scale([8]) -> optimizer: outer") + blocks);
    const { diagnostics } = trainingStep(graph, { optimizer: torchOptimizer("adam", {}) });
    expect(`\n${diagnostics.map((each) => showDiagnostic(each)).join("\n")}\n`).toMatchInlineSnapshot(`
      "
      model.lmg:9:32: error[E581]: a parameter and a state of the training step are both called \`optimizer.first_moment.a\`
        9 | block inner { input x: [B, 8]; a: scale([8]) }
          |                                ^^^^^^^^^^^^^ the parameter
        help: give the layer another label: a training keeps both
      "
    `);
  });

  test("starts a moment of each parameter at zero", () => {
    const { update } = trainingStep(trainingGraph(model("a: linear(8)")), {
      optimizer: torchOptimizer("adam", {}),
    });
    const moments = update.states.filter(({ kind }) => kind === "optimizer");
    expect(moments.map(({ name }) => name)).toEqual(
      ["first_moment.a.weight", "second_moment.a.weight", "first_moment.a.bias", "second_moment.a.bias"].map(
        (name) => `optimizer.${name}`,
      ),
    );
    expect(moments.every(({ init }) => init.kind === "constant" && init.value === 0)).toBe(true);
  });
});

describe("schedules", () => {
  const rates = (name: string, options: Record<string, number>, steps: readonly number[]): number[] =>
    steps.map((step) => Number(learningRate({ name, options }, 1, step, 100).toFixed(6)));

  test("rise over the warmup by equal parts, not from zero", () => {
    expect(rates("constant", { warmup: 4 }, [0, 1, 3, 4, 99])).toEqual([0.2, 0.4, 0.8, 1, 1]);
  });

  test("fall in a line, along a cosine, or at the end", () => {
    expect(rates("linear", { warmup: 0, floor: 0.5 }, [0, 50, 99])).toEqual([1, 0.75, 0.505]);
    expect(rates("cosine", { warmup: 0, floor: 0.1 }, [0, 50, 75])).toEqual([
      1,
      0.55,
      Number((0.1 + 0.45 * (1 + Math.cos(0.75 * Math.PI))).toFixed(6)),
    ]);
    expect(rates("wsd", { warmup: 10, decay: 0.2, floor: 0 }, [10, 79, 80, 90, 99])).toEqual([
      1, 1, 1, 0.5, 0.05,
    ]);
  });

  test("are constant if none is chosen", () => {
    expect(learningRate(undefined, 0.3, 7, 10)).toBe(0.3);
  });
});

test("a state that data brings has the type that the step says", () => {
  const trainer = trainerOf("a: linear(8)");
  const { x, t } = rows(3);
  expect(() => trainer.update({ x: hostTensor("f32", [3, 7], new Array<number>(21).fill(0)), t }, 0)).toThrow(
    "the input `x` is f32[3, 7], expected f32[B, 8]",
  );
  expect(trainer.update({ x, t }, 0)["loss"]!.data[0]).toBeGreaterThan(0);
});

describe("muon", () => {
  /** The parameters that have a momentum: matrices that are made orthogonal. All others have the moments of AdamW. */
  const orthogonalized = (text: string): string[] => {
    const { update } = trainingStep(trainingGraph(text), { optimizer: torchOptimizer("muon", {}) });
    const names = update.states.map(({ name }) => name);
    expect(names.filter((name) => name.startsWith("optimizer."))).not.toEqual([]);
    return names.flatMap((name) => /^optimizer\.momentum\.(.*)$/.exec(name)?.[1] ?? []);
  };

  test.each([
    ["as they come", "(y, t) -> cross_entropy"],
    ["capped, as Gemma's", "(y -> softcap(5.0), t) -> cross_entropy"],
    ["with a bias for each and a temperature", "((y + (p: parameter([5]))) / 0.7, t) -> cross_entropy"],
    ["in another order", "(y -> permute([1, 0, 2]), t -> permute([1, 0])) -> cross_entropy"],
    ["as rows", "(y -> reshape([B * T, 5]), t -> reshape([B * T])) -> cross_entropy"],
  ])("leaves the head and tables alone, with logits %s", (_, loss) => {
    const text = `
      model m {
        input ids: i32[B, T <= 6]
        wte: embedding(5, 8)
        residual { wpe: learned_positions(6) }
        residual pre ln: layernorm { up: linear(16) -> gelu -> down: linear(8) }
        mixed: scale([1, 8])
        (stream, gate: parameter([8, 8])) -> matmul
        head: linear(5)
        output y
        train { target t: i32[B, T]; loss ${loss} }
      }`;
    expect(orthogonalized(text).sort()).toEqual(["down.weight", "gate", "up.weight"]);
  });
});
