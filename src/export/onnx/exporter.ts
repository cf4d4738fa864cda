import type { Graph, Node, NodeOf, Value } from "../../ir/graph.ts";
import { tilesOf } from "../../ir/tiles.ts";
import { usersOf } from "../../ir/walk.ts";
import { invariant } from "../../support/invariant.ts";
import { positionAt } from "../../support/source.ts";
import { constantDim, sameDim, type Dim } from "../../tensor/dim.ts";
import type { Dtype } from "../../tensor/dtype.ts";
import type { ExportedOp } from "../table.ts";
import type { Opset } from "./opsets.ts";
import { heldAs, type Held } from "../../checkpoint/onnx/held.ts";
import { elementTypes } from "../../checkpoint/onnx/schema.ts";
import { OnnxGraph, tensorOf, type AttributeValues, type ExternalPlace, type NodePlace } from "./writer.ts";

/** Where the elements of a parameter are, by its name: in one place, or each part of a stack in its own, in order. */
export type FindPlace = (parameter: string) => readonly ExternalPlace[];

/** What is known of a graph while it is written: names of values, sizes that are known at run time. */
export class Exporter {
  readonly onnx: OnnxGraph;
  readonly opset: Opset;
  readonly #places: FindPlace;
  readonly #edges: Graph["edges"];
  readonly #users: ReadonlyMap<Value, readonly Node[]>;
  readonly #parameters: ReadonlyMap<Value, string>;
  readonly #names = new Map<Value, string>();
  readonly #made = new Map<string, string>();
  readonly #symbols = new Map<string, () => string>();

  /** Of another exporter's graph, what is known of sizes is not taken over: each has its own. */
  constructor(graph: Graph, opset: Opset, places: FindPlace, onnx = new OnnxGraph()) {
    this.onnx = onnx;
    this.opset = opset;
    this.#places = places;
    this.#edges = graph.edges;
    this.#users = usersOf(graph);
    this.#parameters = new Map(graph.parameters.map(({ name, value }) => [value, name]));
    for (const { name } of [...graph.inputs, ...graph.parameters, ...graph.outputs])
      this.onnx.names.unique(name);
  }

