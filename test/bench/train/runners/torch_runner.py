"""PyTorch: `torch_runner.py FOLDER eager|compile|float64`. The driver gives OMP_NUM_THREADS as well."""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

from serve import Task, serve


class Digits(nn.Module):
    """784-256-256-10 with batch norm and a residual edge; batch norm as in Keras, but for the unbiased running variance."""

    def __init__(self, _):
        super().__init__()
        self.dense, self.dense_1 = nn.Linear(784, 256), nn.Linear(256, 256)
        self.bn, self.bn_1 = (nn.BatchNorm1d(256, eps=1e-3, momentum=0.01) for _ in range(2))
        self.dense_2 = nn.Linear(256, 10)

    def forward(self, x, y):
        first = F.relu(self.dense(x))
        second = F.relu(self.dense_1(self.bn(first)))
        return F.cross_entropy(self.dense_2(self.bn_1(second + first)), y)


class Norm(nn.Module):
    """Layer norm without a bias, as nanoGPT has it."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.layer_norm(x, self.weight.shape, self.weight, None, 1e-5)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)

    def forward(self, x):
        B, T, D = x.shape
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in self.c_attn(x).split(D, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).reshape(B, T, D))


class MLP(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.c_fc, self.c_proj = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x)))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1, self.attn = Norm(width), Attention(width, heads)
        self.ln_2, self.mlp = Norm(width), MLP(width)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Chars(nn.Module):
    """nanoGPT's model without biases and dropout; the table of tokens is the last matrix too."""

    def __init__(self, settings):
        super().__init__()
        width = settings["dim"]
        self.wte, self.wpe = nn.Embedding(settings["vocab"], width), nn.Embedding(settings["ctx"], width)
        self.h = nn.ModuleList(Block(width, settings["heads"]) for _ in range(settings["depth"]))
        self.ln_f = Norm(width)

    def forward(self, tokens, targets):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        for block in self.h:
            x = block(x)
        logits = F.linear(self.ln_f(x), self.wte.weight)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def optimizer_of(model, task):
    """Decay for matrices and tables alone, as nanoGPT; `fused` is the fastest kind on a CPU too."""
    settings = task.optimizer
    decay = [p for p in model.parameters() if p.dim() >= 2]
    rest = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": decay, "weight_decay": settings["decay"]}, {"params": rest, "weight_decay": 0.0}]
    kind = torch.optim.AdamW if settings["name"] == "adamw" else torch.optim.Adam
    return kind(groups, lr=task.rates[0], betas=tuple(settings["betas"]), eps=settings["eps"], fused=True)


def main(folder, variant):
    task = Task(folder)
    torch.set_num_threads(task.threads)
    torch.set_num_interop_threads(1)
    float_type = torch.float64 if variant == "float64" else torch.float32
    model = {"digits": Digits, "lm": Chars}[task.model](task.settings).to(float_type)
    values = {name: torch.tensor(value, dtype=float_type) for name, value in task.parameters.items()}
    missing, unexpected = model.load_state_dict(values, strict=False)
    assert not unexpected and all("num_batches_tracked" in name for name in missing), (missing, unexpected)
    optimizer = optimizer_of(model, task)
    inputs, targets = torch.tensor(task.inputs), torch.tensor(task.targets).long()
    inputs = inputs.to(float_type) if inputs.is_floating_point() else inputs.long()
    compute = torch.compile(model) if variant == "compile" else model

    def step(index):
        for group in optimizer.param_groups:
            group["lr"] = task.rates[index]
        loss = compute(inputs[index], targets[index])
        loss.backward()
        if task.clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), task.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        value = loss.item()
        assert math.isfinite(value)
        return value

    serve(f"PyTorch {torch.__version__}", step)


main(*sys.argv[1:])
