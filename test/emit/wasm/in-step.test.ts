import { expect, test } from "vitest";
import { interpret } from "../../../src/ir/interpret.ts";
import { randomInputs, randomParameters } from "../../../src/ir/initialize.ts";
import { planGraph } from "../../../src/plan/build.ts";
import { graphOf } from "../../plan/graphs.ts";
import { rounded } from "../compare.ts";
import { expectAllNear } from "../op-graphs.ts";
import { runOnAll } from "./loops.ts";

/** Kernels whose rows go two in step: a row more or less, and who is alone, must change no bit. */
const kernels = {
  layer_norm: "%y = layer_norm(x: %x, weight: %w, bias: %b, eps: 1e-5)",
  "a layer norm over its operand": `
    %a: f32[B, T, W] = elementwise(inputs: [%x, %x], program: { mul(i0, 1.5); add(t0, i1) })
    %y = layer_norm(x: %a, weight: %w, bias: %b, eps: 1e-5)`,
  add_norm:
    "%y = add_norm(source: %x, branches: [%x], weights: [%w], biases: [%b], norm: layer, eps: 1e-5, affines: [weight_bias], keep_sum: false)",
  rms_norm: "%y = rms_norm(x: %x, weight: %w, eps: 1e-5)",
  softmax: "%y: f32[B, T, W] = softmax(x: %x, axis: 2)",
  "a softmax along another axis": "%y: f32[B, T, W] = softmax(x: %x, axis: 1)",
  log_softmax: "%y: f32[B, T, W] = log_softmax(x: %x, axis: 2)",
  reduce_max: "%y: f32[B, T] = reduce_max(x: %x, axes: [2])",
};

test.each(Object.entries(kernels))("rows of %s have the same bits in step and alone", (_, lines) => {
  for (const width of [1, 7, 24, 129, 1100])
    for (const [B, T] of [
      [1, 1],
      [1, 2],
      [3, 1],
      [2, 3],
      [3, 3],
    ] as const) {
      const type = `f32[B, T, ${width}]`;
      const graph = graphOf(`
        dim B
        dim T
        input %x: ${type}
        parameter %w: f32[${width}] = normal(0, 1) "w"
        parameter %b: f32[${width}] = normal(0, 1) "b"
        ${lines.replaceAll("W]", `${width}]`)}
        output y = %y`);
      const inputs = rounded(randomInputs(graph, { B, T }, 3));
      const parameters = rounded(randomParameters(graph, 4));
      const { y } = interpret(graph, { inputs, parameters });
      const sizes = new Map(Object.entries({ B, T }));
      // With 1, 2, 3 and 7 threads other rows are alone.
      runOnAll(planGraph(graph), { inputs, parameters, sizes }, (found) => {
        expectAllNear(found["y"]!.data, y!.data, 1e-5);
      });
      expect(y!.data.length).toBeGreaterThan(0);
    }
});
