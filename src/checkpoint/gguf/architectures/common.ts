import type { JsonObject } from "../../json.ts";
import { present, type ModelKeys } from "../keys.ts";
import type { FileTensors } from "./architecture.ts";

/* What most architectures have alike. */

/** Names of the layers of Llama and of all that are shaped like it. */
export const llamaNames: Readonly<Record<string, string>> = {
  token_embd: "model.embed_tokens",
  output_norm: "model.norm",
  output: "lm_head",
  "blk.*.attn_norm": "model.layers.*.input_layernorm",
  "blk.*.attn_q": "model.layers.*.self_attn.q_proj",
  "blk.*.attn_k": "model.layers.*.self_attn.k_proj",
  "blk.*.attn_v": "model.layers.*.self_attn.v_proj",
  "blk.*.attn_q_norm": "model.layers.*.self_attn.q_norm",
  "blk.*.attn_k_norm": "model.layers.*.self_attn.k_norm",
  "blk.*.attn_output": "model.layers.*.self_attn.o_proj",
  "blk.*.ffn_norm": "model.layers.*.post_attention_layernorm",
  "blk.*.ffn_gate": "model.layers.*.mlp.gate_proj",
  "blk.*.ffn_up": "model.layers.*.mlp.up_proj",
  "blk.*.ffn_down": "model.layers.*.mlp.down_proj",
};

/** Sizes, token ids, and whether the head is the embedding; each family adds what it computes. */
export function sizes(keys: ModelKeys, tensors: FileTensors): JsonObject {
  const vocabulary = tensors.shape("token_embd.weight")[0]!;
  keys.ignore("vocab_size");
  return present({
    vocab_size: vocabulary,
    hidden_size: keys.required("embedding_length"),
    intermediate_size: keys.required("feed_forward_length"),
    num_hidden_layers: keys.layers(),
    num_attention_heads: keys.required("attention.head_count"),
    max_position_embeddings: keys.required("context_length"),
    tie_word_embeddings: !tensors.has("output.weight"),
    ...tokenIds(keys),
  });
}

/** Grouped heads, whose width is that of the model divided among them where nothing else is said. */
export function heads(keys: ModelKeys): JsonObject {
  const count = keys.required("attention.head_count");
  const width = keys.number("attention.key_length", keys.required("embedding_length") / count);
  keys.expect("attention.value_length", width);
  return { num_key_value_heads: keys.number("attention.head_count_kv", count), head_dim: width };
}

export const rmsEps = (keys: ModelKeys): JsonObject => ({
  rms_norm_eps: keys.required("attention.layer_norm_rms_epsilon"),
});

/** Whether attention has biases is said by the tensors alone. */
export const attentionBias = (tensors: FileTensors, projection = "attn_q"): JsonObject => ({
  attention_bias: tensors.has(`blk.0.${projection}.bias`),
});

/** A text ends with any of several tokens: of the text, of a turn, of a message. */
function tokenIds(keys: ModelKeys): JsonObject {
  const id = (key: string): number | undefined => keys.token(`${key}_token_id`);
  const ends = [...new Set(["eos", "eot", "eom"].map(id))].filter((one) => one !== undefined);
  return present({
    bos_token_id: id("bos"),
    eos_token_id: ends.length > 1 ? ends : ends[0],
    pad_token_id: id("padding"),
  });
}
