import { expect, test } from "vitest";
import { differencesOf, outputDifferencesOf } from "../../src/run/compare/differences.ts";
import { observeSteps } from "../../src/run/compare/observe.ts";
import { differencesBeyond } from "../../src/run/compare/describe.ts";
import { compile } from "../../src/compile.ts";
import { randomInputs, randomParameters } from "../../src/ir/initialize.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { planGraph } from "../../src/plan/build.ts";
import { hostTensor, type HostTensor } from "../../src/tensor/host.ts";
import { tinyModel } from "../cli/harness.ts";

const { graph, plan } = compile({ name: "tiny.lmg", text: tinyModel });
const seen = observeSteps(graph!);
const inputs = randomInputs(graph!, { B: 2, T: 3 }, 1);
const expected = new Map(
  Object.entries(interpret(seen.graph, { inputs, parameters: randomParameters(graph!, 1) })),
);

/** Outputs with one element of one step changed. */
function corrupted(
  step: number,
  index: number,
  value: (old: number) => number,
  from: ReadonlyMap<string, HostTensor> = expected,
): ReadonlyMap<string, HostTensor> {
  const { output } = seen.observed[step]!;
  const { dtype, shape, data } = from.get(output)!;
  const changed = Array.from(data, (old, at) => (at === index ? value(old) : old));
  return new Map([...from, [output, hostTensor(dtype, shape, changed)]]);
}

const differences = (found: ReadonlyMap<string, HostTensor>) => differencesOf(seen.observed, expected, found);

test("every step of the plan is observed, and a plan of that has the same steps", () => {
  expect(planGraph(seen.graph).steps.map(({ op }) => op)).toEqual(plan!.steps.map(({ op }) => op));
  expect(seen.observed.length).toBeGreaterThanOrEqual(plan!.steps.length);
});

test("what is equal differs nowhere", () => {
  expect(differences(expected).map(({ relative }) => relative)).toEqual(seen.observed.map(() => 0));
  const outputs = outputDifferencesOf(expected, new Map([["logits", expected.get("logits")!]]));
  const comparison = { target: "ts", tolerance: 0, differences: differences(expected), outputs };
  expect(differencesBeyond([comparison])).toEqual([]);
});

test("the first step that differs is named, with the element, and what followed from it is not", () => {
  const add = (old: number): number => old + 100;
  const found = corrupted(seen.observed.length - 1, 0, add, corrupted(3, 1, add));
  const [problem, ...others] = differencesBeyond([
    { target: "wgsl", tolerance: 1e-4, differences: differences(found), outputs: [] },
  ]);
  expect(others).toEqual([]);
  const { node } = seen.observed[3]!;
  expect(problem!.message).toMatch(/^wgsl differs from the interpreter, first in /);
  expect(problem!.message).toContain(node.origin.label);
  expect(problem!.message).toMatch(/it has \S+ instead of \S+ at element 1, \S+ of the largest element$/);
});

test("an output that is wrong only where no step is observed is named as such", () => {
  const logits = expected.get("logits")!;
  const found = new Map([
    [
      "logits",
      hostTensor(
        "f32",
        logits.shape,
        Array.from(logits.data, (x, i) => (i === 2 ? x + 9 : x)),
      ),
    ],
  ]);
  const outputs = outputDifferencesOf(expected, found);
  const [problem] = differencesBeyond([
    { target: "ts", tolerance: 1e-4, differences: differences(expected), outputs },
  ]);
  expect(problem!.message).toMatch(
    /^ts differs from the interpreter in the output logits, which has \S+ instead of \S+ at element 2, .+, though every step agrees/,
  );
});

test.each([
  ["a NaN", () => NaN],
  ["an infinity", () => Infinity],
])("%s where a number should be is infinitely far", (_, value) => {
  expect(differences(corrupted(2, 4, value))[2]).toMatchObject({ relative: Infinity, index: 4 });
});

test("a result of another size is infinitely far", () => {
  const found = new Map([...expected, [seen.observed[1]!.output, hostTensor("f32", [1], [0])]]);
  const [, second] = differences(found);
  expect(second).toMatchObject({ relative: Infinity, index: -1, found: 1 });
});
