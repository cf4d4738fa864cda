"""torch/rope: every rope type of transformers, with each of its parameters off its default."""

import torch
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama import modeling_llama as llama

from cases import Group
from common import generator

NEAR, FAR = list(range(7)), list(range(0, 80, 9))

# Lengths of published models are thousands; these are small, so that the positions reach beyond them.
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 512}
LONG = {"rope_type": "longrope", "original_max_position_embeddings": 16,
        "short_factor": [1.0, 1.1, 1.3, 1.7, 2.0], "long_factor": [1.2, 2.0, 3.5, 6.0, 9.5]}
PROPORTIONAL = {"rope_type": "proportional", "partial_rotary_factor": 0.3}

# name: width of a head, max_position_embeddings, positions, rope_parameters
CASES = {
    "default": (10, 64, FAR, {"rope_type": "default"}),
    "default_theta": (14, 64, FAR, {"rope_type": "default", "rope_theta": 333.0}),
    "default_partial": (14, 64, FAR, {"rope_type": "default", "partial_rotary_factor": 0.6}),
    "linear": (10, 64, FAR, {"rope_type": "linear", "factor": 2.5}),
    "linear_partial": (18, 64, FAR, {"rope_type": "linear", "factor": 3.0, "partial_rotary_factor": 0.67}),
    "dynamic_within": (10, 16, NEAR, {"rope_type": "dynamic", "factor": 2.0}),
    "dynamic_at": (10, 73, FAR, {"rope_type": "dynamic", "factor": 2.0}),
    "dynamic_beyond": (10, 16, FAR, {"rope_type": "dynamic", "factor": 1.7, "rope_theta": 5000.0}),
    "dynamic_original": (10, 40, FAR, {"rope_type": "dynamic", "factor": 2.0, "original_max_position_embeddings": 16}),
    "dynamic_partial": (18, 16, FAR, {"rope_type": "dynamic", "factor": 2.0, "partial_rotary_factor": 0.67}),
    "yarn": (18, 256, FAR, YARN),
    "yarn_theta": (14, 256, FAR, YARN | {"rope_theta": 777.0}),
    "yarn_factor_of_lengths": (18, 352, FAR, YARN | {"factor": None}),
    "yarn_original_left_off": (18, 48, FAR, {"rope_type": "yarn", "factor": 3.0}),
    "yarn_attention_factor": (18, 256, FAR, YARN | {"attention_factor": 0.8}),
    "yarn_no_attention": (18, 256, FAR, YARN | {"attention_factor": 0.0}),
    "yarn_attention_factor_beside_mscales": (18, 256, FAR, YARN | {"attention_factor": 1.3, "mscale": 0.7, "mscale_all_dim": 1.2}),
    "yarn_mscales": (18, 256, FAR, YARN | {"mscale": 0.7, "mscale_all_dim": 1.2}),
    "yarn_mscale_alone": (18, 256, FAR, YARN | {"mscale": 0.7}),
    "yarn_mscale_all_dim_alone": (18, 256, FAR, YARN | {"mscale_all_dim": 1.2}),
    "yarn_mscale_of_0": (18, 256, FAR, YARN | {"mscale": 0.0, "mscale_all_dim": 1.2}),
    "yarn_factor_1": (18, 64, FAR, YARN | {"factor": 1.0, "mscale": 0.7, "mscale_all_dim": 1.2}),
    "yarn_betas": (18, 256, FAR, YARN | {"beta_fast": 5.0, "beta_slow": 0.25}),
    "yarn_beta_fast": (18, 256, FAR, YARN | {"beta_fast": 3.0}),
    "yarn_beta_slow": (18, 256, FAR, YARN | {"beta_slow": 2.5}),
    "yarn_untruncated": (18, 256, FAR, YARN | {"truncate": False}),
    "yarn_untruncated_betas": (14, 256, FAR, YARN | {"truncate": False, "beta_fast": 4.5, "beta_slow": 0.7}),
    "yarn_one_point_ramp": (18, 256, FAR, YARN | {"truncate": False, "beta_fast": 2.0, "beta_slow": 2.0}),
    "yarn_partial": (26, 256, FAR, YARN | {"partial_rotary_factor": 0.7}),
    "llama3": (10, 4096, FAR, LLAMA3),
    "llama3_factors": (14, 4096, FAR, LLAMA3 | {"factor": 5.0, "low_freq_factor": 2.0, "high_freq_factor": 9.0}),
    "llama3_original": (14, 4096, FAR, LLAMA3 | {"original_max_position_embeddings": 48, "rope_theta": 300.0}),
    "llama3_original_left_off": (14, 640, FAR, {k: v for k, v in LLAMA3.items() if not k.startswith("original")}),
    "llama3_partial": (26, 4096, FAR, LLAMA3 | {"partial_rotary_factor": 0.7}),
    "longrope_within": (10, 64, NEAR, LONG | {"factor": 4.0}),
    "longrope_at": (10, 64, FAR, LONG | {"factor": 4.0, "original_max_position_embeddings": 73}),
    "longrope_beyond": (10, 64, FAR, LONG | {"factor": 4.0, "rope_theta": 800.0}),
    "longrope_factor_of_lengths": (10, 48, FAR, LONG),
    "longrope_shorter": (10, 12, FAR, LONG),
    "longrope_attention_factor": (10, 64, FAR, LONG | {"attention_factor": 0.9}),
    "longrope_attention_factor_beside_factor": (10, 64, NEAR, LONG | {"attention_factor": 0.9, "factor": 4.0}),
    "longrope_partial": (16, 64, FAR, LONG | {"factor": 4.0, "partial_rotary_factor": 0.63}),
    "proportional": (14, 64, FAR, PROPORTIONAL),
    "proportional_factor": (18, 64, FAR, PROPORTIONAL | {"factor": 2.5, "partial_rotary_factor": 0.5}),
    "proportional_whole": (10, 64, FAR, {"rope_type": "proportional"}),
}

