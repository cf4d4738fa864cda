import { describe, expect, test } from "vitest";
import { planGraph } from "../../src/plan/build.ts";
import { operandViews, type Plan } from "../../src/plan/plan.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { Words } from "../../src/plan/words.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { graphOf } from "../states/graphs.ts";
import { panels, panelsAtLoad } from "./targets.ts";

const sizes = new Map([["B", 2]]);

/** The elements of the view that the product reads as its weight, after the plan's copies of a weight 1, 2, 3, … */
function packedBy(plan: Plan, count: number): number[] {
  const words = new Words(plan, sizes);
  const memory = new Map<number, number>();
  const weight = plan.parameters[0]!.buffer!;
  for (let i = 0; i < count; i++) memory.set(words.room(weight).start + i, i + 1);
  plan.buffers.forEach(({ home }, buffer) => {
    if (home.kind === "constant") memory.set(words.room(buffer).start, home.values[0]!);
  });
  for (const step of [...plan.prepare, ...plan.steps]) {
    if (step.op !== "copy") continue;
    const [from, to] = [words.of(step.operands.x), words.of(step.results[0]!)];
    to.forEach((word, i) => memory.set(word, memory.get(from[i]!)!));
  }
  const product = [...plan.prepare, ...plan.steps].find(({ op }) => op === "linear_epilogue")!;
  return [...words.of(operandViews(product)[1]!)].map((word) => memory.get(word)!);
}

const linear = (weight: string, attrs = ""): string => `graph g {
  dim B
  input %x: f32[B, 3]
  parameter %w: ${weight} = constant(1) "w"
  %y: f32[B, ${weight.includes("[3") && attrs !== "" ? 6 : weight.slice(4, 5)}] = linear(x: %x, weight: %w${attrs})
  output y = %y
}
`;

/** [⌈N / 4⌉, K, 4] of the matrix 1, 2, 3, … with N rows of 3, or 3 rows of N if it lies the other way. */
const expected = (rows: number, isUpright: boolean): number[] =>
  Array.from({ length: Math.ceil(rows / 4) * 12 }, (_, i) => {
    const [row, k] = [4 * Math.floor(i / 12) + (i % 4), Math.floor((i % 12) / 4)];
    if (row >= rows) return 0;
    return 1 + (isUpright ? 3 * row + k : rows * k + row);
  });

describe("a weight that a target asks for in panels", () => {
  test.each([
    ["as many rows as panels hold", linear("f32[8, 3]"), 8, true],
    ["rows left over", linear("f32[6, 3]"), 6, true],
    ["fewer rows than a panel", linear("f32[2, 3]"), 2, true],
    ["columns for rows", linear("f32[3, 6]", ", layout: in_out"), 6, false],
  ] as const)("is made once, at load: %s", (_, text, rows, isUpright) => {
    const plan = planGraph(runPasses(graphOf(text)), { target: panels });
    expect(plan.steps.map(({ op }) => op)).toEqual(["linear_epilogue"]);
    expect(plan.prepare.every(({ op }) => op === "copy")).toBe(true);
    expect(verifyPlan(plan, sizes, panels)).toEqual([]);
    expect(verifyPlan(planGraph(runPasses(graphOf(text))), sizes, panels)).toEqual([
      "linear_epilogue: the operand weight is not in panels of 4",
    ]);
    expect(packedBy(plan, 3 * rows)).toEqual(expected(rows, isUpright));
  });

  test("is made in each run if a run changes it", () => {
    const text = linear("f32[6, 3]").replace("parameter %w", "state %w").replace('"w"', '"w" parameter');
    const plan = planGraph(runPasses(graphOf(text)), { target: panels });
    expect(plan.prepare).toEqual([]);
    expect(plan.steps.map(({ op }) => op)).toEqual(["copy", "copy", "copy", "linear_epilogue"]);
    expect(verifyPlan(plan, sizes, panels)).toEqual([]);
    expect(packedBy(plan, 18)).toEqual(expected(6, true));
  });

  test("is not made of what a run changes, if the target wants it at load only", () => {
    const text = linear("f32[6, 3]");
    const changed = graphOf(text.replace("parameter %w", "state %w").replace('"w"', '"w" parameter'));
    const plan = planGraph(runPasses(changed), { target: panelsAtLoad });
    expect([...plan.prepare, ...plan.steps].map(({ op }) => op)).toEqual(["linear_epilogue"]);
    expect(operandViews(plan.steps[0]!)[1]!.type.shape.length).toBe(2);
    expect(verifyPlan(plan, sizes, panelsAtLoad)).toEqual([]);
    const loaded = planGraph(runPasses(graphOf(text)), { target: panelsAtLoad });
    expect(packedBy(loaded, 18)).toEqual(expected(6, true));
    expect(verifyPlan(loaded, sizes, panelsAtLoad)).toEqual([]);
    expect(verifyPlan(planGraph(runPasses(graphOf(text))), sizes, panelsAtLoad)).toEqual([
      "linear_epilogue: the operand weight is not in panels of 4",
    ]);
  });

  test("is made once for two products", () => {
    const text = linear("f32[6, 3]").replace(
      "  output y = %y",
      "  %s: f32[B, 3] = relu(%x)\n  %z: f32[B, 6] = linear(x: %s, weight: %w)\n  output y = %y\n  output z = %z",
    );
    const plan = planGraph(runPasses(graphOf(text)), { target: panels });
    expect(plan.prepare.length).toBe(3);
  });
});
