# Trains model.py on one process or, under torchrun, on many. Written by lmg; it needs torch, numpy and safetensors alone.
import argparse
import functools
import glob
import json
import math
import os
import re
import shutil
import sys
import time
import warnings

import numpy as np
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_state_dict,
    set_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import (
    DTensor,
    Replicate,
    Shard,
    distribute_module,
    distribute_tensor,
)
from torch.utils.checkpoint import checkpoint

# isort: split
import model as M  # the file beside this one

# What they warn of is meant: one process saves by itself, and nothing changes in place what a layer gave.
warnings.filterwarnings("ignore", message="torch.distributed is disabled")
warnings.filterwarnings("ignore", message="FSDP2-wrapped module")
HERE = os.path.dirname(os.path.abspath(__file__))
LARGEST_FILE = 5_000_000_000  # bytes of one file of weights, as transformers cuts them


# Numbers by seed and name: Threefry-2x32 with 20 rounds (Salmon et al. 2011), any part of any tensor on any process.


def threefry(key, first, second):
    """32 random bits twice for each pair of counters."""
    u = np.uint32
    with np.errstate(over="ignore"):
        keys = (u(key[0]), u(key[1]), u(key[0]) ^ u(key[1]) ^ u(0x1BD11BDA))
        x = np.asarray(first).astype(u) + keys[0]
        y = np.asarray(second).astype(u) + keys[1]
        for group in range(5):
            for turn in (13, 15, 26, 6) if group % 2 == 0 else (17, 29, 16, 24):
                x = x + y
                y = ((y << u(turn)) | (y >> u(32 - turn))) ^ x
            x = x + keys[(group + 1) % 3]
            y = y + keys[(group + 2) % 3] + u(group + 1)
    return x, y


def key_of(seed, name):
    """The seed and FNV-1a of the name."""
    value = 0x811C9DC5
    for unit in np.frombuffer(name.encode("utf-16-le"), "<u2").tolist():
        value = ((value ^ unit) * 0x01000193) & 0xFFFFFFFF
    return seed & 0xFFFFFFFF, value


def uniform(key, at):
    return threefry(key, at, np.zeros_like(at))[0] / 2**32


def normal(key, at, attempt=0):
    """Box and Muller from two words of one counter."""
    a, b = threefry(key, at, np.full_like(at, 1 + attempt))
    return np.sqrt(-2 * np.log((a.astype(np.float64) + 1) / 2**32)) * np.cos(
        2 * np.pi * b.astype(np.float64) / 2**32
    )


def truncated_normal(key, at):
    """Normal numbers; those beyond two standard deviations are drawn again."""
    drawn, attempt = normal(key, at), 0
    while True:
        far = np.abs(drawn) > 2
        if not far.any():
            return drawn
        attempt += 1
        drawn[far] = normal(key, at[far], attempt)


def orthogonal(key, shape, gain):
    """Normal vectors made orthonormal by Gram and Schmidt, each twice, as lmg does it."""
    rows, columns = shape[0], math.prod(shape[1:])
    count, length = min(rows, columns), max(rows, columns)
    vectors = normal(key, np.arange(count * length, dtype=np.uint32)).reshape(
        count, length
    )
    for index in range(count):
        for _ in range(2):
            for other in range(index):
                vectors[index] -= (vectors[index] @ vectors[other]) * vectors[other]
        vectors[index] /= np.linalg.norm(vectors[index])
    return (gain * (vectors if rows <= columns else vectors.T)).reshape(shape)


def elements(seed, name, init, at):
    """The elements of a parameter at those places, in row-major order."""
    kind, *numbers = init
    key = key_of(seed, name)
    if kind == "constant":
        return np.full(at.shape, numbers[0], np.float64)
    if kind == "normal":
        return numbers[0] + numbers[1] * normal(key, at)
    if kind == "truncated_normal":
        return numbers[0] + numbers[1] * truncated_normal(key, at)
    if kind == "uniform":
        return numbers[0] + (numbers[1] - numbers[0]) * uniform(key, at)
    if kind == "scaled_uniform":
        return numbers[0] * (math.sqrt(3) * (2 * uniform(key, at) - 1))
    raise ValueError(f"INIT of {name} is {kind}")


def drawn(seed, name, init, shape, part):
    """A part of a parameter, a slice an axis, as it begins."""
    kind, *numbers = init
    if kind == "values":
        return np.asarray(numbers[0], np.float64).reshape(shape)[part]
    if kind == "eye":
        return (numbers[0] * np.eye(shape[0], math.prod(shape[1:]))).reshape(shape)[
            part
        ]
    if kind == "unit":
        return (numbers[1] * (np.arange(math.prod(shape)) == numbers[0])).reshape(
            shape
        )[part]
    if kind == "orthogonal":
        return orthogonal(key_of(seed, name), shape, numbers[0])[part]
    at = np.zeros((), np.uint32)
    for size, along in zip(shape, part):
        at = at[..., None] * np.uint32(size) + np.arange(
            along.start, along.stop, dtype=np.uint32
        )
    return elements(seed, name, init, at)