  /** A value that the caller gives, in the type that it is held as; its axes say what sizes are. */
  bindInput(value: Value, name: string, given: Dtype): void {
    const held = heldAs(value.type.dtype);
    this.#names.set(value, given === held ? name : this.once(`held ${name}`, () => this.cast(name, held)));
    for (const [axis, size] of value.type.shape.entries())
      if (constantDim(size) === undefined && !this.#symbols.has(size.key))
        this.#symbols.set(size.key, () => this.one("Shape", [name], { start: axis, end: axis + 1 }));
  }

  /** What a run-time size is, where no axis of an input says it: i64[1]. */
  bindSize(size: Dim, make: () => string): void {
    this.#symbols.set(size.key, make);
  }

  bind(value: Value, name: string): void {
    this.#names.set(value, name);
  }

  /** Names all that follows after a node: its layer, or the edge that it is a part of, and its line. */
  at(node: Node): void {
    this.onnx.place = placeOf(node, this.#edges);
  }

  one = (op: string, inputs: readonly string[], attributes: AttributeValues = {}): string =>
    this.onnx.one(op, inputs, attributes);

  /** The name of a value. A parameter is written where it is first read, as f32. */
  name = (value: Value): string => {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const parameter = this.#parameters.get(value);
    invariant(parameter, "a value is read that no node, input or parameter gives");
    const places = this.#places(parameter);
    const stored = this.#stored(parameter, places);
    const held = heldAs(value.type.dtype);
    const name = places[0]!.dtype === held ? stored : this.named(parameter, () => this.cast(stored, held));
    this.#names.set(value, name);
    return name;
  };

  /** Parts go by the names that they are published with, and are put together when a run time loads them. */
  #stored(parameter: string, places: readonly ExternalPlace[]): string {
    const [first, ...rest] = places;
    if (rest.length === 0) return this.onnx.external(parameter, first!);
    const parts = places.map((place, index) =>
      this.onnx.external(parameter.replace("*", String(index)), { ...place, shape: [1, ...place.shape] }),
    );
    return this.named(parameter, () => this.one("Concat", parts, { axis: 0 }));
  }

  names = (values: readonly Value[]): readonly string[] => values.map(this.name);

  optional = (value: Value | undefined): string => (value === undefined ? "" : this.name(value));

  /** A part of a value, if all that reads that is parts which fill one axis: one of the results of a node for all of them. */
  tile({ operands: { x }, results }: NodeOf<"slice">): string | undefined {
    const tiles = tilesOf(x, this.#users.get(x) ?? []);
    if (tiles === undefined) return undefined;
    const { axis, parts, sizes } = tiles;
    const [first] = parts;
    if (!this.#names.has(first!)) {
      const names = this.onnx.many("Split", [this.name(x), this.ints(...sizes)], parts.length, { axis });
      parts.forEach((part, index) => this.bind(part, names[index]!));
    }
    return this.#names.get(results[0]!);
  }

  /** What `make` writes, the first time that this is asked for; it belongs to no layer, but to a weight if one is named. */
  once(key: string, make: () => string, label = ""): string {
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const name = this.named(label, make);
    this.#made.set(key, name);
    return name;
  }

  /** What `make` writes, under no layer's name. */
  shared = <T>(make: () => T): T => this.named("", make);

  /** What `make` writes, under a name of its own. */
  named<T>(label: string, make: () => T): T {
    const { place } = this.onnx;
    this.onnx.place = { label };
    try {
      return make();
    } finally {
      this.onnx.place = place;
    }
  }

  cast = (name: string, dtype: Dtype): string => this.one("Cast", [name], { to: elementTypes[dtype] });

  /** i64[n] */
  ints = (...values: readonly number[]): string =>
    this.once(`ints ${values.join()}`, () => this.onnx.tensor("ints", "i64", [values.length], values));

  /** i64[] */
  int = (value: number): string =>
    this.once(`int ${value}`, () => this.onnx.tensor("int", "i64", [], [value]));

  /** f32[] or i32[] */
  number = (value: number, dtype: "f32" | "i32" = "f32"): string =>
    this.once(`${dtype} ${value}`, () => this.onnx.tensor("number", dtype, [], [value]));

  /** f32 of any shape. */
  floats = (shape: readonly number[], values: ArrayLike<number>, name = "table"): string =>
    this.onnx.tensor(name, "f32", shape, values);

  /** f32[size], all of them a number: the gain of a norm without one. */
  filled = (size: Dim, value: number): string => {
    const count = constantDim(size)!;
    return this.once(`${count} × ${value}`, () =>
      this.floats([count], new Float32Array(count).fill(value), "filled"),
    );
  };

  /** i64[1]: a size. */
  size = (size: Dim): string => {
    const constant = constantDim(size);
    return constant === undefined
      ? this.once(`size ${size.key}`, () => this.#sizeOf(size))
      : this.ints(constant);
  };

  /** i64[]: a size. */
  scalarSize = (size: Dim): string => {
    const constant = constantDim(size);
    if (constant !== undefined) return this.int(constant);
    return this.once(`scalar ${size.key}`, () => this.one("Squeeze", [this.size(size), this.ints(0)]));
  };

  /** i64[rank]: all sizes of a shape. */
  sizes = (shape: readonly Dim[]): string => {
    const constants = shape.map(constantDim);
    if (constants.every((each) => each !== undefined)) return this.ints(...constants);
    const key = `sizes ${shape.map(({ key }) => key).join()}`;
    return this.once(key, () =>
      shape.length === 1 ? this.size(shape[0]!) : this.one("Concat", shape.map(this.size), { axis: 0 }),
    );
  };

  /** x under another shape with the same elements in the same order. */
  reshaped = (x: string, from: readonly Dim[], to: readonly Dim[]): string => {
    const isSame = from.length === to.length && from.every((size, axis) => sameDim(size, to[axis]));
    if (isSame) return x;
    // 0 stands for a size that stays in its place, -1 for the one that is left.
    const known = to.map((size, axis) => constantDim(size) ?? (sameDim(size, from[axis]) ? 0 : -1));
    const open = known.filter((size) => size === -1).length;
    const isSaid = open > 1 || to.some((size) => constantDim(size) === 0);
    return isSaid ? this.sized(x, to) : this.one("Reshape", [x, this.ints(...known)]);
  };

  /** The same by sizes that are all said: 0 is one of them. */
  sized = (x: string, to: readonly Dim[]): string =>
    this.one("Reshape", [x, this.sizes(to)], { allowzero: 1 });

  #sizeOf(size: Dim): string {
    const bound = this.#symbols.get(size.key);
    if (bound !== undefined) return bound();
    const terms = size.terms.map(({ coefficient, factors }) => {
      const parts = factors.map((factor) =>
        factor.kind === "symbol"
          ? this.#symbolSize(factor.key)
          : this.one("Div", [this.size(factor.of), this.ints(factor.by)]),
      );
      return coefficient === 1 && parts.length > 0 ? parts : [this.ints(coefficient), ...parts];
    });
    return terms.map((parts) => this.#folded("Mul", parts)).reduce((a, b) => this.one("Add", [a, b]));
  }

  #folded = (op: string, parts: readonly string[]): string => parts.reduce((a, b) => this.one(op, [a, b]));

  #symbolSize(symbol: string): string {
    return this.once(`size ${symbol}`, () => {
      const bound = this.#symbols.get(symbol);
      invariant(bound, `no input says what ${symbol} is`);
      return bound();
    });
  }

  /** ConstantOfShape: a tensor of one number. */
  full = (shape: readonly Dim[], dtype: Held, value: number): string => {
    if (shape.length === 0 && dtype !== "bool") return this.number(value, dtype);
    return this.one("ConstantOfShape", [this.sizes(shape)], {
      value: { tensor: tensorOf("", dtype, [1], [value]) },
    });
  };

  /** A fold of axes, which versions before 18 take as an attribute. */
  reduced = (op: string, x: string, axes: readonly number[], keep = true): string => {
    const keepdims = keep ? 1 : 0;
    const asInput = op === "ReduceSum" || this.opset >= 18;
    return asInput
      ? this.one(op, [x, this.ints(...axes)], { keepdims })
      : this.one(op, [x], { axes, keepdims });
  };
}

/** What begins the names of a node's ONNX nodes: its layer, or the edge whose sum it makes; and where the model says it. */
function placeOf({ origin }: Node, edges: Graph["edges"]): NodePlace {
  const span = origin.spans.at(-1);
  const line = span && `${span.source.name}:${positionAt(span.source, span.start).line}`;
  const [part] = origin.edges;
  const isEdge = part !== undefined && (part.role === "join" || origin.label === "");
  const label = isEdge ? edges[part.edge]!.name.replaceAll(" ", "_") : origin.label;
  return { label, line };
}

/** Writes the nodes of one op, and gives the names of its results. */
export type OnnxEmitter<K extends ExportedOp> = (
  node: NodeOf<K>,
  exporter: Exporter,
) => string | readonly string[];
