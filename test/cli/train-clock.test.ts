import { describe, expect, test } from "vitest";
import { asLearned } from "../../src/report/run.ts";
import { Clock } from "../../src/cli/train/clock.ts";
import { cadenceOf, EVALUATION_SHARE } from "../../src/cli/train/numbers.ts";

const options = { tokenizer: "characters", checkpointEvery: "60s", target: "ts" } as const;

describe("the clock of a run", () => {
  function clocked(before = 0) {
    const state = { now: 100 };
    const clock = new Clock(before, 1, () => state.now);
    const spend = (activity: "step" | "evaluation", seconds: number) =>
      clock.time(activity, () => {
        state.now += seconds;
        return Promise.resolve();
      });
    return { state, clock, spend };
  }

  test("counts steps, evaluations, checkpoints and what was before", async () => {
    const { state, clock, spend } = clocked(50);
    for (let step = 0; step < 4; step++) await spend("step", 2);
    expect(clock.sinceLastStep()).toBe(8);
    await spend("evaluation", 10);
    // A checkpoint.
    state.now += 6;
    await spend("step", 2);
    expect(clock.seconds).toBe(50 + 26);
    expect(clock.sinceLastStep()).toBe(18);
    expect(clock.perStep).toBe(26 / 5);
  });

  test("foretells the evaluations that are to come, the whole one at the end among them", async () => {
    const { state, clock, spend } = clocked();
    await spend("step", 3);
    // Before the first evaluation its batch is taken for a third of a step.
    expect(clock.left({ steps: 9, batches: 30 })).toBeCloseTo(9 * 3 + 30 * 1, 9);
    await spend("evaluation", 2);
    expect(clock.left({ steps: 9, batches: 30 })).toBeCloseTo(9 * 3 + 30 * 2, 9);
    state.now += 1;
    expect(clock.left({ steps: 9, batches: 30 })).toBeCloseTo(9 * (3 + 1) + 30 * 2, 9);
    expect(clock.left({ steps: 0, batches: 0 })).toBe(0);
  });
});

describe("evaluations take at most a tenth of the time of the steps if nothing is said", () => {
  test.each([
    [1, 1],
    [10, 1],
    [10, 4],
    [40, 1],
    [300, 1],
    [2000, 1],
    [2000, 8],
    [100_000, 2],
  ])("%d steps of %d batches", (steps, accumulate) => {
    const { evaluateEvery, evaluateBatches } = cadenceOf(options, steps, accumulate);
    // A batch of an evaluation takes a third of a training batch.
    expect(evaluateBatches! / 3).toBeLessThanOrEqual(EVALUATION_SHARE * evaluateEvery * accumulate + 1e-9);
    expect(evaluateBatches).toBeGreaterThanOrEqual(1);
    expect(evaluateBatches).toBeLessThanOrEqual(20);
    expect(steps / evaluateEvery).toBeLessThan(41);
  });

  test("what is said counts", () => {
    expect(cadenceOf({ ...options, evaluateEvery: "1" }, 10, 1).evaluateBatches).toBe(20);
    const said = { ...options, evaluateEvery: "1", evaluateBatches: "7" };
    expect(cadenceOf(said, 10, 1)).toMatchObject({ evaluateEvery: 1, evaluateBatches: 7 });
    expect(cadenceOf({ ...said, evaluateBatches: "all" }, 10, 1).evaluateBatches).toBeUndefined();
  });
});

test("a report says of a learned gain that it is, not what it began as", () => {
  expect(asLearned("skip 2.83, branch resweight: scale([1], init: 0)")).toBe(
    "skip 2.83, branch resweight (learned)",
  );
  expect(asLearned("branch g: parameter([1], init: normal(std: 0.1)) -> tanh")).toBe(
    "branch g (learned) -> tanh",
  );
  expect(asLearned("branch scale([4], init: 1e-5)")).toBe("branch scale (learned)");
  expect(asLearned("skip (2 * depth) ^ 0.25")).toBe("skip (2 * depth) ^ 0.25");
});
