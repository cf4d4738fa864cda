import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { parse } from "../../src/language/parse.ts";
import { lower } from "../../src/lower/lower.ts";
import { bindingsOf, modelOf, programs } from "./support.ts";

describe("the train section", () => {
  const text = `model m {
    input x: f32[B, 3]
    l: linear(4)
    output logits: f32[B, 4]
    train {
      target label: i32[B]
      shifted = logits + 1
      loss (logits, label) -> cross_entropy(smoothing: 0.1)
      loss shifted -> square -> mean
      metric (logits, label) -> accuracy
      optimizer adamw(lr: 1e-3, betas: [0.9, 0.95], decay_on: all)
      schedule cosine(warmup: 10)
      augment x -> shift(2)
      batch 8
      accumulate 4
      steps 100
      clip 1
      data "digits"
      seed 3
    }
  }`;

  test("is read with all options, those left out by their defaults", () => {
    expect(modelOf(text).train).toMatchObject({
      targets: ["label"],
      optimizer: {
        name: "adamw",
        options: { lr: 1e-3, betas: [0.9, 0.95], eps: 1e-8, decay: 0.01, decay_on: "all" },
      },
      schedule: { name: "cosine", options: { warmup: 10, floor: 0 } },
      augment: [{ input: "x", name: "shift", pixels: 2 }],
      batch: 8,
      accumulate: 4,
      epochs: undefined,
      steps: 100,
      clip: 1,
      data: { path: "digits" },
      seed: 3,
    });
  });

  test("gives a graph of its own, whose loss is the sum of the losses; the model's graph has no target", () => {
    const { graph, train } = modelOf(text);
    expect(graph.inputs.map(({ name }) => name)).toEqual(["x"]);
    const { graph: whole } = train!;
    expect(verifyGraph(whole)).toEqual([]);
    expect(whole.inputs.map(({ name }) => name)).toEqual(["x", "label"]);
    expect(whole.outputs.map(({ name }) => name)).toEqual(["loss", "accuracy"]);

    const bindings = bindingsOf(whole, { B: 5 });
    const { loss, accuracy } = interpret(whole, bindings);
    const logits = interpret(graph, { ...bindings, inputs: { x: bindings.inputs.x! } }).logits!;
    const labels = bindings.inputs.label!.data;
    const rows = Array.from({ length: 5 }, (_, row) => [...logits.data.slice(4 * row, 4 * row + 4)]);
    // Szegedy et al. 2016: the target has 1 - s, and each class s / 4 on top.
    const entropy = rows.map((row, b) => {
      const total = Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0));
      return row.reduce((sum, v, c) => sum + ((c === labels[b] ? 0.9 : 0) + 0.1 / 4) * (total - v), 0);
    });
    const squares = rows.flat().map((v) => (v + 1) ** 2);
    const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    expect(Math.abs(loss!.data[0]! - mean(entropy) - mean(squares))).toBeLessThan(1e-12);
    const right = rows.filter((row, b) => row.indexOf(Math.max(...row)) === labels[b]);
    expect(accuracy!.data[0]).toBe(right.length / 5);
  });

  const withMetrics = (...metrics: string[]): string =>
    text.replace("metric (logits, label) -> accuracy", metrics.map((each) => `metric ${each}`).join("\n"));

  test("metrics of one name get names of their own", () => {
    const taps = ["a_1", "a", "a", "a_1"].map((name) => `shifted -> mean as ${name}`);
    const { graph } = modelOf(withMetrics(...taps)).train!;
    expect(graph.outputs.map(({ name }) => name)).toEqual(["loss", "a_1", "a", "a_2", "a_1_1"]);
  });

  // It would stand in the place of the loss, the step, the rate … in all that a training says.
  test.each(["loss", "gradient_norm", "step", "lr", "seconds", "tokens_per_second", "validation"])(
    "a metric is not called %s",
    (name) => {
      const source = { name: "model.lmg", text: withMetrics(`shifted -> mean as ${name}`) };
      expect(lower(parse(source).file).diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([
        `E582 a metric cannot be called \`${name}\`: a training has something of that name itself`,
      ]);
    },
  );

  test("a model without one has none", () => {
    expect(modelOf("model m { input x: f32[B]; output y }").train).toBeUndefined();
  });

  test("the programs' sections are read", () => {
    const gpt2 = modelOf(readFileSync(new URL("gpt2.lmg", programs), "utf8")).train!;
    expect(gpt2.optimizer).toEqual({
      name: "adamw",
      options: { lr: 6e-4, betas: [0.9, 0.95], eps: 1e-8, decay: 0.1, decay_on: "matrices" },
    });
    expect(gpt2.schedule).toEqual({ name: "cosine", options: { warmup: 2000, floor: 0 } });
  });
});
