"""scaled_floats.safetensors: weights in 8 and 4 bits with scales, and what transformers and torch make of them.

`fp8_*`: E4M3 as DeepSeek has it (`weight_scale_inv`, a block of 128 x 128), by transformers' `Fp8Dequantize`, and as compressed-tensors
has it (`weight_scale`, one in all or one a row), by torch: the number times its scale, in float32. `mxfp4`: experts of gpt-oss, by
transformers' `convert_moe_packed_tensors`. Products that float32 does not hold are rounded once."""

import safetensors.torch
import torch
from transformers.integrations.finegrained_fp8 import Fp8Dequantize
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

from common import HERE, generator


def codes(shape, random):
    """All bits but the two that are NaN, each at least once where there is room."""
    bits = torch.randint(0, 256, shape, generator=random, dtype=torch.int64)
    bits.view(-1)[:256] = torch.arange(256)[: bits.numel()]
    bits[bits % 128 == 127] = 1
    return bits.to(torch.uint8).view(torch.float8_e4m3fn)


def make():
    random = generator(12)
    tensors = {}

    def add(name, weight, scale, key, expected):
        tensors[f"{name}.layer.weight"] = weight
        tensors[f"{name}.layer.{key}"] = scale
        tensors[f"{name}.expected"] = expected.float().contiguous()

    def scales(*shape):
        return torch.rand(*shape, generator=random) * 0.1 + 1e-4

    dequantize = Fp8Dequantize(None)._dequantize_one
    weight, scale = codes((256, 128), random), scales(2, 1)
    add("fp8_blocks", weight, scale, "weight_scale_inv", dequantize(weight, scale))
    # The last rows and columns are no whole block: transformers' does not take them, DeepSeek's own kernel pads.
    weight, scale = codes((160, 144), random), scales(2, 2)
    padded = torch.zeros(256, 256, dtype=torch.uint8)
    padded[:160, :144] = weight.view(torch.uint8)
    whole = dequantize(padded.view(torch.float8_e4m3fn), scale)
    add("fp8_ragged", weight, scale, "weight_scale_inv", whole[:160, :144])
    weight, scale = codes((24, 64), random), scales(24, 2)
    powers = torch.randint(118, 130, (24, 2), generator=random, dtype=torch.int64).to(torch.uint8)
    add("mxfp8", weight, powers, "weight_scale_inv", dequantize(weight, powers, torch.float32))
    add("fp8_tensor", weight, scale[:1, 0].clone(), "weight_scale", weight.float() * scale[0, 0])
    rows = scale[:, :1].clone()
    add("fp8_rows", weight, rows, "weight_scale", weight.float() * rows)
    halves = rows.to(torch.bfloat16)
    add("fp8_rows_bf16", weight, halves, "weight_scale", weight.float() * halves.float())

    blocks = torch.randint(0, 256, (3, 10, 4, 16), generator=random, dtype=torch.int64).to(torch.uint8)
    powers = torch.randint(110, 135, (3, 10, 4), generator=random, dtype=torch.int64).to(torch.uint8)
    powers.view(-1)[:3] = torch.tensor([1, 2, 250], dtype=torch.uint8)
    tensors["mxfp4.experts.up_blocks"] = blocks
    tensors["mxfp4.experts.up_scales"] = powers
    tensors["mxfp4.expected"] = convert_moe_packed_tensors(blocks, powers, dtype=torch.float32)

    path = HERE / "scaled_floats.safetensors"
    safetensors.torch.save_file({k: v.contiguous().clone() for k, v in tensors.items()}, path, metadata={"format": "pt"})
    path.chmod(0o644)
