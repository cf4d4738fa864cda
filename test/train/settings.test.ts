import { expect, test } from "vitest";
import { settingsOf, stepOptionsOf, type TrainingSettings } from "../../src/train/settings.ts";
import { modelOf } from "../lower/support.ts";

const settings = (lines: string, overrides = {}): TrainingSettings => {
  const text = `model m {
    input x: f32[B, 3]
    l: linear(4)
    train {
      target label: i32[B]
      loss (stream, label) -> cross_entropy
      ${lines}
    }
  }`;
  const found = settingsOf(modelOf(text).train!, 12, overrides);
  expect(found).not.toHaveProperty("message");
  return found as TrainingSettings;
};

test("batches are accumulated as the section says, or as whoever starts the training says", () => {
  const lines = "optimizer sgd(lr: 1)\n accumulate 4\n epochs 2";
  expect(settings(lines).accumulate).toBe(4);
  // 12 batches in an epoch make 3 updates of 4.
  expect(settings(lines).steps).toBe(6);
  expect(settings(lines, { accumulate: 2 }).accumulate).toBe(2);
  expect(settings("optimizer sgd(lr: 1)\n steps 5").accumulate).toBe(1);
});

test("weight decay leaves norms and biases alone unless the optimizer says all", () => {
  const decay = (option: string) =>
    stepOptionsOf(settings(`optimizer adamw(lr: 1${option})\n steps 1`)).decay;
  expect(decay("")).toBe("matrices");
  expect(decay(", decay_on: matrices")).toBe("matrices");
  expect(decay(", decay_on: all")).toBe("all");
});
