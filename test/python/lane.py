"""Holds emitted models to what transformers computed. usage: lane.py FOLDER"""

import inspect
import os
import sys

import torch
from checks import APART, LOGITS, LOGITS_OF, OTHER_NAMES, check, failures, module_of
from safetensors.torch import load_file

# Tensors that old checkpoints have and no model reads.
UNREAD = (".attn.bias", ".attn.masked_bias", ".attention.bias", ".attention.masked_bias", "rotary_emb.inv_freq")


def stored(folder):
    files = [file for file in os.listdir(folder) if file.endswith(".safetensors") and file != "golden.safetensors"]
    tensors = {name: tensor for file in files for name, tensor in load_file(os.path.join(folder, file)).items()}
    return {name: tensor.float() for name, tensor in tensors.items() if not name.endswith(UNREAD)}


def cases_of(folder):
    cases = {}
    for name, tensor in load_file(os.path.join(folder, "golden.safetensors")).items():
        label, part = name.split("/")
        cases.setdefault(label, {})[part] = tensor
    return cases.values()


def inputs_of(parts, names):
    """Those that the model has, by its names."""
    given = {}
    for part, tensor in parts.items():
        name = part if part in names else OTHER_NAMES.get(part)
        if name in names:
            given[name] = tensor.bool() if "mask" in name else tensor.long()
    return given


@torch.no_grad()
def logits(path, folder):
    """The largest difference from transformers' logits, relative to the largest; names must be those of the checkpoint."""
    model = module_of(path).Model().eval()
    tensors = stored(folder)
    own = model.state_dict()
    # A tied table stands twice in some files.
    model.load_state_dict({name: tensor for name, tensor in tensors.items() if name in own}, strict=True)
    worst = 0.0
    for parts in cases_of(folder):
        out = model(**inputs_of(parts, inspect.signature(model.forward).parameters))
        outs = out if isinstance(out, tuple) else (out,)
        compared = 0
        for name, wanted in parts.items():
            for found in outs:
                if "logits" not in name or found.shape != wanted.shape:
                    continue
                difference = (found.double() - wanted.double()).abs()
                if "attention_mask" in parts and "decoder_input_ids" not in parts and difference.dim() == 3:
                    difference = difference * parts["attention_mask"].bool()[..., None]
                worst = max(worst, (difference.max() / wanted.abs().max()).item())
                compared += 1
        if compared == 0:
            return float("nan")
    return worst


def families(folder):
    for kind in ("families", "hf"):
        for name in sorted(os.listdir(f"test/golden/{kind}")):
            if name in APART:
                continue
            path = f"{folder}/models/{name}.py"
            check(f"logits of {name}", logits(path, f"test/golden/{kind}/{name}"), LOGITS_OF.get(name, LOGITS))


if __name__ == "__main__":
    torch.set_num_threads(1)
    families(sys.argv[1])
    sys.exit(f"{len(failures)} failed: {', '.join(failures)}" if failures else 0)
