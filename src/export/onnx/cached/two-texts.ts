import { heldAs } from "../../../checkpoint/onnx/held.ts";
import type { ModelProto, ValueInfoProto } from "../../../checkpoint/onnx/schema.ts";
import type { Graph, Input, State } from "../../../ir/graph.ts";
import { liveNodes } from "../../../ir/keep-outputs.ts";
import { constantDim, symbolDim } from "../../../tensor/dim.ts";
import type { Refusal } from "../../table.ts";
import { modelOf, orRefusal, outputOf, valueInfo, type ModelOutput, type OnnxOptions } from "../emit.ts";
import { Exporter, type FindPlace } from "../exporter.ts";
import { emitNode } from "../table.ts";
import { derivedText, exporterOf, IDS, LOGITS, MASK, type DerivedText, type TextOptions } from "./derived.ts";
import { encodedText, type ContextValue, type Encoded } from "./encoded.ts";
import { Kept, type SizeNames } from "./kept.ts";
import { allNames, cacheNames, type CacheName } from "./names.ts";

const HIDDEN = "last_hidden_state";
const MEMORY = "encoder_hidden_states";
const MEMORY_MASK = "encoder_attention_mask";

/** The files that consumers of Optimum's exports look for, without their ending. */
export const twoTextNames = { encoder: "encoder_model", decoder: "decoder_model_merged" } as const;

export type TwoTextName = keyof typeof twoTextNames;

export interface TwoTextOptions extends Omit<TextOptions, "places"> {
  /** The input of token ids, [B, S], of the text that is read whole. */
  readonly source: Input;
  /** Each model has its own names for files. */
  readonly places: Readonly<Record<TwoTextName, FindPlace>>;
}

/**
 * A model that writes a text about another as two ONNX models, with the inputs and outputs of Optimum's exports.
 *
 * - encoder: `input_ids` [B, S], `attention_mask` [B, S] → `last_hidden_state` [B, S, D].
 * - decoder: `input_ids` [B, N], `encoder_hidden_states` [B, S, D], `encoder_attention_mask` [B, S],
 *   `past_key_values.0.decoder.key` [B, G, P, K] …, `past_key_values.0.encoder.key` [B, G, 0 or S, K] … → `logits` [B, N, V],
 *   `present.0.decoder.key` [B, G, P + N, K] …, `present.0.encoder.key` [B, G, S, K] ….
 *
 * P may be 0. Keys and values of the encoder are made where the cache has none, and handed on where it has; so no
 * `use_cache_branch` says which. The texts that are written begin together.
 */
export const twoTextModels = (
  graph: Graph,
  options: TwoTextOptions,
): Readonly<Record<TwoTextName, ModelProto>> | Refusal =>
  orRefusal(() => {
    const text = derivedText(graph, options, { ragged: false });
    const encoded = encodedText(text, options.source);
    const { encoder, decoder } = options.places;
    return {
      encoder: encoderModel(text, encoded, { ...options, places: encoder }),
      decoder: new Decoder(text, encoded, { ...options, places: decoder }).model(),
    };
  });

function encoderModel(
  { plain }: DerivedText,
  { encoder, source, mask, memory }: Encoded,
  options: OnnxOptions,
): ModelProto {
  const sizes = sourceSizes(source);
  const exporter = exporterOf({ plain, graph: encoder }, options, [IDS, MASK, HIDDEN]);
  const inputs: ValueInfoProto[] = [];
  for (const input of encoder.inputs) {
    const name = input === source ? IDS : input === mask ? MASK : undefined;
    if (name !== undefined) inputs.push(given(exporter, input, name, sizes));
  }
  for (const { value, fill } of encoder.inputs.filter((input) => input !== source && input !== mask))
    exporter.bind(value, exporter.full(value.type.shape, heldAs(value.type.dtype), fill!));
  for (const node of encoder.nodes) emitNode(exporter, node);
  const hidden = outputOf(exporter, HIDDEN, memory, "f32", sizes);
  return modelOf(exporter, encoder.name, { input: inputs, outputs: [hidden] });
}

/** An input of whole numbers or truths, which other engines give as whole numbers of 64 bits. */
function given(exporter: Exporter, { value }: Input, name: string, sizes: SizeNames): ValueInfoProto {
  exporter.bindInput(value, name, "i64");
  return valueInfo(name, { ...value.type, dtype: "i64" }, sizes);
}

const sourceSizes = ({ value }: Input): SizeNames =>
  new Map([
    [value.type.shape[0]!.key, "batch_size"],
    [value.type.shape[1]!.key, "encoder_sequence_length"],
  ]);

/** How much of the source a cache has: nothing, or all of it; no other size has this name. */
const SOURCE_PAST = "past_encoder_sequence_length";

class Decoder {
  readonly #text: DerivedText;
  readonly #encoded: Encoded;
  readonly #tokens: Input;
  readonly #options: OnnxOptions;
  readonly #names: ReadonlyMap<State, CacheName>;
  readonly #exporter: Exporter;
  readonly #kept: Kept;
  readonly #sizes: SizeNames;
  readonly #inputs: ValueInfoProto[] = [];

