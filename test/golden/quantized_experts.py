"""quantized/<name>: tiny random checkpoints whose experts are codes, as libraries publish them, and what transformers computes of the
floats that these stand for: a folder with

    config.json           with its quantization_config
    model.safetensors     codes and scales under the published names
    golden.json           versions, seed, what is quantized
    golden.safetensors    case0/input_ids, case0/logits in float64

gpt-oss in MXFP4, read back by transformers' `convert_moe_packed_tensors`; experts one by one as compressed-tensors packs them and reads
them back, in 8 and in 4 bits and in MXFP4; in E4M3 with a scale a block, by transformers' `Fp8Dequantize`. Attention is quantized with
them, but for gpt-oss; routers, tables, heads and norms are not.
"""

import copy
import json
import tempfile
from pathlib import Path

import safetensors.torch
import torch
import transformers
from compressed_tensors.compressors.mxfp4.base import MXFP4PackedCompressor
from compressed_tensors.compressors.naive_quantized.base import NaiveQuantizationCompressor
from compressed_tensors.compressors.pack_quantized.base import PackedQuantizationCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from transformers.integrations.finegrained_fp8 import Fp8Dequantize
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

from common import HERE, generator, really_float64, write_json, write_tensors
from family_checkpoint import KINDS_OF_KERNEL, build, randomise

MOST_BYTES = 90_000

# Codes share scales by 32: so wide is all that a product sums over.
SIZES = dict(vocab_size=32, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
             max_position_embeddings=32, bos_token_id=1, eos_token_id=2, pad_token_id=0, num_experts_per_tok=2,
             rope_parameters={"rope_type": "default", "rope_theta": 500.0})
QWEN = dict(intermediate_size=32, moe_intermediate_size=32, num_experts=4, norm_topk_prob=True)


def compressed(compressor, form, kept, **weights):
    """A matrix as compressed-tensors packs it, what it reads back, and the config that says so."""
    arguments = QuantizationArgs(dynamic=False, **weights)
    scheme = QuantizationScheme(targets=["Linear"], weights=arguments, format=form)
    group, bits = weights.get("group_size"), weights["num_bits"]

    def pack(weight):
        rows, columns = weight.shape
        groups = weight.reshape(rows, -1, group or columns)
        state = {"weight": weight}
        if weights["type"] == "float":
            state["weight_scale"] = 2.0 ** (groups.abs().amax(-1).log2().floor() - 2)
        elif weights["symmetric"]:
            state["weight_scale"] = groups.abs().amax(-1) / (2 ** (bits - 1) - 1)
        else:
            low, high = groups.amin(-1).clamp(max=0), groups.amax(-1).clamp(min=0)
            state["weight_scale"] = (high - low) / (2**bits - 1)
            state["weight_zero_point"] = (torch.round(-low / state["weight_scale"]) - 2 ** (bits - 1)).to(torch.int8)
        packed = compressor.compress(state, scheme)
        return packed, compressor.decompress(dict(packed), scheme)["weight"].float()

    groups = {"group_0": {"targets": ["Linear"], "format": form, "weights": json.loads(arguments.model_dump_json()),
                          "input_activations": None, "output_activations": None}}
    return pack, {"quant_method": "compressed-tensors", "format": form, "quantization_status": "compressed", "ignore": kept,
                  "config_groups": groups, "kv_cache_scheme": None, "global_compression_ratio": None}


def in_blocks():
    """E4M3 with a scale for a block of 128 x 128: here one for a matrix."""
    def pack(weight):
        scale = (weight.abs().max() / 448).reshape(1, 1)
        codes = (weight / scale).to(torch.float8_e4m3fn)
        return {"weight": codes, "weight_scale_inv": scale}, codes.float() * scale

    dequantize = Fp8Dequantize(None)._dequantize_one

    def checked(weight):
        packed, floats = pack(weight)
        whole = torch.zeros(128, 128, dtype=torch.uint8)
        whole[: weight.shape[0], : weight.shape[1]] = packed["weight"].view(torch.uint8)
        read = dequantize(whole.view(torch.float8_e4m3fn), packed["weight_scale_inv"])
        assert torch.equal(read[: weight.shape[0], : weight.shape[1]].float(), floats)
        return packed, floats

    return checked, {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}


ROUTERS = ["lm_head", "re:.*mlp.gate$", "re:.*block_sparse_moe.gate$"]
# Name: class of the model, of its config, what the config says beside SIZES, how a matrix is packed.
MODELS = {
    "mixtral_int8": ("MixtralForCausalLM", "MixtralConfig", dict(num_local_experts=4, intermediate_size=32), lambda: compressed(
        NaiveQuantizationCompressor, "int-quantized", ROUTERS, type="int", num_bits=8, symmetric=True, strategy="channel")),
    "qwen3_moe_int4": ("Qwen3MoeForCausalLM", "Qwen3MoeConfig", QWEN, lambda: compressed(
        PackedQuantizationCompressor, "pack-quantized", ROUTERS, type="int", num_bits=4, symmetric=False, strategy="group", group_size=32)),
    "qwen3_moe_mxfp4": ("Qwen3MoeForCausalLM", "Qwen3MoeConfig", QWEN, lambda: compressed(
        MXFP4PackedCompressor, "mxfp4-pack-quantized", ROUTERS, type="float", num_bits=4, symmetric=True, strategy="group", group_size=32)),
    "qwen3_moe_fp8": ("Qwen3MoeForCausalLM", "Qwen3MoeConfig", QWEN, in_blocks),
}
GPT_OSS = dict(num_local_experts=4, intermediate_size=32, sliding_window=4)


