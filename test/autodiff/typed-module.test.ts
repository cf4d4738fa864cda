import { expect, test } from "vitest";
import { trainingStep } from "../../src/autodiff/train/step.ts";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { planGraph } from "../../src/plan/build.ts";
import { complaints } from "../emit/complaints.ts";
import { torchOptimizer, trainingGraph } from "./classifier.ts";

/** Every kernel of its own that a training step of a picture, a row or a sequence may have. */
const text = `
model broad {
  input image: f32[B, 2, 8, 8]
  input tokens: i32[B, T]
  conv: conv2d(4, kernel: 3, padding: 1) -> bn: batchnorm -> relu -> maxpool(2, stride: 2) -> flatten(from: 1) -> fc: linear(8) -> unsqueeze(1)
  seen = stream -> fc_norm: layernorm
  (tokens -> wte: embedding(11, 8)) + seen
  residual pre ln: rmsnorm { attn: attention(2, rope: rope, window: 3, softcap: 2.0) -> dropout(0.1) }
  l2norm
  mean(axis: 1) -> head: linear(5)
  output logits: f32[B, 5]
  train { target y: i32[B]; loss (logits, y) -> cross_entropy(ignore: 4) }
}`;

test("an emitted training step passes tsc --strict and holds only types that can be erased", () => {
  const step = trainingStep(trainingGraph(text), { optimizer: torchOptimizer("adamw", {}), clip: 1 });
  expect(step.diagnostics).toEqual([]);
  const plan = planGraph(runPasses(step.update, { verify: true }));
  const kernels = new Set(plan.steps.map(({ op }) => op));
  for (const op of [
    "dropout",
    "batch_statistics",
    "attend_grad",
    "conv2d_weight_grad",
    "max_pool2d_grad",
  ] as const)
    expect(kernels).toContain(op);
  expect(complaints(emitTypeScript(plan).files[0]!.text)).toEqual([]);
});

test("a mean over a run-time axis divides by the size of each run, not by one that was prepared", () => {
  const body =
    "model m { input x: f32[B, T, 2]; s: scale([2]) -> mean(axis: 1); output y\n train { target t: f32[B, 2]; loss (y, t) -> mean_squared_error } }";
  const step = trainingStep(trainingGraph(body), { optimizer: torchOptimizer("sgd", {}) });
  const plan = planGraph(runPasses(step.update));
  expect(plan.prepare).toEqual([]);
  expect(plan.steps.map(({ op }) => op)).toContain("extent");
});
