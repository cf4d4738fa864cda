import type { Graph, Value } from "../../ir/graph.ts";
import { runPasses } from "../../passes/pipeline.ts";
import { shareNodes } from "../../passes/share.ts";
import { constantDim, renderDim, type Dim } from "../../tensor/dim.ts";
import type { Dtype } from "../../tensor/dtype.ts";
import type { TensorType } from "../../tensor/type.ts";
import { Refused, type Refusal } from "../table.ts";
import { heldAs } from "../../checkpoint/onnx/held.ts";
import { Exporter, type FindPlace } from "./exporter.ts";
import type { Opset } from "./opsets.ts";
import { encodeMessage } from "../../checkpoint/onnx/protobuf.ts";
import {
  elementTypes,
  messages,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type ValueInfoProto,
} from "../../checkpoint/onnx/schema.ts";
import { emitNode } from "./table.ts";

export interface OnnxOptions {
  /** Default: 23. */
  readonly opset?: Opset;
  /** Where the elements of parameters are. */
  readonly places: FindPlace;
}

/** The version of the format that came with each version of the operators. */
const irVersions: Readonly<Record<Opset, number>> = { 17: 8, 23: 11 };

/**
 * A graph as lowering makes it as an ONNX model, or why it is none: inputs, outputs and parameters have the names that they have.
 * What layers compute alike, as a mask of all of them, is written once.
 */
export function onnxModel(lowered: Graph, { opset = 23, places }: OnnxOptions): ModelProto | Refusal {
  return orRefusal(() => {
    const graph = runPasses(lowered, { passes: [shareNodes] });
    const exporter = new Exporter(graph, opset, places);
    for (const { name, value } of graph.inputs) exporter.bindInput(value, name, given(value.type).dtype);
    for (const node of graph.nodes) emitNode(exporter, node);
    const outputs = graph.outputs.map(({ name, value }) =>
      outputOf(exporter, name, value, given(value.type).dtype),
    );
    return modelOf(exporter, graph.name, {
      input: graph.inputs.map(({ name, value }) => valueInfo(name, given(value.type))),
      outputs,
    });
  });
}

/** The type of an input or output. A half is the f32 that it is rounded to: JavaScript has no arrays of bf16. */
const given = (type: TensorType): TensorType =>
  type.dtype === "bf16" || type.dtype === "f16" ? { ...type, dtype: "f32" } : type;

/** What a model gives: the value by its name in the graph, and as it is called outside. */
export interface ModelOutput {
  readonly from: string;
  readonly info: ValueInfoProto;
}

/** A value as the caller is given it, in the type that the model says. */
export function outputOf(
  exporter: Exporter,
  name: string,
  value: Value,
  dtype: Dtype,
  symbols?: ReadonlyMap<string, string>,
): ModelOutput {
  const held = exporter.name(value);
  const from = heldAs(dtype) === dtype ? held : exporter.shared(() => exporter.cast(held, dtype));
  return { from, info: valueInfo(name, { ...value.type, dtype }, symbols) };
}

export function modelOf(
  exporter: Exporter,
  name: string,
  { input, outputs }: { readonly input: readonly ValueInfoProto[]; readonly outputs: readonly ModelOutput[] },
): ModelProto {
  const { onnx, opset } = exporter;
  const node = namedOutputs(onnx.nodes, outputs);
  const output = outputs.map(({ info }) => info);
  const graph: GraphProto = { node, name, initializer: onnx.initializers, input, output };
  return {
    irVersion: irVersions[opset],
    producerName: "lmg",
    graph,
    opsetImport: [{ domain: "", version: opset }],
  };
}

/** The nodes whose results go by the names of outputs; what no node makes, or two outputs give, is copied. */
function namedOutputs(nodes: readonly NodeProto[], outputs: readonly ModelOutput[]): readonly NodeProto[] {
  const made = new Set(nodes.flatMap(({ output }) => output));
  const renamed = new Map<string, string>();
  const copies: NodeProto[] = [];
  for (const { from, info } of outputs) {
    if (from === info.name) continue;
    if (made.has(from) && !renamed.has(from)) renamed.set(from, info.name);
    else
      copies.push({
        opType: "Identity",
        input: [renamed.get(from) ?? from],
        output: [info.name],
        name: `${info.name}/Identity`,
        attribute: [],
      });
  }
  return [...nodes.map((node) => renamedIn(node, renamed)), ...copies];
}

function renamedIn(node: NodeProto, names: ReadonlyMap<string, string>): NodeProto {
  const rename = (name: string): string => names.get(name) ?? name;
  const attribute = node.attribute.map((each) =>
    each.g === undefined
      ? each
      : { ...each, g: { ...each.g, node: each.g.node.map((inner) => renamedIn(inner, names)) } },
  );
  return { ...node, input: node.input.map(rename), output: node.output.map(rename), attribute };
}

/** A value by its name and type; a size that is known at run time goes by its text, its symbols by other names if they have some. */
export const valueInfo = (
  name: string,
  { dtype, shape }: TensorType,
  symbols: ReadonlyMap<string, string> = new Map(),
): ValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType: elementTypes[dtype],
      shape: {
        dim: shape.map((size) => {
          const constant = constantDim(size);
          return constant === undefined ? { dimParam: textOf(size, symbols) } : { dimValue: constant };
        }),
      },
    },
  },
});

const textOf = (size: Dim, symbols: ReadonlyMap<string, string>): string =>
  renderDim(size, {
    symbol: (name) => symbols.get(name) ?? name,
    floorDiv: (of, by) => `floor((${of})/${by})`,
  });

export function orRefusal<T>(make: () => T): T | Refusal {
  try {
    return make();
  } catch (error) {
    if (error instanceof Refused) return error.refusal;
    throw error;
  }
}

export const onnxBytes = (model: ModelProto): Uint8Array => encodeMessage(messages.ModelProto, model);
