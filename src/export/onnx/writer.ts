import { invariant } from "../../support/invariant.ts";
import { elementTypes, EXTERNAL, attributeTypes } from "../../checkpoint/onnx/schema.ts";
import type { AttributeProto, GraphProto, NodeProto, TensorProto } from "../../checkpoint/onnx/schema.ts";

/** What an attribute may be given as: a number is a whole one, a float stands in an object of its own. */
export type AttributeValue =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly graph: GraphProto }
  | { readonly tensor: TensorProto };

export type AttributeValues = Readonly<Record<string, AttributeValue>>;

/** Where the elements of a tensor lie in a file beside the model. */
export interface ExternalPlace {
  readonly dtype: keyof typeof elementTypes;
  readonly shape: readonly number[];
  /** The file, from the folder of the model. */
  readonly location: string;
  /** In bytes, from the beginning of the file. */
  readonly offset: number;
  readonly length: number;
}

/** Where a node comes from: what its name begins with, and the line of the model. */
export interface NodePlace {
  readonly label: string;
  readonly line?: string | undefined;
}

/** Names of an ONNX graph and of the graphs within: each stands for one value or node. */
export class Names {
  readonly #counts = new Map<string, number>();

  /** The name itself, or with a number where it is taken. */
  unique(wish: string): string {
    const count = this.#counts.get(wish);
    this.#counts.set(wish, (count ?? 0) + 1);
    return count === undefined ? wish : this.unique(`${wish}_${count}`);
  }
}

/** The nodes and initializers of an ONNX graph, while it is made. */
export class OnnxGraph {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly names: Names;
  readonly #external = new Set<string>();
  place: NodePlace = { label: "" };

  constructor(names: Names = new Names()) {
    this.names = names;
  }

  /** A node of one result, by whose name the result goes. */
  one(opType: string, input: readonly string[], attributes: AttributeValues = {}): string {
    return this.many(opType, input, 1, attributes)[0]!;
  }

  /** A node of several results. */
  many(
    opType: string,
    input: readonly string[],
    results: number,
    attributes: AttributeValues = {},
  ): readonly string[] {
    const { label, line } = this.place;
    const name = this.names.unique(label === "" ? opType : `${label}/${opType}`);
    const others = Array.from({ length: results - 1 }, (_, index) =>
      this.names.unique(`${name}:${index + 1}`),
    );
    const output = [name, ...others];
    const attribute = Object.entries(attributes).map(([key, value]) => attributeOf(key, value));
    this.nodes.push({ opType, input: withoutEnd(input), output, name, attribute, docString: line });
    return output;
  }

  /** A tensor that the model's own file holds. */
  tensor(
    wish: string,
    dtype: "f32" | "i64" | "i32" | "bool",
    dims: readonly number[],
    values: ArrayLike<number>,
  ): string {
    const name = this.names.unique(wish);
    this.initializers.push(tensorOf(name, dtype, dims, values));
    return name;
  }

  /** A tensor whose elements stay in another file, once. The name is its own, as checkpoints have it. */
  external(name: string, { dtype, shape, location, offset, length }: ExternalPlace): string {
    if (this.#external.has(name)) return name;
    this.#external.add(name);
    const entries = { location, offset: String(offset), length: String(length) };
    this.initializers.push({
      name,
      dims: shape,
      dataType: elementTypes[dtype],
      dataLocation: EXTERNAL,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    });
    return name;
  }
}

/** Inputs that are left off at the end need not be named. */
function withoutEnd(input: readonly string[]): readonly string[] {
  const last = input.findLastIndex((name) => name !== "");
  return input.slice(0, last + 1);
}

export function tensorOf(
  name: string,
  dtype: "f32" | "i64" | "i32" | "bool",
  dims: readonly number[],
  values: ArrayLike<number>,
): TensorProto {
  const { buffer } = elementsOf(dtype, values);
  return { name, dims, dataType: elementTypes[dtype], rawData: new Uint8Array(buffer) };
}

/** Little endian, as the machines are that lmg runs on. */
function elementsOf(dtype: "f32" | "i64" | "i32" | "bool", values: ArrayLike<number>) {
  switch (dtype) {
    case "f32":
      return Float32Array.from(values);
    case "i64":
      return BigInt64Array.from(Array.from(values, BigInt));
    case "i32":
      return Int32Array.from(values);
    case "bool":
      return Uint8Array.from(values);
  }
}

function attributeOf(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === "number") {
    invariant(Number.isSafeInteger(value), `the attribute ${name} is no whole number: ${value}`);
    return { name, i: value, type: attributeTypes.i };
  }
  if (typeof value === "string") return { name, s: value, type: attributeTypes.s };
  if ("float" in value) return { name, f: value.float, type: attributeTypes.f };
  if ("graph" in value) return { name, g: value.graph, type: attributeTypes.g };
  if ("tensor" in value) return { name, t: value.tensor, type: attributeTypes.t };
  return { name, ints: value, type: attributeTypes.ints };
}
