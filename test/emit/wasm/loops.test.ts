import { describe, test } from "vitest";
import { loopKernels, type LoopOp } from "../../../src/emit/loops/kernels/table.ts";
import { randomInputs, randomParameters } from "../../../src/ir/initialize.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { isScalarName } from "../../../src/ops/scalar.ts";
import { opNames } from "../../../src/ops/table.ts";
import { planGraph } from "../../../src/plan/build.ts";
import { opCases } from "../../ops/cases/all.ts";
import { graphOf } from "../../plan/graphs.ts";
import { rounded } from "../compare.ts";
import { expectAllNear, graphOfCase } from "../op-graphs.ts";
import { overwriting, row } from "../overwriting.ts";
import { runOnAll } from "./loops.ts";
import { ARITHMETIC, toleranceOf } from "./tolerance.ts";

const loopOps = Object.keys(loopKernels) as LoopOp[];
/** Ops of graphs whose plans are loops. */
const ops = opNames.filter(
  (op) => isScalarName(op) || (loopOps as readonly string[]).includes(op) || op === "concat",
);

describe.each(ops)("%s as instructions gives what it is", (op) => {
  test.each(opCases[op].map((each) => [each.about, each] as const))("%s", (_, each) => {
    const { graph, tensors } = graphOfCase(op, each.operands, each.attrs ?? {});
    const tolerance = toleranceOf(op, each, tensors);
    runOnAll(planGraph(graph), { inputs: tensors }, (found) =>
      each.expected.forEach((expected, index) =>
        expectAllNear(found[`y${index}`]!.data, expected.data, tolerance),
      ),
    );
  });
});

const byLoops = Object.entries(overwriting).filter(([op]) => op in loopKernels);

test.each(byLoops)("%s is right when its result lies over its operand", (_, lines) => {
  const graph = graphOf(`
    dim B
    input %x: ${row}
    parameter %v: f32[8] = constant(0) "v"
    parameter %p: f32[8] = constant(1) "p"
    %a: ${row} = elementwise(inputs: [%x, %x], program: { mul(i0, 1.5); add(t0, i1) })
    ${lines}
    %z: ${row} = sub(%y, %x)
    output z = %z`);
  const inputs = rounded(randomInputs(graph, { B: 2 }, 3));
  const parameters = rounded(randomParameters(graph, 4));
  const expected = interpret(graph, { inputs, parameters });
  runOnAll(planGraph(graph), { inputs, parameters, sizes: new Map([["B", 2]]) }, (found) =>
    expectAllNear(found["z"]!.data, expected["z"]!.data, ARITHMETIC),
  );
});
