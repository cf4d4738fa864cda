import { encodeMessage } from "../../src/checkpoint/onnx/protobuf.ts";
import {
  attributeTypes,
  elementTypes,
  messages,
  type AttributeProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "../../src/checkpoint/onnx/schema.ts";
import { toStored } from "../../src/checkpoint/stored.ts";
import { sizeOf } from "../../src/tensor/host.ts";

/** The value of an attribute; those that ONNX has as floats are so, whatever number they are. */
export type SmallAttribute = number | readonly number[] | TensorProto;

const floats = new Set(["alpha", "beta", "epsilon", "scale", "softcap", "value_float", "value_floats"]);

/** Numbers that are the same each time, none like its neighbour, of about the size of weights. */
export const wave = (size: number, phase = 0): readonly number[] =>
  Array.from({ length: size }, (_, at) => Math.fround(Math.sin(1.7 * at + phase) + 0.2 * Math.cos(at * at)));

/** A tensor with its bytes as they stand in memory. */
export function rawTensor(
  name: string,
  dtype: keyof typeof elementTypes,
  dims: readonly number[],
  values: readonly number[],
): TensorProto {
  const { bytes } = toStored({ dtype, shape: dims, data: Float64Array.from(values) });
  return { name, dims, dataType: elementTypes[dtype], rawData: bytes };
}

/** A small model of ONNX, put together node by node; each step gives the name of its value. */
export class Small {
  readonly nodes: NodeProto[] = [];
  readonly tensors: TensorProto[] = [];
  readonly inputs: ValueInfoProto[] = [];
  readonly #opset: number;

  constructor(opset = 18) {
    this.#opset = opset;
  }

  /** An input; a size is a number, or a name. */
  input(name: string, sizes: readonly (number | string)[], dtype: keyof typeof elementTypes = "f32"): string {
    const dim = sizes.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size }));
    this.inputs.push({ name, type: { tensorType: { elemType: elementTypes[dtype], shape: { dim } } } });
    return name;
  }

  tensor(proto: TensorProto): string {
    this.tensors.push(proto);
    return proto.name;
  }

  /** A weight of numbers that are given, or of a wave. */
  weight(name: string, dims: readonly number[], values?: readonly number[]): string {
    return this.tensor(rawTensor(name, "f32", dims, values ?? wave(sizeOf(dims), name.length)));
  }

  /** A constant that exporters write without a name of its own. */
  number = (value: number, dims: readonly number[] = []): string =>
    this.weight(`val_${this.tensors.length}`, dims, new Array<number>(sizeOf(dims)).fill(value));

  ints = (...values: readonly number[]): string =>
    this.tensor(rawTensor(`val_${this.tensors.length}`, "i64", [values.length], values));

  op(
    opType: string,
    input: readonly string[],
    attributes: Readonly<Record<string, SmallAttribute>> = {},
    output = `t${this.nodes.length}`,
  ): string {
    const attribute = Object.entries(attributes).map(([name, value]) => attributeOf(name, value));
    this.nodes.push({ opType, input, output: [output], name: `node_${output}`, attribute });
    return output;
  }

  /** The file, of which these values are the outputs. */
  bytes(...outputs: readonly string[]): Uint8Array {
    const output = outputs.map((name) => ({
      name,
      type: { tensorType: { elemType: elementTypes.f32 } },
    }));
    return encodeMessage<ModelProto>(messages.ModelProto, {
      irVersion: 8,
      producerName: "test",
      graph: { node: this.nodes, name: "small", initializer: this.tensors, input: this.inputs, output },
      opsetImport: [{ domain: "", version: this.#opset }],
    });
  }
}

function attributeOf(name: string, value: SmallAttribute): AttributeProto {
  if (typeof value === "number")
    return floats.has(name)
      ? { name, f: value, type: attributeTypes.f }
      : { name, i: value, type: attributeTypes.i };
  if (!Array.isArray(value)) return { name, t: value as TensorProto, type: attributeTypes.t };
  const values = value as readonly number[];
  return floats.has(name)
    ? { name, floats: values, type: attributeTypes.floats }
    : { name, ints: values, type: attributeTypes.ints };
}
