"""The first weights and the batches of the training that lane.py runs, for other libraries. usage: first_batches.py CHARS TOKENS OUT"""

import argparse
import os
import sys

import numpy as np
import torch
from safetensors.torch import save_file

chars, tokens, out = sys.argv[1:]
sys.path.insert(0, chars)
import train  # noqa: E402

options = argparse.Namespace(data=[tokens], batch=4, context=32, validation=None, accumulate=2, seed=7, weights=None)
data = train.open_data(options)
with torch.device("meta"):
    shapes = {name: tuple(tensor.shape) for name, tensor in train.M.Model().named_parameters()}
whole = {name: tuple(slice(0, size) for size in shape) for name, shape in shapes.items()}
drawn = {
    name: train.drawn(7, name, train.M.INIT[name if name in train.M.INIT else train.starred(name)], shape, whole[name])
    for name, shape in shapes.items()
}
save_file({name: torch.from_numpy(array.astype(np.float32)) for name, array in drawn.items()}, os.path.join(out, "first.safetensors"))
# An update is of two batches, whose rows have one mean.
batches = [data.at(at) for at in range(40)]
pairs = [[np.concatenate([np.asarray(part[side][0]) for part in batches[at : at + 2]]) for side in (0, 1)] for at in range(0, 40, 2)]
np.savez(os.path.join(out, "batches.npz"), x=np.stack([x for x, _ in pairs]), y=np.stack([y for _, y in pairs]))
