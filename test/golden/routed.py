"""torch/routed: products with matrices that rows chose."""

import torch

from cases import Group
from common import generator

FORM = "x (places, choices or 1, inputs), weight (matrices, outputs, inputs), or (matrices, inputs, outputs) for in_out"


def product(layout):
    def run(t):
        weight = t["weight"][t["chosen"].long()]
        if layout == "in_out":
            weight = weight.transpose(-1, -2)
        return {"y": (weight * t["x"].unsqueeze(-2)).sum(-1)}
    return run


def make():
    group = Group("routed")
    g = generator(3401)

    def add(name, places, choices, experts, outputs, inputs, layout="out_in", shared=False, chosen=None):
        matrix = (outputs, inputs) if layout == "out_in" else (inputs, outputs)
        t = {"x": torch.randn(*places, 1 if shared else choices, inputs, generator=g),
             "weight": torch.randn(experts, *matrix, generator=g)}
        # Each place chooses different ones; some matrices are chosen by none.
        picked = torch.rand(*places, experts, generator=g).argsort(-1)[..., :choices] if chosen is None else chosen
        t["chosen"] = picked.int()
        group.add(name, "routed product", product(layout), t, {"layout": layout, "form": FORM})
    add("own_rows", (2, 3), 2, 5, 3, 4)
    add("shared_rows", (7,), 3, 4, 5, 6, shared=True)
    add("in_out", (3, 2), 2, 6, 4, 3, layout="in_out", shared=True)
    add("one_for_all", (9,), 1, 3, 2, 5, chosen=torch.ones(9, 1))
    group.write()
