import { expect, test } from "vitest";
import { tsTarget } from "../../src/emit/ts/target.ts";
import { makeDispatches } from "../../src/emit/wgsl/dispatches.ts";
import { targetOf } from "../../src/emit/wgsl/target.ts";
import { portableTarget, type Target } from "../../src/kernels/target.ts";
import { describePlan, printPlan } from "../../src/plan/describe.ts";
import { layoutOf } from "../../src/plan/layout.ts";
import { programOf } from "../../src/plan/plan.ts";
import { dim, symbolDim } from "../../src/tensor/dim.ts";
import { planOf } from "./graphs.ts";

const attention = planOf(`
  dim T
  input %q: f32[1, 2, T, 8]
  input %k: f32[1, 2, T, 8]
  input %kept: f32[1, 2, 6, 8]
  %a: f32[1, 2, T, 8] = attend(q: %q, k: %k, v: %k, scale: 0.35, causal: true)
  %b: f32[1, 2, T, 8] = attend(q: %a, k: %kept, v: %kept, scale: 0.35)
  %y: f32[1, 2, T, 8] = softmax(x: %b)
  output y = %y`);

test("what a target's kernels need beside their operands stands in its listings", () => {
  // 16 rows of a score for each key, in float32.
  expect(printPlan(attention, tsTarget)).toMatchInlineSnapshot(`
    "plan test: 3 steps, 0 at load, 4 slots
      slot 0  64*T bytes
      slot 1  64*T bytes
      slot 2  64*T bytes
      slot 3  384 bytes
      scratch  max(64*T, 384) bytes
    1  attend     slot 2 [1, 2, T, 8], 64*T bytes of scratch
    2  attend     slot 1 [1, 2, T, 8], 384 bytes of scratch
    3  softmax    output y [1, 2, T, 8]
    "
  `);
  const described = describePlan(attention, undefined, tsTarget).steps;
  expect(described.map(({ scratch }) => scratch)).toEqual(["64*T", "384", undefined]);
  for (const { scratch } of describePlan(attention).steps) expect(scratch).toBeUndefined();
});

test("steps that need as much have one scratch memory, as large as the largest", () => {
  const target: Target = {
    ...portableTarget,
    scratchOf: ({ op }) => (op === "attend" ? dim(8) : symbolDim("T")),
  };
  const layout = layoutOf(attention, target);
  expect(layout.scratch(attention.steps).map(({ key }) => key)).toEqual(["8", "T"]);
  expect(layout.scratch([])).toEqual([]);
});

test("a loop takes as many steps as its target says, in listings too", () => {
  const plan = planOf(`
  dim T
  input %x: f32[T]
  %a: f32[T] = exp(%x)
  %b: f32[T] = sin(%a)
  %c: f32[T] = cos(%b)
  output a = %a
  output b = %b
  output c = %c`);
  const pairs: Target = { ...portableTarget, limits: { ...portableTarget.limits, loopSteps: 2 } };
  expect(describePlan(plan).loops).toEqual([[0, 1, 2]]);
  expect(describePlan(plan, undefined, pairs).loops).toEqual([[0, 1]]);
});

// 50,001 rows of 700 numbers are 140 MB in 32 bits and 70 MB in 16: the least that devices bind is between.
test.each([
  ["f32", {}, ["table in parts", "weight in parts"]],
  ["f16", { f16: true }, []],
] as const)(
  "of what is too large to bind in %s, listings say what the dispatches do",
  (_, options, found) => {
    const plan = planOf(`
  dim B
  input %ids: i32[B]
  parameter %table: f32[50001, 700] = normal(0, 1) "table"
  parameter %small: f32[700, 700] = normal(0, 1) "small"
  %t: f32[B, 700] = embedding(table: %table, ids: %ids)
  %u: f32[B, 700] = linear(x: %t, weight: %small)
  %y: f32[B, 50001] = linear(x: %u, weight: %table)
  output y = %y`);
    const target = targetOf(options);
    const listed = printPlan(plan, target).match(/\w+ in parts/g) ?? [];
    expect(listed).toEqual(found);
    const { parts } = makeDispatches(programOf(plan), target);
    const split = describePlan(plan, undefined, target).steps.map((step) => step.split !== undefined);
    const bound = parts[0]!.steps.map(({ dispatches }) =>
      dispatches.every((each) => each.parts !== undefined),
    );
    expect(split).toEqual(bound);
  },
);

test("a state is bound by its own 32 bits where weights lie in 16", () => {
  const plan = planOf(`
  dim B
  input %ids: i32[B]
  input %more: f32[50001, 700]
  state %table: f32[50001, 700] = constant(0) "table"
  %y: f32[B, 700] = embedding(table: %table, ids: %ids)
  %next: f32[50001, 700] = add(%table, %more)
  output y = %y
  next %table = %next`);
  const [step] = makeDispatches(programOf(plan), targetOf({ f16: true })).parts[0]!.steps;
  expect(step!.dispatches[0]!.parts).toEqual({ binding: 0, rows: 50_001, rowElements: 700, along: false });
});
