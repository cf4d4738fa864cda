import { heldAs } from "../../../checkpoint/onnx/held.ts";
import type { ValueInfoProto } from "../../../checkpoint/onnx/schema.ts";
import type { Graph, Node, NodeOf, State, Value } from "../../../ir/graph.ts";
import { operandValues } from "../../../ir/node.ts";
import { addDims, constantDim, dim, sameDim, symbolDim, symbolsOf, type Dim } from "../../../tensor/dim.ts";
import type { Shape } from "../../../tensor/type.ts";
import { Refused } from "../../table.ts";
import { outputOf, valueInfo, type ModelOutput } from "../emit.ts";
import type { Exporter } from "../exporter.ts";
import { emitNode } from "../table.ts";
import type { DerivedText } from "./derived.ts";
import { headedCaches, type Headed } from "./headed.ts";
import type { CacheName } from "./names.ts";

/** Sizes by what exporters for texts call them, by which consumers know an empty cache. */
export type SizeNames = ReadonlyMap<string, string>;

/** What of a text goes from run to run, as inputs and outputs of a model: rows that grow, and states of one size. */
export class Kept {
  readonly #exporter: Exporter;
  readonly #graph: Graph;
  readonly #parts: DerivedText["parts"];
  readonly #names: ReadonlyMap<State, CacheName>;
  readonly #sizes: SizeNames;
  /** Those that are kept with the heads in front of positions, where the model splits them later. */
  readonly #headed: ReadonlyMap<Value, Headed>;
  readonly #skipped: ReadonlySet<Node>;
  /** All rows, and how many of them stand in front of the text, by the value that has room for more. */
  readonly #grown = new Map<Value, { readonly lead: number; readonly rows: string }>();
  /** In the order of their names. */
  readonly states: readonly State[];

