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
DIM, HEADS, VOCAB, B, T, DEPTH, BASE, LANES = 16, 4, 11, 2, 6, 3, 2, 4
VARIANTS = ("pre", "post", "sandwich", "out", "deepnorm", "rezero", "none", "plain", "gpt2", "lns", "mixln", "peri", "residual",
            "hybrid", "keel", "depthmu", "completep", "ngpt", "hyper", "attnres", "value", "qknorm", "dyt")
WITHOUT_LAST_NORM = ("post", "deepnorm", "rezero", "none", "plain", "residual", "keel", "ngpt")


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


def measure(variant, way="whole"):
    """
    The loss, and for each edge the root mean square of the stream and the norm of its gradient: the whole of it, or what comes back
    where no branch passes any on ("carried"), or where what a softmax reads is as if it were given ("held").
    """
    cut = (lambda x: x.detach()) if way == "carried" else lambda x: x
    hold = (lambda x: x.detach()) if way == "held" else lambda x: x
    alpha = (2 * DEPTH) ** 0.25
    unit = lambda x: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-8)

    def linear(name, x, width):
        bias = None if variant == "ngpt" else tensor(f"{name}.bias", width)
        return F.linear(x, tensor(f"{name}.weight", width, x.shape[-1]), bias)

    def norm(name, x):
        width = x.shape[-1]
        return F.layer_norm(x, (width,), tensor(f"{name}.weight", width), tensor(f"{name}.bias", width), 1e-5)

    values = []  # of the first layer

    def attention(name, x):
        q, k, v = (linear(f"{name}.{p}_proj", x, DIM).view(B, T, HEADS, -1).transpose(1, 2) for p in "qkv")
        if variant == "hybrid":
            q, k, v = (norm(f"{name}.{p}_norm", each) for p, each in zip("qkv", (q, k, v)))
        elif variant == "qknorm":
            q, k = (norm(f"{name}.{p}_norm", each) for p, each in zip("qk", (q, k)))
        elif variant == "ngpt":
            q, k = unit(q), unit(k)
        elif variant == "value":
            v = (v + values[0]) / 2 if values else v
            values.append(v)
        y = F.scaled_dot_product_attention(hold(q), hold(k), v, is_causal=True)
        return linear(f"{name}.o_proj", y.transpose(1, 2).reshape(B, T, DIM), DIM)

    def feed_forward(name, x):
        return linear(f"{name}.fc2", linear(f"{name}.fc1", x, 4 * DIM).relu(), DIM)

    def early_post(x, f, n, g):
        """Mix-LN: the layers l <= L / 4, here the first of three, have their norm behind the add."""
        return norm(n, x + cut(f(x))) if n.startswith("h.0.") else x + cut(f(norm(n, x)))

    def dual(x, f, n, g):
        """ResiDual: the second stream has the sum of all branches."""
        branch = f(x)
        second[0] = second[0] + branch
        return norm(n, x + cut(branch))

    def hybrid(x, f, n, g):
        """Attention normalizes its own q, k and v; the feed-forward block's edge carries what its norm gives."""
        if n.endswith("ln_1"):
            return x + cut(f(x))
        y = norm(n.removesuffix("_2"), x)
        return y + cut(f(y))

    def lanes(x, f, n, g):
        """Static hyper-connection on x: [B, T, n, D]; read [n, 1], write [n, 1], mix [n, n]."""
        name = n.replace("ln_", "lanes_")
        read, write, mix = (tensor(f"{name}.{what}", LANES, width) for what, width in (("read", 1), ("write", 1), ("mix", LANES)))
        return mix @ x + cut(f(norm(n, (x * read).sum(2))).unsqueeze(2) * write)

    def mixture(name, outputs):
        """Of outputs [B, T, N, D] by a softmax over N of query · key, the keys of RMS 1."""
        keys = outputs * torch.rsqrt(outputs.pow(2).mean(-1, keepdim=True) + 1e-6)
        weights = hold((keys * tensor(f"{name}.query", DIM)).sum(-1)).softmax(-1)
        return (outputs * weights.unsqueeze(-1)).sum(2)

    def over_depth(x, f, n, g):
        made = f(norm(n, mixture(n.replace("ln_", "mix_"), x)))
        return torch.cat([x, made.unsqueeze(2)], 2)

    def tanh(name, x):
        return tensor(f"{name}.weight", DIM) * torch.tanh(tensor(f"{name}.alpha", 1) * x) + tensor(f"{name}.bias", DIM)

    def sphere(x, f, n, g):
        a = tensor(n.replace("ln_", "alpha_"), DIM)
        return unit((1 - a) * x + a * cut(unit(f(x))))

    pre = lambda gain: lambda x, f, n, g: x + gain * cut(f(norm(n, x)))
    forms = {
        "pre": pre(1),
        "gpt2": pre(1),
        "value": pre(1),
        "qknorm": pre(1),
        "depthmu": pre((DEPTH / BASE) ** -0.5),
        "completep": pre((DEPTH / BASE) ** -1),
        "lns": lambda x, f, n, g: x + cut(f(norm(n, x) / math.sqrt(int(n.split(".")[1]) + 1))),
        "mixln": early_post,
        "peri": lambda x, f, n, g: x + cut(norm(f"{n}.out", f(norm(f"{n}.pre", x)))),
        "residual": dual,
        "hybrid": hybrid,
        "keel": lambda x, f, n, g: norm(f"{n}.post", 2 * DEPTH * x + cut(f(norm(f"{n}.pre", x)))),
        "ngpt": sphere,
        "hyper": lanes,
        "attnres": over_depth,
        "dyt": lambda x, f, n, g: x + cut(f(tanh(n, x))),
        "post": lambda x, f, n, g: norm(n, x + cut(f(x))),
        "sandwich": lambda x, f, n, g: x + cut(norm(f"{n}.out", f(norm(f"{n}.pre", x)))),
        "out": lambda x, f, n, g: x + cut(norm(n, f(x))),
        "deepnorm": lambda x, f, n, g: norm(n, alpha * x + cut(f(x))),
        "rezero": lambda x, f, n, g: x + tensor(g, 1) * cut(f(x)),
        "none": lambda x, f, n, g: x + cut(f(x)),
        "plain": lambda x, f, n, g: 0 * x + cut(f(x)),
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
    second = [x]
    if variant == "peri":
        x = norm("ln_e", x)
    elif variant == "ngpt":
        x = unit(x)
    elif variant == "hyper":
        x = x.unsqueeze(2).expand(-1, -1, LANES, -1)
    elif variant == "attnres":
        x = x.unsqueeze(2)
    for layer in range(DEPTH):
        for part, f, name in ((1, attention, "attn"), (2, feed_forward, "mlp")):
            branch = lambda x, f=f, name=name: f(f"h.{layer}.{name}", x)
            x = forms[variant](x, branch, f"h.{layer}.ln_{part}", f"h.{layer}.gain_{part}")
            # Attention Residuals have no edges: nothing is added to a stream.
            x = x if variant == "attnres" else keep(x)
    if variant == "hyper":
        x = x.sum(2)
    elif variant == "attnres":
        x = mixture("mix", x)
    elif variant == "residual":
        x = x + norm("ln_f", second[0])
    if variant not in WITHOUT_LAST_NORM:
        x = norm("ln_f", x)
    loss = F.cross_entropy(linear("head", x, VOCAB).flatten(0, 1), targets.flatten())
    loss.backward()
    gradients = [0.0 if e.grad is None else e.grad.norm().item() for e in edges]
    if way != "whole":
        return gradients
    return {"name": variant, "loss": loss.item(), "activations": [e.pow(2).mean().sqrt().item() for e in edges],
            "largest": [e.abs().max().item() for e in edges], "gradients": gradients,
            "lanes": [e.pow(2).mean((0, 1, 3)).sqrt().tolist() for e in edges if e.dim() == 4],
            "carried": measure(variant, "carried"), "held": measure(variant, "held")}


def make():
    sizes = {"dim": DIM, "heads": HEADS, "vocab": VOCAB, "ctx": T, "depth": DEPTH, "base": BASE, "lanes": LANES}
    write_json(HERE / "torch" / "probe.json",
               {"file": "test/golden/probe.py", "versions": VERSIONS, "sizes": sizes, "B": B, "T": T,
                "cases": [measure(variant) for variant in VARIANTS]})
