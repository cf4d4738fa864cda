import { expect, test } from "vitest";
import { describePlan, printPlan } from "../../src/plan/describe.ts";
import { activationBytes, planStats } from "../../src/plan/stats.ts";
import { planOf } from "./graphs.ts";

const plan = planOf(`
  dim B
  input %ids: i32[B]
  parameter %table: f32[10, 4] = normal(0, 1) "table"
  parameter %a: f32[2, 4] = normal(0, 1) "a.weight"
  parameter %c: f32[3, 4] = normal(0, 1) "c.weight"
  parameter %b: f32[5] = constant(0) "bias"
  %x: f32[B, 4] = embedding(table: %table, ids: %ids) label "embed"
  %w: f32[5, 4] = concat(values: [%a, %c], axis: 0)
  %l: f32[B, 5] = linear(x: %x, weight: %w, bias: %b) label "head"
  %y: f32[B, 5] = softmax(x: %l)
  output y = %y`);

test("bytes, operations and memory are those that one counts by hand", () => {
  const stats = planStats(plan, new Map([["B", 3]]));
  // B = 3. embedding: 3 ids and 3 rows of 4 read, as many rows written; linear: x, w, b read; softmax: 15 and 15.
  expect(stats.perStep.map(({ bytesRead, bytesWritten }) => [bytesRead / 4, bytesWritten / 4])).toEqual([
    [3 + 12, 12],
    [12 + 20 + 5, 15],
    [15, 15],
  ]);
  expect(stats.bytesMoved).toBe(4 * (3 + 12 + 12 + 12 + 20 + 5 + 15 + 15 + 15));
  // Without the rows of the table, w and b: ids, x written and read, the logits written and read, y.
  expect(activationBytes(plan, new Map([["B", 3]]))).toBe(4 * (3 + 12 + 12 + 15 + 15 + 15));
  // 2 · B · 4 · 5 for the product and B · 5 for the bias.
  expect(stats.perStep[1]!.flops).toBe(2 * 3 * 4 * 5 + 3 * 5);
  expect(stats.steps).toBe(3);
  expect(stats.prepareSteps).toBe(2);
  expect(stats.weightBytes).toBe(4 * (40 + 8 + 12 + 5));
  expect(stats.preparedBytes).toBe(4 * 20);
  expect(stats.outputBytes).toBe(4 * 15);
  // ids, x and the logits: 3 + 12 + 15 words; the logits take the place of the ids, which no step reads any more.
  expect(stats.arenaBytesWithoutReuse).toBe(4 * (3 + 12 + 15));
  expect(stats.arenaBytes).toBe(4 * (15 + 12));
});

test("a plan prints with a line a step", () => {
  expect(printPlan(plan)).toMatchInlineSnapshot(`
    "plan test: 3 steps, 2 at load, 2 slots
      slot 0  20*B bytes
      slot 1  16*B bytes
    once  copy                 w [2, 4]
    once  copy                 w [3, 4]
       1  embedding     embed  slot 1 [B, 4]
       2  linear + add  head   slot 0 [B, 5]
       3  softmax              output y [B, 5]
    "
  `);
});

test("the JSON form names buffers, views and attributes, and survives JSON", () => {
  const description = describePlan(plan, new Map([["B", 3]]));
  expect(JSON.parse(JSON.stringify(description))).toEqual(description);
  expect(description.steps[1]).toEqual({
    op: "linear_epilogue",
    label: "head",
    place: "",
    fused: [],
    attributes: { epilogue: "{ add(i0, i1) }" },
    operands: {
      x: { buffer: "embed", shape: ["B", "4"] },
      weight: { buffer: "w", shape: ["5", "4"] },
      extras: [{ buffer: "bias", shape: ["5"] }],
    },
    results: [{ buffer: "head", shape: ["B", "5"] }],
    bytesRead: 148,
    bytesWritten: 60,
    flops: 135,
  });
  expect(description.prepare[1]!.results).toEqual([
    { buffer: "w", shape: ["3", "4"], offset: "8", strides: ["4", "1"] },
  ]);
  expect(description.totals).toEqual({ ...description.totals, steps: 3, arenaBytes: 108 });
});