  constructor(
    exporter: Exporter,
    { graph, parts }: DerivedText,
    names: ReadonlyMap<State, CacheName>,
    sizes: SizeNames,
  ) {
    this.#exporter = exporter;
    this.#graph = graph;
    this.#parts = parts;
    this.#names = names;
    this.#sizes = sizes;
    this.#headed = headedCaches(graph);
    this.#skipped = new Set([...this.#headed.values()].flatMap(({ moves }) => moves));
    this.states = [...names.keys()].filter((state) => this.#roleOf(state).kind !== "context");
    this.#bindPast();
  }

  #roleOf = ({ name }: State) => this.#parts.states.get(name)!;

  get #past(): Dim {
    return symbolDim(this.#parts.dims.past);
  }

  /** How many positions there are with the new ones. */
  get length(): Dim {
    return addDims(this.#past, symbolDim(this.#parts.dims.added));
  }

  get hasRows(): boolean {
    return this.states.some((state) => this.#roleOf(state).kind === "rows");
  }

  /** How many positions the cache has is what the first of its rows says. */
  #bindPast(): void {
    const { one } = this.#exporter;
    const rows = this.states.find((state) => this.#roleOf(state).kind === "rows");
    this.#exporter.bindSize(this.#past, () => {
      if (rows === undefined)
        throw new Refused("cache", "how many positions were read before is in no part of the cache");
      const axis = this.#headed.has(rows.value) ? 2 : this.#rowsAxis(rows);
      return one("Shape", [this.#names.get(rows)!.past], { start: axis, end: axis + 1 });
    });
  }

  #rowsAxis(state: State): number {
    const role = this.#roleOf(state);
    if (role.kind !== "rows") throw new Refused("cache", state.name);
    return role.axis;
  }

  /** How many rows stand in front of the text. */
  #leadOf(state: State): number {
    const role = this.#roleOf(state);
    return role.kind === "rows" ? role.lead : 0;
  }

  /** A part of the cache as an input: rows that grow, or a state of one size, which begins as zeros. */
  input(state: State): ValueInfoProto {
    const { past } = this.#names.get(state)!;
    const { type } = state.value;
    const isRows = this.#roleOf(state).kind === "rows";
    const shape = isRows ? this.#rowsShape(state, this.#past) : type.shape;
    this.#exporter.bind(state.value, isRows ? past : this.#begun(state, past));
    return valueInfo(past, { ...type, shape }, this.#sizes);
  }

  /** The shape of a cache of so many positions. */
  #rowsShape(state: State, rows: Dim): Shape {
    const { shape } = state.value.type;
    const headed = this.#headed.get(state.value);
    if (headed === undefined) return shape.with(this.#rowsAxis(state), rows);
    return [shape[0]!, dim(headed.heads), rows, dim(headed.width)];
  }

  /** A state that begins as another number than 0 does so where the cache has no positions. */
  #begun({ value, init }: State, past: string): string {
    const initial = init.kind === "constant" ? init.value : NaN;
    if (initial === 0) return past;
    const { one, scalarSize, int, number } = this.#exporter;
    return this.#exporter.shared(() => {
      const isFirst = one("Equal", [scalarSize(this.#past), int(0)]);
      return one("Where", [
        isFirst,
        number(initial, heldAs(value.type.dtype) === "i32" ? "i32" : "f32"),
        past,
      ]);
    });
  }

  /** A node of the part; rows that are written into a cache are put after those that it has. */
  emit(node: Node): void {
    if (node.op === "write") this.#grow(node);
    else if (this.#skipped.has(node)) return;
    else if (node.op === "slice" && this.#grown.has(node.operands.x))
      this.#exporter.bind(node.results[0]!, this.#allRows(node));
    else {
      if (operandValues(node).some((value) => this.#grown.has(value)))
        throw new Refused("cache", "a cache that is read whole", node);
      emitNode(this.#exporter, node);
    }
  }

  /** The rows so far, of which the caller keeps those of the text: what stands in front of them is one number. */
  #grow(node: NodeOf<"write">): void {
    const { operands, attrs, results } = node;
    const { one, name } = this.#exporter;
    const state = this.#graph.states.find(({ value }) => value === operands.x)!;
    const lead = this.#leadOf(state);
    if (state.init.kind !== "constant" || !sameDim(attrs.start, addDims(this.#past, dim(lead))))
      throw new Refused("cache", "rows in front of the text that the model makes", node);
    this.#exporter.at(node);
    const headed = this.#headed.get(operands.x);
    if (headed !== undefined) {
      const { heads, width, result } = headed;
      const { ints } = this.#exporter;
      const split = one("Reshape", [name(operands.part), ints(0, 0, heads, width)]);
      const turned = one("Transpose", [split], { perm: [0, 2, 1, 3] });
      const rows = one("Concat", [name(operands.x), turned], { axis: 2 });
      for (const value of [results[0]!, result]) this.#exporter.bind(value, rows);
      return;
    }
    const text = one("Concat", [name(operands.x), name(operands.part)], { axis: attrs.axis });
    const [all] = results;
    this.#exporter.bind(all!, text);
    this.#grown.set(all!, { lead, rows: lead === 0 ? text : this.#withFront(state, lead, text) });
  }

  #withFront({ value, init }: State, lead: number, text: string): string {
    const axis = value.type.shape.findIndex((size) => symbolsOf(size).has(this.#parts.dims.capacity));
    const shape = value.type.shape.with(axis, dim(lead));
    const front = this.#exporter.full(
      shape,
      heldAs(value.type.dtype),
      init.kind === "constant" ? init.value : 0,
    );
    return this.#exporter.one("Concat", [front, text], { axis });
  }

  #allRows(node: NodeOf<"slice">): string {
    const { operands, attrs } = node;
    const { lead, rows } = this.#grown.get(operands.x)!;
    if (constantDim(attrs.start) !== 0 || !sameDim(attrs.size, addDims(this.length, dim(lead))))
      throw new Refused("cache", "a part of a cache", node);
    return rows;
  }

  /** A part of the cache as the next run is given it. */
  output(state: State): ModelOutput {
    const { present } = this.#names.get(state)!;
    const { type } = state.value;
    const isRows = this.#roleOf(state).kind === "rows";
    const shape = isRows ? this.#rowsShape(state, this.length) : type.shape;
    const { from } = outputOf(this.#exporter, present, state.next, heldAs(type.dtype));
    return { from, info: valueInfo(present, { ...type, shape }, this.#sizes) };
  }
}
