"""torch/odd_numbers: what PyTorch makes of NaN and infinities where one may see it otherwise, in eager float64."""

import math

import torch
import torch.nn.functional as F

from cases import VERSIONS
from common import FLOAT64, HERE, write_json

ODD = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def tensor(values, shape, grad=False):
    return torch.tensor(values, dtype=FLOAT64).reshape(shape).requires_grad_(grad)


def texts(value):
    """JSON has no NaN and no infinities: numbers that are none become words."""
    return [x if math.isfinite(x) else str(x).replace("inf", "Infinity").replace("nan", "NaN") for x in value.flatten().tolist()]


def convolution(odd, place):
    """A picture with padding; `place` is the operand whose first element is odd."""
    x, weight = tensor(range(1, 10), (1, 1, 3, 3)), torch.ones(1, 1, 3, 3, dtype=FLOAT64)
    grad = torch.ones(1, 1, 3, 3, dtype=FLOAT64)
    {"weight": weight, "grad": grad}[place][0, 0, 0, 0] = odd
    x.requires_grad_()
    weight.requires_grad_()
    out = F.conv2d(x, weight, padding=1)
    out.backward(grad)
    return {"out": texts(out), "x_grad": texts(x.grad), "weight_grad": texts(weight.grad)}


def batch_norm(odd):
    """With statistics that are given; then the same with those of the batch."""
    def gradients(training):
        x, weight = tensor([1, 2, 3, 5, 4, -1], (3, 2), True), tensor([odd, 1], (2,), True)
        bias = torch.zeros(2, dtype=FLOAT64, requires_grad=True)
        mean, variance = tensor([0.1, 0.2], (2,)), tensor([1.1, 1.2], (2,))
        y = F.batch_norm(x, mean, variance, weight, bias, training=training)
        y.backward(tensor([1, 1, 0, 2, -1, 0], (3, 2)))
        return {"x": texts(x.grad), "weight": texts(weight.grad), "bias": texts(bias.grad)}

    return {"given": gradients(False), "of_the_batch": gradients(True)}


def capped_attention(odd):
    """softmax(2 tanh(q kᵀ / 2)) v, where an element of q is odd."""
    q = tensor([odd, 1, 1, 2], (2, 2), True)
    k, v = tensor([1, 0, 0.5, 1, -1, 2], (3, 2), True), tensor([1, 2, 3, 4, 5, -6], (3, 2), True)
    out = torch.softmax(2 * torch.tanh(q @ k.T / 2), -1) @ v
    out.backward(tensor([1, 2, 3, 4], (2, 2)))
    return {"q": texts(q.grad), "k": texts(k.grad), "v": texts(v.grad)}


def make():
    x = torch.tensor([[1, -2, 3, 4]] * 32, dtype=torch.int8)
    weight = torch.tensor([[1] * 8, [-1] * 8, [0] * 8, [2] * 8], dtype=torch.int8)
    scaled = {name: texts((torch._int_mm(x, weight).double() * odd)[0]) for name, odd in ODD.items()}
    write_json(HERE / "torch" / "odd_numbers.json", {
        "versions": VERSIONS,
        "conv2d": {place: {name: convolution(odd, place) for name, odd in ODD.items()} for place in ("weight", "grad")},
        "batch_norm": {name: batch_norm(odd) for name, odd in ODD.items()},
        "capped_attention": {name: capped_attention(odd) for name, odd in ODD.items()},
        "int8_product": scaled,
    })
