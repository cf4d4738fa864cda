"""The families of `src/families`: a tiny random checkpoint of each, families/<name> (`family_checkpoint.py` says what is in it)."""

import sys

import transformers

from family_checkpoint import write_family

S = dict(vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
         max_position_embeddings=32, bos_token_id=1, eos_token_id=2, pad_token_id=0)
G = S | dict(num_key_value_heads=2)
# Narrower, for the many weights of experts.
N = G | dict(hidden_size=12, intermediate_size=20, vocab_size=32)
M = G | dict(intermediate_size=20, vocab_size=32)
OLD = dict(vocab_size=40, n_positions=32, n_embd=16, n_layer=2, n_head=2, bos_token_id=1, eos_token_id=2)
SEQ = dict(vocab_size=40, max_position_embeddings=32, d_model=12, encoder_layers=2, encoder_ffn_dim=20, encoder_attention_heads=4,
           decoder_layers=2, decoder_ffn_dim=16, decoder_attention_heads=2, pad_token_id=1, bos_token_id=0, eos_token_id=2)


def rope(theta=500.0, kind="default", **parameters):
    return {"rope_parameters": {"rope_type": kind, "rope_theta": theta} | parameters}


YARN = dict(kind="yarn", factor=4.0, original_max_position_embeddings=8)
KINDS = ["sliding_attention", "full_attention"]