# Data: batches that depend on the files, the seed and their number alone, so that each process cuts its rows of the same one.


class Windows:
    """Windows of a text that begin anywhere; the target of each token is the one after it."""

    def __init__(self, training, validation, batch, context, seed):
        self.training, self.held = training, validation
        self.batch = batch
        self.context = context
        self.key = key_of(seed, "text windows")
        self.updates = max(1, (len(training) - 1) // (batch * context))
        self.ends = False
        self.size = [len(training), len(validation)]
        self.positions = context

    def at(self, index):
        rows = np.arange(self.batch, dtype=np.uint32)
        words = threefry(self.key, np.full_like(rows, index), rows)[0].astype(
            np.float64
        )
        return self.cut(
            self.training,
            np.floor(words / 2**32 * (len(self.training) - self.context)).astype(
                np.int64
            ),
        )

    def validation(self):
        count = max(0, len(self.held) - 1) // self.context
        for first in range(0, count, self.batch):
            yield self.cut(
                self.held,
                np.arange(first, min(first + self.batch, count)) * self.context,
            )

    def cut(self, tokens, starts):
        rows = np.stack(
            [tokens[start : start + self.context + 1] for start in starts]
        ).astype(np.int64)
        return [rows[:, :-1]], [rows[:, 1:]]


class Rows:
    """Rows of arrays in an order that is another in each epoch."""

    def __init__(self, inputs, targets, held, batch, seed):
        self.columns = inputs + targets
        self.split = len(inputs)
        self.batch = batch
        self.seed = seed
        order = self.shuffled(np.arange(len(self.columns[0])), "validation rows", 0)
        self.rows, self.held = order[held:], order[:held]
        # Two are kept: accumulated batches may be of both.
        self.epoch = functools.lru_cache(2)(
            functools.partial(self.shuffled, self.rows, "rows")
        )
        self.updates = -(-len(self.rows) // batch)
        self.ends, self.size = True, [len(self.rows), held]
        self.positions = inputs[0].shape[1] if inputs[0].ndim > 1 else 1

    def shuffled(self, numbers, name, turn):
        order, last = numbers.tolist(), np.arange(len(numbers), dtype=np.uint32)
        words = (
            threefry(key_of(self.seed, name), np.full_like(last, turn), last)[0] / 2**32
        )
        for at in range(len(order) - 1, 0, -1):
            other = int(words[at] * (at + 1))
            order[at], order[other] = order[other], order[at]
        return np.asarray(order)

    def at(self, index):
        first = index % self.updates * self.batch
        return self.take(self.epoch(index // self.updates)[first : first + self.batch])

    def validation(self):
        for first in range(0, len(self.held), self.batch):
            yield self.take(self.held[first : first + self.batch])

    def take(self, rows):
        taken = [column[rows] for column in self.columns]
        taken = [
            part.astype(np.int64)
            if part.dtype.kind in "iu"
            else part.astype(np.float32)
            for part in taken
        ]
        return taken[: self.split], taken[self.split :]


def open_data(options):
    """A folder that `lmg tokens` wrote, or an array for each input and target: `image=images.npy label=labels.npy`."""
    batch = options.batch or M.TRAIN["batch"] or 32
    if all("=" in each for each in options.data):
        files = dict(each.split("=", 1) for each in options.data)
        wanted = [*M.INPUTS, *M.TARGETS]
        if sorted(files) != sorted(wanted):
            stop(
                f"--data has {', '.join(sorted(files))}, and the model wants {', '.join(wanted)}"
            )
        arrays = {name: np.load(path, mmap_mode="r") for name, path in files.items()}
        held = (
            options.validation
            if options.validation is not None
            else len(arrays[wanted[0]]) // 10
        )
        return Rows(
            [arrays[name] for name in M.INPUTS],
            [arrays[name] for name in M.TARGETS],
            held,
            batch,
            options.seed,
        )
    (folder,) = options.data
    parts = [
        np.load(os.path.join(folder, f"{part}.npy"), mmap_mode="r")
        for part in ("training", "validation")
    ]
    context = options.context or M.CONTEXT
    if context is None:
        stop("the model does not say how long a text may be: give --context")
    if len(parts[0]) <= context:
        stop(
            f"{len(parts[0])} tokens to train on cannot fill a window of {context} and the one after it"
        )
    return Windows(*parts, batch, context, options.seed)


# The recipe.


def rate_at(step, total):
    """The learning rate of an update, counted from 0."""
    train = M.TRAIN
    rate = train["lr"]
    warmup = train.get("schedule_warmup", 0)
    floor = train.get("schedule_floor", 0)
    if step < warmup:
        return rate * (step + 1) / (warmup + 1)

    def between(start, end):
        return min(1, max(0, (step - start) / max(end - start, 1)))

    if train["schedule"] == "linear":
        return rate * (1 - (1 - floor) * between(warmup, total))
    if train["schedule"] == "cosine":
        return rate * (
            floor + (1 - floor) * (1 + math.cos(math.pi * between(warmup, total))) / 2
        )
    if train["schedule"] == "wsd":
        return rate * (
            1
            - (1 - floor)
            * between(max(warmup, (1 - train["schedule_decay"]) * total), total)
        )
    return rate


class Lion(torch.optim.Optimizer):
    """The sign of an interpolated momentum (Chen et al. 2023)."""

    def __init__(self, groups, lr, betas):
        super().__init__(groups, {"lr": lr, "betas": betas, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            first, second = group["betas"]
            for p in group["params"]:
                state = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p)
                m = state["momentum"]
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.sub_(group["lr"] * (first * m + (1 - first) * p.grad).sign())
                m.mul_(second).add_(p.grad, alpha=1 - second)


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal by Newton-Schulz steps (Jordan et al. 2024), as long as AdamW's would be (Liu et al. 2025)."""

    def __init__(self, groups, lr, momentum, nesterov, steps):
        super().__init__(
            groups,
            {
                "lr": lr,
                "momentum": momentum,
                "nesterov": nesterov,
                "steps": steps,
                "weight_decay": 0.0,
            },
        )

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            share = group["momentum"]
            for p in group["params"]:
                state = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p)
                m = state["momentum"].mul_(share).add_(p.grad, alpha=1 - share)
                direction = share * m + (1 - share) * p.grad if group["nesterov"] else m
                # Each process makes the whole matrix orthogonal, and keeps its part.
                whole = (
                    direction.full_tensor()
                    if isinstance(direction, DTensor)
                    else direction
                )
                turned = orthogonalized(whole, group["steps"]) * (
                    0.2 * math.sqrt(max(whole.shape))
                )
                if isinstance(p, DTensor):
                    turned = distribute_tensor(
                        turned, p.device_mesh, p.placements, src_data_rank=None
                    )
                p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(
                    group["lr"] * turned
                )


def orthogonalized(matrix, steps):
    wide = matrix.t() if matrix.shape[0] > matrix.shape[1] else matrix
    x = wide / (wide.square().sum().sqrt() + 1e-7)
    for _ in range(steps):
        gram = x @ x.t()
        x = 3.4445 * x + (-4.775 * gram + 2.0315 * gram @ gram) @ x
    return x.t() if matrix.shape[0] > matrix.shape[1] else x


def in_set(name, names):
    return name in names or starred(name) in names


def named_in(table, name, otherwise):
    return table.get(name, table.get(starred(name), otherwise))


def starred(name):
    """`h.*.attn` for `h.3.attn`."""
    return re.sub(r"(^|\.)\d+(?=\.)", r"\1*", name)


def optimizers_of(model):
    """The optimizers of all parameters; Muon leaves what is no hidden matrix to AdamW."""
    train = M.TRAIN
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]

    def groups(chosen):
        """By what they have for themselves, and by their mesh: torch updates all of a group at once, which lies on one."""
        made = {}
        for name, p in chosen:
            own = named_in(M.RULES, name, {})
            said = {
                "weight_decay": own.get(
                    "decay", train["decay"] if in_set(name, M.DECAYED) else 0.0
                )
            }
            said.update(
                (key, own[rule])
                for rule, key in (("rate", "share"), ("eps", "eps"))
                if rule in own
            )
            mesh = p.device_mesh if isinstance(p, DTensor) else None
            made.setdefault((*said.items(), mesh), dict(params=[], **said))[
                "params"
            ].append(p)
        return list(made.values())

    kind, lr = train["optimizer"], train["lr"]
    if kind in ("adam", "adamw"):
        make = torch.optim.AdamW if kind == "adamw" else torch.optim.Adam
        return [make(groups(named), lr=lr, betas=train["betas"], eps=train["eps"])]
    if kind == "sgd":
        return [
            torch.optim.SGD(
                groups(named),
                lr=lr,
                momentum=train["momentum"],
                nesterov=train["nesterov"],
            )
        ]
    if kind == "lion":
        return [Lion(groups(named), lr, train["betas"])]
    matrices = [each for each in named if in_set(each[0], M.MATRICES)]
    rest = [each for each in named if not in_set(each[0], M.MATRICES)]
    made = (
        [
            Muon(
                groups(matrices),
                lr,
                train["momentum"],
                train["nesterov"],
                train["newton_steps"],
            )
        ]
        if matrices
        else []
    )
    return made + (
        [torch.optim.AdamW(groups(rest), lr=lr, betas=(0.9, 0.95), eps=1e-8)]
        if rest
        else []
    )


@torch.no_grad()
def pass_on(model):
    """Parameters go through what `after step` says of them: each process makes the whole tensor, and keeps its part."""
    for name, p in model.named_parameters():
        steps = named_in(M.AFTER, name, [])
        if not steps:
            continue
        whole = p.full_tensor() if isinstance(p, DTensor) else p
        for step in steps:
            whole = step(whole)
        p.copy_(
            distribute_tensor(whole, p.device_mesh, p.placements, src_data_rank=None)
            if isinstance(p, DTensor)
            else whole
        )


def clipped(parameters, most, world):
    """The norm of all gradients together, which is made `most` at most: one sum over all processes."""
    by_copies = {}
    for p in parameters:
        if p.grad is not None:
            gradient, copies = held(p.grad, world)
            by_copies.setdefault(copies, []).append(gradient)
    squares = sum(
        nn.utils.get_total_norm(gradients).square() / copies
        for copies, gradients in by_copies.items()
    )
    if world > 1:
        dist.all_reduce(squares)
    norm = squares.sqrt()
    if most is not None:
        factor = torch.clamp(most / (norm + 1e-6), max=1.0)
        for gradients in by_copies.values():
            torch._foreach_mul_(gradients, factor)
    return norm


def held(tensor, world):
    """What this process has of a tensor, and how many processes have the same."""
    if not isinstance(tensor, DTensor):
        return tensor, world
    sizes = zip(tensor.placements, tensor.device_mesh.shape)
    return tensor.to_local(), world // math.prod(
        size for placement, size in sizes if not placement.is_replicate()
    )


# The model on its processes.


def stop(message):
    """Ends every process alike, before any of them waits for another."""
    if int(os.environ.get("RANK", "0")) == 0:
        print(f"train.py: {message}", file=sys.stderr)
    sys.exit(1)


def divisors(number):
    return [each for each in range(1, number + 1) if number % each == 0]


def blocks_of(model):
    for name in M.BLOCKS:
        block = model.get_submodule(name)
        yield from block if isinstance(block, nn.ModuleList) else [block]


# Tensor parallelism: columns, rows, heads of branches (Shoeybi et al. 2019), positions between them (Korthikanti et al. 2022).


def share_out(model, mesh):
    """Gives each process of the mesh its part of the layers that M.TENSOR_PARALLEL names."""
    apart = tuple(f"{name}." for name in M.SEQUENCE_PARALLEL)
    for name, module in list(model.named_modules()):
        role = M.TENSOR_PARALLEL.get(name, M.TENSOR_PARALLEL.get(starred(name)))
        if role is not None:
            share_module(module, mesh, role, name.startswith(apart))
    for name in M.SEQUENCE_PARALLEL:
        layers = model.get_submodule(name)
        layers[0].register_forward_pre_hook(
            lambda _, inputs: (
                moved(inputs[0], mesh, Replicate(), Shard(1)),
                *inputs[1:],
            )
        )
        layers[-1].register_forward_hook(
            lambda _, inputs, output: moved(output, mesh, Shard(1), Replicate())
        )
    if hasattr(M, "scores"):
        M.scores = scores


def share_module(module, mesh, role, is_apart):
    """The parts of its parameters, of what it reads and gives; `is_apart`: the stream around it is shared out by positions."""
    rows_first = type(module).__name__ == "LinearInOut"
    whole = Replicate()
    columns = Shard(1 if rows_first else 0)
    rows = Shard(0 if rows_first else 1)
    if role == "columns":
        place(module, mesh, columns, Shard(0), whole, None)
    elif role == "scores":
        place(module, mesh, columns, Shard(0), whole, whole)
    elif role == "rows":
        place(module, mesh, rows, whole, Shard(-1), Shard(1) if is_apart else whole)
    elif role == "table":
        place(module, mesh, Shard(0), whole, whole, whole)
    elif role == "norm":
        # All products that read it add up their gradients before one reduction.
        if is_apart:
            place(module, mesh, whole, whole, Shard(1), whole, stays=True)
        else:
            module.register_forward_hook(
                lambda _, inputs, output: DTensor.from_local(
                    output, mesh, [whole], run_check=False
                )
            )
    elif role == "out":
        if is_apart:
            place(module, mesh, whole, whole, Shard(1), None)
    else:
        _, axis = role
        place(module, mesh, whole, whole, Shard(axis), None)


def place(module, mesh, weight, bias, given, wanted, stays=False):
    """The module on parts: how its parameters lie, what it is given and what is wanted of it, as a DTensor if it stays one."""

    def partition(_, part, mesh):
        for name, p in list(part.named_parameters(recurse=False)):
            spread = distribute_tensor(
                p, mesh, [bias if name == "bias" else weight], src_data_rank=None
            )
            part.register_parameter(
                name, nn.Parameter(spread, requires_grad=p.requires_grad)
            )

    def enter(_, inputs, mesh):
        return (
            inputs[0]
            if isinstance(inputs[0], DTensor)
            else DTensor.from_local(inputs[0], mesh, [given], run_check=False)
        )

    def leave(_, output, mesh):
        output = output if wanted is None else output.redistribute(placements=[wanted])
        return output if stays else output.to_local()

    distribute_module(module, mesh, partition, enter, leave)


def moved(x, mesh, given, wanted):
    return (
        DTensor.from_local(x, mesh, [given], run_check=False)
        .redistribute(placements=[wanted])
        .to_local()
    )


def scores(x, table, bias=None):
    """The product with each row of a table, whose rows are shared out: those of all processes, gathered."""
    if isinstance(table, DTensor):
        x = DTensor.from_local(x, table.device_mesh, [Replicate()], run_check=False)
        found = F.linear(x, table).redistribute(placements=[Replicate()]).to_local()
        return found if bias is None else found + bias
    return F.linear(x, table, bias)


def made(options, mesh, device):
    """The model: recomputed, compiled and sharded as asked for, and still without numbers."""
    with torch.device("meta"):
        model = M.Model()
    if options.tensor > 1:
        share_out(model, mesh["tensor"])
    recomputed = list(M.BLOCKS) if options.recompute else M.CHECKPOINTED
    for name in recomputed:
        for layer in (
            model.get_submodule(name)
            if isinstance(model.get_submodule(name), nn.ModuleList)
            else []
        ):
            layer.forward = functools.partial(
                checkpoint, layer.forward, use_reentrant=False
            )
    if options.compile:
        for block in blocks_of(model):
            # What FSDP calls before and after a block is no part of the graph.
            block.forward = torch.compile(block.forward, fullgraph=True)
    if mesh is not None:
        policy = (
            MixedPrecisionPolicy(torch.bfloat16, torch.float32)
            if options.bf16
            else MixedPrecisionPolicy()
        )
        for block in blocks_of(model):
            fully_shard(block, mesh=mesh["data"], mp_policy=policy)
        fully_shard(
            model, mesh=mesh["data"], mp_policy=policy, reshard_after_forward=False
        )
    return model.to_empty(device=device)


def local_part(tensor):
    """The slices of a tensor that are here, and the tensor that holds them."""
    part = [slice(0, size) for size in tensor.shape]
    if not isinstance(tensor, DTensor):
        return tuple(part), tensor
    # FSDP cuts what tensor parallelism has left, so the last axis of the mesh is the first that cuts.
    for axis in reversed(range(tensor.device_mesh.ndim)):
        placement = tensor.placements[axis]
        if placement.is_replicate():
            continue
        whole = part[placement.dim]
        length = whole.stop - whole.start
        chunk = -(-length // tensor.device_mesh.size(axis))
        start = min(chunk * tensor.device_mesh.get_local_rank(axis), length)
        part[placement.dim] = slice(
            whole.start + start, whole.start + min(start + chunk, length)
        )
    local = tensor.to_local()
    assert tuple(local.shape) == tuple(each.stop - each.start for each in part), (
        local.shape,
        part,
    )
    return tuple(part), local


@torch.no_grad()
def begin(model, options):
    """Every parameter and running statistic from a file of weights, or as the seed draws it: each process its own part."""
    stored = stored_weights(options.weights) if options.weights else None
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        init = M.INIT[name if name in M.INIT else starred(name)]
        part, local = local_part(tensor)
        if stored is not None and (
            name not in stored or tuple(stored[name].shape) != tuple(tensor.shape)
        ):
            found = f"{list(stored[name].shape)}" if name in stored else "nothing"
            stop(
                f"{options.weights} has {found} for {name}, which is {list(tensor.shape)}"
            )
        if stored is not None:
            local.copy_(stored[name][part].float())
        else:
            local.copy_(
                torch.from_numpy(
                    drawn(options.seed, name, init, tuple(tensor.shape), part).astype(
                        np.float32
                    )
                )
            )
    pass_on(model)


def stored_weights(path):
    files = (
        sorted(glob.glob(os.path.join(path, "*.safetensors")))
        if os.path.isdir(path)
        else [path]
    )
    return {name: tensor for file in files for name, tensor in load_file(file).items()}


# Checkpoints, from which any number of processes goes on.


def identity_of(options, data, model):
    """What decides the numbers of a run beside its length."""
    said = {
        name: value
        for name, value in M.TRAIN.items()
        if name not in ("steps", "epochs")
    }
    said.update(
        seed=options.seed,
        batch=data.batch,
        accumulate=options.accumulate,
        weights=options.weights,
    )
    said.update(context=getattr(data, "context", None), data=data.size)
    said["parameters"] = {name: list(p.shape) for name, p in model.named_parameters()}
    said.update(
        rules=M.RULES,
        after={
            name: [step.__name__ for step in steps] for name, steps in M.AFTER.items()
        },
    )
    return json.loads(json.dumps(said))


def latest(folder):
    path = os.path.join(folder, "checkpoint", "latest")
    if not os.path.exists(path):
        return None
    with open(path) as file:
        return os.path.join(folder, "checkpoint", file.read().strip())


# By the names of parameters alone: what is one group of an optimizer here may be two on other processes.
FLAT = StateDictOptions(flatten_optimizer_state_dict=True)


def states(model, optimizers):
    weights, moments = get_state_dict(model, optimizers, options=FLAT)
    return {"model": weights, "optimizer": moments}


def save(folder, step, model, optimizers, identity, rank):
    """Written under a name of its own, and then named as the latest: a run that ends between goes on from the one before."""
    name = f"step-{step}"
    root = os.path.join(folder, "checkpoint")
    dcp.save(
        states(model, optimizers),
        checkpoint_id=os.path.join(root, name),
        no_dist=not dist.is_initialized(),
    )
    if rank != 0:
        return
    write(
        os.path.join(root, name, "run.json"),
        json.dumps({"step": step, "identity": identity}),
    )
    before = latest(folder)
    write(os.path.join(root, "latest"), name)
    if before is not None and os.path.basename(before) != name:
        shutil.rmtree(before, ignore_errors=True)


def write(path, text):
    with open(f"{path}.part", "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.part", path)


def resume(folder, model, optimizers, identity):
    """The step from which the folder's run goes on: 0 for a new one."""
    found = latest(folder)
    if found is None:
        return 0
    with open(os.path.join(found, "run.json")) as file:
        saved = json.load(file)
    differing = [
        name for name, value in saved["identity"].items() if identity.get(name) != value
    ]
    if differing:
        stop(
            f"{folder} holds another run: it differs in {', '.join(differing)}; train into another folder with --out"
        )
    state = states(model, optimizers)
    dcp.load(state, checkpoint_id=found, no_dist=not dist.is_initialized())
    set_state_dict(
        model,
        optimizers,
        model_state_dict=state["model"],
        optim_state_dict=state["optimizer"],
        options=FLAT,
    )
    return saved["step"]


def export(folder, model, options, rank):
    """model.safetensors and what makes the folder a run: `lmg generate FOLDER` and `lmg run FOLDER` take it."""
    whole = {}
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        full = whole_of(tensor)
        if rank == 0:
            whole[name] = full.detach().float().cpu().contiguous()
    if rank != 0:
        return
    write_weights(folder, whole)
    for name in ("run.json", "model", "config.json"):
        source, target = os.path.join(HERE, name), os.path.join(folder, name)
        if os.path.isdir(source):
            shutil.copytree(source, target, dirs_exist_ok=True)
        elif os.path.exists(source):
            shutil.copyfile(source, target)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        source = os.path.join(options.data[0], name)
        if os.path.exists(source):
            shutil.copyfile(source, os.path.join(folder, name))


def whole_of(tensor):
    """All of it, on every process: first of what FSDP cut last."""
    if not isinstance(tensor, DTensor):
        return tensor
    *first, last = tensor.placements
    return tensor.redistribute(
        placements=[*(Replicate() for _ in first), last]
    ).full_tensor()


def write_weights(folder, whole):
    parts, size = [{}], 0
    for name, tensor in whole.items():
        if size > 0 and size + tensor.nbytes > LARGEST_FILE:
            parts.append({})
            size = 0
        parts[-1][name] = tensor
        size += tensor.nbytes
    count = len(parts)
    names = (
        ["model.safetensors"]
        if count == 1
        else [f"model-{at + 1:05}-of-{count:05}.safetensors" for at in range(count)]
    )
    for name, part in zip(names, parts):
        path = os.path.join(folder, name)
        save_file(part, f"{path}.part", metadata={"format": "pt"})
        os.replace(f"{path}.part", path)
    if count > 1:
        places = {name: file for file, part in zip(names, parts) for name in part}
        total = sum(tensor.nbytes for tensor in whole.values())
        index = {"metadata": {"total_size": total}, "weight_map": places}
        write(os.path.join(folder, "model.safetensors.index.json"), json.dumps(index))


# A step.


def meet(backend):
    """Has processes find each other. torchrun keeps a store over restarts, where places of processes that ended still stand."""
    store, rank, world = next(dist.rendezvous("env://"))
    # Several machines count restarts each by itself: see TORCH_DISABLE_SHARE_RDZV_TCP_STORE in the README.
    if os.environ.get("GROUP_WORLD_SIZE") == "1":
        store = dist.PrefixStore(
            f"start {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store
        )
    dist.init_process_group(backend, store=store, rank=rank, world_size=world)


class Trainer:
    def __init__(self, options):
        world = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        self.options, self.data = options, open_data(options)
        self.world = world
        self.check()
        # Processes that share layers out read the same rows.
        self.ranks, self.place = world // options.tensor, self.rank // options.tensor
        cuda = torch.cuda.is_available()
        self.device = (
            torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
            if cuda
            else torch.device("cpu")
        )
        if cuda:
            torch.cuda.set_device(self.device)
        self.mesh = None
        if world > 1:
            meet("nccl" if cuda else "gloo")
            self.mesh = init_device_mesh(
                self.device.type,
                (self.ranks, options.tensor),
                mesh_dim_names=("data", "tensor"),
            )
        self.model = made(options, self.mesh, self.device)
        begin(self.model, options)
        self.optimizers = optimizers_of(self.model)
        self.identity = identity_of(options, self.data, self.model)
        self.steps = self.length()

    def check(self):
        """What cannot be is said before any process waits for another."""
        batch, tensor = self.data.batch, self.options.tensor
        if tensor > 1:
            self.check_tensor(tensor)
        ranks = self.world // tensor
        if batch % ranks != 0:
            shared = "" if tensor == 1 else f" times --tensor {tensor}"
            stop(
                f"a batch of {batch} rows does not divide by {ranks} processes{shared}: use {divisors(batch)} or --batch"
            )
        if M.AUGMENTED:
            stop(
                f"the model changes {', '.join(M.AUGMENTED)} at random while it trains, as `lmg train` does and this does not"
            )
        if ranks > 1 and hasattr(M, "BatchNorm"):
            stop(
                "the statistics of a batch are over all of its rows: run a model with batch norms on one process"
            )

    def check_tensor(self, tensor):
        if self.world % tensor != 0:
            stop(
                f"{self.world} processes do not divide by --tensor {tensor}: use one of {divisors(self.world)}"
            )
        if not M.TENSOR_SIZES:
            stop(
                f"no branch of the model can be shared out by --tensor: `lmg edges --shard {tensor}` says why"
            )
        if M.TRAIN["optimizer"] == "muon":
            stop(
                "muon makes whole matrices orthogonal, and --tensor gives each process a part of them: train without it"
            )
        odd = [f"{size} {what}" for size, what in M.TENSOR_SIZES if size % tensor != 0]
        if odd:
            fitting = divisors(math.gcd(*(size for size, _ in M.TENSOR_SIZES)))
            stop(
                f"--tensor {tensor} does not divide {', '.join(odd)}: use one of {fitting}"
            )
        positions = self.data.positions
        if M.SEQUENCE_PARALLEL and positions % tensor != 0:
            stop(
                f"{positions} positions do not divide by --tensor {tensor}: use one of {divisors(positions)} or --context"
            )

    def length(self):
        options, train = self.options, M.TRAIN
        updates = self.data.updates
        per_epoch = (
            -(-updates // options.accumulate)
            if self.data.ends
            else max(1, updates // options.accumulate)
        )
        steps = (
            options.steps
            or train["steps"]
            or (train["epochs"] and train["epochs"] * per_epoch)
        )
        return steps or stop("nothing says how long to train: give --steps")

    def micro_batches(self, step):
        """The batches of an update; the last update of an epoch takes those that are left."""
        count = self.options.accumulate
        if not self.data.ends:
            return range(step * count, step * count + count)
        updates = -(-self.data.updates // count)
        first = step // updates * self.data.updates + step % updates * count
        return range(
            first, min(first + count, (step // updates + 1) * self.data.updates)
        )

    def mine(self, arrays):
        rows = len(arrays[0])
        part = slice(
            self.place * rows // self.ranks, (self.place + 1) * rows // self.ranks
        )
        return [
            torch.from_numpy(np.ascontiguousarray(array[part])).to(self.device)
            for array in arrays
        ]

    def parts(self, inputs, targets):
        """The sums of the loss over the rows that are here."""
        with torch.autocast(
            self.device.type,
            torch.bfloat16,
            enabled=self.options.bf16 and self.world == 1,
        ):
            outputs = self.model(**dict(zip(M.INPUTS, inputs)))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return M.loss(
            *(each.float() if each.is_floating_point() else each for each in outputs),
            *targets,
        )

    def update(self, step):
        # Dropout draws the same on all processes that share layers out, and after a restart.
        torch.manual_seed(
            int(threefry(key_of(self.options.seed, "dropout"), step, self.place)[0])
        )
        batches = [self.data.at(index) for index in self.micro_batches(step)]
        counts = self.counts(batches)
        total = torch.zeros((), dtype=torch.float64)
        for at, (inputs, targets) in enumerate(batches):
            if hasattr(self.model, "set_requires_gradient_sync"):
                self.model.set_requires_gradient_sync(at == len(batches) - 1)
            parts = self.parts(self.mine(inputs), self.mine(targets))
            value = sum(part / count for part, count in zip(parts, counts))
            # The gradients of the processes are averaged, and this is a sum.
            (value * self.ranks).backward()
            total += value.detach().double().cpu()
        norm = clipped(self.model.parameters(), M.TRAIN["clip"], self.world)
        rate = rate_at(step, self.steps)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * group.get("share", 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        pass_on(self.model)
        return {
            "step": step + 1,
            "loss": self.all_sum(total),
            "gradient_norm": float(norm),
            "lr": rate,
        }

    def counts(self, batches):
        """What each part of the loss is divided by: over the rows of all processes and micro-steps."""
        found = [
            M.counts(*(torch.from_numpy(each) for each in targets))
            for _, targets in batches
        ]
        return [sum(int(count) for count in column) for column in zip(*found)]

    def all_sum(self, value):
        if self.ranks > 1:
            value = value.to(self.device)
            dist.all_reduce(value, group=self.mesh["data"].get_group())
        return float(value)

    @torch.no_grad()
    def evaluate(self):
        """The loss over the validation part, as the model is used; rows that do not divide by the processes are left out."""
        self.model.eval()
        sums, counts = 0.0, 0
        for inputs, targets in self.data.validation():
            rows = len(inputs[0]) // self.ranks * self.ranks
            if rows == 0:
                continue
            inputs = [each[:rows] for each in inputs]
            targets = [each[:rows] for each in targets]
            sums = sums + torch.stack(
                [
                    part.double().cpu()
                    for part in self.parts(self.mine(inputs), self.mine(targets))
                ]
            )
            counts = counts + np.asarray(
                [
                    int(count)
                    for count in M.counts(*(torch.from_numpy(each) for each in targets))
                ]
            )
        self.model.train()
        return (
            None
            if isinstance(sums, float)
            else self.all_sum((sums / torch.from_numpy(counts)).sum())
        )

    def metrics(self, step):
        """The file of what was measured, without the updates that a process which ended had made after its last checkpoint."""
        path = os.path.join(self.options.out, "metrics.jsonl")
        if step > 0:
            print(f"goes on from step {step}", flush=True)
            known = []
            if os.path.exists(path):
                with open(path) as file:
                    known = [line for line in file if line.endswith("}\n")]
            write(
                path,
                "".join(line for line in known if json.loads(line)["step"] <= step),
            )
        return open(path, "a" if step > 0 else "w")

    def run(self):
        options, out = self.options, self.options.out
        os.makedirs(out, exist_ok=True)
        step = resume(out, self.model, self.optimizers, self.identity)
        lines = self.metrics(step) if self.rank == 0 else None
        end = min(self.steps, options.stop or self.steps)
        while step < end:
            began = time.perf_counter()
            report = self.update(step)
            step += 1
            report["seconds"] = time.perf_counter() - began
            if not math.isfinite(report["loss"]) or not math.isfinite(
                report["gradient_norm"]
            ):
                stop(
                    f"the loss is {report['loss']} in update {step}: `lmg train` names the layer where it begins"
                )
            if lines is not None:
                print(json.dumps(report), file=lines, flush=True)
                print(
                    f"step {step}/{self.steps}  loss {report['loss']:.4f}  lr {report['lr']:.2e}",
                    flush=True,
                )
            if step == end or step % options.every == 0:
                save(out, step, self.model, self.optimizers, self.identity, self.rank)
                found = self.evaluate()
                if lines is not None and found is not None:
                    print(
                        json.dumps({"step": step, "validation": {"loss": found}}),
                        file=lines,
                        flush=True,
                    )
                    print(f"step {step}  validation loss {found:.4f}", flush=True)
        export(out, self.model, options, self.rank)
        if self.world > 1:
            dist.destroy_process_group()


def read_options():
    parser = argparse.ArgumentParser(
        description="Trains model.py; under torchrun on many processes."
    )
    parser.add_argument(
        "--data",
        nargs="+",
        required=True,
        help="a folder of `lmg tokens`, or name=file.npy for each input and target",
    )
    parser.add_argument(
        "--out",
        required=True,
        help="the folder of the run; a run that is there goes on",
    )
    parser.add_argument("--steps", type=int, help="updates, if not those of the model")
    parser.add_argument("--batch", type=int, help="rows of a batch, over all processes")
    parser.add_argument(
        "--accumulate",
        type=int,
        default=M.TRAIN["accumulate"],
        help="batches of an update",
    )
    parser.add_argument(
        "--context",
        type=int,
        help="tokens of a window, if not as many as the model reads",
    )
    parser.add_argument(
        "--validation", type=int, help="rows of arrays that are kept for validation"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=M.TRAIN["seed"],
        help="of weights and the order of the data",
    )
    parser.add_argument(
        "--weights", help="begin with these: a .safetensors file or a folder of them"
    )
    parser.add_argument(
        "--every", type=int, default=500, help="updates from checkpoint to checkpoint"
    )
    parser.add_argument(
        "--stop", type=int, help="end after that update, as if it had been interrupted"
    )
    parser.add_argument(
        "--tensor",
        type=int,
        default=1,
        help="processes that share each layer out; the others have rows of their own",
    )
    parser.add_argument(
        "--bf16",
        action="store_true",
        help="compute in bfloat16; sums and parameters stay float32",
    )
    parser.add_argument(
        "--compile", action="store_true", help="compile each block with torch.compile"
    )
    parser.add_argument(
        "--recompute",
        action="store_true",
        help="keep what enters each block, and make its inside again for the backward",
    )
    return parser.parse_args()


if __name__ == "__main__":
    Trainer(read_options()).run()
