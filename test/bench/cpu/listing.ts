import type { Graph, Value } from "../../../src/ir/graph.ts";
import { mapOperands, namedOperands } from "../../../src/ir/node.ts";
import { constantDim, evaluateDim, type Dim } from "../../../src/tensor/dim.ts";

/** A graph at known sizes as data: what a library without a format of its own runs op by op. */
export interface Listing {
  readonly nodes: readonly ListedNode[];
  readonly output: string;
}

interface ListedNode {
  readonly op: string;
  /** Names of values: `input x`, `weight h.0.ln_1.weight`, or what the node that makes it calls it. */
  readonly operands: Readonly<Record<string, unknown>>;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly result: string;
  readonly shape: readonly number[];
}

/** The nodes of a graph in which edges are lowered and nothing is fused: each has one result. */
export function listGraph(graph: Graph, sizes: ReadonlyMap<string, number>): Listing {
  const names = new Map<Value, string>();
  for (const { name, value } of graph.inputs) names.set(value, `input ${name}`);
  for (const { name, value } of graph.parameters) names.set(value, `weight ${name}`);
  const nodes = graph.nodes.map((node, index): ListedNode => {
    const [value] = node.results;
    const operands = mapOperands(namedOperands(node), (operand) => names.get(operand)!);
    names.set(value!, `value ${index}`);
    return {
      op: node.op,
      operands,
      attrs: Object.fromEntries(
        Object.entries(node.attrs).map(([name, each]: [string, unknown]) => [name, known(each)]),
      ),
      result: `value ${index}`,
      shape: value!.type.shape.map((size) => evaluateDim(size, sizes)),
    };
  });
  return { nodes, output: names.get(graph.outputs[0]!.value)! };
}

const isDim = (value: unknown): value is Dim => typeof value === "object" && value !== null && "key" in value;

/** Sizes that are known are numbers; those of results are in their shapes. */
const known = (value: unknown): unknown => (isDim(value) ? constantDim(value) : value);
