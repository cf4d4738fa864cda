import type { Graph, NodeOf, Value } from "../../../src/ir/graph.ts";
import type { OpName } from "../../../src/ops/table.ts";
import { constantDim } from "../../../src/tensor/dim.ts";
import { Exporter, type Form, type Weight } from "./exporter.ts";
import { emitters } from "./ops.ts";
import type { ValueInfo } from "./writer.ts";

const onnxShape = (value: Value): (number | string)[] =>
  value.type.shape.map((size) => constantDim(size) ?? size.key);

const infoOf = (name: string, value: Value): ValueInfo => ({
  name,
  // Published models take whole numbers and masks as int64.
  type: value.type.dtype === "f32" ? "f32" : "i64",
  shape: onnxShape(value),
});

/**
 * A graph in which edges are lowered as an ONNX model, sizes that a run decides left open; in parts that are to be written one
 * after another. Throws for an op that has no emitter here.
 */
export function exportOnnx(
  graph: Graph,
  weights: Readonly<Record<string, Weight>>,
  form: Form,
): readonly Uint8Array[] {
  const exporter = new Exporter(graph, weights, form);
  for (const node of graph.nodes) exporter.bind(node, emit(exporter, node));
  const outputs = graph.outputs.map(({ name, value }) => {
    exporter.onnx.alias(exporter.name(value), name);
    return infoOf(name, value);
  });
  return exporter.onnx.finish(
    graph.inputs.map(({ name, value }) => infoOf(name, value)),
    outputs,
  );
}

function emit<K extends OpName>(exporter: Exporter, node: NodeOf<K>): readonly string[] {
  const emitter = emitters[node.op];
  if (emitter === undefined) throw new Error(`${node.op} has no form in ONNX here`);
  const names = emitter(exporter, node);
  return typeof names === "string" ? [names] : names;
}
