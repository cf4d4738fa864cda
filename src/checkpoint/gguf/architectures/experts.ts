import type { JsonObject } from "../../json.ts";
import { joinMatrices } from "../../joined-matrices.ts";
import { transposed } from "../changes.ts";
import { present, type ModelKeys } from "../keys.ts";
import type { Architecture, FileTensors, Join } from "./architecture.ts";
import { attentionBias, heads, llamaNames, rmsEps, sizes } from "./common.ts";
import { gated, inPairs } from "./llama.ts";
import { rope, ropeParameters } from "./rope.ts";

/* Layers of experts, of which a file has one tensor for all gates, one for what they gate and one for what follows. */

/** Names of the experts of Qwen and of those after it. */
export const expertNames: Architecture["names"] = {
  ...llamaNames,
  "blk.*.ffn_gate_inp": "model.layers.*.mlp.gate",
  "blk.*.ffn_gate_exps": "model.layers.*.mlp.experts.*.gate_proj",
  "blk.*.ffn_up_exps": "model.layers.*.mlp.experts.*.up_proj",
  "blk.*.ffn_down_exps": "model.layers.*.mlp.experts.*.down_proj",
};

/** How many experts there are, and how many each token takes. */
export const expertCounts = (keys: ModelKeys, count: string): JsonObject => ({
  [count]: keys.required("expert_count"),
  num_experts_per_tok: keys.required("expert_used_count"),
});

/** Layers without a router have a block as wide as `intermediate_size`; no key says which they are. */
const denseLayers = (keys: ModelKeys, tensors: FileTensors): JsonObject => ({
  decoder_sparse_step: 1,
  mlp_only_layers: Array.from({ length: keys.layers() }, (_, layer) => layer).filter(
    (layer) => !tensors.has(`blk.${layer}.ffn_gate_inp.weight`),
  ),
});

/** Shares are left as they are in llama.cpp, and in all that is published. */
export const qwen2moe: Architecture = {
  names: {
    ...expertNames,
    "blk.*.ffn_gate_inp_shexp": "model.layers.*.mlp.shared_expert_gate",
    "blk.*.ffn_gate_shexp": "model.layers.*.mlp.shared_expert.gate_proj",
    "blk.*.ffn_up_shexp": "model.layers.*.mlp.shared_expert.up_proj",
    "blk.*.ffn_down_shexp": "model.layers.*.mlp.shared_expert.down_proj",
  },
  config: (keys, tensors) => ({
    model_type: "qwen2_moe",
    ...gated(keys, tensors),
    ...rmsEps(keys),
    ...expertCounts(keys, "num_experts"),
    ...denseLayers(keys, tensors),
    moe_intermediate_size: keys.required("expert_feed_forward_length"),
    shared_expert_intermediate_size: keys.required("expert_shared_feed_forward_length"),
    norm_topk_prob: false,
    qkv_bias: tensors.has("blk.0.attn_q.bias"),
    use_sliding_window: false,
  }),
};

/** Shares are made to add up to 1 in llama.cpp, and in all that is published. */
export const qwen3moe: Architecture = {
  names: expertNames,
  config: (keys, tensors) => {
    const head = heads(keys);
    return {
      model_type: "qwen3_moe",
      hidden_act: "silu",
      ...sizes(keys, tensors),
      ...head,
      ...rmsEps(keys),
      ...rope(keys, tensors, head["head_dim"]),
      ...expertCounts(keys, "num_experts"),
      ...denseLayers(keys, tensors),
      moe_intermediate_size: keys.required("expert_feed_forward_length"),
      norm_topk_prob: true,
      ...attentionBias(tensors),
    };
  },
};

/** Shares are left as they are in llama.cpp, which cuts no q, k and v, and in all that is published. */
export const olmoe: Architecture = {
  names: expertNames,
  config: (keys, tensors) => ({
    model_type: "olmoe",
    ...gated(keys, tensors),
    ...rmsEps(keys),
    ...expertCounts(keys, "num_experts"),
    norm_topk_prob: false,
    ...attentionBias(tensors),
  }),
};

