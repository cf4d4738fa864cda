"""torch/probe.json: size and gradient of the stream after each residual edge of examples/depth.lmg, in float64.

Parameters and tokens are not stored: `draw` is Park and Miller's generator, which is exact in float64 and stands in
test/autodiff/probe-golden.test.ts too.
"""

import math

import torch
import torch.nn.functional as F

from cases import VERSIONS
from common import HERE, write_json

MODULUS = 2**31 - 1
DIM, HEADS, VOCAB, B, T, DEPTH = 16, 4, 11, 2, 6, 3
VARIANTS = ("pre", "post", "sandwich", "out", "deepnorm", "rezero", "none", "plain")


def draw(name, count):
    """Numbers in (0, 1) that follow from a name."""
    x = 1
    for letter in name.encode():
        x = (31 * x + letter) % MODULUS
    values = []
    for _ in range(count):
        x = 16807 * x % MODULUS
        values.append(x / MODULUS)
    return values


def tensor(name, *shape):
    """Matrices keep the size of what they multiply, norms are around 1, biases and gains are no zeros."""
    u = torch.tensor(draw(name, math.prod(shape)), dtype=torch.float64).reshape(shape) - 0.5
    if len(shape) == 2:
        value = u * (12 / shape[1]) ** 0.5
    elif name.endswith("weight"):
        value = 1 + 0.4 * u
    else:
        value = 0.4 * u
    return value.requires_grad_()


def measure(variant):
    """The loss, and for each edge the root mean square of the stream and the norm of its gradient."""
    alpha = (2 * DEPTH) ** 0.25
    linear = lambda name, x, width: F.linear(x, tensor(f"{name}.weight", width, x.shape[-1]), tensor(f"{name}.bias", width))
    norm = lambda name, x: F.layer_norm(x, (DIM,), tensor(f"{name}.weight", DIM), tensor(f"{name}.bias", DIM), 1e-5)

    def attention(name, x):
        q, k, v = (linear(f"{name}.{p}_proj", x, DIM).view(B, T, HEADS, -1).transpose(1, 2) for p in "qkv")
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return linear(f"{name}.o_proj", y.transpose(1, 2).reshape(B, T, DIM), DIM)

    def feed_forward(name, x):
        return linear(f"{name}.fc2", linear(f"{name}.fc1", x, 4 * DIM).relu(), DIM)

    forms = {
        "pre": lambda x, f, n, g: x + f(norm(n, x)),
        "post": lambda x, f, n, g: norm(n, x + f(x)),
        "sandwich": lambda x, f, n, g: x + norm(f"{n}.out", f(norm(f"{n}.pre", x))),
        "out": lambda x, f, n, g: x + norm(n, f(x)),
        "deepnorm": lambda x, f, n, g: norm(n, alpha * x + f(x)),
        "rezero": lambda x, f, n, g: x + tensor(g, 1) * f(x),
        "none": lambda x, f, n, g: x + f(x),
        "plain": lambda x, f, n, g: f(x),
    }
    tokens, targets = (
        torch.tensor([int(u * VOCAB) for u in draw(name, B * T)]).reshape(B, T) for name in ("tokens", "next")
    )
    edges = []

    def keep(x):
        x.retain_grad()
        edges.append(x)
        return x

    x = keep(tensor("wte.weight", VOCAB, DIM)[tokens] + tensor("wpe.weight", T, DIM))
    for layer in range(DEPTH):
        for part, f, name in ((1, attention, "attn"), (2, feed_forward, "mlp")):
            branch = lambda x, f=f, name=name: f(f"h.{layer}.{name}", x)
            x = keep(forms[variant](x, branch, f"h.{layer}.ln_{part}", f"h.{layer}.gain_{part}"))
    if variant in ("pre", "sandwich", "out"):
        x = norm("ln_f", x)
    loss = F.cross_entropy(linear("head", x, VOCAB).flatten(0, 1), targets.flatten())
    loss.backward()
    return {"name": variant, "loss": loss.item(),
            "activations": [e.pow(2).mean().sqrt().item() for e in edges], "gradients": [e.grad.norm().item() for e in edges]}


def make():
    sizes = {"dim": DIM, "heads": HEADS, "vocab": VOCAB, "ctx": T, "depth": DEPTH}
    write_json(HERE / "torch" / "probe.json",
               {"file": "test/golden/probe.py", "versions": VERSIONS, "sizes": sizes, "B": B, "T": T,
                "cases": [measure(variant) for variant in VARIANTS]})
