"""packed_fp4.safetensors: a linear in MXFP4 as the package compressed-tensors writes one (`mxfp4-pack-quantized`), and what it reads back.

`layer.weight_packed` and `layer.weight_scale` are what its compressor makes of drawn weights, all numbers of E2M1 among them;
`expected` is what its decompressor makes of these, in float32."""

import safetensors.torch
import torch
from compressed_tensors.compressors.mxfp4.base import MXFP4PackedCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme

from common import HERE, generator


def make():
    random = generator(13)
    weights = QuantizationArgs(num_bits=4, type="float", symmetric=True, strategy="group", group_size=32)
    scheme = QuantizationScheme(targets=["Linear"], weights=weights, format="mxfp4-pack-quantized")
    scale = 2.0 ** torch.randint(-20, 5, (6, 3), generator=random).float()
    weight = (torch.rand(6, 96, generator=random) * 14 - 7) * scale.repeat_interleave(32, 1)
    packed = MXFP4PackedCompressor.compress({"weight": weight, "weight_scale": scale}, scheme)
    read = MXFP4PackedCompressor.decompress(dict(packed), scheme)["weight"]
    numbers = (read / scale.repeat_interleave(32, 1)).abs().unique()
    assert numbers.tolist() == [0, 0.5, 1, 1.5, 2, 3, 4, 6], numbers
    tensors = {
        "layer.weight_packed": packed["weight_packed"],
        "layer.weight_scale": packed["weight_scale"],
        "expected": read.float(),
    }
    path = HERE / "packed_fp4.safetensors"
    safetensors.torch.save_file({k: v.contiguous().clone() for k, v in tensors.items()}, path, metadata={"format": "pt"})
    path.chmod(0o644)
