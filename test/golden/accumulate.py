"""torch/accumulate: updates on one large batch, for losses of many forms; lmg makes each from small uneven batches."""

import torch
import torch.nn.functional as F
from torch import nn

from cases import VERSIONS
from common import HERE, generator, write_json, write_tensors

ROWS, LENGTH, WIDTH, CLASSES, UPDATES, IGNORE = 6, 4, 3, 5, 3, -100

# Each takes the logits, what the data has, and the learned scalar s. The text is the loss in .lmg.
LOSSES = {
    "cross_entropy": (lambda o, d, s: ce(o, d["y"].clamp(min=0)), ["(logits, every) -> cross_entropy"]),
    "ignored": (lambda o, d, s: ce(o, d["y"]), ["(logits, y) -> cross_entropy(ignore: -100)"]),
    "smoothed": (lambda o, d, s: ce(o, d["y"], label_smoothing=0.1),
                 ["(logits, y) -> cross_entropy(ignore: -100, smoothing: 0.1)"]),
    "squares": (lambda o, d, s: F.mse_loss(o, d["t"]), ["(logits, t) -> mean_squared_error"]),
    "mean": (lambda o, d, s: (o - d["t"]).abs().mean(-1).sum(-1).mean(), ["logits - t -> abs -> mean(axis: -1) -> sum(axis: -1) -> mean"]),
    "sum": (lambda o, d, s: 0.05 * (o - d["t"]).square().sum(), ["0.05 * (logits - t -> square -> sum)"]),
    "masked": (lambda o, d, s: masked(o, d), ["((logits - t -> square -> mean(axis: -1)) * m -> sum) / (m -> sum)"]),
    "masked_means": (lambda o, d, s: masked(o, d), ["((logits - t -> square -> mean(axis: -1)) * m -> mean) / (m -> mean)"]),
    "root": (lambda o, d, s: F.mse_loss(o, d["t"]).sqrt(), ["(logits, t) -> mean_squared_error -> sqrt"]),
    "perplexity": (lambda o, d, s: 0.1 * ce(o, d["y"]).exp(), ["0.1 * ((logits, y) -> cross_entropy(ignore: -100) -> exp)"]),
    "two_counts": (lambda o, d, s: ce(o, d["y"]) + 0.5 * ce(o, d["z"]),
                   ["(logits, y) -> cross_entropy(ignore: -100)", "0.5 * ((logits, z) -> cross_entropy(ignore: -100))"]),
    "rows_and_targets": (lambda o, d, s: ce(o, d["y"]) + 0.3 * F.mse_loss(o, d["t"]) + 0.1 * s.square().sum(),
                         ["(logits, y) -> cross_entropy(ignore: -100)", "0.3 * ((logits, t) -> mean_squared_error)",
                          "0.1 * (s -> square -> sum)"]),
    "learned_weight": (lambda o, d, s: (-s).exp().sum() * ce(o, d["y"]) + s.sum(),
                       ["(-s -> exp -> sum) * ((logits, y) -> cross_entropy(ignore: -100)) + (s -> sum)"]),
}

# name, loss, optimizer, its options, clip
CASES = [(name, name, "sgd", {"lr": 0.5, "momentum": 0.9}, None) for name in LOSSES] + [
    ("ignored_clip", "ignored", "sgd", {"lr": 0.5}, 0.2),
    ("two_counts_clip", "two_counts", "adamw", {"lr": 0.05, "weight_decay": 0.1}, 0.2),
    ("ignored_lion", "ignored", "lion", {"lr": 0.05, "betas": (0.9, 0.99), "weight_decay": 0.1}, None),
]


def ce(logits, targets, **more):
    return F.cross_entropy(logits.reshape(-1, CLASSES), targets.reshape(-1), ignore_index=IGNORE, **more)


def masked(logits, data):
    return ((logits - data["t"]).square().mean(-1) * data["m"]).sum() / data["m"].sum()


def run(case, data):
    from training import Lion

    _, loss, name, hyper, clip = case
    torch.manual_seed(5)
    head = nn.Linear(WIDTH, CLASSES).float().double()
    s = nn.Parameter(torch.tensor([0.3]).double())
    named = {"head.weight": head.weight, "head.bias": head.bias, "s": s}
    init = {k: v.detach().clone() for k, v in named.items()}
    kind = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW, "lion": Lion}[name]
    # As in lmg, decay leaves what the loss does not depend on alone.
    optimizer = kind([p for k, p in named.items() if k != "s" or "s ->" in " ".join(LOSSES[loss][1])], **hyper)
    losses, norms, accuracies = [], [], []
    for update in range(UPDATES):
        batch = {k: v[update] for k, v in data.items()}
        optimizer.zero_grad()
        logits = head(batch["x"])
        value = LOSSES[loss][0](logits, batch, s)
        value.backward()
        norms.append(nn.utils.clip_grad_norm_(named.values(), clip or float("inf")).item())
        optimizer.step()
        losses.append(value.item())
        counted = batch["y"] != IGNORE
        accuracies.append((logits.argmax(-1) == batch["y"])[counted].double().mean().item())
    final = {f"final.{k}": v.detach() for k, v in named.items()}
    return {f"init.{k}": v for k, v in init.items()} | final, {"losses": losses, "gradient_norms": norms, "accuracies": accuracies}


def make():
    g = generator(77)
    shape = (UPDATES, ROWS, LENGTH)
    data = {"x": torch.randn(*shape, WIDTH, generator=g), "t": torch.randn(*shape, CLASSES, generator=g),
            "m": torch.rand(shape, generator=g) * (torch.rand(shape, generator=g) < 0.6)}
    for name, share in (("y", 0.5), ("z", 0.2)):
        classes = torch.randint(CLASSES, shape, generator=g)
        data[name] = torch.where(torch.rand(shape, generator=g) < share, IGNORE, classes)
    # Rows 0 to 2 are one small batch, 3 and 4 the next, 5 the last: in one update the second has no target that counts,
    # in another the last has none, nor a weight.
    data["y"][1, 3:5], data["y"][2, 5:], data["m"][2, 5:] = IGNORE, IGNORE, 0.0
    listed = [{"name": "data", "kind": "data", "attrs": {}, "tensors": list(data), "scalars": {}}]
    tensors = {f"data/{k}": v for k, v in data.items()}
    doubled = {k: v.double() if v.is_floating_point() else v for k, v in data.items()}
    for case in CASES:
        key, loss, name, hyper, clip = case
        made, scalars = run(case, doubled)
        tensors |= {f"{key}/{k}": v for k, v in made.items()}
        attrs = {"losses": LOSSES[loss][1], "optimizer": name, "hyper": hyper, "clip": clip}
        listed.append({"name": key, "kind": "Linear", "attrs": attrs, "tensors": list(made), "scalars": scalars})
    tensor_file, json_file = HERE / "torch" / "accumulate.safetensors", HERE / "torch" / "accumulate.json"
    write_tensors(tensor_file, tensors)
    write_json(json_file, {"file": tensor_file.name, "versions": VERSIONS, "cases": listed})
    print(f"torch/accumulate: {len(CASES)} cases, {tensor_file.stat().st_size} + {json_file.stat().st_size} bytes")