/** Gate and up of an expert are one matrix, all of the gate before all of what it gates. */
export const granitemoe: Architecture = {
  names: {
    ...llamaNames,
    "blk.*.ffn_gate_inp": "model.layers.*.block_sparse_moe.router.layer",
    "blk.*.ffn_down_exps": "model.layers.*.block_sparse_moe.output_linear",
    "blk.*.ffn_down_shexp": "model.layers.*.shared_mlp.output_linear",
  },
  joins: [
    {
      parts: ["blk.*.ffn_gate_exps.weight", "blk.*.ffn_up_exps.weight"],
      to: "model.layers.*.block_sparse_moe.input_linear.weight",
      join: joinMatrices,
    },
    {
      parts: ["blk.*.ffn_gate_shexp.weight", "blk.*.ffn_up_shexp.weight"],
      to: "model.layers.*.shared_mlp.input_linear.weight",
      join: joinMatrices,
    },
  ],
  changes: inPairs,
  config: (keys, tensors) => {
    const shared = keys.number("expert_shared_feed_forward_length", undefined);
    return present({
      model_type: shared === undefined ? "granitemoe" : "granitemoeshared",
      ...gated(keys, tensors),
      ...rmsEps(keys),
      ...expertCounts(keys, "num_local_experts"),
      shared_intermediate_size: shared,
      attention_multiplier: keys.number("attention.scale", 1),
      embedding_multiplier: keys.number("embedding_scale", 1),
      residual_multiplier: keys.number("residual_scale", 1),
      logits_scaling: keys.number("logit_scale", 1),
      ...attentionBias(tensors),
    });
  },
};

/** Gate and up, published [in, out] with a column of each beside that of the other. */
const alternating = (end: string, join: Join["join"]): Join => ({
  parts: [`blk.*.ffn_gate_exps${end}`, `blk.*.ffn_up_exps${end}`],
  to: `model.layers.*.mlp.experts.gate_up_proj${end === ".bias" ? "_bias" : ""}`,
  join,
});

export const gptOss: Architecture = {
  names: {
    ...llamaNames,
    "blk.*.attn_sinks.weight": "model.layers.*.self_attn.sinks",
    "blk.*.post_attention_norm": "model.layers.*.post_attention_layernorm",
    "blk.*.ffn_gate_inp": "model.layers.*.mlp.router",
    "blk.*.ffn_down_exps.weight": "model.layers.*.mlp.experts.down_proj",
    "blk.*.ffn_down_exps.bias": "model.layers.*.mlp.experts.down_proj_bias",
  },
  joins: [
    alternating(".weight", (parts) => {
      const rows = joinMatrices(parts, { isAlternating: true });
      return rows && transposed(rows);
    }),
    alternating(".bias", (parts) => joinMatrices(parts, { axes: 1, isAlternating: true })),
  ],
  changes: (_, name) => (name === "blk.*.ffn_down_exps.weight" ? transposed : undefined),
  config: (keys, tensors) => {
    const head = heads(keys);
    keys.expect("rope.dimension_count", head["head_dim"] as number);
    return {
      model_type: "gpt_oss",
      hidden_act: "silu",
      ...sizes(keys, tensors),
      ...head,
      ...rmsEps(keys),
      // llama.cpp cuts no bounds of YaRN to whole channels, as the published configs ask.
      rope_parameters: { ...ropeParameters(keys, tensors, head["head_dim"] as number), truncate: false },
      intermediate_size: keys.required("expert_feed_forward_length"),
      ...expertCounts(keys, "num_local_experts"),
      sliding_window: keys.required("attention.sliding_window"),
      // Every other layer has a window, from the first.
      layer_types: Array.from({ length: keys.layers() }, (_, layer) =>
        layer % 2 === 0 ? "sliding_attention" : "full_attention",
      ),
      ...attentionBias(tensors),
    };
  },
};
