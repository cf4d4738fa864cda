"""torch/training: twenty steps of a small residual classifier, by torch.optim and by two optimizers written here."""

import torch
import torch.nn.functional as F
from torch import nn

from cases import VERSIONS
from common import HERE, generator, write_json, write_tensors

WIDTHS, STEPS, BATCH, EPS = (20, 16, 4), 20, 32, 1e-5


class Residual(nn.Module):
    """h = relu(n0(fc0 x)); inner: h + relu(n1(fc1 h)), pre: h + relu(fc1(n1 h)), post: n1(h + relu(fc1 h)); fc2 h."""

    def __init__(self, norm, placement):
        super().__init__()
        kinds = {"batch": lambda n: nn.BatchNorm1d(n, EPS), "layer": lambda n: nn.LayerNorm(n, EPS), "none": lambda n: nn.Identity()}
        inp, width, out = WIDTHS
        self.placement = placement
        self.fc0, self.fc1, self.fc2 = nn.Linear(inp, width), nn.Linear(width, width), nn.Linear(width, out)
        self.n0, self.n1 = kinds[norm](width), kinds[norm](width)

    def forward(self, x):
        h = torch.relu(self.n0(self.fc0(x)))
        if self.placement == "inner":
            h = h + torch.relu(self.n1(self.fc1(h)))
        elif self.placement == "pre":
            h = h + torch.relu(self.fc1(self.n1(h)))
        else:
            h = self.n1(h + torch.relu(self.fc1(h)))
        return self.fc2(h)