  constructor(text: DerivedText, encoded: Encoded, options: OnnxOptions & { readonly tokens: Input }) {
    this.#text = text;
    this.#encoded = encoded;
    this.#tokens = options.tokens;
    this.#options = options;
    const { added, past } = text.parts.dims;
    this.#sizes = new Map([
      ...sourceSizes(encoded.source),
      [options.tokens.value.type.shape[0]!.key, "batch_size"],
      [added, "decoder_sequence_length"],
      [past, "past_decoder_sequence_length"],
    ]);
    this.#names = cacheNames(text.graph, (state) => (encoded.states.has(state) ? "encoder." : "decoder."));
    const names = [IDS, MEMORY, MEMORY_MASK, LOGITS, ...allNames(this.#names)];
    this.#exporter = exporterOf(text, options, names);
    this.#kept = new Kept(this.#exporter, text, this.#names, this.#sizes);
  }

  model(): ModelProto {
    const { nodes, outputs, name } = this.#text.graph;
    this.#bindInputs();
    this.#remake();
    this.#keep();
    for (const node of nodes) this.#kept.emit(node);
    const logits = outputOf(this.#exporter, LOGITS, outputs[0]!.value, "f32", this.#sizes);
    const presents = [...this.#names.keys()].flatMap((state) => this.#outputOf(state));
    return modelOf(this.#exporter, name, { input: this.#inputs, outputs: [logits, ...presents] });
  }

  /** Keys and values of the source that are kept from the first run on; all else that is read of it is made anew. */
  #contextOf(state: State): (ContextValue & { readonly axis: number }) | undefined {
    const found = this.#encoded.states.get(state);
    const isNamed = this.#names.get(state)!.past.startsWith("past_key_values.");
    return found?.axis === undefined || !isNamed ? undefined : { ...found, axis: found.axis };
  }

  /** In the order in which consumers pair them: what is read, and of each attention its keys and values. */
  #bindInputs(): void {
    const { memory, mask } = this.#encoded;
    const { inputs } = this.#text.graph;
    for (const input of inputs)
      if (input.name === this.#tokens.name) this.#inputs.push(given(this.#exporter, input, IDS, this.#sizes));
    this.#exporter.bindInput(memory, MEMORY, "f32");
    this.#inputs.push(valueInfo(MEMORY, { ...memory.type, dtype: "f32" }, this.#sizes));
    if (mask !== undefined && this.#remade().reads.has(mask.value))
      this.#inputs.push(given(this.#exporter, mask, MEMORY_MASK, this.#sizes));
    for (const { name, value, fill } of inputs)
      if (name !== this.#tokens.name)
        this.#exporter.bind(value, this.#exporter.full(value.type.shape, heldAs(value.type.dtype), fill!));
    for (const state of this.#names.keys()) {
      const context = this.#contextOf(state);
      if (this.#kept.states.includes(state)) this.#inputs.push(this.#kept.input(state));
      else if (context !== undefined) {
        const { type } = state.value;
        const shape = type.shape.with(context.axis, symbolDim(SOURCE_PAST));
        this.#inputs.push(valueInfo(this.#names.get(state)!.past, { ...type, shape }, this.#sizes));
      }
    }
  }

  #remade() {
    const states = [...this.#encoded.states].filter(([state]) => this.#contextOf(state) === undefined);
    const reads = new Set(states.map(([, { value }]) => value));
    return { states, nodes: liveNodes(this.#encoded.nodes, reads), reads };
  }

  #remake(): void {
    const { states, nodes } = this.#remade();
    for (const node of nodes) emitNode(this.#exporter, node);
    for (const [state, { value }] of states) this.#exporter.bind(state.value, this.#exporter.name(value));
  }

  /** Behind what the cache has of the source stands what it has not: all of it, or nothing. */
  #keep(): void {
    const states = [...this.#encoded.states.keys()].flatMap((state) => {
      const context = this.#contextOf(state);
      return context === undefined ? [] : [{ state, ...context, ...this.#names.get(state)! }];
    });
    const [first] = states;
    if (first === undefined) return;
    const rest = this.#restOf(first.past, first.axis);
    for (const node of liveNodes(this.#encoded.nodes, new Set(states.map(({ value }) => value))))
      emitNode(rest, node);
    for (const { state, value, past, axis } of states)
      this.#exporter.bind(state.value, this.#exporter.one("Concat", [past, rest.name(value)], { axis }));
  }

  /** An exporter into the same model that knows as much of the source as the cache has not, its positions counted so. */
  #restOf(past: string, pastAxis: number): Exporter {
    const { plain, graph } = this.#text;
    const { memory, axis } = this.#encoded;
    const { one, name, size, ints, shared, onnx } = this.#exporter;
    const rest = exporterOf({ plain, graph }, this.#options, [], onnx);
    const known = memory.type.shape[axis]!;
    shared(() => {
      const begins = one("Shape", [past], { start: pastAxis, end: pastAxis + 1 });
      const rows = one("Slice", [name(memory), begins, size(known), ints(axis)]);
      rest.bind(memory, rows);
      for (const [at, each] of memory.type.shape.entries())
        if (constantDim(each) === undefined)
          rest.bindSize(each, () => one("Shape", [rows], { start: at, end: at + 1 }));
    });
    return rest;
  }

  #outputOf(state: State): readonly ModelOutput[] {
    if (this.#kept.states.includes(state)) return [this.#kept.output(state)];
    if (this.#contextOf(state) === undefined) return [];
    const { present } = this.#names.get(state)!;
    return [outputOf(this.#exporter, present, state.value, heldAs(state.value.type.dtype), this.#sizes)];
  }
}
