import { describe, test } from "vitest";
import { loopKernels, type LoopOp } from "../../../src/emit/loops/kernels/table.ts";
import { randomInputs, randomParameters } from "../../../src/ir/initialize.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { isScalarName } from "../../../src/ops/scalar.ts";
import { opNames } from "../../../src/ops/table.ts";
import { planGraph } from "../../../src/plan/build.ts";
import { largest } from "../../../src/support/lists.ts";
import { isFloat } from "../../../src/tensor/dtype.ts";
import { opCases } from "../../ops/cases/all.ts";
import { graphOf } from "../../plan/graphs.ts";
import { rounded } from "../compare.ts";
import { expectAllNear, FLOAT32, graphOfCase } from "../op-graphs.ts";
import { overwriting, row } from "../overwriting.ts";
import { runOnAll } from "./loops.ts";

const loopOps = Object.keys(loopKernels) as LoopOp[];
/**
 * What is between inputs and results is float32 too: sums of 16 parts, means, quotients lose some units of 2^-24 more than `FLOAT32`
 * allows. A mean that is off by half a unit moves all elements of its row: large ones by that unit.
 */
const ARITHMETIC = 2.5 * FLOAT32;
const UNIT = 2 ** -23;
/** Where a row has no spread, gradients are multiplied by 1 / √eps, and so is what was rounded before. */
const STEEP: { readonly [op: string]: number } = { norm_grad: 2 ** -24 / Math.sqrt(1e-5) };

/** Ops of graphs whose plans are loops. */
const ops = opNames.filter(
  (op) => isScalarName(op) || (loopOps as readonly string[]).includes(op) || op === "concat",
);

describe.each(ops)("%s as instructions gives what it is", (op) => {
  test.each(opCases[op].map((each) => [each.about, each] as const))("%s", (_, each) => {
    const { graph, tensors } = graphOfCase(op, each.operands, each.attrs ?? {});
    const sizes = Object.values(tensors).flatMap(({ dtype, data }) =>
      isFloat(dtype) ? Array.from(data, Math.abs).filter(Number.isFinite) : [],
    );
    const tolerance = largest([each.tolerance ?? 0, ARITHMETIC, UNIT * largest(sizes), STEEP[op] ?? 0]);
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
