"""torch/encoder_layer: nn.TransformerEncoderLayer, forward and gradients."""

import torch
from torch import nn

from cases import Group
from torch_modules import Draw, call

SIZES = [  # width, heads, hidden width, batch, length
    (8, 2, 16, 2, 5),
    (12, 3, 20, 1, 7),
    (24, 4, 40, 2, 6),
]


def make():
    group, draw = Group("encoder_layer"), Draw(2201)
    for width, heads, hidden, batch, length in SIZES:
        for norm_first in (True, False):
            for activation in ("relu", "gelu"):
                for causal in (True, False):
                    if width == 24 and (activation == "gelu") != causal:
                        continue  # the largest size: gelu with causal, relu with full
                    options = dict(d_model=width, nhead=heads, dim_feedforward=hidden, activation=activation, norm_first=norm_first)
                    shapes = {k: p.shape for k, p in nn.TransformerEncoderLayer(**options).named_parameters()}
                    inputs = {"x": draw(batch, length, width)}
                    for name, shape in shapes.items():
                        norm = name.startswith("norm") and name.endswith("weight")
                        inputs[f"param.{name}"] = draw.around_one(*shape) if norm else draw(*shape, scale=0.3)

                    def run(t):
                        layer = nn.TransformerEncoderLayer(**options, dropout=0.0, batch_first=True)
                        mask = torch.ones(length, length, dtype=torch.bool).triu(1) if causal else None
                        return {"y": call(layer, t, t["x"], src_mask=mask)}

                    name = f"d{width}h{heads}ff{hidden}_{'pre' if norm_first else 'post'}_{activation}_{'causal' if causal else 'full'}"
                    group.add(name, "nn.TransformerEncoderLayer", run, inputs,
                              options | {"causal": causal, "batch": batch, "seq": length, "eps": 1e-5, "gelu": "erf"})
    group.write()
