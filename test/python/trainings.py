"""Emitted trainings beside `lmg train`, and on other numbers of processes beside one. usage: trainings.py FOLDER"""

import contextlib
import importlib
import io
import json
import os
import signal
import subprocess
import sys
import time

import torch
from checks import check, failures
from safetensors.torch import load_file

# Sums in another order, 20 updates long, as the goal of the design has it.
LOSS, PARAMETERS = 2e-6, 5e-6
# 20 updates of two batches of 4 windows of 32 characters.
RUN = ["--context", "32", "--batch", "4", "--seed", "7", "--accumulate", "2", "--steps", "20"]
# Halves have 8 bits: what a loss of 4.3 is rounded to; the more exact updates differ by less.
BF16 = 0.03


class Lane:
    def __init__(self, folder):
        self.folder = folder

    def command(self, model, out, *more, processes=1):
        options = ["--data", f"{self.folder}/tokens", "--out", f"{self.folder}/{out}", *RUN, *more]
        script = f"{self.folder}/{model}/train.py"
        launch = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes), "--max-restarts", "1"]
        # A free port of this machine, so that nothing else that trains is in the way.
        launch += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", script]
        return [sys.executable, *(launch if processes > 1 else [script]), *options]

    def train(self, model, out, *more, processes=1):
        command = self.command(model, out, *more, processes=processes)
        subprocess.run(command, check=True, env=alone(), stdout=subprocess.DEVNULL)

    def same(self, name, a, b):
        a, b = f"{self.folder}/{a}", f"{self.folder}/{b}"
        first, second = updates(a), updates(b)
        check(f"loss of {name}", apart(first, second), LOSS)
        assert all(first[step]["lr"] == second[step]["lr"] for step in first)
        p, q = load_file(f"{a}/model.safetensors"), load_file(f"{b}/model.safetensors")
        assert p.keys() == q.keys()
        check(f"parameters of {name}", max((p[key] - q[key]).abs().max().item() for key in p), PARAMETERS)


def alone():
    return dict(os.environ, OMP_NUM_THREADS="1")


def updates(path):
    with open(f"{path}/metrics.jsonl") as file:
        lines = [json.loads(line) for line in file]
    found = {line["step"]: line for line in lines if "gradient_norm" in line}
    assert len(found) == sum("gradient_norm" in line for line in lines), "an update stands twice"
    return found


def processes(lane):
    """1, 2 and 4 processes: FSDP2, tensor parallelism, and both, stopped and gone on with on another number."""
    for model in ("chars", "mixed"):
        lane.train(model, f"{model}-one")
        lane.same(f"{model}: one process and lmg train", f"{model}-one", f"{model}-lmg")
    lane.train("mixed", "two", processes=2)
    lane.same("mixed: two processes of FSDP2 and one", "two", "mixed-one")
    lane.train("chars", "four", processes=4)
    lane.same("chars: four processes of FSDP2 and one", "four", "chars-one")
    lane.train("mixed", "tensor", "--tensor", "2", processes=2)
    lane.same("mixed: two processes of --tensor 2 and one", "tensor", "mixed-one")
    lane.train("chars", "shared", "--tensor", "4", processes=4)
    lane.same("chars: four processes of --tensor 4 and one", "shared", "chars-one")
    lane.train("mixed", "both", "--tensor", "2", processes=4)
    lane.same("mixed: four processes of --tensor 2 and one", "both", "mixed-one")
    lane.train("chars", "compiled", "--compile", "--recompute", processes=2)
    lane.same("chars: two processes of FSDP2 with --compile --recompute and one", "compiled", "chars-one")
    lane.train("mixed", "halves", "--bf16", processes=2)
    difference = apart(updates(f"{lane.folder}/halves"), updates(f"{lane.folder}/mixed-one"))
    check("loss of mixed: two processes of FSDP2 with --bf16 and one of float32", difference, BF16)
    out = "apart"
    lane.train("chars", out, "--tensor", "2", "--stop", "6", processes=4)
    lane.train("chars", out, "--recompute", "--stop", "13", processes=2)
    lane.train("chars", out)
    lane.same("chars: four processes of --tensor 2 that became two of FSDP2 and one, and one", out, "chars-one")


def apart(first, second):
    assert len(first) == 20 and first.keys() == second.keys(), (len(first), len(second))
    return max(abs(first[step]["loss"] - second[step]["loss"]) for step in first)