def saved(class_name, config, seed):
    """The tensors of a random model under their published names, and its config."""
    model_class = getattr(transformers, class_name)
    model = model_class._from_config(copy.deepcopy(config), **KINDS_OF_KERNEL).float().eval()
    randomise(model, seed)
    with tempfile.TemporaryDirectory() as temporary:
        model.save_pretrained(temporary)
        return (safetensors.torch.load_file(Path(temporary) / "model.safetensors"),
                json.loads((Path(temporary) / "config.json").read_text()))


def is_packed(name, weight):
    kept = ("embed_tokens", "lm_head", "mlp.gate.", "block_sparse_moe.gate.")
    return weight.dim() == 2 and name.endswith(".weight") and not any(each in name for each in kept)


def one_by_one(class_name, config, packing, seed):
    """A checkpoint with a tensor for each expert: what is stored, the floats it stands for, its config."""
    weights, config_json = saved(class_name, config, seed)
    pack, said = packing()
    stored, floats = {}, {}
    for name, weight in weights.items():
        if not is_packed(name, weight):
            stored[name] = floats[name] = weight
            continue
        parts, floats[name] = pack(weight)
        stored |= {name.removesuffix("weight") + part: tensor for part, tensor in parts.items()}
    return stored, floats, config_json | {"quantization_config": said}


def gpt_oss(config, seed):
    """The experts of gpt-oss: codes of one tensor each, drawn."""
    weights, config_json = saved("GptOssForCausalLM", config, seed)
    random = generator(seed + 1)
    stored, floats = {}, dict(weights)
    for name, weight in weights.items():
        if not name.endswith(("gate_up_proj", "down_proj")):
            stored[name] = weight
            continue
        experts, columns, rows = weight.shape
        blocks = torch.randint(0, 256, (experts, rows, columns // 32, 16), generator=random, dtype=torch.int64).to(torch.uint8)
        scales = torch.randint(121, 124, (experts, rows, columns // 32), generator=random, dtype=torch.int64).to(torch.uint8)
        stored |= {f"{name}_blocks": blocks, f"{name}_scales": scales}
        floats[name] = convert_moe_packed_tensors(blocks, scales, dtype=torch.float32)
        assert floats[name].shape == weight.shape
    kept = ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]
    return stored, floats, config_json | {"quantization_config": {"quant_method": "mxfp4", "modules_to_not_convert": kept}}


def write(name, class_name, config, made, seed):
    stored, floats, config_json = made
    folder = HERE / "quantized" / name
    folder.mkdir(parents=True, exist_ok=True)
    model_class = getattr(transformers, class_name)
    with tempfile.TemporaryDirectory() as temporary:
        plain = {key: value for key, value in config_json.items() if key != "quantization_config"}
        (Path(temporary) / "config.json").write_text(json.dumps(plain))
        safetensors.torch.save_file({k: v.contiguous() for k, v in floats.items()}, Path(temporary) / "model.safetensors", metadata={"format": "pt"})
        loaded, info = model_class.from_pretrained(temporary, **KINDS_OF_KERNEL, output_loading_info=True)
        assert not info["missing_keys"] and not info["mismatched_keys"] and not info["unexpected_keys"], info
    ids = torch.randint(3, config.vocab_size, (2, 9), generator=generator(seed + 2))
    doubled = {k: w.double() for k, w in loaded.state_dict().items()}
    with really_float64():
        exact = build(model_class, config, doubled)
        with torch.no_grad():
            logits = exact(input_ids=ids, use_cache=False).logits
    write_json(folder / "config.json", config_json)
    path = folder / "model.safetensors"
    safetensors.torch.save_file({k: v.contiguous().clone() for k, v in stored.items()}, path, metadata={"format": "pt"})
    path.chmod(0o644)
    write_tensors(folder / "golden.safetensors", {"case0/input_ids": ids, "case0/logits": logits})
    write_json(folder / "golden.json", {
        "class": class_name, "seed": seed, "versions": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
        "logits_maxabs": float(f"{logits.abs().max().item():.3g}"),
    })
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"quantized/{name}: {size} bytes, |logits| up to {logits.abs().max():.3g}")
    assert size <= MOST_BYTES, f"{name} has {size} bytes"


def make():
    for index, (name, (class_name, config_name, said, packing)) in enumerate(MODELS.items()):
        config = getattr(transformers, config_name)(**SIZES | said)
        seed = 9700 + 10 * index
        write(name, class_name, config, one_by_one(class_name, config, packing, seed), seed)
    config = transformers.GptOssConfig(**SIZES | GPT_OSS)
    write("gpt_oss_mxfp4", "GptOssForCausalLM", config, gpt_oss(config, 9800), 9800)


if __name__ == "__main__":
    make()