class Lion(torch.optim.Optimizer):
    """Chen et al. 2023, algorithm 2."""

    def __init__(self, parameters, lr, betas, weight_decay):
        super().__init__(parameters, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (first, second), lr = group["betas"], group["lr"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                direction = (first * m + (1 - first) * p.grad).sign()
                p.sub_(lr * (direction + group["weight_decay"] * p))
                self.state[p]["m"] = second * m + (1 - second) * p.grad


def orthogonal(g, steps):
    """Newton-Schulz with the coefficients of Jordan et al. 2024, in the dtype of g (theirs is bfloat16)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.T if g.shape[0] > g.shape[1] else g
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if g.shape[0] > g.shape[1] else x


class Muon(torch.optim.Optimizer):
    """Jordan et al. 2024 with the scale of Liu et al. 2025, for the parameters of one group."""

    def __init__(self, parameters, lr, momentum, weight_decay, steps=5):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "steps": steps})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                buffer = self.state[p].setdefault("buffer", torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - group["momentum"])
                direction = orthogonal(p.grad.lerp(buffer, group["momentum"]), group["steps"])
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.sub_(group["lr"] * 0.2 * max(p.shape) ** 0.5 * direction)


def optimizers(model, name, hyper):
    if name == "lion":
        return [Lion(model.parameters(), **hyper)]
    if name == "muon":  # hidden matrices; the first layer is one, the last product is not
        hidden = {model.fc0.weight, model.fc1.weight}
        others = [p for p in model.parameters() if p not in hidden]
        decay = hyper["weight_decay"]
        groups = [{"params": [p for p in others if p.dim() == n], "weight_decay": decay if n == 2 else 0.0} for n in (1, 2)]
        return [Muon(list(hidden), **hyper), torch.optim.AdamW(groups, lr=hyper["lr"], betas=(0.9, 0.95), eps=1e-8)]
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name]
    if hyper.pop("matrices_only", False):
        groups = [{"params": [p for p in model.parameters() if p.dim() == 2]},
                  {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0.0}]
        return [kind(groups, **hyper)]
    return [kind(model.parameters(), **hyper)]


CASES = [  # norm, placement, optimizer, its options, clip, micro-steps
    ("batch", "inner", "sgd", {"lr": 0.05}, None, 1),
    ("batch", "pre", "sgd", {"lr": 0.02, "momentum": 0.9}, None, 1),
    ("layer", "post", "sgd", {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3}, None, 1),
    ("batch", "inner", "adam", {"lr": 1e-3}, None, 1),
    ("batch", "post", "adam", {"lr": 1e-3}, None, 1),
    ("none", "inner", "adam", {"lr": 1e-3}, None, 1),
    ("layer", "pre", "adam", {"lr": 1e-3, "betas": (0.9, 0.95), "weight_decay": 1e-2}, None, 1),
    ("layer", "pre", "adamw", {"lr": 1e-3, "weight_decay": 1e-2}, None, 1),
    ("layer", "inner", "adamw", {"lr": 3e-3, "betas": (0.9, 0.95), "weight_decay": 0.1, "matrices_only": True}, None, 1),
    ("batch", "inner", "adamw", {"lr": 3e-3, "betas": (0.9, 0.95), "weight_decay": 0.1}, 1.0, 1),
    ("layer", "pre", "adamw", {"lr": 3e-3, "betas": (0.9, 0.95), "weight_decay": 0.1}, 0.5, 4),
    ("layer", "pre", "lion", {"lr": 1e-3, "betas": (0.9, 0.99), "weight_decay": 0.1}, None, 1),
    ("layer", "pre", "muon", {"lr": 1e-2, "momentum": 0.95, "weight_decay": 0.1}, None, 1),
    ("layer", "post", "muon", {"lr": 1e-2, "momentum": 0.95, "weight_decay": 0.1}, 0.5, 4),
]


def run(case, x, y):
    norm, placement, name, hyper, clip, micro = case
    torch.manual_seed(11)
    model = Residual(norm, placement).float().double()  # float32 values
    init = {k: v.clone() for k, v in model.state_dict().items() if v.is_floating_point()}
    chosen = optimizers(model, name, dict(hyper))
    losses, norms = [], []
    for step in range(STEPS):
        model.zero_grad()
        parts = [F.cross_entropy(model(part), target) for part, target in zip(x[step].chunk(micro), y[step].chunk(micro))]
        (sum(parts) / micro).backward()
        norms.append(nn.utils.clip_grad_norm_(model.parameters(), clip or float("inf")).item())
        for optimizer in chosen:
            optimizer.step()
        losses.append([part.item() for part in parts])
    final = {k: v for k, v in model.state_dict().items() if v.is_floating_point()}
    tensors = {f"init.{k}": v for k, v in init.items()} | {f"final.{k}": v for k, v in final.items()}
    return tensors, {"losses": losses, "gradient_norms": norms}


def make():
    g = generator(31)
    pattern = torch.rand(WIDTHS[2], WIDTHS[0], generator=g)
    y = torch.randint(WIDTHS[2], (STEPS, BATCH), generator=g)
    x = 0.5 * pattern[y] + 0.5 * torch.rand(STEPS, BATCH, WIDTHS[0], generator=g)
    tensors, cases = {"data/x": x, "data/y": y}, [{"name": "data", "kind": "data", "attrs": {}, "tensors": ["x", "y"], "scalars": {}}]
    for case in CASES:
        norm, placement, name, hyper, clip, micro = case
        key = f"{norm}_{placement}_{name}" + ("_momentum" if "momentum" in hyper and name == "sgd" else "")
        key += ("_decay" if "weight_decay" in hyper else "") + ("_matrices" if "matrices_only" in hyper else "")
        key += ("_clip" if clip else "") + (f"_micro{micro}" if micro > 1 else "")
        made, scalars = run(case, x.double(), y)
        tensors |= {f"{key}/{k}": v for k, v in made.items()}
        attrs = {"norm": norm, "placement": placement, "optimizer": name, "hyper": hyper, "clip": clip, "micro": micro}
        cases.append({"name": key, "kind": "Residual", "attrs": attrs, "tensors": list(made), "scalars": scalars})
    tensor_file, json_file = HERE / "torch" / "training.safetensors", HERE / "torch" / "training.json"
    write_tensors(tensor_file, tensors)
    write_json(json_file, {"file": tensor_file.name, "versions": VERSIONS, "cases": cases})
    print(f"torch/training: {len(CASES)} cases, {tensor_file.stat().st_size} + {json_file.stat().st_size} bytes")