def killed(lane):
    """A process ends in the middle: torchrun begins again from the last checkpoint."""
    command = lane.command("chars", "killed", "--every", "4", processes=2)
    lines = f"{lane.folder}/killed/metrics.jsonl"
    run = subprocess.Popen(command, env=alone(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    while run.poll() is None and not (os.path.exists(lines) and len(open(lines).readlines()) >= 7):
        time.sleep(0.02)
    with open(f"/proc/{run.pid}/task/{run.pid}/children") as file:
        os.kill(int(file.read().split()[-1]), signal.SIGKILL)
    said = run.communicate()[0]
    assert run.returncode == 0, run.returncode
    places = [int(line.split()[-1]) for line in said.splitlines() if line.startswith("goes on from step")]
    assert len(places) == 1 and places[0] in (4, 8, 12, 16), places
    lane.same(f"chars: a process killed, gone on with from step {places[0]}, and one", "killed", "chars-one")


@contextlib.contextmanager
def opened(folder, model):
    """train.py as a module, with the model beside it."""
    sys.path.insert(0, f"{folder}/{model}")
    try:
        yield importlib.import_module("train")
    finally:
        sys.path.pop(0)
        for name in ("train", "model"):
            sys.modules.pop(name, None)


def options_of(train, folder, *more):
    sys.argv = ["train.py", "--data", f"{folder}/tokens", "--out", f"{folder}/none", *RUN, *more]
    return train.read_options()


def refusals(lane):
    """What cannot be is said before a process waits for others, with what would do."""
    cases = [
        (4, ["--tensor", "4"], "--tensor 4 does not divide 2 key heads: use one of [1, 2]"),
        (3, ["--tensor", "2"], "3 processes do not divide by --tensor 2: use one of [1, 3]"),
        (
            2,
            ["--tensor", "2", "--context", "33"],
            "33 positions do not divide by --tensor 2: use one of [1, 3, 11, 33] or --context",
        ),
        (6, ["--tensor", "2"], "a batch of 4 rows does not divide by 3 processes times --tensor 2: use [1, 2, 4] or --batch"),
    ]
    recipes = [({}, *each) for each in cases]
    whole = "muon makes whole matrices orthogonal, and --tensor gives each process a part of them: train without it"
    recipes.append((dict(optimizer="muon"), 2, ["--tensor", "2"], whole))
    with opened(lane.folder, "mixed") as train:
        own = train.M.TRAIN
        for recipe, world, more, said in recipes:
            os.environ["WORLD_SIZE"] = str(world)
            train.M.TRAIN = {**own, **recipe}
            found, code = io.StringIO(), 0
            try:
                with contextlib.redirect_stderr(found):
                    train.Trainer(options_of(train, lane.folder, *more))
            except SystemExit as stopped:
                code = stopped.code
            check(f"refusal: {said}", int((found.getvalue(), code) != (f"train.py: {said}\n", 1)), 0)
        del os.environ["WORLD_SIZE"]


def gradients(trainer):
    batches = [trainer.data.at(0)]
    (inputs, targets), counts = batches[0], trainer.counts(batches)
    parts = trainer.parts(trainer.mine(inputs), trainer.mine(targets))
    sum(part / count for part, count in zip(parts, counts)).backward()
    return {name: p.grad for name, p in trainer.model.named_parameters()}


def one_process(lane):
    """What blocks are to be the same under: made again for the backward, captured by torch.compile; and halves."""
    for model in ("chars", "mixed"):
        with opened(lane.folder, model) as train:
            kept = train.Trainer(options_of(train, lane.folder))
            again = train.Trainer(options_of(train, lane.folder, "--recompute"))
            first, second = gradients(kept), gradients(again)
            differing = sum(not torch.equal(first[name], second[name]) for name in first)
            check(f"{model}: gradients that differ in a bit where blocks are made again", differing, 0)
            # fullgraph: an error where the capture would break. Captured graphs run op by op: a C++ compiler takes minutes.
            whole = torch.compile(kept.model, fullgraph=True, dynamic=True, backend="aot_eager")
            for rows, length in ((2, 16), (3, 24)):
                tokens = torch.arange(rows * length).reshape(rows, length) % 75
                difference = (whole(tokens) - kept.model(tokens)).abs().max().item()
                check(f"{model}: captured whole, at [{rows}, {length}]", difference, 1e-6)
            step = train.Trainer(options_of(train, lane.folder, "--bf16"))
            found = [step.update(number)["loss"] for number in range(2)]
            wanted = [kept.update(number)["loss"] for number in range(2)]
            check(f"{model}: loss of two updates in bf16", max(abs(a - b) for a, b in zip(found, wanted)), BF16)


if __name__ == "__main__":
    torch.set_num_threads(1)
    lane = Lane(sys.argv[1])
    for part in (refusals, one_process, processes, killed):
        part(lane)
    sys.exit(f"{len(failures)} failed: {', '.join(failures)}" if failures else 0)
