import { describe, expect, test } from "vitest";
import { sharedLoop } from "../../../src/emit/loops/kernels/shared-loop.ts";
import { loopKernels, loopsOf, type LoopOp } from "../../../src/emit/loops/kernels/table.ts";
import { runPasses } from "../../../src/passes/pipeline.ts";
import { randomInputs, randomParameters } from "../../../src/ir/initialize.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { shareLoops } from "../../../src/plan/loops.ts";
import { isScalarName } from "../../../src/ops/scalar.ts";
import { opNames } from "../../../src/ops/table.ts";
import { planGraph } from "../../../src/plan/build.ts";
import { planOfPart, type Plan, type ProgramPlan } from "../../../src/plan/plan.ts";
import { verifyKernel } from "../../../src/emit/loops/verify.ts";
import { exampleNames, modulesOf } from "../../replay/modules.ts";
import { opCases } from "../../ops/cases/all.ts";
import { graphOf } from "../../plan/graphs.ts";
import { expectAllNear, FLOAT32, graphOfCase } from "../op-graphs.ts";
import { rounded } from "../compare.ts";
import { overwriting, row } from "../overwriting.ts";
import { evaluatePlan } from "./plan.ts";

const loopOps = Object.keys(loopKernels) as LoopOp[];

/** Ops of graphs whose plans are loops. */
const ops = opNames.filter(
  (op) => isScalarName(op) || (loopOps as readonly string[]).includes(op) || op === "concat",
);

describe.each(ops)("four turns side by side give what %s is", (op) => {
  test.each(opCases[op].map((each) => [each.about, each] as const))("%s", (_, each) => {
    const { graph, tensors } = graphOfCase(op, each.operands, each.attrs ?? {});
    const results = evaluatePlan(planGraph(graph), { inputs: tensors });
    each.expected.forEach((expected, index) =>
      expectAllNear(results![`y${index}`]!, expected.data, Math.max(each.tolerance ?? 0, FLOAT32)),
    );
  });
});

test("every kernel of loops has a case here", () => {
  const met = ops.flatMap((op) =>
    opCases[op].flatMap(({ operands, attrs }) => {
      const { steps, prepare } = planGraph(graphOfCase(op, operands, attrs ?? {}).graph);
      return [...steps, ...prepare].map((step) => step.op);
    }),
  );
  expect([...new Set(met)].filter((op) => !(op in loopKernels))).toEqual([]);
  // A write is a copy that lies over a state, which no op alone has: test/states has them.
  expect([...new Set(met), "write"].toSorted()).toEqual(loopOps.toSorted());
});

test("the kernels of all examples and of their training are as targets count on", () => {
  const met = new Set<string>();
  const verify = (given: Plan | ProgramPlan): [] => {
    const plans = "parts" in given ? given.parts.map((part) => planOfPart(given, part)) : [given];
    for (const stage of plans.flatMap((plan) => [...plan.prepare, ...shareLoops(plan)])) {
      const kernel = "steps" in stage ? sharedLoop(stage, ({ buffer }) => String(buffer)) : loopsOf(stage);
      if (kernel === undefined) continue;
      verifyKernel(kernel);
      met.add(kernel.name);
    }
    return [];
  };
  for (const name of exampleNames) modulesOf(name, [verify]);
  expect(met.size).toBeGreaterThan(60);
});

const byLoops = Object.entries(overwriting).filter(([op]) => op in loopKernels);

test.each(byLoops)("%s is right side by side when its result lies over its operand", (_, lines) => {
  const graph = graphOf(`
    dim B
    input %x: ${row}
    parameter %v: f32[8] = constant(0) "v"
    parameter %p: f32[8] = constant(1) "p"
    %a: ${row} = elementwise(inputs: [%x, %x], program: { mul(i0, 1.5); add(t0, i1) })
    ${lines}
    %z: ${row} = sub(%y, %x)
    output z = %z`);
  const plan = planGraph(graph);
  const [a, y] = [plan.steps[0]!, plan.steps.at(-2)!].map(
    (step) => plan.buffers[step.results.at(-1)!.buffer]!.home,
  );
  expect(y).toEqual(a);
  const inputs = rounded(randomInputs(graph, { B: 2 }, 3));
  const parameters = rounded(randomParameters(graph, 4));
  const expected = interpret(graph, { inputs, parameters });
  const found = evaluatePlan(plan, { inputs, parameters, symbols: new Map([["B", 2]]) });
  expectAllNear(found!["z"]!, expected["z"]!.data, FLOAT32);
});

test("steps that share a loop give what they give one after the other", () => {
  const graph = runPasses(
    graphOf(`
      input %x: f32[3, 7]
      input %m: f32[3, 7]
      input %s: f32[]
      %a: f32[3, 7] = elementwise(inputs: [%x, %m], program: { mul(i0, 0.1); mul(i1, 0.9); add(t0, t1) })
      %b: f32[3, 7] = elementwise(inputs: [%a, %s], program: { div(i0, i1); tanh(t0) })
      %c: f32[3, 7] = elementwise(inputs: [%b, %x], program: { square(i0); add(t0, i1) })
      %d: f32[] = reduce_sum(x: %c, axes: [0, 1])
      output b = %b
      output d = %d`),
  );
  const plan = planGraph(graph);
  expect(shareLoops(plan).length).toBeLessThan(plan.steps.length);
  const inputs = randomInputs(graph, {}, 7);
  const together = evaluatePlan(plan, { inputs, shares: true })!;
  const inTurn = evaluatePlan(plan, { inputs })!;
  expect(together["b"]).toEqual(inTurn["b"]);
  expectAllNear(together["d"]!, inTurn["d"]!, FLOAT32);
});
