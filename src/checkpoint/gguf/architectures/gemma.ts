import type { JsonObject } from "../../json.ts";
import { withoutOne } from "../changes.ts";
import { present, type ModelKeys } from "../keys.ts";
import type { Architecture, FileTensors } from "./architecture.ts";
import { heads, llamaNames, rmsEps, sizes } from "./common.ts";
import { rope, ropeParameters } from "./rope.ts";

/* Gemma: norms multiply by 1 + w, which the converter stores. */

const normOffset: Architecture["changes"] = (_, name) => (name.endsWith("norm") ? withoutOne : undefined);

const sandwichNames: Architecture["names"] = {
  ...llamaNames,
  "blk.*.post_attention_norm": "model.layers.*.post_attention_layernorm",
  "blk.*.ffn_norm": "model.layers.*.pre_feedforward_layernorm",
  "blk.*.post_ffw_norm": "model.layers.*.post_feedforward_layernorm",
};

const shape = (keys: ModelKeys, tensors: FileTensors): JsonObject => ({
  hidden_activation: "gelu_pytorch_tanh",
  ...sizes(keys, tensors),
  ...heads(keys),
  ...rmsEps(keys),
  attention_bias: false,
});

export const gemma: Architecture = {
  names: llamaNames,
  changes: normOffset,
  config: (keys, tensors) => ({
    model_type: "gemma",
    ...shape(keys, tensors),
    ...rope(keys, tensors, heads(keys)["head_dim"]),
  }),
};

/**
 * The file says neither what queries are divided by, which is the width of a head but in the 27B (llama.cpp tells it by its 46
 * layers), nor which layers have a window: every other, from the first.
 */
export const gemma2: Architecture = {
  names: sandwichNames,
  changes: normOffset,
  config: (keys, tensors) => {
    const { head_dim } = heads(keys);
    const depth = keys.layers();
    const isLargest = depth === 46;
    return {
      model_type: "gemma2",
      ...shape(keys, tensors),
      ...rope(keys, tensors, head_dim),
      attn_logit_softcapping: keys.number("attn_logit_softcapping", 50),
      final_logit_softcapping: keys.number("final_logit_softcapping", 30),
      sliding_window: keys.number("attention.sliding_window", 4096),
      query_pre_attn_scalar: isLargest
        ? keys.required("embedding_length") / keys.required("attention.head_count")
        : head_dim!,
      layer_types: kinds(depth, 2),
    };
  },
};

/** The largest alone divides queries by the width of the model over the heads; the file does not say it. */
const LARGEST_GEMMA3 = 62;

/** Layers with a window turn by a base of their own, which files of older converters leave out. */
const LOCAL_THETA = 10_000;

export const gemma3: Architecture = {
  names: sandwichNames,
  changes: normOffset,
  config: (keys, tensors) => {
    const { head_dim } = heads(keys);
    const depth = keys.layers();
    const local = keys.number("rope.freq_base_swa", LOCAL_THETA);
    keys.expect("rope.dimension_count", head_dim as number);
    return present({
      model_type: "gemma3_text",
      ...shape(keys, tensors),
      rope_parameters: {
        full_attention: ropeParameters(keys, tensors, head_dim as number),
        sliding_attention: { rope_type: "default", rope_theta: local },
      },
      final_logit_softcapping: keys.number("final_logit_softcapping", undefined),
      sliding_window: keys.required("attention.sliding_window"),
      query_pre_attn_scalar:
        depth === LARGEST_GEMMA3
          ? keys.required("embedding_length") / keys.required("attention.head_count")
          : head_dim,
      layer_types: kinds(depth, 6),
    });
  },
};

/** All layers have a window but each `period`th. */
const kinds = (depth: number, period: number): readonly string[] =>
  Array.from({ length: depth }, (_, layer) =>
    (layer + 1) % period === 0 ? "full_attention" : "sliding_attention",
  );
