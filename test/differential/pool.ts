import type { Graph, Input, Node, Parameter, Value } from "../../src/ir/graph.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { makeValue, operandValues, tryMakeNode } from "../../src/ir/node.ts";
import { Mismatch } from "../../src/ops/define.ts";
import type { OpName } from "../../src/ops/table.ts";
import { evaluateDim, type Dim } from "../../src/tensor/dim.ts";
import { isFloat, type Dtype } from "../../src/tensor/dtype.ts";
import { makeData, sizeOf, type HostTensor } from "../../src/tensor/host.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { tensorType, type TensorType } from "../../src/tensor/type.ts";
import { rounded } from "./oracle.ts";

/** A value that moves may read, and what it is on the inputs at hand. */
export interface Entry {
  readonly value: Value;
  readonly data: HostTensor;
  /** Whether every engine has exactly these numbers: only then may a comparison or a floor read them. */
  readonly isExact: boolean;
}

export type Operands = Readonly<Record<string, Entry | readonly Entry[] | undefined>>;

/** Numbers beyond this, or none at all, would hide every mistake that follows: a node that makes some is not kept. */
const LARGEST = 64;

/** Exact numbers are multiples of 2^-8 below 2^12, so that a product of two is exact in float32. */
const [FRACTION, WHOLE] = [2 ** 8, 2 ** 12];

/** What a node may cost the interpreter: multiply-adds and elements. */
const MOST_ELEMENTS = 12_000;

/** Ops that make exact numbers of exact ones. */
const exactOps: ReadonlySet<string> = new Set(
  `neg abs relu relu2 square floor not add sub mul mod min max eq ne lt le gt ge and or where reshape permute slice concat
  cast broadcast reduce_sum reduce_max reduce_min cumsum topk spread take iota relative_bucket full max_pool2d pow accuracy`.split(
    /\s+/,
  ),
);

/** A graph that grows node by node, each evaluated as it is made. */
export class Pool {
  readonly random: RandomStream;
  readonly products: number;
  readonly sizes: ReadonlyMap<string, number>;
  readonly entries: Entry[] = [];
  readonly parameters: Record<string, HostTensor> = {};
  readonly #seed: number;
  readonly #inputs: Input[] = [];
  readonly #parameterList: Parameter[] = [];
  readonly #nodes: Node[] = [];

  /** `products` are the multiply-adds that a node may take. */
  constructor(seed: number, sizes: ReadonlyMap<string, number>, products: number) {
    this.products = products;
    this.#seed = seed;
    this.sizes = sizes;
    this.random = new RandomStream(seed, "graph");
  }

