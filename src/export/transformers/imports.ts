import { append } from "../../support/lists.ts";

/** What a file imports of all that its texts may name. */
export function imports(body: string): readonly string[] {
  const uses = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(body);
  const from = (module: string, names: readonly string[]): readonly string[] => {
    const used = names.filter(uses);
    return used.length === 0 ? [] : [`from ${module} import ${used.join(", ")}`];
  };
  const lines: string[] = [];
  if (uses("math")) append(lines, ["import math"]);
  append(lines, ["import re"]);
  if (uses("dataclass")) append(lines, ["from dataclasses import dataclass"]);
  if (uses("ClassVar")) append(lines, ["from typing import ClassVar"]);
  return [
    ...lines,
    ...(lines.length === 0 ? [] : [""]),
    "import torch",
    ...(/\bF\./.test(body) ? ["import torch.nn.functional as F"] : []),
    "from torch import nn",
    ...from("transformers", ["GenerationMixin", "PreTrainedConfig", "PreTrainedModel"]),
    "from transformers import initialization as init",
    ...from("transformers.cache_utils", ["DynamicCache"]),
    ...from("transformers.masking_utils", [
      "create_bidirectional_mask",
      "create_causal_mask",
      "create_sliding_window_causal_mask",
    ]),
    ...from("transformers.modeling_layers", ["GradientCheckpointingLayer"]),
    ...from("transformers.modeling_outputs", [
      "BaseModelOutput",
      "BaseModelOutputWithPast",
      "BaseModelOutputWithPooling",
      "BaseModelOutputWithPoolingAndCrossAttentions",
      "CausalLMOutputWithPast",
      "MaskedLMOutput",
      "SequenceClassifierOutput",
      "TokenClassifierOutput",
    ]),
    ...from("transformers.modeling_utils", ["ALL_ATTENTION_FUNCTIONS"]),
    ...from("transformers.utils", ["ModelOutput"]),
    ...from("transformers.utils.deprecation", ["deprecate_kwarg"]),
    ...from("transformers.utils.generic", ["can_return_tuple", "merge_with_config_defaults"]),
    ...from("transformers.utils.output_capturing", ["capture_outputs"]),
  ];
}
