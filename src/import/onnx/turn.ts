import { dtypeBytes } from "../../tensor/dtype.ts";
import type { StoredTensor } from "../../checkpoint/stored.ts";
import type { Graph, Node, Value } from "../../ir/graph.ts";
import { makeNode, makeValue, operandValues } from "../../ir/node.ts";
import type { ConvertedGraph } from "./graph.ts";

/** Names that tools count, which say nothing of what they are of. */
export const isAnonymous = (name: string): boolean => /^(val_?\d|onnx::|\/|_)|^[A-Za-z]*_?\d+$/.test(name);

/**
 * linear(x, w) by a matrix [K, N] that an exporter made of a weight [N, K] => the same by the weight again, which is the file's
 * own where it has it, as of a table that is tied. A matrix that has a name of its own stays as it was published.
 */
export function turnMatrices({ graph, tensors }: ConvertedGraph): ConvertedGraph {
  const names = new Map(graph.parameters.map(({ name, value }) => [value, name]));
  const readers = new Map<Value, number>();
  for (const node of graph.nodes)
    for (const value of operandValues(node)) readers.set(value, (readers.get(value) ?? 0) + 1);
  const turned = new Map<Value, Value>();
  const stored = new Map(tensors);
  const named = graph.parameters.filter(({ name }) => !isAnonymous(name));
  const nodes = graph.nodes.map((node): Node => {
    if (node.op !== "linear" || node.attrs.layout !== "in_out") return node;
    const { weight } = node.operands;
    const name = names.get(weight);
    if (name === undefined || !isAnonymous(name) || readers.get(weight) !== 1) return node;
    const [rows, columns] = weight.type.shape;
    const tensor = transposed(tensors.get(name)!);
    const own = named.find((each) => isSame(tensors.get(each.name)!, tensor));
    const value = own?.value ?? makeValue({ ...weight.type, shape: [columns!, rows!] });
    turned.set(weight, value);
    if (own === undefined) stored.set(name, tensor);
    else stored.delete(name);
    const made = makeNode("linear", { ...node.operands, weight: value }, { layout: "out_in" }, node.origin);
    return { ...made, results: node.results };
  });
  const parameters = graph.parameters
    .filter(({ name }) => stored.has(name))
    .map((each) => ({ ...each, value: turned.get(each.value) ?? each.value }));
  return { graph: { ...graph, nodes, parameters } satisfies Graph, tensors: stored };
}

/** Whether two tensors are the same, bit by bit. */
const isSame = (a: StoredTensor, b: StoredTensor): boolean =>
  a.dtype === b.dtype &&
  a.shape.join() === b.shape.join() &&
  a.bytes.length === b.bytes.length &&
  a.bytes.every((byte, at) => byte === b.bytes[at]);

/** A matrix as its transpose, whatever its elements are. */
function transposed({ dtype, shape, bytes }: StoredTensor): StoredTensor {
  const [rows = 0, columns = 0] = shape;
  const size = dtypeBytes[dtype];
  const turned = new Uint8Array(bytes.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const from = (row * columns + column) * size;
      for (let at = 0; at < size; at++) turned[(column * rows + row) * size + at] = bytes[from + at]!;
    }
  return { dtype, shape: [columns, rows], bytes: turned };
}