  chance(share: number): boolean {
    return this.random.uniform() < share;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.random.below(list.length)]!;
  }

  sizeOf(size: Dim): number {
    return evaluateDim(size, this.sizes);
  }

  elementsOf({ shape }: TensorType): number {
    return sizeOf(shape.map((size) => this.sizeOf(size)));
  }

  input(type: TensorType, name = `x${this.#inputs.length}`): Entry {
    const value = makeValue(type, name);
    this.#inputs.push({ name, value, fill: undefined, span: undefined });
    return this.#add({ value, data: inputData(name, value, this.sizes, this.#seed), isExact: true });
  }

  /** Weights whose products keep the size of what they multiply, or vectors around `center`. */
  parameter(shape: readonly (Dim | number)[], center?: number, dtype: Dtype = "f32"): Entry {
    const name = `p${this.#parameterList.length}`;
    const value = makeValue(tensorType(dtype, ...shape), name);
    const sizes = value.type.shape.map((size) => this.sizeOf(size));
    const bound = center === undefined ? Math.sqrt(3 / (sizes.at(-1) ?? 1)) : 0.5;
    const data = makeData(dtype, sizeOf(sizes));
    // Weyl's sequence: as even as random numbers for this, and a tenth of their time.
    const [start, step] = [this.random.uniform(), (Math.sqrt(5) - 1) / 2];
    for (let i = 0; i < data.length; i++)
      data[i] = Math.fround((center ?? 0) + bound * (2 * ((start + i * step) % 1) - 1));
    this.parameters[name] = { dtype, shape: sizes, data };
    this.#parameterList.push({
      name,
      value,
      init: { kind: "constant", value: 0 },
      trainable: true,
      span: undefined,
    });
    return { value, data: this.parameters[name], isExact: false };
  }

  /** The results of a node, or undefined if it does not fit or leaves the range in which mistakes show. */
  emit(op: OpName, operands: Operands, attrs: Readonly<Record<string, unknown>> = {}): Entry[] | undefined {
    const values = Object.fromEntries(
      Object.entries(operands).map(([name, entry]) => [
        name,
        Array.isArray(entry)
          ? (entry as readonly Entry[]).map(({ value }) => value)
          : (entry as Entry | undefined)?.value,
      ]),
    );
    const made = tryMakeNode(op, values as never, attrs as never);
    if (made instanceof Mismatch) return undefined;
    const node = made as unknown as Node;
    if (node.results.some(({ type }) => this.elementsOf(type) > MOST_ELEMENTS)) return undefined;
    const entries = Object.values(operands).flatMap((entry) => entry ?? []) as readonly Entry[];
    const results = this.#evaluate(node, entries);
    if (results === undefined) return undefined;
    this.#nodes.push(node);
    const isExact = exactOps.has(op) && entries.every((entry) => entry.isExact);
    return node.results.map((value, index) => {
      const data = results[index]!;
      return this.#add({ value, data, isExact: isExact && isOnGrid(data) });
    });
  }

  /** The one result of a node that has one. */
  one(op: OpName, operands: Operands, attrs: Readonly<Record<string, unknown>> = {}): Entry | undefined {
    return this.emit(op, operands, attrs)?.[0];
  }

  number(value: number, dtype: Dtype = "f32"): Entry {
    return this.one("full", {}, { dtype, shape: [], value })!;
  }

  graph(outputs: readonly Entry[]): Graph {
    return {
      name: "random",
      symbols: [...this.sizes.keys()].map((name) => ({ name })),
      inputs: this.#inputs,
      parameters: this.#parameterList,
      nodes: this.#nodes,
      outputs: outputs.map(({ value }, index) => ({ name: `y${index}`, value, span: undefined })),
      states: [],
      edges: [],
    };
  }

  #add(entry: Entry): Entry {
    this.entries.push(entry);
    return entry;
  }

  #evaluate(node: Node, entries: readonly Entry[]): readonly HostTensor[] | undefined {
    const names = new Map<Value, string>();
    for (const value of operandValues(node)) if (!names.has(value)) names.set(value, `v${names.size}`);
    // The inputs bind the dims.
    const given = [...this.#inputs].map(({ value }) => this.entries.find((entry) => entry.value === value)!);
    for (const { value } of given) if (!names.has(value)) names.set(value, `v${names.size}`);
    const data = new Map([...entries, ...given].map((entry) => [entry.value, entry.data]));
    const parameters = [...names].map(([value, name]) => ({ name, value, fill: undefined, span: undefined }));
    const graph: Graph = {
      ...this.graph([]),
      inputs: parameters,
      parameters: [],
      nodes: [node],
      outputs: node.results.map((value, index) => ({ name: `y${index}`, value, span: undefined })),
    };
    const inputs = new Map([...names].map(([value, name]) => [name, data.get(value)!]));
    const outputs = interpret(graph, { inputs, parameters: {} });
    const results = graph.outputs.map(({ name }) => rounded(outputs[name]!));
    const isTame = results.every(
      ({ dtype, data: all }) => !isFloat(dtype) || all.every((x) => Math.abs(x) <= LARGEST),
    );
    const isWhole = results.every(
      ({ dtype, data: all }) => isFloat(dtype) || all.every((x) => Math.abs(x) <= 2 ** 24),
    );
    return isTame && isWhole ? results : undefined;
  }
}

const isOnGrid = ({ data }: HostTensor): boolean =>
  data.every((x) => Math.abs(x) <= WHOLE && Number.isInteger(x * FRACTION));

/** Floats on a grid of eighths, so that comparisons of inputs are the same everywhere; ids below 16; bools mostly true. */
export function inputData(
  name: string,
  { type }: Value,
  sizes: ReadonlyMap<string, number>,
  seed: number,
): HostTensor {
  const shape = type.shape.map((size) => evaluateDim(size, sizes));
  const random = new RandomStream(seed, `${name} ${shape.join()}`);
  const data = makeData(type.dtype, sizeOf(shape));
  for (let i = 0; i < data.length; i++) {
    if (isFloat(type.dtype)) data[i] = (random.below(33) - 16) / 8;
    else data[i] = type.dtype === "bool" ? Number(random.uniform() < 0.7) : random.below(16);
  }
  return { dtype: type.dtype, shape, data };
}
