import { headByHead, transposed } from "../changes.ts";
import { present } from "../keys.ts";
import type { Architecture } from "./architecture.ts";
import { sizes } from "./common.ts";
import { partialRope } from "./rope.ts";

/* Architectures whose layers are no Llama's. */

export const gpt2: Architecture = {
  names: {
    token_embd: "wte",
    position_embd: "wpe",
    output_norm: "ln_f",
    output: "lm_head",
    "blk.*.attn_norm": "h.*.ln_1",
    "blk.*.attn_qkv": "h.*.attn.c_attn",
    "blk.*.attn_output": "h.*.attn.c_proj",
    "blk.*.ffn_norm": "h.*.ln_2",
    "blk.*.ffn_up": "h.*.mlp.c_fc",
    "blk.*.ffn_down": "h.*.mlp.c_proj",
  },
  changes: (_, name) =>
    /^blk\.\*\.(attn_qkv|attn_output|ffn_up|ffn_down)$/.test(name) ? transposed : undefined,
  config: (keys, tensors) => {
    const {
      hidden_size,
      num_attention_heads,
      num_hidden_layers,
      intermediate_size,
      max_position_embeddings,
      ...rest
    } = sizes(keys, tensors);
    keys.expect("attention.head_count_kv", num_attention_heads as number);
    return {
      model_type: "gpt2",
      activation_function: "gelu_new",
      ...rest,
      n_embd: hidden_size!,
      n_head: num_attention_heads!,
      n_layer: num_hidden_layers!,
      n_inner: intermediate_size!,
      n_positions: max_position_embeddings!,
      layer_norm_epsilon: keys.required("attention.layer_norm_epsilon"),
    };
  },
};

export const gptneox: Architecture = {
  names: {
    token_embd: "gpt_neox.embed_in",
    output_norm: "gpt_neox.final_layer_norm",
    output: "embed_out",
    "blk.*.attn_norm": "gpt_neox.layers.*.input_layernorm",
    "blk.*.attn_qkv": "gpt_neox.layers.*.attention.query_key_value",
    "blk.*.attn_output": "gpt_neox.layers.*.attention.dense",
    "blk.*.ffn_norm": "gpt_neox.layers.*.post_attention_layernorm",
    "blk.*.ffn_up": "gpt_neox.layers.*.mlp.dense_h_to_4h",
    "blk.*.ffn_down": "gpt_neox.layers.*.mlp.dense_4h_to_h",
  },
  changes: (keys, name) =>
    name === "blk.*.attn_qkv" ? headByHead(keys.required("attention.head_count")) : undefined,
  config: (keys, tensors) => {
    const width = keys.required("embedding_length") / keys.required("attention.head_count");
    return {
      model_type: "gpt_neox",
      hidden_act: "gelu",
      ...sizes(keys, tensors),
      layer_norm_eps: keys.required("attention.layer_norm_epsilon"),
      use_parallel_residual: keys.flag("use_parallel_residual", true),
      attention_bias: tensors.has("blk.0.attn_qkv.bias"),
      ...partialRope(keys, tensors, width),
    };
  },
};

/** BERT as it embeds texts: the head that pools and those of its training are in no such file. */
export const bert: Architecture = {
  names: {
    token_embd: "embeddings.word_embeddings",
    position_embd: "embeddings.position_embeddings",
    token_types: "embeddings.token_type_embeddings",
    token_embd_norm: "embeddings.LayerNorm",
    "blk.*.attn_q": "encoder.layer.*.attention.self.query",
    "blk.*.attn_k": "encoder.layer.*.attention.self.key",
    "blk.*.attn_v": "encoder.layer.*.attention.self.value",
    "blk.*.attn_output": "encoder.layer.*.attention.output.dense",
    "blk.*.attn_output_norm": "encoder.layer.*.attention.output.LayerNorm",
    "blk.*.ffn_up": "encoder.layer.*.intermediate.dense",
    "blk.*.ffn_down": "encoder.layer.*.output.dense",
    "blk.*.layer_output_norm": "encoder.layer.*.output.LayerNorm",
  },
  config: (keys, tensors) => {
    keys.expect("attention.causal", false);
    // How a text's vector is taken of its positions' is for whoever runs the model.
    keys.ignore("pooling_type");
    return present({
      model_type: "bert",
      hidden_act: "gelu",
      ...sizes(keys, tensors),
      // No file has the head that words are tied to.
      tie_word_embeddings: true,
      layer_norm_eps: keys.required("attention.layer_norm_epsilon"),
      type_vocab_size: tensors.shape("token_types.weight")[0],
    });
  },
};
