"""Holds what `lmg quantize` wrote to what transformers with compressed-tensors reads of it:

    lmg quantize MODEL.lmg --weights FOLDER --to int4 -o quantized
    lmg run MODEL.lmg --weights quantized --tokens IDS --activations f32 --logits logits.npy
    python test/bench/quality/read_back.py quantized IDS logits.npy

Prints how far transformers' logits of the tokens are from lmg's, and ends with 1 beyond 1e-4. Needs test/golden/requirements.txt.
"""

import sys

import numpy
import torch
from transformers import AutoModelForCausalLM


def main(folder: str, ids: str, path: str) -> int:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    print(type(model).__name__)
    with torch.no_grad():
        found = model(torch.tensor([[int(token) for token in ids.split(",")]])).logits[0].numpy()
    expected = numpy.load(path).reshape(found.shape)
    apart = abs(found - expected).max()
    print(f"{found.shape[0]} positions, logits of up to {abs(found).max():.1f}, {apart:.2e} apart at most")
    return 0 if apart <= 1e-4 else 1


sys.exit(main(*sys.argv[1:]))
