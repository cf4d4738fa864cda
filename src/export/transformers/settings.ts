import { constantDim } from "../../tensor/dim.ts";
import type { Stack } from "./stack.ts";

/** What a config says of a model's sizes, by transformers' names. */
export interface Settings {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly max_position_embeddings: number | null;
  readonly sliding_window: number | null;
  /** By which caches know which layers need no more than a window; null where none has one. */
  readonly layer_types: readonly string[] | null;
  readonly tie_word_embeddings: boolean;
  readonly attention_dropout: number;
}

/** `num_hidden_layers` counts attentions: a cache has as many layers. */
export function settingsOf({
  graph,
  tokens,
  embedding,
  hidden,
  attends,
  head,
  window,
  dropout,
}: Stack): Settings {
  const [rows] = embedding.operands.table.type.shape;
  const symbol = tokens.value.type.shape[1]!.key;
  const [first] = attends;
  const axis = first?.attrs.layout === "heads_last" ? 2 : 1;
  const [heads, groups] = [first?.operands.q, first?.operands.k].map((value) =>
    value === undefined ? 1 : constantDim(value.type.shape[axis]!)!,
  ) as [number, number];
  return {
    vocab_size: constantDim(rows!)!,
    hidden_size: constantDim(hidden.type.shape[2]!)!,
    num_hidden_layers: attends.length,
    num_attention_heads: heads,
    num_key_value_heads: groups,
    head_dim: first === undefined ? 1 : constantDim(first.operands.q.type.shape[3]!)!,
    max_position_embeddings: graph.symbols.find(({ name }) => name === symbol)?.max ?? null,
    sliding_window: window ?? null,
    layer_types:
      window === undefined
        ? null
        : attends.map(({ attrs }) => (attrs.window === undefined ? "full_attention" : "sliding_attention")),
    tie_word_embeddings: head.some(
      (node) => node.op === "linear" && node.operands.weight === embedding.operands.table,
    ),
    attention_dropout: dropout,
  };
}
