import { describe, expect, test } from "vitest";
import type { Checkpoints } from "../../src/autodiff/checkpoints.ts";
import { trainingStep } from "../../src/autodiff/train/step.ts";
import { costsOf, type StepCosts } from "../../src/train/costs.ts";
import { torchOptimizer, trainingGraph } from "../autodiff/classifier.ts";

const B = 2;

const text = `
model m {
  input x: f32[B, 4]
  repeat 3 checkpoint as h { up: linear(8, bias: false) -> tanh -> down: linear(4, bias: false) }
  output y: f32[B, 4]
  train { target t: f32[B, 4]; loss (y, t) -> mean_squared_error }
}
`;

const optimizer = torchOptimizer("sgd", { momentum: 0.9 });

function costs(checkpoints: Checkpoints, accumulate = 1, model = text): StepCosts {
  const { update } = trainingStep(trainingGraph(model), { optimizer, checkpoints, accumulate });
  return costsOf(update, new Map([["B", B]]));
}

describe("a training step, counted on paper", () => {
  const [kept, again] = [costs("none"), costs("marked")];

  test("has parameters, moments and gradients of equal size, a word each", () => {
    const words = 3 * (4 * 8 + 8 * 4);
    for (const { parameters, optimizer: moments, gradients, accumulated, statistics } of [kept, again])
      expect([parameters, moments, gradients, accumulated, statistics]).toEqual([
        4 * words,
        4 * words,
        4 * words,
        0,
        0,
      ]);
  });

  test("keeps for the backward what tanh and each iteration give", () => {
    expect(kept.activations).toBe(4 * B * 3 * (8 + 4));
    // Of the first two iterations only what they give; the last one is kept whole.
    expect(again.activations).toBe(4 * B * (3 * 4 + 8));
  });

  test("multiplies twice a weight in the backward, but for the first; makes tanh and what it reads again", () => {
    const product = 2 * B * 4 * 8;
    const elements = B * 8;
    const [tanh, tanhGrad] = [6 * elements, 3 * elements];
    // (y - t)², added up: 3 an element. Its gradient: y - t, times 2 / n, and that quotient.
    const [loss, lossGrad] = [3 * B * 4, 2 * B * 4 + 1];
    const size = 4 * 8;
    // Σ g² for each of six weights, added, and a root, which counts 2; v · 0.9 + g, and w - v · rate.
    const update = 6 * 2 * size + 5 + 2 + 6 * 4 * size;
    const forward = 3 * (2 * product + tanh) + loss;
    const backward = 3 * (4 * product + tanhGrad) - product + lossGrad;
    expect(kept.flops).toEqual({ forward, recompute: 0, backward, update });
    expect(again.flops).toEqual({ forward, recompute: 2 * (product + tanh), backward, update });
  });

  test("takes its state, its arena, its constants and its results", () => {
    // Loss and norm of the gradients are results; the number 2 of the loss's gradient stands in the code or in memory.
    const state = kept.parameters + kept.optimizer;
    expect(kept.peak - kept.arena - state).toBeGreaterThanOrEqual(4 * 2);
    expect(kept.peak - kept.arena - state).toBeLessThanOrEqual(4 * 16);
    expect(again.arena).toBeLessThanOrEqual(kept.arena);
    // The arena holds all gradients at once: the norm is of all of them.
    expect(kept.arena).toBeGreaterThan(kept.gradients);
  });
});

test("sums of gradients are kept where several batches make one step", () => {
  const { accumulated, parameters } = costs("none", 4);
  expect(accumulated).toBe(parameters);
});

test("running statistics count by themselves, and parameters that the loss does not depend on have no gradient", () => {
  const model = text
    .replace("-> tanh", "-> bn: batchnorm")
    .replace("output y", "unused = z: linear(5)\n  output y");
  const { statistics, parameters, gradients } = costs("marked", 1, model);
  expect(statistics).toBe(4 * 3 * 2 * 8);
  expect(parameters - gradients).toBe(4 * (4 * 5 + 5));
});
