"""More checkpoints of the same families, hf/<family>_<what>, whose configs use the keys that published ones rarely do."""

import transformers

from hf_checkpoint import write_checkpoint

SMALL = dict(vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
             max_position_embeddings=32, bos_token_id=1, eos_token_id=2, pad_token_id=0)
GROUPED = SMALL | dict(num_key_value_heads=2)
OLD_NAMES = dict(vocab_size=40, n_positions=32, n_embd=16, n_layer=2, n_head=2, bos_token_id=1, eos_token_id=2)

YARN = {"rope_type": "yarn", "rope_theta": 500.0, "factor": 4.0, "original_max_position_embeddings": 24}
LONGROPE = {"rope_type": "longrope", "rope_theta": 10000.0, "original_max_position_embeddings": 8,
            "short_factor": [1.0, 1.5], "long_factor": [1.2, 4.0]}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 500.0, "factor": 8.0, "low_freq_factor": 1.5, "high_freq_factor": 6.0,
          "original_max_position_embeddings": 24}


def rope(kind, **parameters):
    return {"rope_type": kind, "rope_theta": 10000.0} | parameters


# Name: class of the model, config, what is in no published file of the family.
CHECKPOINTS = {
    "bert_relu": ("BertForPreTraining", transformers.BertConfig(**SMALL | dict(
        hidden_act="relu", layer_norm_eps=1e-2, type_vocab_size=3, hidden_dropout_prob=0.0)),
        "ReLU in the layers and in the head, a large eps, three types of tokens"),
    "bert_untied": ("BertForPreTraining", transformers.BertConfig(**SMALL | dict(
        hidden_act="gelu_new", tie_word_embeddings=False)),
        "the tanh GELU, a head of its own"),
    "gpt2_inverse": ("GPT2LMHeadModel", transformers.GPT2Config(**OLD_NAMES | dict(
        scale_attn_by_inverse_layer_idx=True, n_inner=20, activation_function="relu", layer_norm_epsilon=1e-2)),
        "scores divided by the number of the layer, a width of the feed-forward block of its own"),
    "gpt2_unscaled": ("GPT2LMHeadModel", transformers.GPT2Config(**OLD_NAMES | dict(
        scale_attn_weights=False, reorder_and_upcast_attn=True, activation_function="gelu", tie_word_embeddings=False)),
        "scores that are not scaled, computed in another order, the exact GELU, a head of its own"),
    "gpt2_unscaled_inverse": ("GPT2LMHeadModel", transformers.GPT2Config(**OLD_NAMES | dict(
        scale_attn_weights=False, scale_attn_by_inverse_layer_idx=True, activation_function="silu")),
        "scores divided by the number of the layer and by nothing else"),
    "gptj_inner": ("GPTJForCausalLM", transformers.GPTJConfig(**OLD_NAMES | dict(
        n_inner=20, activation_function="gelu", rotary_dim=8, layer_norm_epsilon=1e-2)),
        "all channels of a head turn, the exact GELU, a width of the feed-forward block of its own"),
    "gptj_tied": ("GPTJForCausalLM", transformers.GPTJConfig(**OLD_NAMES | dict(
        tie_word_embeddings=True, activation_function="relu", rotary_dim=2)),
        "a tied head, which keeps its bias"),
    "neox_sequential": ("GPTNeoXForCausalLM", transformers.GPTNeoXConfig(**SMALL | dict(
        num_attention_heads=2, use_parallel_residual=False, attention_bias=False, hidden_act="gelu_fast",
        rope_parameters=rope("default", rope_theta=500.0, partial_rotary_factor=0.5))),
        "attention, then the feed-forward block; attention without biases"),
    "neox_yarn": ("GPTNeoXForCausalLM", transformers.GPTNeoXConfig(**SMALL | dict(
        num_attention_heads=2, hidden_act="relu", layer_norm_eps=1e-2, tie_word_embeddings=True,
        rope_parameters=YARN | dict(partial_rotary_factor=1.0, attention_factor=1.4))),
        "a tied head, all channels turn, by YaRN"),
    "llama_biases": ("LlamaForCausalLM", transformers.LlamaConfig(**GROUPED | dict(
        attention_bias=True, mlp_bias=True, head_dim=6, hidden_act="gelu", rms_norm_eps=1e-2,
        rope_parameters=rope("linear", factor=3.0))),
        "biases everywhere, heads whose width is no part of the model's, the exact GELU, linear scaling"),
    "llama_yarn": ("LlamaForCausalLM", transformers.LlamaConfig(**SMALL | dict(
        head_dim=16, rope_parameters=YARN | dict(
            rope_theta=10000.0, mscale=0.7, mscale_all_dim=1.3, beta_fast=2.0, beta_slow=0.3, truncate=False))),
        "YaRN with each of its keys"),
    "llama_dynamic": ("LlamaForCausalLM", transformers.LlamaConfig(**SMALL | dict(
        max_position_embeddings=8, hidden_act="relu", tie_word_embeddings=True,
        rope_parameters=rope("dynamic", factor=2.0))),
        "dynamic scaling: case0 is within its length, case1 is not"),
    "llama_longrope": ("LlamaForCausalLM", transformers.LlamaConfig(**SMALL | dict(
        rope_parameters=LONGROPE)),
        "longrope, whose factor is that of the lengths: case0 is short, case1 long"),
    "mistral_window": ("MistralForCausalLM", transformers.MistralConfig(**GROUPED | dict(
        sliding_window=4, head_dim=6, rope_parameters=rope("default", rope_theta=500.0))),
        "a window that is shorter than the texts"),
    "mistral_yarn": ("MistralForCausalLM", transformers.MistralConfig(**GROUPED | dict(
        sliding_window=None, head_dim=8, hidden_act="gelu_pytorch_tanh", tie_word_embeddings=True, rope_parameters=YARN)),
        "no window, the tanh GELU, a tied head, YaRN with its own attention factor"),
    "qwen3_windows": ("Qwen3ForCausalLM", transformers.Qwen3Config(**GROUPED | dict(
        head_dim=6, use_sliding_window=True, sliding_window=4, max_window_layers=1, attention_bias=True,
        rope_parameters=rope("default", rope_theta=500.0))),
        "a window from the second layer on, biases of attention"),
    "qwen3_kinds": ("Qwen3ForCausalLM", transformers.Qwen3Config(**GROUPED | dict(
        num_hidden_layers=3, head_dim=4, use_sliding_window=True, sliding_window=3, hidden_act="relu",
        layer_types=["sliding_attention", "full_attention", "sliding_attention"], rope_parameters=rope("dynamic", factor=4.0),
        max_position_embeddings=8)),
        "kinds of layers that max_window_layers does not imply"),
    "qwen3_yarn": ("Qwen3ForCausalLM", transformers.Qwen3Config(**GROUPED | dict(
        head_dim=8, tie_word_embeddings=True, rms_norm_eps=1e-2, rope_parameters=YARN | dict(attention_factor=0.6))),
        "YaRN as its makers tell users to write it, and an attention factor"),
    "olmo2_biases": ("Olmo2ForCausalLM", transformers.Olmo2Config(**GROUPED | dict(
        attention_bias=True, hidden_act="gelu", rms_norm_eps=1e-2, head_dim=6, rope_parameters=LLAMA3)),
        "biases of attention, heads whose width is no part of the model's, the scaling of Llama 3"),
    "olmo2_tied": ("Olmo2ForCausalLM", transformers.Olmo2Config(**SMALL | dict(
        tie_word_embeddings=True, hidden_act="relu", num_attention_heads=2, rope_parameters=YARN | dict(rope_theta=300.0, beta_slow=0.3))),
        "a tied head, YaRN"),
    "gemma2_uncapped": ("Gemma2ForCausalLM", transformers.Gemma2Config(**GROUPED | dict(
        head_dim=6, query_pre_attn_scalar=9, attention_bias=True, tie_word_embeddings=False, sliding_window=3,
        attn_logit_softcapping=None, final_logit_softcapping=None, rope_parameters=rope("default", rope_theta=500.0))),
        "both caps null, biases of attention, a head of its own"),
    "gemma2_kinds": ("Gemma2ForCausalLM", transformers.Gemma2Config(**GROUPED | dict(
        num_hidden_layers=3, head_dim=4, query_pre_attn_scalar=2, sliding_window=4, hidden_activation="gelu",
        layer_types=["full_attention", "sliding_attention", "sliding_attention"], attn_logit_softcapping=None,
        final_logit_softcapping=2.0, rope_parameters=rope("linear", factor=2.0))),
        "kinds of layers that do not alternate, the exact GELU, one cap of two"),
    "cohere_qk_norm": ("CohereForCausalLM", transformers.CohereConfig(**GROUPED | dict(
        use_qk_norm=True, attention_bias=True, layer_norm_eps=1e-2, logit_scale=1.5,
        rope_parameters=rope("default", rope_theta=500.0))),
        "a norm of each head, with a weight of its own, biases of attention"),
    "cohere_untied": ("CohereForCausalLM", transformers.CohereConfig(**GROUPED | dict(
        tie_word_embeddings=False, hidden_act="gelu", head_dim=6, logit_scale=0.5, rope_parameters=rope("linear", factor=2.0))),
        "a head of its own, the exact GELU, heads whose width is no part of the model's"),
    "granite_biases": ("GraniteForCausalLM", transformers.GraniteConfig(**GROUPED | dict(
        attention_bias=True, mlp_bias=True, tie_word_embeddings=False, hidden_act="gelu", rms_norm_eps=1e-2,
        embedding_multiplier=3.0, residual_multiplier=0.4, rope_parameters=rope("default", rope_theta=500.0))),
        "biases everywhere, an attention multiplier and a scaling of the logits of 1"),
    "granite_yarn": ("GraniteForCausalLM", transformers.GraniteConfig(**GROUPED | dict(
        head_dim=8, logits_scaling=2.0, attention_multiplier=0.3, tie_word_embeddings=True,
        rope_parameters=YARN | dict(truncate=False, beta_slow=0.4))),
        "heads whose width is no part of the model's, YaRN"),
}


def make():
    for index, (name, (class_name, config, note)) in enumerate(CHECKPOINTS.items()):
        write_checkpoint(name, class_name, config, 3000 + 10 * index, [note], hidden=False)
