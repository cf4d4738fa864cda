import type { Graph, Node, Value } from "../../../src/ir/graph.ts";
import { operandValues } from "../../../src/ir/node.ts";
import { constantDim, type Dim } from "../../../src/tensor/dim.ts";
import { OnnxGraph } from "./writer.ts";

/** A weight in memory. */
export interface Weight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * `plain`: the ops of ONNX alone, as a framework exports them, for the run time to fuse. `fused`: onnxruntime's own ops for
 * attention, rotary positions, an add with the norm after it, and a bias with the gelu after it.
 */
export type Form = "plain" | "fused";

/** The element type of masks. */
const BOOL = 9;

/** What is known of a graph while it is written: names of values, weights, who reads what. */
export class Exporter {
  readonly onnx = new OnnxGraph();
  readonly form: Form;
  readonly #names = new Map<Value, string>();
  readonly #producers = new Map<Value, Node>();
  readonly #readers = new Map<Value, Node[]>();
  readonly #made = new Map<string, string>();
  readonly #weights = new Map<Value, Weight>();
  readonly #extents = new Map<string, string>();

  constructor(graph: Graph, weights: Readonly<Record<string, Weight>>, form: Form) {
    this.form = form;
    for (const { name, value } of graph.inputs) {
      this.#names.set(
        value,
        value.type.dtype === "bool" ? this.onnx.one("Cast", [name], { to: BOOL }) : name,
      );
      for (const [axis, size] of value.type.shape.entries())
        if (constantDim(size) === undefined && !this.#extents.has(size.key))
          this.#extents.set(size.key, this.onnx.one("Shape", [name], { start: axis, end: axis + 1 }));
    }
    for (const { name, value } of graph.parameters) this.#weights.set(value, weights[name]!);
    for (const node of graph.nodes) {
      for (const value of node.results) this.#producers.set(value, node);
      for (const value of operandValues(node)) this.#readers.set(value, [...this.readers(value), node]);
    }
  }

  /** The name of a value; a weight is written when it is first read, so that the other form of it need not be. */
  name = (value: Value): string => {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const { shape, data } = this.weight(value);
    const name = this.onnx.floats(shape, data);
    this.#names.set(value, name);
    return name;
  };

  names = (values: readonly Value[]): string[] => values.map((value) => this.name(value));

  optional = (value: Value | undefined): string => (value === undefined ? "" : this.name(value));

  weight(value: Value): Weight {
    const weight = this.#weights.get(value);
    if (weight === undefined) throw new Error("a value is read that no node, input or weight gives");
    return weight;
  }

  producer = (value: Value): Node | undefined => this.#producers.get(value);

  readers = (value: Value): readonly Node[] => this.#readers.get(value) ?? [];

  bind(node: Node, names: readonly string[]): void {
    node.results.forEach((value, index) => this.#names.set(value, names[index]!));
  }

  /** What `make` writes, the first time that this is asked for. */
  once(key: string, make: () => string): string {
    const name = this.#made.get(key) ?? make();
    this.#made.set(key, name);
    return name;
  }

  /** A list of one: the size, known or read from an input. */
  extent = (size: Dim): string => {
    const constant = constantDim(size);
    if (constant !== undefined) return this.onnx.ints(constant);
    const known = this.#extents.get(size.key);
    if (known === undefined) throw new Error(`no input says what ${size.key} is`);
    return known;
  };
}

/** The sizes that Reshape is given: 0 for one that stays in its place, -1 for the one that is left. */
export function reshapeSizes(from: readonly Dim[], to: readonly Dim[]): readonly number[] {
  const sizes = to.map((size, axis) =>
    size.key === from[axis]?.key && constantDim(size) === undefined ? 0 : (constantDim(size) ?? -1),
  );
  if (sizes.filter((size) => size === -1).length > 1)
    throw new Error(`two sizes of ${sizes.join()} are open`);
  return sizes;
}
