import type { Graph, Output, Value } from "../../src/ir/graph.ts";
import { makeNode, makeValue, mapOperands } from "../../src/ir/node.ts";
import type { OpName } from "../../src/ops/table.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { tensorType } from "../../src/tensor/type.ts";
import { expect } from "vitest";

/** The relative error that float32 inputs, and results stored as float32, may have: some units of 2^-24. */
export const FLOAT32 = 2e-6;

/** A graph of one node whose operands are inputs. */
export function graphOfCase(op: OpName, operands: Readonly<Record<string, unknown>>, attrs: object) {
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
    states: [],
    edges: [],
  };
  return { graph, tensors: Object.fromEntries([...inputs].map(([name, { tensor }]) => [name, tensor])) };
}

/** Elements within a tolerance of what they should be, relative where they are large. */
export function expectAllNear(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [value, wanted] = [found[i]!, expected[i]!];
    if (Object.is(value, wanted) || value === wanted || value === Math.fround(wanted)) continue;
    const near = Math.abs(value - wanted) <= tolerance * Math.max(1, Math.abs(wanted));
    if (!near) expect.fail(`element ${i} is ${value}, expected ${wanted} within ${tolerance}`);
  }
}
