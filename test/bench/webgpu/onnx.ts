import type { HostTensor } from "../../../src/tensor/host.ts";

/** Just enough of protocol buffers to write an ONNX model (onnx.proto3: the field numbers below are its). */
type Field = readonly [number: number, value: number | string | Uint8Array | Message];
type Message = readonly Field[];

const varint = (value: number): number[] => {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
};

function encode(message: Message): Uint8Array {
  const parts = message.map(([number, value]) => {
    if (typeof value === "number") return Uint8Array.from([...varint(8 * number), ...varint(value)]);
    const bytes =
      typeof value === "string"
        ? new TextEncoder().encode(value)
        : value instanceof Uint8Array
          ? value
          : encode(value);
    return Buffer.concat([Uint8Array.from([...varint(8 * number + 2), ...varint(bytes.length)]), bytes]);
  });
  return Buffer.concat(parts);
}

const FLOAT = 1;
const INT64 = 7;

const bytesOf = (data: Float32Array | BigInt64Array): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const tensor = (name: string, dims: readonly number[], type: number, raw: Uint8Array): Message => [
  ...dims.map((size): Field => [1, size]),
  [2, type],
  [8, name],
  [9, raw],
];

const valueInfo = (name: string, dims: readonly number[]): Message => [
  [1, name],
  [
    2,
    [
      [
        1,
        [
          [1, FLOAT],
          [2, dims.map((size): Field => [1, [[1, size]]])],
        ],
      ],
    ],
  ],
];

type Attributes = Readonly<Record<string, number | string | readonly number[]>>;

/** A graph that is written node by node. */
class OnnxGraph {
  readonly #nodes: Field[] = [];
  readonly #initializers: Field[] = [];
  #count = 0;

  add(op: string, inputs: readonly string[], attributes: Attributes = {}, results = 1): string[] {
    const outputs = Array.from({ length: results }, () => `v${this.#count++}`);
    const fields = Object.entries(attributes).map(([name, value]): Field => [5, attribute(name, value)]);
    this.#nodes.push([
      1,
      [
        ...inputs.map((name): Field => [1, name]),
        ...outputs.map((name): Field => [2, name]),
        [4, op],
        ...fields,
      ],
    ]);
    return outputs;
  }

  floats(name: string, dims: readonly number[], data: ArrayLike<number>): string {
    this.#initializers.push([5, tensor(name, dims, FLOAT, bytesOf(Float32Array.from(data)))]);
    return name;
  }

  ints(...values: readonly number[]): string {
    const name = `c${this.#count++}`;
    const raw = bytesOf(BigInt64Array.from(values.map(BigInt)));
    this.#initializers.push([5, tensor(name, [values.length], INT64, raw)]);
    return name;
  }

  finish(x: Message, y: Message): Uint8Array {
    const graph: Message = [...this.#nodes, [2, "layers"], ...this.#initializers, [11, x], [12, y]];
    return encode([
      [1, 9],
      [7, graph],
      [8, [[2, 20]]],
    ]);
  }
}

function attribute(name: string, value: number | string | readonly number[]): Message {
  if (typeof value === "number")
    return [
      [1, name],
      [3, value],
      [20, 2],
    ];
  if (typeof value === "string")
    return [
      [1, name],
      [4, value],
      [20, 3],
    ];
  return [[1, name], ...value.map((each): Field => [8, each]), [20, 7]];
}

export interface Sizes {
  readonly B: number;
  readonly T: number;
  readonly dim: number;
  readonly heads: number;
  readonly depth: number;
}

/** The layers of block.lmg as PyTorch exports them: LayerNormalization (default epsilon 1e-5), MatMul, Softmax, Gelu (tanh). */
export function onnxLayers(weights: Readonly<Record<string, HostTensor>>, sizes: Sizes): Uint8Array {
  const { B, T, dim, heads, depth } = sizes;
  const graph = new OnnxGraph();
  const weight = (name: string): string => graph.floats(name, weights[name]!.shape, weights[name]!.data);
  const mask = Float32Array.from({ length: T * T }, (_, at) => (at % T > Math.floor(at / T) ? -1e9 : 0));
  graph.floats("mask", [T, T], mask);
  graph.floats("scale", [1], [Math.sqrt(heads / dim)]);
  const toHeads = graph.ints(B, T, heads, dim / heads);
  const fromHeads = graph.ints(B, T, dim);
  const one = (op: string, inputs: readonly string[], attributes: Attributes = {}): string =>
    graph.add(op, inputs, attributes)[0]!;
  const linear = (x: string, name: string): string =>
    one("Add", [one("MatMul", [x, weight(`${name}.weight`)]), weight(`${name}.bias`)]);
  const norm = (x: string, name: string): string =>
    one("LayerNormalization", [x, weight(`${name}.weight`), weight(`${name}.bias`)]);
  const split = (x: string, perm: readonly number[]): string =>
    one("Transpose", [one("Reshape", [x, toHeads])], { perm });

  let x = "x";
  for (let layer = 0; layer < depth; layer++) {
    const h = `h.${layer}`;
    const qkv = linear(norm(x, `${h}.ln_1`), `${h}.attn.c_attn`);
    const [q, k, v] = graph.add("Split", [qkv], { axis: 2, num_outputs: 3 }, 3);
    const scores = one("MatMul", [split(q!, [0, 2, 1, 3]), split(k!, [0, 2, 3, 1])]);
    const shares = one("Softmax", [one("Add", [one("Mul", [scores, "scale"]), "mask"])], { axis: 3 });
    const heard = one("MatMul", [shares, split(v!, [0, 2, 1, 3])]);
    const merged = one("Reshape", [one("Transpose", [heard], { perm: [0, 2, 1, 3] }), fromHeads]);
    x = one("Add", [x, linear(merged, `${h}.attn.c_proj`)]);
    const hidden = one("Gelu", [linear(norm(x, `${h}.ln_2`), `${h}.mlp.c_fc`)], { approximate: "tanh" });
    x = one("Add", [x, linear(hidden, `${h}.mlp.c_proj`)]);
  }
  return graph.finish(valueInfo("x", [B, T, dim]), valueInfo(x, [B, T, dim]));
}
