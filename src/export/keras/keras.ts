import type { Graph } from "../../ir/graph.ts";
import { findAttentions } from "./attention.ts";
import { Refused, writeNode, type Refusal } from "../table.ts";
import { inKerasOrder } from "./order.ts";
import { kerasShape, Site, type WrittenArray, type WrittenLayer, type WrittenValue } from "./site.ts";
import { kerasTable, writeAttention } from "./table.ts";

/** A functional model of Keras 3: its config, and the arrays of its layers by where its file has them. */
export interface KerasExport {
  readonly config: object;
  readonly layers: readonly WrittenLayer[];
}

/** Writes a graph as it was lowered, with its weights by name; or why Keras has no such model. */
export function exportKeras(graph: Graph, weights: ReadonlyMap<string, WrittenArray>): KerasExport | Refusal {
  try {
    const byValue = new Map(
      graph.parameters.flatMap(({ name, value }) => {
        const found = weights.get(name);
        return found === undefined ? [] : [[value, found] as const];
      }),
    );
    const site = new Site(byValue);
    for (const { name, value } of graph.inputs) {
      const shape = kerasShape(value);
      const dtype = value.type.dtype === "i32" ? "int32" : "float32";
      site.bind(
        value,
        site.add("InputLayer", { batch_shape: shape, dtype, sparse: false }, [], {
          label: name,
          shape,
          dtype,
        }),
      );
    }
    const attentions = findAttentions(graph);
    for (const node of graph.nodes) {
      const whole = attentions.byEnd.get(node);
      if (attentions.inside.has(node)) continue;
      const written =
        whole === undefined ? writeNode(kerasTable, node, site) : writeAttention(node, whole, site);
      if (written !== undefined) site.bind(node.results[0]!, written);
    }
    const outputs = graph.outputs.map(({ value }) => site.read(value, graph.nodes.at(-1)!));
    const layers = inKerasOrder(
      reaching(site.layers, outputs),
      outputs.map(({ layer }) => layer),
    );
    const inputs = graph.inputs.map(({ name }) => [name, 0, 0]);
    return { config: configOf(graph.name, layers, inputs, outputs), layers };
  } catch (error) {
    if (error instanceof Refused) return error.refusal;
    throw error;
  }
}

/** The layers that outputs are made by, and all inputs: what was turned and turned back is not. */
function reaching(
  layers: readonly WrittenLayer[],
  outputs: readonly WrittenValue[],
): readonly WrittenLayer[] {
  const needed = new Set(outputs.map(({ layer }) => layer));
  for (const layer of [...layers].reverse())
    if (needed.has(layer.name)) for (const input of layer.inputs) needed.add(input.layer);
  return layers.filter(({ name, kind }) => needed.has(name) || kind === "InputLayer");
}

function configOf(
  name: string,
  layers: readonly WrittenLayer[],
  inputs: readonly (readonly [string, number, number] | readonly unknown[])[],
  outputs: readonly WrittenValue[],
): object {
  const tensor = ({ layer, shape, dtype }: WrittenValue): object => ({
    class_name: "__keras_tensor__",
    config: { shape, dtype, keras_history: [layer, 0, 0] },
  });
  const written = layers.map((layer) => {
    const read = layer.inputs.map(tensor);
    const isJoin = ["Add", "Subtract", "Multiply", "Maximum", "Minimum", "Concatenate"].includes(layer.kind);
    return {
      module: "keras.layers",
      class_name: layer.kind,
      config: layer.config,
      registered_name: null,
      name: layer.name,
      inbound_nodes:
        layer.inputs.length === 0 ? [] : [{ args: isJoin ? [read] : read, kwargs: layer.options }],
    };
  });
  return {
    module: "keras.src.models.functional",
    class_name: "Functional",
    config: {
      name,
      trainable: true,
      layers: written,
      input_layers: inputs,
      output_layers: outputs.map(({ layer }) => [layer, 0, 0]),
    },
    registered_name: "Functional",
  };
}
