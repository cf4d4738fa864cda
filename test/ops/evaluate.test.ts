import { describe, expect, test } from "vitest";
import { EvaluationError } from "../../src/ops/evaluate/error.ts";
import { opNames, type OpName } from "../../src/ops/table.ts";
import { expectClose, f32, i32 } from "./tensors.ts";
import { opCases as cases } from "./cases/all.ts";
import { run } from "./cases/case.ts";

test("every op of the table has a case with results from elsewhere", () => {
  expect(Object.keys(cases).toSorted()).toEqual(opNames.toSorted());
  expect(Object.values(cases).filter((list) => list.length === 0)).toEqual([]);
});

describe.each(Object.keys(cases) as OpName[])("%s", (op) => {
  test.each(cases[op].map((each) => [each.about, each] as const))(
    "%s",
    (_, { operands, attrs, expected, tolerance }) => {
      const results = run(op, operands, attrs);
      expect(results.length).toBe(expected.length);
      results.forEach((result, index) => {
        expectClose(result, expected[index]!, tolerance ?? 0);
      });
    },
  );
});

describe("data that does not fit is its giver's mistake", () => {
  test.each([
    [
      "an id beyond the table",
      () => run("embedding", { table: f32([2, 1], [1, 2]), ids: i32([1], [2]) }),
      "the id 2 is not in a table of 2 rows (0 to 1)",
    ],
    [
      "a negative id",
      () => run("embedding", { table: f32([2, 1], [1, 2]), ids: i32([1], [-1]) }),
      "the id -1 is not in a table of 2 rows (0 to 1)",
    ],
    [
      "a target that is no class",
      () => run("cross_entropy", { logits: f32([1, 2], [0, 0]), targets: i32([1], [2]) }),
      "the target 2 is not among 2 classes (0 to 1)",
    ],
    [
      "an index without a place",
      () => run("spread", { values: f32([1], [1]), indices: i32([1], [4]) }, { size: 3 }),
      "the index 4 has no place in an axis of 3",
    ],
  ])("%s", (_, evaluate, message) => {
    expect(evaluate).toThrow(EvaluationError);
    expect(evaluate).toThrow(message);
  });
});
