import { deriveParts, type Parts } from "../../incremental/parts.ts";
import { beginAnywhere } from "../../incremental/ragged/begin-anywhere.ts";
import { Refusal as DecodingRefusal } from "../../incremental/refusal.ts";
import type { Graph, Input, Node, NodeOf, State, Value } from "../../ir/graph.ts";
import { keepOutputs } from "../../ir/keep-outputs.ts";
import { operandValues } from "../../ir/node.ts";
import { canonicalize } from "../../passes/canonicalize.ts";
import { deadCode } from "../../passes/dead-code.ts";
import { lowerEdges } from "../../passes/lower-edges.ts";
import { runPasses } from "../../passes/pipeline.ts";
import { shareNodes } from "../../passes/share.ts";
import { addDims, constantDim, dim, sameDim, symbolDim, symbolsOf, type Dim } from "../../tensor/dim.ts";
import type { Shape } from "../../tensor/type.ts";
import { Refused, type Refusal } from "../table.ts";
import { cacheNames, type CacheName } from "./cache-names.ts";
import { headedCaches, type Headed } from "./headed.ts";
import { modelOf, orRefusal, outputOf, valueInfo, type ModelOutput, type OnnxOptions } from "./emit.ts";
import { heldAs } from "../../checkpoint/onnx/held.ts";
import { Exporter } from "./exporter.ts";
import type { ModelProto, ValueInfoProto } from "../../checkpoint/onnx/schema.ts";
import { emitNode } from "./table.ts";

/** What exporters for texts call what goes in and out (Optimum, https://huggingface.co/docs/optimum). */
const IDS = "input_ids";
const MASK = "attention_mask";
const LOGITS = "logits";

export interface CachedOptions extends OnnxOptions {
  /** The input of token ids, [B, T]. */
  readonly tokens: Input;
  /** The output that tokens are drawn from. */
  readonly output: string;
}

/** A model that reads new tokens after those that its cache is of. */
export interface CachedModel {
  readonly model: ModelProto;
  /** False if the texts of a batch must begin together, as no mask says where each does. */
  readonly takesMask: boolean;
}

/**
 * A model for texts as an ONNX model with the cache as inputs and outputs: `input_ids` [B, N], `attention_mask` [B, P + N] which
 * is 0 in front of where a text begins, `past_key_values.0.key` [B, G, P, K] … → `logits` [B, N, V], `present.0.key`
 * [B, G, P + N, K] …. P may be 0. Positions are counted from where a text begins.
 */
export const cachedModel = (graph: Graph, options: CachedOptions): CachedModel | Refusal =>
  orRefusal(() => new Cached(graph, options).model());

/** What does not fuse; heads stay in front of positions, as caches of other engines have them. */
const plainPasses = [lowerEdges, canonicalize, shareNodes, deadCode];

class Cached {
  readonly #options: CachedOptions;
  readonly #plain: Graph;
  readonly #parts: Parts;
  readonly #takesMask: boolean;
  readonly #graph: Graph;
  readonly #exporter: Exporter;
  readonly #names: ReadonlyMap<State, CacheName>;
  /** Those that are kept with the heads in front of positions, where the model splits them later. */
  readonly #headed: ReadonlyMap<Value, Headed>;
  readonly #skipped: ReadonlySet<Node>;
  readonly #inputs: ValueInfoProto[] = [];
  /** What exporters for texts call the sizes, by which consumers know an empty cache. */
  readonly #symbols: ReadonlyMap<string, string>;
  /** All rows, and how many of them stand in front of the text, by the value that has room for more. */
  readonly #grown = new Map<Value, { readonly lead: number; readonly rows: string }>();

