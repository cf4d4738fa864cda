import { describe, expect, test } from "vitest";
import { goldenCases, type GoldenCase } from "../ops/golden.ts";
import { modelOf } from "./models.ts";
import { runCase } from "./run.ts";

/**
 * The interpreter computes in float64 from the same float32 values, and PyTorch's results were rounded to float32 once:
 * 2⁻²⁴ relative, twice that for the largest value's own rounding. The plan stores float32 between steps: a dozen
 * roundings in an encoder layer. A row of mean 100 and spread 1 loses two digits before it is normed; in WebAssembly its mean is
 * float32 too, off by half a unit of 100, which is 4e-6 of the spread.
 */
const tolerances = { interpreter: 1.2e-7, plan: 2e-6, cancelling: 2e-5 };

const cases = [...goldenCases("modules").values(), ...goldenCases("encoder_layer").values()].filter(
  (found) => modelOf(found) !== undefined,
);

test("most modules have a form in the language", () => {
  // Norms, linears, embeddings, attention, activations and encoder layers; no losses, no convolutions, no training.
  expect(cases.length).toBeGreaterThanOrEqual(70);
  expect(new Set(cases.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(20);
});

describe.each(cases.map((found) => [found.name, found] as [string, GoldenCase]))("%s", (_, found) => {
  test(`${found.kind} is what PyTorch computes`, async () => {
    for (const { engine, relative } of (await runCase(found))!) {
      const isPlan = engine.startsWith("plan");
      const { note } = found.attrs;
      const isCancelling =
        (typeof note === "string" && note.includes("mean")) ||
        (engine.endsWith("WebAssembly") && found.name.includes("large_mean"));
      const plan = isCancelling ? tolerances.cancelling : tolerances.plan;
      const limit = isPlan ? plan : tolerances.interpreter;
      expect(relative, engine).toBeLessThan(limit);
    }
  });
});