assert set(ROPE_INIT_FUNCTIONS) == {case[3]["rope_type"] for case in CASES.values()} - {"default"}, "a type has no case"


def embedding(config, partial):
    """Llama's, which reads the default type without `partial_rotary_factor`: that one follows the others here."""
    rotary = llama.LlamaRotaryEmbedding(config)
    if config.rope_parameters["rope_type"] == "default" and partial is not None:
        width = int(config.head_dim * partial)
        base = config.rope_parameters["rope_theta"]
        rotary.inv_freq = 1.0 / base ** (torch.arange(0, width, 2, dtype=torch.float) / width)
    return rotary


def turn(config, partial):
    """A case function: the first channels of q turn as `apply_rotary_pos_emb` has it, the others stay."""
    def run(t):
        rotary = embedding(config, partial)
        cos, sin = rotary(t["q"], t["positions"][None])
        width = cos.shape[-1]
        turned, _ = llama.apply_rotary_pos_emb(t["q"][..., :width], t["q"][..., :width], cos, sin)
        return {"y": torch.cat([turned, t["q"][..., width:]], -1), "inv_freq": rotary.inv_freq.clone(),
                "attention_factor": torch.tensor(rotary.attention_scaling, dtype=torch.float)}
    return run


def make():
    group = Group("rope")
    g = generator(2201)
    for name, (head_dim, longest, positions, given) in CASES.items():
        parameters = {"rope_theta": 10000.0} | given
        config = LlamaConfig(hidden_size=2 * head_dim, num_attention_heads=2, head_dim=head_dim,
                             max_position_embeddings=longest, rope_parameters=dict(parameters))
        inputs = {"q": torch.randn(1, 2, len(positions), head_dim, generator=g), "positions": torch.tensor(positions)}
        group.add(name, parameters["rope_type"], turn(config, parameters.get("partial_rotary_factor")), inputs,
                  {"max_position_embeddings": longest, "rope_parameters": parameters}, gradients=False)
    group.write()