  constructor(graph: Graph, options: CachedOptions) {
    this.#options = options;
    const { tokens, output, opset = 23, places } = options;
    if (tokens.value.type.shape.length !== 2)
      throw new Refused("cache", `\`${tokens.name}\` is no batch of texts [B, T]`);
    this.#plain = runPasses(keepOutputs(graph, new Set([output])).graph, { passes: plainPasses });
    const symbol = tokens.value.type.shape[1]!.key;
    const begun = orUndefined(() => beginAnywhere(this.#plain, symbol).graph);
    this.#takesMask = begun !== undefined;
    this.#parts = derived(begun ?? this.#plain, symbol);
    this.#graph = this.#parts.graphs["all"]!;
    this.#headed = headedCaches(this.#graph);
    this.#skipped = new Set([...this.#headed.values()].flatMap(({ moves }) => moves));
    const { added, past } = this.#parts.dims;
    this.#symbols = new Map([
      [tokens.value.type.shape[0]!.key, "batch_size"],
      [added, "sequence_length"],
      [past, "past_sequence_length"],
    ]);
    this.#exporter = new Exporter(
      { ...this.#graph, inputs: [], outputs: [], parameters: this.#plain.parameters },
      opset,
      places,
    );
    for (const name of [IDS, MASK, LOGITS]) this.#exporter.onnx.names.unique(name);
    this.#names = cacheNames(this.#graph);
    for (const { past, present } of this.#names.values())
      [past, present].forEach((name) => this.#exporter.onnx.names.unique(name));
  }

  model(): CachedModel {
    const { states, nodes, outputs, name } = this.#graph;
    this.#bindInputs();
    const kept = states.filter((state) => this.#roleOf(state) !== "context");
    this.#bindPositions(kept);
    for (const state of kept) this.#bindState(state);
    this.#bindContext();
    for (const node of nodes) this.#emit(node);
    const logits = outputOf(this.#exporter, LOGITS, outputs[0]!.value, "f32", this.#symbols);
    const presents = kept.map((state) => this.#presentOf(state));
    const model = modelOf(this.#exporter, name, {
      input: this.#inputs,
      outputs: [logits, ...presents],
    });
    return { model, takesMask: this.#takesMask };
  }

  #roleOf = ({ name }: State) => this.#parts.states.get(name)!.kind;

  /** Token ids are whole numbers of 64 bits, as tokenizers of other engines give them; what has a value by itself has it. */
  #bindInputs(): void {
    const { tokens } = this.#options;
    for (const { name, value, fill } of this.#graph.inputs) {
      if (name === tokens.name) {
        this.#exporter.bindInput(value, IDS, "i64");
        this.#inputs.push(valueInfo(IDS, { ...value.type, dtype: "i64" }, this.#symbols));
      } else if (fill === undefined) throw new Refused("cache", `\`${name}\` is read beside the tokens`);
    }
    for (const { value, name, fill } of this.#graph.inputs)
      if (name !== tokens.name)
        this.#exporter.bind(value, this.#exporter.full(value.type.shape, heldAs(value.type.dtype), fill!));
  }

  /** How many positions the cache has, and where each text begins. */
  #bindPositions(kept: readonly State[]): void {
    const { added, past } = this.#parts.dims;
    const [batch] = this.#options.tokens.value.type.shape;
    const length = addDims(symbolDim(past), symbolDim(added));
    const { one } = this.#exporter;
    const rows = kept.find((state) => this.#roleOf(state) === "rows");
    if (rows !== undefined) {
      const axis = this.#headed.has(rows.value) ? 2 : this.#rowsAxis(rows);
      this.#exporter.bindSize(symbolDim(past), () =>
        one("Shape", [this.#names.get(rows)!.past], { start: axis, end: axis + 1 }),
      );
    } else if (this.#takesMask)
      this.#exporter.bindSize(symbolDim(past), () =>
        one("Sub", [one("Shape", [MASK], { start: 1, end: 2 }), this.#exporter.size(symbolDim(added))]),
      );
    if (this.#takesMask)
      this.#inputs.push(valueInfo(MASK, { dtype: "i64", shape: [batch!, length] }, this.#symbols));
  }

  #rowsAxis(state: State): number {
    const role = this.#parts.states.get(state.name)!;
    if (role.kind !== "rows") throw new Refused("cache", state.name);
    return role.axis;
  }

  /** How many rows stand in front of the text. */
  #leadOf(state: State): number {
    const role = this.#parts.states.get(state.name)!;
    return role.kind === "rows" ? role.lead : 0;
  }

  /** A part of the cache as an input: rows that grow, or a state of one size, which begins as zeros. */
  #bindState(state: State): void {
    const { past } = this.#names.get(state)!;
    const { type } = state.value;
    const isRows = this.#roleOf(state) === "rows";
    const shape = isRows ? this.#rowsShape(state, symbolDim(this.#parts.dims.past)) : type.shape;
    this.#inputs.push(valueInfo(past, { ...type, shape }, this.#symbols));
    this.#exporter.bind(state.value, isRows ? past : this.#begun(state, past));
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
      const isFirst = one("Equal", [scalarSize(symbolDim(this.#parts.dims.past)), int(0)]);
      return one("Where", [
        isFirst,
        number(initial, heldAs(value.type.dtype) === "i32" ? "i32" : "f32"),
        past,
      ]);
    });
  }

  /** What stays as the text grows, made anew in each run: of where texts begin, and of nothing else. */
  #bindContext(): void {
    const encode = this.#parts.graphs["encode"];
    if (encode === undefined) return;
    const [begins, other] = encode.inputs;
    if (!this.#takesMask || begins === undefined || other !== undefined)
      throw new Refused(
        "cache",
        `\`${(other ?? begins)?.name ?? ""}\` is what the text is about, and is read once for a text`,
      );
    this.#exporter.bind(begins.value, this.#beginsOf());
    for (const node of encode.nodes) emitNode(this.#exporter, node);
    const made = new Map(encode.states.map(({ name, next }) => [name, next]));
    for (const state of this.#graph.states)
      if (this.#roleOf(state) === "context")
        this.#exporter.bind(state.value, this.#exporter.name(made.get(state.name)!));
  }

  /** i32[B]: zeros of the mask, all of which stand in front. */
  #beginsOf(): string {
    const { one, cast } = this.#exporter;
    const { added, past } = this.#parts.dims;
    return this.#exporter.shared(() => {
      const length = this.#exporter.scalarSize(addDims(symbolDim(past), symbolDim(added)));
      return cast(one("Sub", [length, this.#exporter.reduced("ReduceSum", MASK, [1], false)]), "i32");
    });
  }

  /** Rows that are written into a cache are put after those that it has. */
  #emit(node: Node): void {
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
    const [lead, past] = [this.#leadOf(state), symbolDim(this.#parts.dims.past)];
    if (state.init.kind !== "constant" || !sameDim(attrs.start, addDims(past, dim(lead))))
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

  #allRows({ operands, attrs, ...node }: NodeOf<"slice">): string {
    const { added, past } = this.#parts.dims;
    const { lead, rows } = this.#grown.get(operands.x)!;
    const length = addDims(addDims(symbolDim(past), symbolDim(added)), dim(lead));
    if (constantDim(attrs.start) !== 0 || !sameDim(attrs.size, length))
      throw new Refused("cache", "a part of a cache", { operands, attrs, ...node });
    return rows;
  }

  #presentOf(state: State): ModelOutput {
    const { present } = this.#names.get(state)!;
    const { dims } = this.#parts;
    const { type } = state.value;
    const length = addDims(symbolDim(dims.past), symbolDim(dims.added));
    const isRows = this.#roleOf(state) === "rows";
    const shape = isRows ? this.#rowsShape(state, length) : type.shape;
    const { from } = outputOf(this.#exporter, present, state.next, heldAs(type.dtype));
    return { from, info: valueInfo(present, { ...type, shape }, this.#symbols) };
  }
}

const orUndefined = <T>(make: () => T): T | undefined => {
  try {
    return make();
  } catch (error) {
    if (error instanceof DecodingRefusal) return undefined;
    throw error;
  }
};

function derived(graph: Graph, symbol: string): Parts {
  try {
    return deriveParts(graph, { symbol, limit: undefined, windows: "whole", parts: ["all"], recompute: 0 });
  } catch (error) {
    if (error instanceof DecodingRefusal) throw new Refused("cache", error.sentence, error.node);
    throw error;
  }
}
