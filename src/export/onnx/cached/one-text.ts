import type { ModelProto, ValueInfoProto } from "../../../checkpoint/onnx/schema.ts";
import { heldAs } from "../../../checkpoint/onnx/held.ts";
import type { Graph } from "../../../ir/graph.ts";
import { symbolDim } from "../../../tensor/dim.ts";
import { Refused, type Refusal } from "../../table.ts";
import { modelOf, orRefusal, outputOf, valueInfo } from "../emit.ts";
import type { Exporter } from "../exporter.ts";
import { emitNode } from "../table.ts";
import { derivedText, exporterOf, IDS, LOGITS, MASK, type DerivedText, type TextOptions } from "./derived.ts";
import { Kept, type SizeNames } from "./kept.ts";
import { allNames, cacheNames } from "./names.ts";

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
export const cachedModel = (graph: Graph, options: TextOptions): CachedModel | Refusal =>
  orRefusal(() => new OneText(derivedText(graph, options, { ragged: true }), options).model());

class OneText {
  readonly #options: TextOptions;
  readonly #text: DerivedText;
  readonly #exporter: Exporter;
  readonly #kept: Kept;
  readonly #sizes: SizeNames;
  readonly #inputs: ValueInfoProto[] = [];

  constructor(text: DerivedText, options: TextOptions) {
    this.#options = options;
    this.#text = text;
    const { added, past } = text.parts.dims;
    this.#sizes = new Map([
      [options.tokens.value.type.shape[0]!.key, "batch_size"],
      [added, "sequence_length"],
      [past, "past_sequence_length"],
    ]);
    const names = cacheNames(text.graph);
    this.#exporter = exporterOf(text, options, [IDS, MASK, LOGITS, ...allNames(names)]);
    this.#kept = new Kept(this.#exporter, text, names, this.#sizes);
  }

  model(): CachedModel {
    const { nodes, outputs, name } = this.#text.graph;
    this.#bindInputs();
    if (this.#text.isRagged) this.#bindMask();
    for (const state of this.#kept.states) this.#inputs.push(this.#kept.input(state));
    this.#bindContext();
    for (const node of nodes) this.#kept.emit(node);
    const logits = outputOf(this.#exporter, LOGITS, outputs[0]!.value, "f32", this.#sizes);
    const presents = this.#kept.states.map((state) => this.#kept.output(state));
    const model = modelOf(this.#exporter, name, { input: this.#inputs, outputs: [logits, ...presents] });
    return { model, takesMask: this.#text.isRagged };
  }

  /** Token ids are whole numbers of 64 bits, as tokenizers of other engines give them; what has a value by itself has it. */
  #bindInputs(): void {
    const { tokens } = this.#options;
    for (const { name, value, fill } of this.#text.graph.inputs) {
      if (name === tokens.name) {
        this.#exporter.bindInput(value, IDS, "i64");
        this.#inputs.push(valueInfo(IDS, { ...value.type, dtype: "i64" }, this.#sizes));
      } else if (fill === undefined) throw new Refused("cache", `\`${name}\` is read beside the tokens`);
    }
    for (const { value, name, fill } of this.#text.graph.inputs)
      if (name !== tokens.name)
        this.#exporter.bind(value, this.#exporter.full(value.type.shape, heldAs(value.type.dtype), fill!));
  }

  /** Where each text begins; and how many positions the cache has, where it has no rows. */
  #bindMask(): void {
    const { added, past } = this.#text.parts.dims;
    const [batch] = this.#options.tokens.value.type.shape;
    const { one, size } = this.#exporter;
    if (!this.#kept.hasRows)
      this.#exporter.bindSize(symbolDim(past), () =>
        one("Sub", [one("Shape", [MASK], { start: 1, end: 2 }), size(symbolDim(added))]),
      );
    this.#inputs.push(valueInfo(MASK, { dtype: "i64", shape: [batch!, this.#kept.length] }, this.#sizes));
  }

  /** What stays as the text grows, made anew in each run: of where texts begin, and of nothing else. */
  #bindContext(): void {
    const { parts, graph, isRagged } = this.#text;
    const encode = parts.graphs["encode"];
    if (encode === undefined) return;
    const [begins, other] = encode.inputs;
    if (!isRagged || begins === undefined || other !== undefined)
      throw new Refused(
        "cache",
        `\`${(other ?? begins)?.name ?? ""}\` is what the text is about, and is read once for a text`,
      );
    this.#exporter.bind(begins.value, this.#beginsOf());
    for (const node of encode.nodes) emitNode(this.#exporter, node);
    const made = new Map(encode.states.map(({ name, next }) => [name, next]));
    for (const state of graph.states)
      if (parts.states.get(state.name)!.kind === "context")
        this.#exporter.bind(state.value, this.#exporter.name(made.get(state.name)!));
  }

  /** i32[B]: zeros of the mask, all of which stand in front. */
  #beginsOf(): string {
    const { one, cast, scalarSize, reduced, shared } = this.#exporter;
    return shared(() => {
      const length = scalarSize(this.#kept.length);
      return cast(one("Sub", [length, reduced("ReduceSum", MASK, [1], false)]), "i32");
    });
  }
}
