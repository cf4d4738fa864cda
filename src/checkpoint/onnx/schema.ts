import type { SchemaOf } from "./protobuf.ts";

/*
 * What lmg writes and reads of ONNX's format, by the numbers of onnx.proto (onnx 1.23, https://github.com/onnx/onnx): a reader
 * passes over fields that it has no use for. `test/golden/onnx_schema.py` compares the numbers with those of the package onnx.
 */

export interface ModelProto {
  readonly irVersion: number;
  readonly producerName: string;
  readonly graph: GraphProto;
  readonly opsetImport: readonly OperatorSetIdProto[];
  readonly functions?: readonly FunctionProto[];
}

/** A function of the model's own, which a node calls by its name. */
export interface FunctionProto {
  readonly name: string;
  readonly domain: string;
}

export interface OperatorSetIdProto {
  readonly domain: string;
  readonly version: number;
}

export interface GraphProto {
  readonly node: readonly NodeProto[];
  readonly name: string;
  readonly initializer: readonly TensorProto[];
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
}

export interface NodeProto {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name: string;
  readonly opType: string;
  readonly attribute: readonly AttributeProto[];
  readonly docString?: string | undefined;
  readonly domain?: string;
  readonly metadataProps?: readonly StringStringEntryProto[];
}

/** One of the members that hold a value, as `type` says. */
export interface AttributeProto {
  readonly name: string;
  readonly f?: number;
  readonly i?: number;
  readonly s?: string;
  readonly t?: TensorProto;
  readonly g?: GraphProto;
  readonly floats?: readonly number[];
  readonly ints?: readonly number[];
  readonly type: number;
}

export interface TensorProto {
  readonly dims: readonly number[];
  readonly dataType: number;
  readonly name: string;
  readonly floatData?: readonly number[];
  readonly int32Data?: readonly number[];
  readonly int64Data?: readonly number[];
  readonly rawData?: Uint8Array;
  readonly doubleData?: readonly number[];
  readonly externalData?: readonly StringStringEntryProto[];
  readonly dataLocation?: number;
}

export interface StringStringEntryProto {
  readonly key: string;
  readonly value: string;
}

export interface ValueInfoProto {
  readonly name: string;
  readonly type: TypeProto;
}

export interface TypeProto {
  readonly tensorType: TensorTypeProto;
}

export interface TensorTypeProto {
  readonly elemType: number;
  readonly shape?: TensorShapeProto;
}

export interface TensorShapeProto {
  readonly dim: readonly DimensionProto[];
}

/** A number, or the text of a size that is known when the model runs. */
export interface DimensionProto {
  readonly dimValue?: number;
  readonly dimParam?: string;
}

/** Of AttributeProto.AttributeType. */
export const attributeTypes = { f: 1, i: 2, s: 3, t: 4, g: 5, floats: 6, ints: 7 } as const;

/** Of TensorProto.DataType. */
export const elementTypes = {
  f32: 1,
  u8: 2,
  i8: 3,
  i16: 5,
  i32: 6,
  i64: 7,
  bool: 9,
  f16: 10,
  f64: 11,
  u32: 12,
  bf16: 16,
} as const;

/** Of TensorProto.DataLocation. */
export const EXTERNAL = 1;

const operatorSetId: SchemaOf<OperatorSetIdProto> = { domain: [1, "text"], version: [2, "int"] };

const stringStringEntry: SchemaOf<StringStringEntryProto> = { key: [1, "text"], value: [2, "text"] };

const tensor: SchemaOf<TensorProto> = {
  dims: [1, "int", "many"],
  dataType: [2, "int"],
  floatData: [4, "float", "many"],
  int32Data: [5, "int", "many"],
  int64Data: [7, "int", "many"],
  name: [8, "text"],
  rawData: [9, "bytes"],
  doubleData: [10, "double", "many"],
  externalData: [13, () => stringStringEntry, "many"],
  dataLocation: [14, "int"],
};

const dimension: SchemaOf<DimensionProto> = { dimValue: [1, "int"], dimParam: [2, "text"] };

const tensorShape: SchemaOf<TensorShapeProto> = { dim: [1, () => dimension, "many"] };

const tensorType: SchemaOf<TensorTypeProto> = { elemType: [1, "int"], shape: [2, () => tensorShape] };

const type: SchemaOf<TypeProto> = { tensorType: [1, () => tensorType] };

const valueInfo: SchemaOf<ValueInfoProto> = { name: [1, "text"], type: [2, () => type] };

const attribute: SchemaOf<AttributeProto> = {
  name: [1, "text"],
  f: [2, "float"],
  i: [3, "int"],
  s: [4, "text"],
  t: [5, () => tensor],
  g: [6, () => graph],
  floats: [7, "float", "many"],
  ints: [8, "int", "many"],
  type: [20, "int"],
};

const node: SchemaOf<NodeProto> = {
  input: [1, "text", "many"],
  output: [2, "text", "many"],
  name: [3, "text"],
  opType: [4, "text"],
  attribute: [5, () => attribute, "many"],
  docString: [6, "text"],
  domain: [7, "text"],
  metadataProps: [9, () => stringStringEntry, "many"],
};

const graph: SchemaOf<GraphProto> = {
  node: [1, () => node, "many"],
  name: [2, "text"],
  initializer: [5, () => tensor, "many"],
  input: [11, () => valueInfo, "many"],
  output: [12, () => valueInfo, "many"],
};

const fn: SchemaOf<FunctionProto> = { name: [1, "text"], domain: [10, "text"] };

const model: SchemaOf<ModelProto> = {
  irVersion: [1, "int"],
  producerName: [2, "text"],
  graph: [7, () => graph],
  opsetImport: [8, () => operatorSetId, "many"],
  functions: [25, () => fn, "many"],
};

/** Every message by the name that onnx.proto has for it, and its fields. */
export const messages = {
  ModelProto: model,
  FunctionProto: fn,
  OperatorSetIdProto: operatorSetId,
  GraphProto: graph,
  NodeProto: node,
  AttributeProto: attribute,
  TensorProto: tensor,
  StringStringEntryProto: stringStringEntry,
  ValueInfoProto: valueInfo,
  TypeProto: type,
  "TypeProto.Tensor": tensorType,
  TensorShapeProto: tensorShape,
  "TensorShapeProto.Dimension": dimension,
} as const;
