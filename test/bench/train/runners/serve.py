"""A runner's side of the bench: reads the task's tensors, runs the steps that the driver asks for, answers times and losses."""

import json
import os
import sys
import time

import numpy as np


class Task:
    """task.json, and the tensors that lie one after another in tensors.bin."""

    def __init__(self, folder):
        with open(os.path.join(folder, "task.json"), encoding="utf-8") as file:
            fields = json.load(file)
        self.model = fields["model"]
        self.threads = fields["threads"]
        self.optimizer = fields["optimizer"]
        self.clip = fields.get("clip")
        self.rates = fields["rates"]
        self.settings = fields["settings"]
        data = open(os.path.join(folder, "tensors.bin"), "rb").read()
        self.tensors = {
            name: np.frombuffer(
                data, np.float32 if dtype == "f32" else np.int32, int(np.prod(shape)), offset
            ).reshape(shape)
            for name, (dtype, shape, offset) in fields["tensors"].items()
        }
        prefix = "parameter."
        self.parameters = {
            name.removeprefix(prefix): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(prefix)
        }
        self.inputs, self.targets = self.tensors["inputs"], self.tensors["targets"]


def serve(version, step):
    """`step(index)` trains on the batch of that number and gives its loss. A line in is `{first, count}`."""
    # What libraries print must not stand among the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    answers.write(json.dumps({"version": version}) + "\n")
    for line in sys.stdin:
        request = json.loads(line)
        begun, ms, losses = time.process_time(), [], []
        for index in range(request["first"], request["first"] + request["count"]):
            start = time.perf_counter()
            loss = step(index)
            ms.append((time.perf_counter() - start) * 1e3)
            losses.append(loss)
        cpu = (time.process_time() - begun) * 1e3 / request["count"]
        answers.write(json.dumps({"ms": ms, "cpu": cpu, "losses": losses}) + "\n")
