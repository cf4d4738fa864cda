"""Writes the files beside this one: small weights as compressed-tensors packs them, and what it unpacks of them.

pip install torch compressed-tensors==0.20.1 safetensors && python make_goldens.py
"""

import torch
from compressed_tensors.compressors.naive_quantized.base import NaiveQuantizationCompressor
from compressed_tensors.compressors.pack_quantized.base import PackedQuantizationCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from safetensors.torch import save_file

torch.manual_seed(12)
ROWS, COLUMNS = 12, 64


def scheme(**weights):
    return QuantizationScheme(targets=["Linear"], weights=QuantizationArgs(type="int", dynamic=False, **weights))


def scales(weight, group, bits, symmetric):
    groups = weight.reshape(ROWS, COLUMNS // group, group)
    if symmetric:
        scale = groups.abs().amax(-1) / (2 ** (bits - 1) - 1)
        return scale, torch.zeros_like(scale, dtype=torch.int8)
    low, high = groups.amin(-1).clamp(max=0), groups.amax(-1).clamp(min=0)
    scale = (high - low) / (2**bits - 1)
    zero = torch.round(-low / scale) - 2 ** (bits - 1)
    return scale, zero.to(torch.int8)


def case(name, compressor, group, bits, symmetric, dtype=torch.float32):
    weight = torch.randn(ROWS, COLUMNS)
    scale, zero = scales(weight, group, bits, symmetric)
    strategy = {"strategy": "group", "group_size": group} if group < COLUMNS else {"strategy": "channel"}
    made = scheme(num_bits=bits, symmetric=symmetric, **strategy)
    state = {"weight": weight, "weight_scale": scale.to(dtype)}
    if not symmetric:
        state["weight_zero_point"] = zero
    packed = compressor.compress(state, made)
    unpacked = compressor.decompress(dict(packed), made)
    tensors = {f"layer.{key}": value.contiguous() for key, value in packed.items()}
    tensors["expected"] = unpacked["weight"].float().contiguous()
    save_file(tensors, f"{name}.safetensors")


case("int8_groups", NaiveQuantizationCompressor, 32, 8, True)
case("int8_rows_bf16", NaiveQuantizationCompressor, COLUMNS, 8, True, torch.bfloat16)
case("pack8_zero_points", PackedQuantizationCompressor, 32, 8, False)
case("pack4_groups", PackedQuantizationCompressor, 32, 4, True)
case("pack4_zero_points", PackedQuantizationCompressor, 32, 4, False)
case("pack4_rows_f16", PackedQuantizationCompressor, COLUMNS, 4, True, torch.float16)