# Name: class of the model, of its config, what the config says, what is tried in it.
FAMILIES = {
    "albert": ("AlbertForMaskedLM", "AlbertConfig", S | dict(embedding_size=8, num_hidden_layers=4, num_hidden_groups=2, inner_group_num=2),
               "two groups of two layers, each run twice"),
    "apertus": ("ApertusForCausalLM", "ApertusConfig", G | rope(kind="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                original_max_position_embeddings=16), "xIELU, the scaling of Llama 3"),
    "arcee": ("ArceeForCausalLM", "ArceeConfig", G | rope(**YARN) | dict(head_dim=8), "a squared ReLU without a gate, YaRN"),
    "bart": ("BartForConditionalGeneration", "BartConfig", SEQ | dict(scale_embedding=True), "other numbers of heads and widths in the decoder"),
    "bloom": ("BloomForCausalLM", "BloomConfig", dict(vocab_size=40, hidden_size=16, n_layer=2, n_head=4), "ALiBi"),
    "bloom_from_norm": ("BloomForCausalLM", "BloomConfig", dict(vocab_size=40, hidden_size=12, n_layer=2, n_head=3,
                        apply_residual_connection_post_layernorm=True), "edges that start at the norm, a number of heads that is no power of two"),
    "camembert": ("CamembertForMaskedLM", "CamembertConfig", S | dict(type_vocab_size=1, pad_token_id=1, bos_token_id=0), "RoBERTa"),
    "cohere2": ("Cohere2ForCausalLM", "Cohere2Config", G | rope() | dict(num_hidden_layers=3, sliding_window=4, logit_scale=0.5,
                layer_types=["sliding_attention", "full_attention", "sliding_attention"], attention_bias=True),
                "windows with rotary positions, a full layer without"),
    "cwm": ("CwmForCausalLM", "CwmConfig", G | rope(kind="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
            original_max_position_embeddings=16) | dict(head_dim=6, sliding_window=4, layer_types=KINDS), "one layer of two in a window"),
    "deepseek_v2": ("DeepseekV2ForCausalLM", "DeepseekV2Config", N | rope() | dict(
        num_key_value_heads=4, kv_lora_rank=6, q_lora_rank=5, qk_nope_head_dim=4, qk_rope_head_dim=4, v_head_dim=3, n_routed_experts=4,
        n_group=2, topk_group=1, topk_method="group_limited_greedy", num_experts_per_tok=2, n_shared_experts=1, moe_intermediate_size=5,
        first_k_dense_replace=1, routed_scaling_factor=1.5), "latent attention, experts of the best group"),
    "deepseek_v2_greedy": ("DeepseekV2ForCausalLM", "DeepseekV2Config", N | rope() | dict(
        num_key_value_heads=4, kv_lora_rank=6, q_lora_rank=None, qk_nope_head_dim=4, qk_rope_head_dim=4, v_head_dim=3, n_routed_experts=4,
        num_experts_per_tok=2, n_shared_experts=2, moe_intermediate_size=5, first_k_dense_replace=1), "queries of full rank, no groups (V2 Lite)"),
    "deepseek_v3": ("DeepseekV3ForCausalLM", "DeepseekV3Config", N | rope(**YARN, mscale=1.0, mscale_all_dim=0.8) | dict(
        num_key_value_heads=4, kv_lora_rank=6, q_lora_rank=5, qk_nope_head_dim=4, qk_rope_head_dim=4, v_head_dim=3, n_routed_experts=4,
        n_group=2, topk_group=1, num_experts_per_tok=2, n_shared_experts=1, moe_intermediate_size=5, first_k_dense_replace=1),
        "YaRN with magnitudes, a correction that only chooses"),
    "distilbert": ("DistilBertForMaskedLM", "DistilBertConfig", dict(vocab_size=40, max_position_embeddings=32, n_layers=2, n_heads=4,
                   dim=16, hidden_dim=24), "names of its own"),
    "electra": ("ElectraForMaskedLM", "ElectraConfig", S | dict(embedding_size=8), "narrow embeddings"),
    "ernie4_5": ("Ernie4_5ForCausalLM", "Ernie4_5Config", G | rope() | dict(head_dim=6, use_bias=True), "biases, neighbours turn together"),
    "exaone4": ("Exaone4ForCausalLM", "Exaone4Config", G | rope() | dict(head_dim=6, sliding_window=4, layer_types=KINDS),
                "a window with rotary positions, a full layer without"),
    "falcon": ("FalconForCausalLM", "FalconConfig", dict(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
               num_kv_heads=2, new_decoder_architecture=True, ffn_hidden_size=24, max_position_embeddings=32) | rope(), "two norms, groups (40B)"),
    "falcon_multi_query": ("FalconForCausalLM", "FalconConfig", dict(vocab_size=40, hidden_size=16, num_hidden_layers=2,
                           num_attention_heads=4, multi_query=True, bias=True, max_position_embeddings=32) | rope(),
                           "one norm, one head of keys, biases (7B)"),
    "gemma": ("GemmaForCausalLM", "GemmaConfig", G | rope() | dict(head_dim=6, hidden_act="gelu_pytorch_tanh"), "1 + w, heads of any width"),
    "gemma3": ("Gemma3ForCausalLM", "Gemma3TextConfig", G | dict(
        head_dim=6, sliding_window=4, layer_types=KINDS, query_pre_attn_scalar=9, rope_parameters={
            "full_attention": {"rope_type": "linear", "rope_theta": 500.0, "factor": 4.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 50.0}}), "two ways to turn, one stretched"),
    "gemma3_vision": ("Gemma3ForConditionalGeneration", "Gemma3Config", dict(
        text_config=G | dict(
            vocab_size=40, head_dim=6, sliding_window=4, layer_types=KINDS, query_pre_attn_scalar=9, rope_parameters={
                "full_attention": {"rope_type": "default", "rope_theta": 500.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 50.0}}),
        vision_config=dict(hidden_size=4, intermediate_size=4, num_hidden_layers=1, num_attention_heads=1, image_size=4, patch_size=2),
        mm_tokens_per_image=4, boi_token_index=37, eoi_token_index=38, image_token_index=39),
        "the text model of one that also sees"),
    "glm": ("GlmForCausalLM", "GlmConfig", G | rope(partial_rotary_factor=0.5) | dict(head_dim=8, attention_bias=True),
            "half of each head turns, neighbours together; gate and up in one weight"),
    "glm4": ("Glm4ForCausalLM", "Glm4Config", G | rope(partial_rotary_factor=0.5) | dict(head_dim=8, attention_bias=True),
             "norms on both sides of each branch"),
    "gpt_bigcode": ("GPTBigCodeForCausalLM", "GPTBigCodeConfig", OLD | dict(n_inner=20, n_head=4), "one head of keys and values"),
    "gpt_neo": ("GPTNeoForCausalLM", "GPTNeoConfig", dict(vocab_size=40, max_position_embeddings=32, hidden_size=16, num_layers=2, num_heads=4,
                attention_types=[[["global", "local"], 1]], window_size=4, intermediate_size=24, bos_token_id=1, eos_token_id=2),
                "scores that are not scaled, every other layer in a window"),
    "gpt_oss": ("GptOssForCausalLM", "GptOssConfig", N | rope(**YARN, truncate=False) | dict(
        head_dim=4, num_local_experts=4, num_experts_per_tok=2, intermediate_size=6, sliding_window=4, swiglu_limit=0.5),
        "sinks, experts that alternate gate and up, clamped; YaRN that cuts no bounds"),
    "granitemoe": ("GraniteMoeForCausalLM", "GraniteMoeConfig", M | rope() | dict(
        num_local_experts=4, num_experts_per_tok=2, intermediate_size=6, embedding_multiplier=3.0, logits_scaling=2.0,
        residual_multiplier=0.4, attention_multiplier=0.2, tie_word_embeddings=True), "four multipliers, stacked experts"),
    "helium": ("HeliumForCausalLM", "HeliumConfig", G | rope() | dict(head_dim=4), "neighbours turn together"),
    "hunyuan_v1_dense": ("HunYuanDenseV1ForCausalLM", "HunYuanDenseV1Config", G | rope() | dict(head_dim=6), "q and k normed behind rope"),
    "lfm2": ("Lfm2ForCausalLM", "Lfm2Config", G | rope() | dict(layer_types=["conv", "full_attention"], block_multiple_of=4),
             "a gated convolution, then attention"),
    "llama4": ("Llama4ForCausalLM", "Llama4TextConfig", N | rope() | dict(
        num_hidden_layers=2, head_dim=4, num_local_experts=4, num_experts_per_tok=1, intermediate_size=6, intermediate_size_mlp=10,
        interleave_moe_layer_step=2, no_rope_layers=[1, 0], attention_chunk_size=4, floor_scale=4, attn_scale=0.5),
        "chunks, a layer without positions whose queries grow, experts in every other layer"),
    "mamba": ("MambaForCausalLM", "MambaConfig", dict(vocab_size=40, hidden_size=12, state_size=4, num_hidden_layers=2, time_step_rank=3),
              "selective state spaces"),
    "mamba2": ("Mamba2ForCausalLM", "Mamba2Config", dict(vocab_size=40, hidden_size=16, state_size=4, num_hidden_layers=2, num_heads=8,
               head_dim=4, n_groups=2, chunk_size=4, tie_word_embeddings=False), "groups, chunks of four positions"),
    "marian": ("MarianMTModel", "MarianConfig", SEQ | dict(activation_function="swish", scale_embedding=True, decoder_start_token_id=1),
               "sinusoids"),
    "mbart": ("MBartForConditionalGeneration", "MBartConfig", SEQ | dict(scale_embedding=True), "norms before the branches"),
    "ministral": ("MinistralForCausalLM", "MinistralConfig", G | rope() | dict(head_dim=6, sliding_window=4, layer_types=KINDS),
                  "one layer of two in a window"),
    "ministral3": ("Ministral3ForCausalLM", "Ministral3Config", G | dict(head_dim=8) | rope(
        **YARN, mscale=1.0, mscale_all_dim=1.0, llama_4_scaling_beta=0.5), "YaRN, queries that grow with their place"),
    "mixtral": ("MixtralForCausalLM", "MixtralConfig", M | rope() | dict(num_local_experts=4, intermediate_size=6, sliding_window=4), "a window"),
    "modernbert": ("ModernBertForMaskedLM", "ModernBertConfig", S | dict(num_hidden_layers=3, local_attention=4, rope_parameters={
        "full_attention": {"rope_type": "default", "rope_theta": 500.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 50.0}}),
        "windows on both sides in two of three layers"),
    "mpnet": ("MPNetForMaskedLM", "MPNetConfig", S | dict(pad_token_id=1, bos_token_id=0, max_position_embeddings=34),
              "buckets of distance as a bias of all layers"),
    "mpt": ("MptForCausalLM", "MptConfig", dict(vocab_size=40, d_model=12, n_heads=4, n_layers=2, max_seq_len=32,
            attn_config={"clip_qkv": 0.4}), "ALiBi, q k v clipped"),
    "mt5": ("MT5ForConditionalGeneration", "MT5Config", dict(vocab_size=40, d_model=16, d_kv=4, d_ff=20, num_layers=2, num_heads=4,
            relative_attention_num_buckets=8, relative_attention_max_distance=10), "gated"),
    "nemotron": ("NemotronForCausalLM", "NemotronConfig", G | rope(partial_rotary_factor=0.5) | dict(head_dim=8), "1 + w, squared ReLU"),
    "olmo": ("OlmoForCausalLM", "OlmoConfig", G | rope() | dict(clip_qkv=0.4), "norms without weights, q k v clipped"),
    "olmo3": ("Olmo3ForCausalLM", "Olmo3Config", G | dict(sliding_window=4, layer_types=KINDS, rope_parameters={
        "full_attention": rope(**YARN, attention_factor=1.2)["rope_parameters"],
        "sliding_attention": {"rope_type": "default", "rope_theta": 500.0}}),
              "YaRN on full layers only"),
    "olmoe": ("OlmoeForCausalLM", "OlmoeConfig", M | rope() | dict(num_experts=4, num_experts_per_tok=2, intermediate_size=6, clip_qkv=0.8),
              "shares that are left as they are"),
    "opt": ("OPTForCausalLM", "OPTConfig", dict(vocab_size=40, hidden_size=16, num_hidden_layers=2, ffn_dim=24, max_position_embeddings=32,
            num_attention_heads=4, bos_token_id=1, eos_token_id=2), "norms before"),
    "opt_post": ("OPTForCausalLM", "OPTConfig", dict(vocab_size=40, hidden_size=16, num_hidden_layers=2, ffn_dim=24, max_position_embeddings=32,
                 num_attention_heads=4, do_layer_norm_before=False, word_embed_proj_dim=8), "norms after, narrow embeddings (350M)"),
    "pegasus": ("PegasusForConditionalGeneration", "PegasusConfig", SEQ | dict(activation_function="relu", scale_embedding=True), "sinusoids, norms before"),
    "phi": ("PhiForCausalLM", "PhiConfig", G | rope(partial_rotary_factor=0.5) | dict(hidden_size=32, intermediate_size=20, qk_layernorm=True),
            "a norm of q and k"),
    "phi3": ("Phi3ForCausalLM", "Phi3Config", G | rope(partial_rotary_factor=0.5) | dict(hidden_size=32, intermediate_size=20, sliding_window=4),
             "a part of each head turns, a window"),
    "qwen2": ("Qwen2ForCausalLM", "Qwen2Config", G | rope() | dict(use_sliding_window=True, sliding_window=4, max_window_layers=1,
              tie_word_embeddings=True), "biases of q, k and v; a window from the second layer on"),
    "qwen2_moe": ("Qwen2MoeForCausalLM", "Qwen2MoeConfig", M | rope() | dict(
        num_experts=4, num_experts_per_tok=2, moe_intermediate_size=6, shared_expert_intermediate_size=8, decoder_sparse_step=2),
        "a shared expert behind a gate, in every other layer"),
    "qwen3_moe": ("Qwen3MoeForCausalLM", "Qwen3MoeConfig", N | rope() | dict(
        head_dim=4, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=6, norm_topk_prob=True, mlp_only_layers=[0]),
        "a layer without experts"),
    "qwen3_next": ("Qwen3NextForCausalLM", "Qwen3NextConfig", N | rope(partial_rotary_factor=0.5) | dict(
        head_dim=4, linear_conv_kernel_dim=3, linear_key_head_dim=4, linear_value_head_dim=3, linear_num_key_heads=2,
        linear_num_value_heads=4, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=5, shared_expert_intermediate_size=6,
        layer_types=["linear_attention", "full_attention"]), "a gated delta rule, then gated attention"),
    "roberta": ("RobertaForMaskedLM", "RobertaConfig", S | dict(type_vocab_size=1, pad_token_id=1, bos_token_id=0, max_position_embeddings=34),
                "positions that padding does not take"),
    "rwkv": ("RwkvForCausalLM", "RwkvConfig", dict(vocab_size=40, hidden_size=16, num_hidden_layers=2, intermediate_size=24,
             context_length=32, rescale_every=0), "scores that fall with distance"),
    "seed_oss": ("SeedOssForCausalLM", "SeedOssConfig", G | rope() | dict(head_dim=6, attention_bias=True), "biases of q, k and v"),
    "smollm3": ("SmolLM3ForCausalLM", "SmolLM3Config", G | rope() | dict(no_rope_layers=[1, 0]), "a layer without positions"),
    "stablelm": ("StableLmForCausalLM", "StableLmConfig", G | rope(partial_rotary_factor=0.5) | dict(
        hidden_size=32, intermediate_size=12, use_qkv_bias=True, qk_layernorm=True), "a norm of its own for each head"),
    "stablelm_parallel": ("StableLmForCausalLM", "StableLmConfig", G | rope(partial_rotary_factor=0.5) | dict(use_parallel_residual=True),
                          "two edges from one norm"),
    "starcoder2": ("Starcoder2ForCausalLM", "Starcoder2Config", G | rope() | dict(sliding_window=4), "biases everywhere, a window"),
    "t5": ("T5ForConditionalGeneration", "T5Config", dict(vocab_size=40, d_model=12, d_kv=4, d_ff=20, num_layers=2, num_decoder_layers=2,
           num_heads=4, relative_attention_num_buckets=8, relative_attention_max_distance=10), "tied, ReLU (1.0)"),
    "t5_gated": ("T5ForConditionalGeneration", "T5Config", dict(vocab_size=40, d_model=16, d_kv=4, d_ff=20, num_layers=2, num_decoder_layers=1,
                 num_heads=4, relative_attention_num_buckets=8, relative_attention_max_distance=10, feed_forward_proj="gated-gelu",
                 tie_word_embeddings=False), "a head of its own, gated (1.1), another depth of the decoder"),
    "t5_head": ("T5ForConditionalGeneration", "T5Config", dict(vocab_size=40, d_model=12, d_kv=4, d_ff=16, num_layers=1, num_heads=4,
                relative_attention_num_buckets=8, relative_attention_max_distance=10, feed_forward_proj="gated-gelu",
                tie_word_embeddings=False), "a head of its own, as the files of 1.1 have it"),
    "xlm_roberta": ("XLMRobertaForMaskedLM", "XLMRobertaConfig", S | dict(type_vocab_size=1, pad_token_id=1, bos_token_id=0,
                    max_position_embeddings=34), "RoBERTa"),
    # By the order of this table goes the seed of each: new ones stand at its end.
    "exaone": ("LlamaForCausalLM", "ExaoneConfig", G | rope(), "Llama under another name"),
    "flex_olmo": ("FlexOlmoForCausalLM", "FlexOlmoConfig", M | rope() | dict(num_experts=4, num_experts_per_tok=2, intermediate_size=6),
                  "norms on the outputs, experts"),
    "granitemoeshared": ("GraniteMoeSharedForCausalLM", "GraniteMoeSharedConfig", M | rope() | dict(
        num_local_experts=4, num_experts_per_tok=2, intermediate_size=6, shared_intermediate_size=8, embedding_multiplier=3.0,
        logits_scaling=2.0, residual_multiplier=0.4, attention_multiplier=0.2, tie_word_embeddings=True), "an expert that all share"),
    "hyperclovax": ("HyperCLOVAXForCausalLM", "HyperCLOVAXConfig", G | rope() | dict(
        embedding_multiplier=3.0, logits_scaling=0.5, residual_multiplier=0.4, attention_multiplier=0.2), "norms on both sides, multipliers"),
    "internlm3": ("LlamaForCausalLM", "InternLM3Config", G | rope(kind="dynamic", factor=4.0) | dict(head_dim=6, attention_bias=True, mlp_bias=True),
                  "heads of another width, biases everywhere"),
    "iquestcoder": ("LlamaForCausalLM", "IQuestCoderConfig", G | rope() | dict(head_dim=6), "heads of another width"),
    "jais2": ("Jais2ForCausalLM", "Jais2Config", G | rope(), "LayerNorm, biases, a squared ReLU"),
    "vaultgemma": ("VaultGemmaForCausalLM", "VaultGemmaConfig", G | rope() | dict(
        head_dim=6, sliding_window=4, layer_types=KINDS, query_pre_attn_scalar=9, attn_logit_softcapping=2.0, final_logit_softcapping=3.0),
        "norms before the branches only, caps"),
    "dots1": ("Dots1ForCausalLM", "Dots1Config", N | rope() | dict(
        head_dim=4, n_routed_experts=4, n_shared_experts=1, moe_intermediate_size=5, num_experts_per_tok=2, first_k_dense_replace=1,
        n_group=2, topk_group=1, norm_topk_prob=True, routed_scaling_factor=1.5, sliding_window=4, layer_types=KINDS),
        "q and k normed, a window, experts of the best group"),
    "glm4_moe": ("Glm4MoeForCausalLM", "Glm4MoeConfig", N | rope(partial_rotary_factor=0.5) | dict(
        head_dim=8, n_routed_experts=4, n_shared_experts=1, moe_intermediate_size=5, num_experts_per_tok=2, first_k_dense_replace=1,
        use_qk_norm=True, attention_bias=True, routed_scaling_factor=1.5), "half of each head turns, q and k normed, experts"),
    "solar_open": ("SolarOpenForCausalLM", "SolarOpenConfig", G | rope() | dict(
        hidden_size=12, vocab_size=32, head_dim=4, n_routed_experts=4, n_shared_experts=1, moe_intermediate_size=5, num_experts_per_tok=2,
        routed_scaling_factor=1.5), "experts in each layer"),
    "eurobert": ("EuroBertForMaskedLM", "EuroBertConfig", G | rope(), "all of a text is seen, groups of heads"),
    "data2vec_text": ("Data2VecTextForMaskedLM", "Data2VecTextConfig", S | dict(type_vocab_size=1, pad_token_id=1, bos_token_id=0,
                      max_position_embeddings=34), "RoBERTa"),
    "roberta_prelayernorm": ("RobertaPreLayerNormForMaskedLM", "RobertaPreLayerNormConfig", S | dict(
        type_vocab_size=1, pad_token_id=1, bos_token_id=0, max_position_embeddings=34), "norms before the branches"),
    "xlm_roberta_xl": ("XLMRobertaXLForMaskedLM", "XLMRobertaXLConfig", S | dict(
        type_vocab_size=1, pad_token_id=1, bos_token_id=0, max_position_embeddings=34), "norms before the branches, none on the embeddings"),
    "plbart": ("PLBartForConditionalGeneration", "PLBartConfig", SEQ | dict(scale_embedding=True), "BART"),
    "mvp": ("MvpForConditionalGeneration", "MvpConfig", SEQ, "BART"),
    "glm4_moe_lite": ("Glm4MoeLiteForCausalLM", "Glm4MoeLiteConfig", N | rope() | dict(
        num_key_value_heads=4, kv_lora_rank=6, q_lora_rank=5, qk_nope_head_dim=4, qk_rope_head_dim=4, v_head_dim=3, n_routed_experts=4,
        num_experts_per_tok=2, n_shared_experts=1, moe_intermediate_size=5, mlp_layer_types=["sparse", "dense"]),
        "latent attention, experts in the first layer alone"),
    "sarvam_mla": ("DeepseekV3ForCausalLM", "SarvamMLAConfig", N | rope() | dict(
        num_key_value_heads=4, kv_lora_rank=6, qk_nope_head_dim=4, qk_rope_head_dim=4, v_head_dim=3, n_routed_experts=4,
        num_experts_per_tok=2, n_shared_experts=1, moe_intermediate_size=5, first_k_dense_replace=1),
        "DeepSeek V3 with queries of full rank, no groups"),
    "hunyuan_v1_moe": ("HunYuanMoEV1ForCausalLM", "HunYuanMoEV1Config", N | rope() | dict(
        head_dim=4, num_experts=4, moe_topk=2, intermediate_size=6), "q and k normed behind rope, experts and one that all share"),
    "granite_swa": ("GraniteSWAForCausalLM", "GraniteSWAConfig", G | rope() | dict(
        embedding_multiplier=3.0, logits_scaling=2.0, residual_multiplier=0.4, attention_multiplier=0.2, sliding_window=4,
        layer_types=KINDS[::-1], layer_rope_theta=[0, 300.0]), "sinks, a window, a layer without positions, bases by layer"),
    "bitnet": ("BitNetForCausalLM", "BitNetConfig", G | rope() | dict(tie_word_embeddings=True), "norms before the last products"),
    "nanochat": ("NanoChatForCausalLM", "NanoChatConfig", G | rope(), "norms without weights, heads that turn the other way"),
    "nomic_bert": ("NomicBertForMaskedLM", "NomicBertConfig", S | rope(), "rotary positions, gated, without biases"),
    "ernie4_5_moe": ("Ernie4_5_MoeForCausalLM", "Ernie4_5_MoeConfig", N | rope() | dict(
        hidden_size=16, moe_num_experts=4, moe_k=2, moe_num_shared_experts=2, moe_intermediate_size=5), "a correction that only chooses, neighbours turn together"),
    "minimax_m2": ("MiniMaxM2ForCausalLM", "MiniMaxM2Config", N | rope(partial_rotary_factor=0.5) | dict(
        head_dim=4, num_local_experts=4, num_experts_per_tok=2, intermediate_size=6), "q and k normed whole, half of each head turns"),
    "youtu": ("YoutuForCausalLM", "YoutuConfig", S | rope() | dict(  # loading sets the row of padding to 0
        pad_token_id=None,
        num_key_value_heads=4, kv_lora_rank=6, q_lora_rank=5, qk_nope_head_dim=4, qk_rope_head_dim=4, v_head_dim=3), "latent attention, dense"),
    "exaone_moe": ("ExaoneMoeForCausalLM", "ExaoneMoeConfig", N | rope() | dict(
        head_dim=4, sliding_window=4, layer_types=KINDS, num_experts=4, num_shared_experts=1, moe_intermediate_size=5, num_experts_per_tok=2,
        n_group=2, topk_group=1), "experts behind norms, a window with rotary positions"),
    "lfm2_moe": ("Lfm2MoeForCausalLM", "Lfm2MoeConfig", N | rope() | dict(
        hidden_size=16, layer_types=["conv", "full_attention"], num_dense_layers=1, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=5,
        routed_scaling_factor=1.5), "a gated convolution, then experts behind attention"),
    "granitemoe_swa": ("GraniteMoeSWAForCausalLM", "GraniteMoeSWAConfig", N | rope() | dict(
        hidden_size=16, num_local_experts=4, num_experts_per_tok=2, intermediate_size=6, shared_intermediate_size=5, embedding_multiplier=3.0, logits_scaling=2.0,
        residual_multiplier=0.4, attention_multiplier=0.2, sliding_window=4, layer_types=KINDS[::-1], layer_rope_theta=[0, 300.0]),
        "sinks, a window, experts and one that all share"),
    "sarvam_moe": ("Glm4MoeForCausalLM", "SarvamMoEConfig", N | rope() | dict(
        head_dim=4, n_routed_experts=4, n_shared_experts=1, moe_intermediate_size=5, num_experts_per_tok=2, first_k_dense_replace=1),
        "q, k and v in one weight, experts"),
    "megatron_bert": ("MegatronBertForMaskedLM", "MegatronBertConfig", S, "norms before the branches"),
    "ernie": ("ErnieForMaskedLM", "ErnieConfig", S | dict(use_task_id=True, task_type_vocab_size=3), "rows for tasks"),
    "roformer": ("RoFormerForMaskedLM", "RoFormerConfig", S | dict(embedding_size=8), "neighbours turn together, narrow embeddings"),
    "rembert": ("RemBertForMaskedLM", "RemBertConfig", S | dict(input_embedding_size=8, output_embedding_size=12), "a wide head of its own"),
    "biogpt": ("BioGptForCausalLM", "BioGptConfig", S | dict(pad_token_id=1, bos_token_id=0), "positions from row 2 on"),
    "xglm": ("XGLMForCausalLM", "XGLMConfig", dict(vocab_size=40, max_position_embeddings=32, d_model=16, ffn_dim=24, num_layers=2, attention_heads=4),
             "sinusoids from row 2 on"),
    "persimmon": ("PersimmonForCausalLM", "PersimmonConfig", S | rope(partial_rotary_factor=0.5) | dict(
                  hidden_size=32, intermediate_size=12, vocab_size=30), "one weight of q, k and v, both normed"),
    "openai_gpt": ("OpenAIGPTLMHeadModel", "OpenAIGPTConfig", dict(vocab_size=40, n_positions=32, n_embd=16, n_layer=2, n_head=4), "norms behind the adds"),
    "blenderbot": ("BlenderbotForConditionalGeneration", "BlenderbotConfig", SEQ | dict(scale_embedding=True), "Pegasus with learned positions"),
    "falcon_mamba": ("FalconMambaForCausalLM", "FalconMambaConfig", dict(vocab_size=40, hidden_size=12, state_size=4, num_hidden_layers=2, time_step_rank=3,
                     tie_word_embeddings=False), "B, C and the steps normed"),
    "modernbert_decoder": ("ModernBertDecoderForCausalLM", "ModernBertDecoderConfig", S | dict(num_hidden_layers=3, local_attention=8, rope_parameters={
        "full_attention": {"rope_type": "default", "rope_theta": 500.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 50.0}}),
        "windows in two of three layers"),
    "mellum": ("MellumForCausalLM", "MellumConfig", N | dict(
        head_dim=4, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=5, sliding_window=4, layer_types=KINDS,
        mlp_layer_types=["dense", "sparse"], rope_parameters={
            "full_attention": rope(**YARN, attention_factor=1.2)["rope_parameters"], "sliding_attention": {"rope_type": "default", "rope_theta": 50.0}}),
        "two ropes, a window, a dense layer"),
}


def make(names=()):
    for index, (name, (model, config, values, note)) in enumerate(FAMILIES.items()):
        if not names or name in names:
            write_family(name, model, getattr(transformers, config)(**values), 5000 + 10 * index, note)


if __name__ == "__main__":
    make(sys.argv[1:])
