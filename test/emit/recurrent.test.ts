import { describe, expect, test } from "vitest";
import { planGraph } from "../../src/plan/build.ts";
import { tsTarget } from "../../src/emit/ts/target.ts";
import { layoutOf } from "../../src/plan/layout.ts";
import { largestOf } from "../../src/plan/stats.ts";
import { graphOf } from "../plan/graphs.ts";
import { optimizerOf } from "../../src/autodiff/train/optimizer.ts";
import { trainingStep } from "../../src/autodiff/train/step.ts";
import { parse } from "../../src/language/parse.ts";
import { lower } from "../../src/lower/lower.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { recurrentModels, runBytes } from "../bench/recurrent-models.ts";
import { expectSameAsOracle } from "./compare.ts";
import type { Graph } from "../../src/ir/graph.ts";

/** The gradients of a linear attention in which 2 heads of unit keys serve 4 of values: its numbers stay small at any length. */
const gradients = (decay: "none" | "row" | "channel", beta: boolean, state: boolean): Graph =>
  graphOf(`
  dim B
  dim T
  input %q: f32[B, 2, T, 5]
  input %u: f32[B, 2, T, 5]
  input %v: f32[B, 4, T, 7]
  input %g: f32[B, 4, T, 7]
  input %a: f32[B, 4, T${decay === "channel" ? ", 5" : ""}]
  input %b: f32[B, 4, T]
  input %s: f32[B, 4, 5, 7]
  %k: f32[B, 2, T, 5] = l2_norm(x: %u)
  %f: f32[B, 4, T${decay === "channel" ? ", 5" : ""}] = sigmoid(%a)
  %d: f32[B, 4, T${decay === "channel" ? ", 5" : ""}] = neg(%f)
  %c: f32[B, 4, T] = sigmoid(%b)
  %r1: f32[B, 2, T, 5], %r2: f32[B, 2, T, 5], %r3: f32[B, 4, T, 7], %r4: f32[B, 4, T${decay === "channel" ? ", 5" : ""}], %r5: f32[B, 4, T], %r6: f32[B, 4, 5, 7] = linear_attend_grad(grad: %g, ${state ? "grad_state: %s, " : ""}q: %q, k: %k, v: %v${decay === "none" ? "" : ", decay: %d"}${beta ? ", beta: %c" : ""}${state ? ", state: %s" : ""})
${[1, 2, 3, 4, 5, 6].map((at) => `  output r${at} = %r${at}`).join("\n")}`);

describe.each([
  ["plain", gradients("none", false, false)],
  ["with a decay", gradients("row", false, true)],
  ["by the delta rule", gradients("row", true, true)],
  ["by the delta rule with a decay a channel", gradients("channel", true, false)],
])("the gradient of a linear attention %s", (_, graph) => {
  // Below, at and beyond the chunks of 32 positions whose states are kept.
  test.each([1, 31, 32, 33, 64, 65, 100])("over %i positions", async (T) => {
    await expectSameAsOracle(graph, { B: 2, T }, { tolerance: 2e-6 });
  });
});

test("what it keeps is a state a chunk of 32 positions, and those of one", () => {
  const plan = planGraph(gradients("row", true, true), { target: tsTarget });
  const scratch = layoutOf(plan, tsTarget).scratch(plan.steps);
  const statesAt = (T: number): number =>
    (largestOf(
      scratch,
      new Map([
        ["B", 4],
        ["T", T],
      ]),
    ) -
      4 * 32 * 7) /
    (4 * 5 * 7);
  expect([32, 33, 1024, 4096].map(statesAt)).toEqual([1 + 33, 2 + 33, 32 + 33, 128 + 33]);
  // Nothing else is larger than what the op is given.
  for (const step of plan.steps)
    for (const { buffer } of step.results) {
      const { elements } = plan.buffers[buffer]!;
      expect(["280*B*T", "28*B*T", "140*B", "10*B*T", "20*B*T", "4*B*T"]).toContain(elements.key);
    }
});

describe.each(Object.entries(recurrentModels))("a training of %s", (name, text) => {
  test("takes memory that grows with the length of a text, not with its square", () => {
    const { file } = parse({ name: `${name}.lmg`, text });
    const { train } = lower(file, { training: true }).model!;
    const optimizer = optimizerOf(train!.optimizer!);
    const { update } = trainingStep(train!.graph, { optimizer, clip: train!.clip });
    const plan = planGraph(runPasses(update), { target: tsTarget });
    const [short, long] = [1024, 4096].map((T) => runBytes(plan, tsTarget, T)) as [number, number];
    expect(long / short).toBeLessThanOrEqual(4);
    // 64 channels, in a few tensors a layer: one state a position would be as much again for each of its rows.
    expect(long / 4096).toBeLessThan(60_000);
  });
});
