"""Holds models that lmg wrote for JAX to what transformers computed, and a training to `lmg train`. usage: jax_lane.py FOLDER"""

import inspect
import json
import os
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"
os.environ["JAX_PLATFORMS"] = "cpu"

import checks  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from checks import APART, LOGITS, OTHER_NAMES, check, failures, module_of  # noqa: E402
from safetensors.flax import load_file  # noqa: E402

# VaultGemma caps scores and logits at 2 and 3: its checkpoint multiplies a rounding by twenty, and XLA's tanh is off by 4.5 of the last digit, so
# that float32 is 3.3e-6 to 4.3e-6 off by the processor (PyTorch's 1.2e-6). The same file is run in float64, where it is 1.8e-7 off.
IN_DOUBLE = {"vaultgemma"}
LOSS, PARAMETERS = 2e-6, 5e-6


def inputs_of(parts, names):
    given = {}
    for part, array in parts.items():
        name = part if part in names else OTHER_NAMES.get(part)
        if name in names:
            given[name] = array.astype(bool) if "mask" in name else array.astype(jnp.int32)
    return given


def logits(path, golden, double):
    """The largest difference from transformers' logits, relative to the largest; in float64 if `double`."""
    with jax.enable_x64(double):
        return difference_of_logits(module_of(path), golden, jnp.float64 if double else jnp.float32)


def difference_of_logits(model, golden, dtype):
    params = jax.tree.map(lambda array: array.astype(dtype), model.load(os.path.join(golden, "model.safetensors")))
    cases, worst = {}, 0.0
    for name, array in load_file(f"{golden}/golden.safetensors").items():
        label, part = name.split("/")
        cases.setdefault(label, {})[part] = array
    run = jax.jit(model.model)
    for parts in cases.values():
        outs = run(params, **inputs_of(parts, inspect.signature(model.model).parameters))
        compared = 0
        for name, wanted in parts.items():
            for found in outs if isinstance(outs, tuple) else (outs,):
                if "logits" not in name or found.shape != wanted.shape:
                    continue
                difference = np.abs(np.asarray(found, np.float64) - np.asarray(wanted, np.float64))
                if "attention_mask" in parts and "decoder_input_ids" not in parts and difference.ndim == 3:
                    difference = difference * np.asarray(parts["attention_mask"], bool)[..., None]
                worst = max(worst, difference.max() / np.abs(wanted).max())
                compared += 1
        if compared == 0:
            return float("nan")
    return float(worst)


def train(folder, model, data, tensor):
    """20 updates on a mesh of that many devices, by the batches of `lmg train` and from its first weights."""
    params = model.load(f"{folder}/first.safetensors")
    batches = np.load(f"{folder}/batches.npz")
    mesh = model.mesh_of(data, tensor, jax.devices()[: data * tensor])
    optimizer = model.optimizer(20)
    step, losses = model.make_step(optimizer), []
    with jax.set_mesh(mesh):
        params = jax.device_put(params, model.shardings(mesh, params))
        state = optimizer.init(params)
        for x, y in zip(batches["x"], batches["y"]):
            params, state, measured = step(params, state, (jnp.asarray(x),), (jnp.asarray(y),))
            losses.append(float(measured["loss"]))
    return np.asarray(losses), {name: np.asarray(array) for name, array in model.unstack(params).items()}


def trainings(folder):
    model = module_of(f"{folder}/chars/model.py")
    with open(f"{folder}/metrics.jsonl") as file:
        lines = [json.loads(line) for line in file]
    wanted = np.asarray([line["loss"] for line in lines if "gradient_norm" in line])
    last = load_file(f"{folder}/last.safetensors")
    losses, params = train(folder, model, 1, 1)
    assert len(losses) == len(wanted) == 20 and params.keys() == last.keys()
    check("loss of JAX and lmg train", np.abs(losses - wanted).max(), LOSS)
    check("parameters of JAX and lmg train", max(float(np.abs(np.asarray(last[name]) - params[name]).max()) for name in last), PARAMETERS)
    spread, others = train(folder, model, 2, 2)
    check("loss of 2 x 2 devices and one", np.abs(losses - spread).max(), LOSS)
    check("parameters of 2 x 2 devices and one", max(float(np.abs(others[name] - params[name]).max()) for name in last), PARAMETERS)
    model.save(f"{folder}/saved.safetensors", model.stack(params))
    check("what was saved", max(float(np.abs(np.asarray(array) - params[name]).max()) for name, array in load_file(f"{folder}/saved.safetensors").items()), 0)


if __name__ == "__main__":
    for name in sorted(os.listdir(f"{sys.argv[1]}/models")):
        golden = next(f"test/golden/{kind}/{name[:-3]}" for kind in ("families", "hf") if os.path.isdir(f"test/golden/{kind}/{name[:-3]}"))
        if name[:-3] not in APART:
            found = logits(f"{sys.argv[1]}/models/{name}", golden, name[:-3] in IN_DOUBLE)
            check(f"logits of {name[:-3]} in JAX", found, checks.LOGITS_OF.get(name[:-3], LOGITS))
    trainings(sys.argv[1])
    sys.exit(f"{len(failures)} failed: {', '.join(failures)}" if failures else 0)
