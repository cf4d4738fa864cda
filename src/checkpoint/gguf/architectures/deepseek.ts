import type { JsonObject } from "../../json.ts";
import { joinMatrices } from "../../joined-matrices.ts";
import type { CheckpointTensor } from "../../match.ts";
import { transposed } from "../changes.ts";
import { present, type ModelKeys } from "../keys.ts";
import type { Architecture, FileTensors } from "./architecture.ts";
import { expertCounts, expertNames } from "./experts.ts";
import { rmsEps, sizes } from "./common.ts";
import { ropeParameters } from "./rope.ts";

/*
 * DeepSeek V2 and V3: latent attention, of whose last product the file has the part of keys transposed, [H, rank, nope], and that of
 * values apart, [H, v, rank], as decoding from the latent rows wants them.
 */

/** llama.h, `llama_expert_gating_func_type`. */
const [SOFTMAX, SIGMOID] = [1, 2];

/** From [H, rank, nope] and [H, v, rank], [H · (nope + v), rank]. */
function keysAndValues([k, v]: readonly CheckpointTensor[]): CheckpointTensor | undefined {
  const joined = joinMatrices([transposed(k!), v!]);
  const [heads, rows, rank] = joined?.shape ?? [];
  if (joined === undefined || rank === undefined) return undefined;
  const shape = [heads! * rows!, rank];
  return { ...joined, shape, read: () => ({ ...joined.read(), shape }) };
}

export const deepseek2: Architecture = {
  names: {
    ...expertNames,
    "blk.*.attn_q_a": "model.layers.*.self_attn.q_a_proj",
    "blk.*.attn_q_a_norm": "model.layers.*.self_attn.q_a_layernorm",
    "blk.*.attn_q_b": "model.layers.*.self_attn.q_b_proj",
    "blk.*.attn_kv_a_mqa": "model.layers.*.self_attn.kv_a_proj_with_mqa",
    "blk.*.attn_kv_a_norm": "model.layers.*.self_attn.kv_a_layernorm",
    "blk.*.ffn_gate_shexp": "model.layers.*.mlp.shared_experts.gate_proj",
    "blk.*.ffn_up_shexp": "model.layers.*.mlp.shared_experts.up_proj",
    "blk.*.ffn_down_shexp": "model.layers.*.mlp.shared_experts.down_proj",
    "blk.*.exp_probs_b.bias": "model.layers.*.mlp.gate.e_score_correction_bias",
  },
  joins: [
    {
      parts: ["blk.*.attn_k_b.weight", "blk.*.attn_v_b.weight"],
      to: "model.layers.*.self_attn.kv_b_proj.weight",
      join: keysAndValues,
    },
  ],
  config: (keys, tensors) => {
    // Of the latent rows, which are one head to all; those of each head are called `mla`.
    keys.expect("attention.head_count_kv", 1);
    const rank = keys.required("attention.kv_lora_rank");
    const turned = keys.required("rope.dimension_count");
    keys.expect("attention.key_length", rank + turned);
    keys.expect("attention.value_length", rank);
    return present({
      hidden_act: "silu",
      ...sizes(keys, tensors),
      ...rmsEps(keys),
      num_key_value_heads: keys.required("attention.head_count"),
      q_lora_rank: keys.number("attention.q_lora_rank", null),
      kv_lora_rank: rank,
      qk_nope_head_dim: keys.required("attention.key_length_mla") - turned,
      qk_rope_head_dim: turned,
      v_head_dim: keys.required("attention.value_length_mla"),
      rope_parameters: stretched(keys, tensors, turned),
      ...expertCounts(keys, "n_routed_experts"),
      n_shared_experts: keys.required("expert_shared_count"),
      moe_intermediate_size: keys.required("expert_feed_forward_length"),
      first_k_dense_replace: keys.required("leading_dense_block_count"),
      routed_scaling_factor: keys.number("expert_weights_scale", 1),
      ...choice(keys),
    });
  },
};

/** V3 chooses by a sigmoid, V2 by a softmax: a file that says nothing is of the latter. */
function choice(keys: ModelKeys): JsonObject {
  const scores = keys.number("expert_gating_func", SOFTMAX);
  const groups = keys.number("expert_group_count", 1);
  const kept = keys.number("expert_group_used_count", 1);
  if (scores === SIGMOID)
    return {
      model_type: "deepseek_v3",
      n_group: groups,
      topk_group: kept,
      norm_topk_prob: keys.flag("expert_weights_norm", false),
    };
  keys.expect("expert_gating_func", SOFTMAX);
  keys.expect("expert_weights_norm", false);
  return {
    model_type: "deepseek_v2",
    ...(groups > 1
      ? { topk_method: "group_limited_greedy", n_group: groups, topk_group: kept }
      : { topk_method: "greedy" }),
  };
}

/** The file has a tenth of `mscale_all_dim`; `mscale` is the same in all that is published, as llama.cpp takes it. */
function stretched(keys: ModelKeys, tensors: FileTensors, turned: number): JsonObject {
  const parameters = ropeParameters(keys, tensors, turned);
  const tenth = keys.number("rope.scaling.yarn_log_multiplier", undefined);
  if (tenth === undefined) return parameters;
  const mscale = Number((10 * tenth).toPrecision(7));
  return { ...parameters, mscale, mscale_all_dim: mscale };
}
