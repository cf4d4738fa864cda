import { describe, expect, test } from "vitest";
import { vjpRules } from "../../src/autodiff/rules/table.ts";
import { opNames, stageOf, type CoreOp } from "../../src/ops/table.ts";
import { isFloat } from "../../src/tensor/dtype.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { gradientCases, smoothOps, type GradientCase } from "./cases.ts";
import { OpGraph } from "./graphs.ts";

/** Central differences with a step of 1e-5 are off by its square times a third derivative, and by rounding / 1e-5. */
const TOLERANCE = 2e-7;

const cases = gradientCases as unknown as Readonly<Record<string, readonly GradientCase<"exp">[]>>;

test("every op of the language has a rule or says why it has no gradient", () => {
  expect(Object.keys(vjpRules).toSorted()).toEqual(opNames.filter((op) => stageOf(op) === "core").toSorted());
});

test("every op with a gradient has a case", () => {
  expect(Object.keys(cases).toSorted()).toEqual(smoothOps.toSorted());
  expect(smoothOps.filter((op) => cases[op]!.length === 0)).toEqual([]);
});

const floatOperands = (operands: object, fixed: readonly string[]): string[] =>
  Object.entries(operands as Record<string, HostTensor | undefined | readonly HostTensor[]>).flatMap(
    ([name, operand]) => {
      if (operand === undefined || fixed.includes(name)) return [];
      if (Array.isArray(operand)) return operand.map((_, index) => `${name}_${index}`);
      return isFloat((operand as HostTensor).dtype) ? [name] : [];
    },
  );

describe.each(smoothOps)("the gradient of %s is its finite difference", (op: CoreOp) => {
  test.each(cases[op]!.map((each) => [each.about, each] as const))(
    "%s",
    (_, { operands, attrs = {}, ignoredResults = [], fixed = [] }) => {
      const graph = new OpGraph(op, operands, attrs, ignoredResults);
      const names = floatOperands(operands, fixed);
      const gradients = graph.gradients(names);
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) {
        const expected = graph.finiteDifferences(name);
        const found = gradients[name]!.data;
        expect(found.length).toBe(expected.length);
        expected.forEach((value, i) => {
          const error = Math.abs(found[i]! - value);
          if (!(error <= TOLERANCE * Math.max(1, Math.abs(value))))
            expect.fail(`${name}[${i}] is ${found[i]!}, the finite difference ${value}`);
        });
      }
    },
  );
});
