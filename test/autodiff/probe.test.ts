import { expect, test } from "vitest";
import { probeEdges } from "../../src/autodiff/probe.ts";
import { trainingStep } from "../../src/autodiff/train/step.ts";
import { initialParameters, initialTensors } from "../../src/ir/initialize.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { torchOptimizer, trainingGraph } from "./classifier.ts";

/** y = x + w x, three times; loss = mean of (y - 0)². */
const text = `
model m {
  input x: f32[B, 2]
  repeat 3 as h[i] { residual { f: scale([2], init: 1) } }
  output y: f32[B, 2]
  train { target t: f32[B, 2]; loss (y, t) -> mean_squared_error }
}`;

test("a probe tells the size of the stream and of its gradient after each edge", () => {
  const source = trainingGraph(text);
  const { graph, edges, diagnostics } = probeEdges(source);
  expect(diagnostics).toEqual([]);
  expect(verifyGraph(graph)).toEqual([]);
  const results = interpret(graph, {
    inputs: { x: hostTensor("f32", [1, 2], [3, 4]), t: hostTensor("f32", [1, 2], [0, 0]) },
    parameters: initialParameters(source, 0),
  });
  // Each edge doubles: y = 8 x; the gradient of the last stream is 2 y / 2 = 8 x, doubled by each edge before it.
  const [length, rms] = [5, Math.sqrt(12.5)];
  expect(edges.map(({ edge }) => edge)).toEqual([0, 1, 2]);
  edges.forEach(({ activation, gradient }, index) => {
    expect(results[activation]!.data[0]).toBeCloseTo(2 ** (index + 1) * rms, 10);
    expect(results[gradient]!.data[0]).toBeCloseTo(8 * length * 2 ** (2 - index), 10);
  });
});

test("a training begins with initialized parameters and moments of zero", () => {
  const source = trainingGraph(text);
  const { update } = trainingStep(source, { optimizer: torchOptimizer("adam", {}) });
  const state = initialTensors(update.states, 7);
  expect(Object.keys(state)).toEqual(update.states.map(({ name }) => name));
  for (const [name, tensor] of Object.entries(initialParameters(source, 7)))
    expect(state[name]).toEqual(tensor);
  expect(Object.entries(state).filter(([name]) => name.startsWith("optimizer.")).length).toBe(6);
  for (const [name, { data }] of Object.entries(state))
    if (name.startsWith("optimizer.")) expect([...data]).toEqual([0, 0]);
});
