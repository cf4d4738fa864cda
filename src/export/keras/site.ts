import type { Node, Value } from "../../ir/graph.ts";
import { constantDim } from "../../tensor/dim.ts";
import { Refused } from "../table.ts";

/** An array of a Keras layer. */
export interface WrittenArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A layer of a functional model, as its config has it. */
export interface WrittenLayer {
  readonly name: string;
  readonly kind: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly inputs: readonly WrittenValue[];
  /** Its arrays, and those of layers within it, by what Keras calls those; its own have no name. */
  readonly arrays: Readonly<Record<string, readonly WrittenArray[]>>;
  /** What it is called with beside its inputs. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What a layer gives: its only output. */
export interface WrittenValue {
  readonly layer: string;
  /** With the batch; null for what is known when the model runs. */
  readonly shape: readonly (number | null)[];
  readonly dtype: string;
  /** The order of its axes in the value that it was turned from, where a Permute made it. */
  readonly turned?: { readonly from: WrittenValue; readonly axes: readonly number[] };
}

/** What a layer gives, and what it owns. */
interface Made {
  readonly label: string;
  readonly shape: WrittenValue["shape"];
  readonly dtype?: string;
  readonly weights?: readonly WrittenArray[];
  readonly arrays?: WrittenLayer["arrays"];
  readonly options?: WrittenLayer["options"];
}

/** The layers that are written, and what each value of the graph is among them. */
export class Site {
  readonly layers: WrittenLayer[] = [];
  readonly #values = new Map<Value, WrittenValue>();
  readonly #weights: ReadonlyMap<Value, WrittenArray>;
  readonly #names = new Set<string>();
  /** Values of which every element is one number. */
  readonly #numbers = new Map<Value, number>();

  constructor(weights: ReadonlyMap<Value, WrittenArray>) {
    this.#weights = weights;
  }

  bind(value: Value, written: WrittenValue): void {
    this.#values.set(value, written);
  }

  bindNumber(value: Value, number: number): void {
    this.#numbers.set(value, number);
  }

  /** The number that every element of a value is; undefined for others. */
  number(value: Value): number | undefined {
    return this.#numbers.get(value);
  }

  /** What flows into a layer; a parameter in its place is no tensor of Keras. */
  read(value: Value, node: Node): WrittenValue {
    const written = this.#values.get(value);
    if (written === undefined) throw new Refused("shape", `a weight that ${node.op} reads as a tensor`, node);
    return written;
  }

  /** The array of a parameter; undefined for what flows. */
  weight(value: Value): WrittenArray | undefined {
    return this.#weights.get(value);
  }

  /** Adds a layer and gives its output, in the shape of a value of the graph. */
  add(
    kind: string,
    config: Readonly<Record<string, unknown>>,
    inputs: readonly WrittenValue[],
    { label, shape, dtype = "float32", weights = [], arrays = { "": weights }, options = {} }: Made,
  ): WrittenValue {
    const name = this.#nameFor(label);
    this.layers.push({ name, kind, config: { name, ...config }, inputs, arrays, options });
    return { layer: name, shape, dtype };
  }

  /** A label as a name of Keras, which has no dots, and a number where it is taken. */
  #nameFor(label: string): string {
    const plain = label.replace(/\W+/g, "_") || "layer";
    for (let count = 0; ; count++) {
      const name = count === 0 ? plain : `${plain}_${count}`;
      if (this.#names.has(name)) continue;
      this.#names.add(name);
      return name;
    }
  }
}

/** A shape as Keras has it: the first axis is the batch, and other sizes that are not known are null. */
export const kerasShape = ({ type }: Value): WrittenValue["shape"] =>
  type.shape.map((size) => constantDim(size) ?? null);

/** [rows, columns] → [columns, rows]. */
export function transposed({ shape: [rows = 0, columns = 0], data }: WrittenArray): WrittenArray {
  const turned = new Float32Array(data.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = data[row * columns + column]!;
  return { shape: [columns, rows], data: turned };
}
