import { describe, expect, test } from "vitest";
import type { Graph, Output, Value } from "../../src/ir/graph.ts";
import { makeNode, makeValue, mapOperands } from "../../src/ir/node.ts";
import { isScalarName } from "../../src/ops/scalar.ts";
import { hasTrait, isGraphKernel, opNames, type OpName } from "../../src/ops/table.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { tensorType } from "../../src/tensor/type.ts";
import { opCases } from "../ops/cases/all.ts";
import { runEmitted } from "./instantiate.ts";

/** The relative error that float32 inputs, and results stored as float32, may have: some units of 2^-24. */
const FLOAT32 = 2e-6;

/** A graph of one node whose operands are inputs. */
function graphOfCase(op: OpName, operands: Readonly<Record<string, unknown>>, attrs: object) {
  const inputs = new Map<string, { value: Value; tensor: HostTensor }>();
  const values = mapOperands(operands as Record<string, HostTensor>, (tensor): Value => {
    const value = makeValue(tensorType(tensor.dtype, ...tensor.shape));
    inputs.set(`x${inputs.size}`, { value, tensor });
    return value;
  });
  const node = makeNode(op, values as never, attrs);
  const outputs = node.results.map((value, index): Output => ({ name: `y${index}`, value, span: undefined }));
  const graph: Graph = {
    name: op,
    symbols: [],
    inputs: [...inputs].map(([name, { value }]) => ({ name, value, fill: undefined, span: undefined })),
    parameters: [],
    nodes: [node as Graph["nodes"][number]],
    outputs,
    edges: [],
  };
  return { graph, tensors: Object.fromEntries([...inputs].map(([name, { tensor }]) => [name, tensor])) };
}

/** What graphs may hold when they are planned: kernels and what becomes kernels, views, buffers and copies. */
const planned: readonly OpName[] = [
  ...opNames.filter(
    (op) =>
      isGraphKernel(op) ||
      isScalarName(op) ||
      (hasTrait(op, "view") && op !== "recompute") ||
      hasTrait(op, "known"),
  ),
  ...(["linear", "concat"] as const),
];

describe.each(planned)("the kernel of %s", (op) => {
  test.each(opCases[op].map((each) => [each.about, each] as const))("%s", async (_, each) => {
    const { graph, tensors } = graphOfCase(op, each.operands, each.attrs ?? {});
    const results = await runEmitted(graph, { inputs: tensors, parameters: {} });
    each.expected.forEach((expected, index) => {
      const found = results[`y${index}`]!;
      expect(found.shape).toEqual(expected.shape);
      expect(found.data.length).toBe(expected.data.length);
      const tolerance = Math.max(each.tolerance ?? 0, FLOAT32);
      for (let i = 0; i < expected.data.length; i++)
        expectNear(found.data[i]!, expected.data[i]!, tolerance, i);
    });
  });
});

function expectNear(found: number, wanted: number, tolerance: number, at: number): void {
  if (Object.is(found, wanted) || found === wanted || found === Math.fround(wanted)) return;
  const near = Math.abs(found - wanted) <= tolerance * Math.max(1, Math.abs(wanted));
  if (!near) expect.fail(`element ${at} is ${found}, expected ${wanted} within ${tolerance}`);
}
