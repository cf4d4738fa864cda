"""The published model families: a tiny random checkpoint of each, hf/<family> (`hf_checkpoint.py` says what is in it)."""

import transformers

from hf_checkpoint import write_checkpoint

TOKENS = dict(bos_token_id=1, eos_token_id=2)


# ---------------------------------------------------------------- families

def gpt2():
    return "GPT2LMHeadModel", transformers.GPT2Config(
        vocab_size=90, n_positions=24, n_embd=24, n_layer=2, n_head=4, **TOKENS)


def llama():
    return "LlamaForCausalLM", transformers.LlamaConfig(
        vocab_size=80, hidden_size=32, intermediate_size=56, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
        rms_norm_eps=1e-5, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, **TOKENS)


def llama3():
    # With 8 dimensions a head the wavelengths are 6, 167, 4443 and 118142
    # positions: one is left alone, one is interpolated, two are stretched.
    return "LlamaForCausalLM", transformers.LlamaConfig(
        vocab_size=80, hidden_size=32, intermediate_size=56, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=4096,
        rms_norm_eps=1e-5, tie_word_embeddings=False,
        rope_parameters={"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0,
                         "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                         "original_max_position_embeddings": 512}, **TOKENS)


def qwen3():
    return "Qwen3ForCausalLM", transformers.Qwen3Config(
        vocab_size=84, hidden_size=24, intermediate_size=40, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=16, max_position_embeddings=64,
        tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}, **TOKENS)


def bert():
    return "BertForPreTraining", transformers.BertConfig(
        vocab_size=90, hidden_size=24, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=32, type_vocab_size=2)


def gptj():
    return "GPTJForCausalLM", transformers.GPTJConfig(
        vocab_size=76, n_positions=64, n_embd=24, n_layer=2, n_head=3, rotary_dim=4, **TOKENS)


def neox():
    return "GPTNeoXForCausalLM", transformers.GPTNeoXConfig(
        vocab_size=72, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=24, use_parallel_residual=True,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25}, **TOKENS)


def gemma2():
    # The caps are far smaller than the published 50 and 30, so that they bend.
    return "Gemma2ForCausalLM", transformers.Gemma2Config(
        vocab_size=84, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=12, query_pre_attn_scalar=10,
        sliding_window=4, layer_types=["sliding_attention", "full_attention"],
        attn_logit_softcapping=2.0, final_logit_softcapping=3.0, max_position_embeddings=64,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, **TOKENS)


def olmo2():
    return "Olmo2ForCausalLM", transformers.Olmo2Config(
        vocab_size=80, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-6,
        tie_word_embeddings=False, pad_token_id=0,
        rope_parameters={"rope_type": "default", "rope_theta": 500000.0}, **TOKENS)


def cohere():
    return "CohereForCausalLM", transformers.CohereConfig(
        vocab_size=88, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, logit_scale=0.25,
        tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, **TOKENS)


def granite():
    return "GraniteForCausalLM", transformers.GraniteConfig(
        vocab_size=80, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=True,
        embedding_multiplier=3.0, logits_scaling=2.0, residual_multiplier=0.4, attention_multiplier=0.2,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, **TOKENS)


FAMILIES = [gpt2, llama, llama3, qwen3, bert, gptj, neox, gemma2, olmo2, cohere, granite]

NOTES = {
    "gpt2": ["Conv1D weights are stored (in, out)", "the head is wte.weight",
             "h.<i>.attn.bias is the causal mask, not a parameter"],
    "llama": ["the head is model.embed_tokens.weight"],
    "llama3": ["rope scaling of type llama3", "the head is lm_head.weight"],
    "qwen3": ["q_norm and k_norm work on each head, before the rotation", "heads * head_dim is not the width",
              "the head is model.embed_tokens.weight"],
    "bert": ["logits are the masked-word logits, seq_logits the next-sentence logits",
             "the decoder matrix is bert.embeddings.word_embeddings.weight, its bias cls.predictions.bias",
             "hidden0 is the output of the embedding block with its LayerNorm",
             "rows of logits at padded positions (attention_mask 0) mean nothing; seq_logits always count",
             "the files of 2018 say LayerNorm.gamma and LayerNorm.beta for LayerNorm.weight and LayerNorm.bias"],
    "gptj": ["rotation of neighbouring pairs, of the first rotary_dim dimensions of each head",
             "attention and MLP run in parallel from one LayerNorm", "lm_head has a bias"],
    "neox": ["query_key_value rows are (head, q/k/v, head_dim)", "rotation in halves of the first quarter of each head",
             "attention and MLP run in parallel, each from its own LayerNorm",
             "attention.bias, attention.masked_bias and rotary_emb.inv_freq are leftovers, not parameters"],
    "gemma2": ["norms multiply with 1 + weight", "embeddings are multiplied with sqrt(hidden_size)",
               "layer 0 sees 4 positions (itself and 3 before), layer 1 all",
               "scores are scaled with query_pre_attn_scalar ** -0.5 and capped: cap * tanh(score / cap)",
               "in config.v4.json the layer types are implied: even layers slide"],
    "olmo2": ["norms come after attention and MLP, before the addition; none before",
              "q_norm and k_norm work on the whole projection, before it is cut into heads"],
    "cohere": ["LayerNorm without a bias", "attention and MLP run in parallel from one LayerNorm",
               "rotation of neighbouring pairs", "logits are multiplied with logit_scale"],
    "granite": ["embeddings * embedding_multiplier, branches * residual_multiplier, scores * attention_multiplier"
                " (instead of head_dim ** -0.5), logits / logits_scaling"],
}


def make():
    for index, family in enumerate(FAMILIES):
        class_name, config = family()
        write_checkpoint(family.__name__, class_name, config, 1000 + 10 * index, NOTES[family.__name__])
