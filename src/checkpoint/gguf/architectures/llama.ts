import type { JsonObject } from "../../json.ts";
import { halvesFromPairs } from "../changes.ts";
import type { ModelKeys } from "../keys.ts";
import type { Architecture, FileTensors } from "./architecture.ts";
import { attentionBias, heads, llamaNames, rmsEps, sizes } from "./common.ts";
import { partialRope, rope } from "./rope.ts";

/* Llama and what is shaped like it: pre-norm with RMSNorm, rotary positions, grouped heads and a gated feed-forward block. */

/** llama.cpp turns neighbouring channels in these, so that the rows of q and k were put in pairs. */
export function inPairs(keys: ModelKeys, name: string): ReturnType<typeof halvesFromPairs> | undefined {
  const count = keys.required("attention.head_count");
  if (name === "blk.*.attn_q") return halvesFromPairs(count);
  return name === "blk.*.attn_k" ? halvesFromPairs(keys.number("attention.head_count_kv", count)) : undefined;
}

/** A block that SiLU gates, grouped heads, and how they turn; for families whose configs leave out the width of a head. */
export function gated(keys: ModelKeys, tensors: FileTensors): JsonObject {
  const { num_key_value_heads, head_dim } = heads(keys);
  return {
    hidden_act: "silu",
    ...sizes(keys, tensors),
    num_key_value_heads: num_key_value_heads!,
    ...rope(keys, tensors, head_dim),
  };
}

/** Llama, and Mistral, whose files say so no more; with experts it is Mixtral. */
export const llama: Architecture = {
  names: {
    ...llamaNames,
    "blk.*.ffn_gate_inp": "model.layers.*.block_sparse_moe.gate",
    "blk.*.ffn_gate_exps": "model.layers.*.block_sparse_moe.experts.*.w1",
    "blk.*.ffn_up_exps": "model.layers.*.block_sparse_moe.experts.*.w3",
    "blk.*.ffn_down_exps": "model.layers.*.block_sparse_moe.experts.*.w2",
  },
  changes: inPairs,
  config: (keys, tensors) => {
    const head = heads(keys);
    if (keys.number("expert_count", 0) > 0)
      return {
        model_type: "mixtral",
        hidden_act: "silu",
        ...sizes(keys, tensors),
        ...head,
        ...rmsEps(keys),
        ...rope(keys, tensors, head["head_dim"]),
        ...attentionBias(tensors),
        num_local_experts: keys.required("expert_count"),
        num_experts_per_tok: keys.required("expert_used_count"),
      };
    return {
      model_type: "llama",
      hidden_act: "silu",
      ...sizes(keys, tensors),
      ...head,
      ...rmsEps(keys),
      ...rope(keys, tensors, head["head_dim"]),
      ...attentionBias(tensors),
      mlp_bias: tensors.has("blk.0.ffn_up.bias"),
    };
  },
};

export const qwen2: Architecture = {
  names: llamaNames,
  config: (keys, tensors) => ({
    model_type: "qwen2",
    ...gated(keys, tensors),
    ...rmsEps(keys),
    use_sliding_window: false,
  }),
};

export const qwen3: Architecture = {
  names: llamaNames,
  config: (keys, tensors) => {
    const head = heads(keys);
    return {
      model_type: "qwen3",
      hidden_act: "silu",
      ...sizes(keys, tensors),
      ...head,
      ...rmsEps(keys),
      ...rope(keys, tensors, head["head_dim"]),
      ...attentionBias(tensors),
      use_sliding_window: false,
    };
  },
};

export const olmo2: Architecture = {
  names: {
    ...llamaNames,
    "blk.*.post_attention_norm": "model.layers.*.post_attention_layernorm",
    "blk.*.post_ffw_norm": "model.layers.*.post_feedforward_layernorm",
  },
  config: (keys, tensors) => {
    const head = heads(keys);
    return {
      model_type: "olmo2",
      hidden_act: "silu",
      ...sizes(keys, tensors),
      ...head,
      ...rmsEps(keys),
      ...rope(keys, tensors, head["head_dim"]),
      ...attentionBias(tensors),
    };
  },
};

/** Llama with four multipliers. */
export const granite: Architecture = {
  names: llamaNames,
  changes: inPairs,
  config: (keys, tensors) => ({
    model_type: "granite",
    ...gated(keys, tensors),
    ...rmsEps(keys),
    attention_multiplier: keys.number("attention.scale", 1),
    embedding_multiplier: keys.number("embedding_scale", 1),
    residual_multiplier: keys.number("residual_scale", 1),
    logits_scaling: keys.number("logit_scale", 1),
    ...attentionBias(tensors),
    mlp_bias: tensors.has("blk.0.ffn_up.bias"),
  }),
};

/** Cohere's Command R: one norm a layer, attention and feed-forward block beside one another. */
export const commandR: Architecture = {
  names: llamaNames,
  config: (keys, tensors) => ({
    model_type: "cohere",
    ...gated(keys, tensors),
    layer_norm_eps: keys.required("attention.layer_norm_epsilon"),
    logit_scale: keys.required("logit_scale"),
    use_qk_norm: tensors.has("blk.0.attn_q_norm.weight"),
    ...attentionBias(tensors),
  }),
};

/** Phi 3: q, k and v are one matrix, gate and up another. */
export const phi3: Architecture = {
  names: {
    ...llamaNames,
    "blk.*.attn_qkv": "model.layers.*.self_attn.qkv_proj",
    "blk.*.ffn_up": "model.layers.*.mlp.gate_up_proj",
  },
  config: (keys, tensors) => {
    const { num_key_value_heads, head_dim } = heads(keys);
    const window = keys.number("attention.sliding_window", 0);
    return {
      model_type: "phi3",
      hidden_act: "silu",
      ...sizes(keys, tensors),
      num_key_value_heads: num_key_value_heads!,
      ...rmsEps(keys),
      ...partialRope(keys, tensors, head_dim as number),
      original_max_position_embeddings: keys.number(
        "rope.scaling.original_context_length",
        keys.required("context_length"),
      ),
      sliding_window: window === 0 ? null : window,
    };
  },
};
