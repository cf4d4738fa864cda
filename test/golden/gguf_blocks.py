"""gguf/blocks: random blocks of each type of GGUF that lmg reads, and what `dequantize` of the package gguf makes of them."""

import gguf
import numpy as np
import torch

from common import HERE, write_tensors

TYPES = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4"]
# Where the halves of a block stand: scales and minimums.
HALVES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0], "MXFP4": []}
# Signs, zeros, the smallest and largest halves and ordinary ones; drawn values take the rest.
SCALES = [0.0, -0.0, 1.0, -1.0, 2.0**-24, -(2.0**-14), 65504.0, -65504.0]


def make():
    random = np.random.default_rng(12)
    tensors = {}
    for name in TYPES:
        kind = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        count = 4 if elements == 256 else 16
        blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
        drawn = random.normal(0, 0.02, (count, 2)).astype(np.float16)
        drawn[: len(SCALES[:count]), 0] = SCALES[:count]
        for column, at in enumerate(HALVES[name]):
            blocks[:, at : at + 2] = drawn[:, column].copy().view(np.uint8).reshape(count, 2)
        if name == "MXFP4":
            blocks[:, 0] = random.integers(100, 140, count)
            blocks[:4, 0] = [0, 1, 2, 251]
        values = gguf.quants.dequantize(blocks, kind).reshape(-1)
        assert values.dtype == np.float32 and values.size == count * elements and np.isfinite(values).all()
        tensors[f"{name}.blocks"] = torch.from_numpy(blocks.reshape(-1).copy())
        tensors[f"{name}.values"] = torch.from_numpy(values.copy())
    (HERE / "gguf").mkdir(exist_ok=True)
    write_tensors(HERE / "gguf" / "blocks.safetensors", tensors)
