import { expect, test } from "vitest";
import { layoutOf } from "../../src/plan/layout.ts";
import { shareLoops } from "../../src/plan/loops.ts";
import { trafficOf, type StageTraffic } from "../../src/plan/traffic.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { planOf } from "./graphs.ts";

const traffic = (plan: Plan, sizes: Record<string, number> = {}): readonly StageTraffic[] =>
  trafficOf(shareLoops(plan), plan, new Map(Object.entries(sizes)), layoutOf(plan));

/** Words of each access, those that are written negative, and the words that were touched since. */
const words = ({ accesses }: StageTraffic): [number, number][] =>
  accesses.map(({ bytes, isWrite, distance }) => [(isWrite ? -bytes : bytes) / 4, distance / 4]);

test("a byte is as far away as all that was touched since it was, over the end of a run", () => {
  const stages = traffic(
    planOf(`
      dim B
      input %x: f32[B, 4]
      parameter %a: f32[8, 4] = normal(0, 1) "a.weight"
      parameter %b: f32[4, 8] = normal(0, 1) "b.weight"
      %h: f32[B, 8] = linear(x: %x, weight: %a)
      %y: f32[B, 4] = linear(x: %h, weight: %b)
      output y = %y`),
    { B: 2 },
  );
  // All of a run: x 8, a 32, h 16, b 32, y 8. What was touched longest ago is that far; h was written just before.
  const all = 8 + 32 + 16 + 32 + 8;
  expect(stages.map(words)).toEqual([
    [
      [8, all],
      [32, all],
      // Since h was read: b, y, x, a.
      [-16, 32 + 8 + 8 + 32 + 16],
    ],
    [
      [16, 16],
      [32, all],
      [-8, all],
    ],
  ]);
  expect(stages.map(({ flops }) => flops)).toEqual([2 * 2 * 4 * 8, 2 * 2 * 8 * 4]);
});

test("steps that are one loop read what they share once, and hand each other the rest in registers", () => {
  const plan = planOf(`
    parameter %w: f32[100] = normal(0, 1) "w"
    input %x: f32[100]
    %s: f32[100] = elementwise(inputs: [%x, %w], program: { mul(i0, i1) })
    %t: f32[100] = elementwise(inputs: [%s, %w], program: { add(i0, i1) })
    output y = %t`);
  expect(plan.steps).toHaveLength(2);
  const [loop, ...others] = traffic(plan);
  expect(others).toEqual([]);
  // x and w, whichever comes first; y. The product is stored nowhere.
  expect(words(loop!).map(([count]) => count)).toEqual([100, 100, -100]);
  expect(loop!.flops).toBe(200);
});
