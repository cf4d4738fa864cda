/** Just enough of protocol buffers to write an ONNX model (onnx.proto3: the field numbers below are its). */
type Field = readonly [number: number, value: number | string | Uint8Array | Float | Message];
type Message = readonly Field[];

/** A number that a field keeps as 32 bits, not as a varint. */
interface Float {
  readonly float: number;
}

/** A message as parts that lie one after another: weights are not copied. */
interface Encoded {
  readonly parts: readonly Uint8Array[];
  readonly size: number;
}

/** A whole number, seven bits a byte; of a negative one the 64 bits of its two's complement. */
const varint = (value: number): number[] => {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest /= 128n) {
    if (rest < 128n) return [...bytes, Number(rest)];
    bytes.push(Number(rest % 128n) + 128);
  }
};

const float32 = (value: number): Uint8Array => new Uint8Array(Float32Array.of(value).buffer);

function encodeField([number, value]: Field): Encoded {
  if (typeof value === "number") return whole(Uint8Array.from([...varint(8 * number), ...varint(value)]));
  if (typeof value === "object" && "float" in value)
    return whole(Uint8Array.from([...varint(8 * number + 5), ...float32(value.float)]));
  const { parts, size } =
    typeof value === "string"
      ? whole(new TextEncoder().encode(value))
      : value instanceof Uint8Array
        ? whole(value)
        : encode(value);
  const head = Uint8Array.from([...varint(8 * number + 2), ...varint(size)]);
  return { parts: [head, ...parts], size: head.length + size };
}

const whole = (bytes: Uint8Array): Encoded => ({ parts: [bytes], size: bytes.length });

function encode(message: Message): Encoded {
  const fields = message.map(encodeField);
  return {
    parts: fields.flatMap(({ parts }) => parts),
    size: fields.reduce((sum, { size }) => sum + size, 0),
  };
}

/** Element types of TensorProto. */
const types = { f32: 1, i32: 6, i64: 7 } as const;

export type OnnxType = keyof typeof types;

const bytesOf = (data: Float32Array | BigInt64Array): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const tensor = (name: string, shape: readonly number[], type: OnnxType, raw: Uint8Array): Message => [
  ...shape.map((size): Field => [1, size]),
  [2, types[type]],
  [8, name],
  [9, raw],
];

/** What goes in or out: sizes are numbers, or names of what only a run knows. */
export interface ValueInfo {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly (number | string)[];
}

function valueInfo({ name, type, shape }: ValueInfo): Message {
  const sizes = shape.map((size): Field => [1, [[typeof size === "number" ? 1 : 2, size]]]);
  return [
    [1, name],
    [
      2,
      [
        [
          1,
          [
            [1, types[type]],
            [2, sizes],
          ],
        ],
      ],
    ],
  ];
}

/** Whole numbers, words, lists of whole numbers, and floats as `{ float }`. */
export type OnnxAttributes = Readonly<Record<string, number | string | Float | readonly number[]>>;

function attribute(name: string, value: OnnxAttributes[string]): Message {
  const named: Field = [1, name];
  if (typeof value === "number") return [named, [3, value], [20, 2]];
  if (typeof value === "string") return [named, [4, value], [20, 3]];
  if ("float" in value) return [named, [2, value], [20, 1]];
  return [named, ...value.map((each): Field => [8, each]), [20, 7]];
}

/** onnxruntime's own ops. */
export const MICROSOFT = "com.microsoft";

/** The version of ONNX's ops that the graphs are written in. */
const OPSET = 20;

/** A graph that is written node by node; values go by their names. */
export class OnnxGraph {
  readonly #nodes: Field[] = [];
  readonly #initializers: Field[] = [];
  readonly #ints = new Map<string, string>();
  #count = 0;

  /** The names of the results; an operand that is left off is "", and none is written for those at the end. */
  add(
    op: string,
    inputs: readonly string[],
    attributes: OnnxAttributes = {},
    { results = 1, domain = "" }: { readonly results?: number; readonly domain?: string } = {},
  ): string[] {
    const outputs = Array.from({ length: results }, () => this.#fresh());
    this.#nodes.push([
      1,
      [
        ...inputs.slice(0, inputs.findLastIndex((name) => name !== "") + 1).map((name): Field => [1, name]),
        ...outputs.map((name): Field => [2, name]),
        [4, op],
        ...Object.entries(attributes).map(([name, value]): Field => [5, attribute(name, value)]),
        ...(domain === "" ? [] : [[7, domain] as const]),
      ],
    ]);
    return outputs;
  }

  /** The result of a node that has one. */
  one(op: string, inputs: readonly string[], attributes: OnnxAttributes = {}, domain = ""): string {
    return this.add(op, inputs, attributes, { domain })[0]!;
  }

  /** The same value under a name of the model's interface. */
  alias(value: string, name: string): void {
    this.#nodes.push([
      1,
      [
        [1, value],
        [2, name],
        [4, "Identity"],
      ],
    ]);
  }

  floats(shape: readonly number[], data: ArrayLike<number>): string {
    const name = this.#fresh();
    const raw = bytesOf(data instanceof Float32Array ? data : Float32Array.from(data));
    this.#initializers.push([5, tensor(name, shape, "f32", raw)]);
    return name;
  }

  /** A list of whole numbers: the same name for the same list. */
  ints(...values: readonly number[]): string {
    return this.#whole(values, [values.length]);
  }

  int(value: number): string {
    return this.#whole([value], []);
  }

  /** The whole model, in parts that are to be written one after another. */
  finish(inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): readonly Uint8Array[] {
    const graph: Message = [
      ...this.#nodes,
      [2, "model"],
      ...this.#initializers,
      ...inputs.map((input): Field => [11, valueInfo(input)]),
      ...outputs.map((output): Field => [12, valueInfo(output)]),
    ];
    const opsets = [[[2, OPSET]], [[1, MICROSOFT] as const, [2, 1] as const]] as const;
    return encode([[1, 9], [7, graph], ...opsets.map((opset): Field => [8, opset])]).parts;
  }

  #whole(values: readonly number[], shape: readonly number[]): string {
    const key = `${shape.length}:${values.join()}`;
    const known = this.#ints.get(key);
    if (known !== undefined) return known;
    const name = this.#fresh();
    this.#ints.set(key, name);
    this.#initializers.push([5, tensor(name, shape, "i64", bytesOf(BigInt64Array.from(values.map(BigInt))))]);
    return name;
  }

  #fresh(): string {
    return `v${this.#count++}`;
  }
}
