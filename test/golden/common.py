"""What every generator here shares: running in real float64, rounding, writing."""

import contextlib
import json
import math
from pathlib import Path

import safetensors.torch
import torch
from torch.utils._python_dispatch import TorchDispatchMode

HERE = Path(__file__).resolve().parent

FLOAT32 = torch.float32
FLOAT64 = torch.float64


# ------------------------------------------------------------- precision

class NoFloat32(TorchDispatchMode):
    """Fails as soon as an operation produces a float32 tensor."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for value in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(value, torch.Tensor) and value.dtype == FLOAT32:
                raise TypeError(f"{function} produced float32 inside a float64 run")
        return result


@contextlib.contextmanager
def really_float64():
    """Makes `torch.float32`, `torch.float` and `Tensor.float()` mean float64.

    The models of transformers compute norms, softmax and rotary angles in
    float32 whatever the dtype of the weights is. Inside this context those
    places compute in float64, for models built in it and run in it."""
    before = torch.float32, torch.float, torch.Tensor.float, torch.get_default_dtype()
    torch.set_default_dtype(FLOAT64)
    torch.float32 = torch.float = FLOAT64
    torch.Tensor.float = torch.Tensor.double
    try:
        with NoFloat32():
            yield
    finally:
        torch.float32, torch.float, torch.Tensor.float = before[:3]
        torch.set_default_dtype(before[3])


def maxdiff(a, b):
    """The largest absolute difference of two tensors or two dicts of them."""
    if isinstance(a, dict):
        return max((maxdiff(a[k], b[k]) for k in a), default=0.0)
    return (a.double() - b.double()).abs().max().item() if a.numel() else 0.0


def round_up(x):
    """Three significant digits, never smaller than x."""
    if x == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(x)) - 2)
    return float(f"{math.ceil(x / unit) * unit:.2e}")


def generator(seed):
    return torch.Generator().manual_seed(seed)


# --------------------------------------------------------------- writing

def stored(tensor):
    """float64 is rounded to float32, integers become int32."""
    tensor = tensor.detach()
    if tensor.dtype == FLOAT64:
        tensor = tensor.to(FLOAT32)
    elif tensor.dtype == torch.int64:
        tensor = tensor.to(torch.int32)
    return tensor.contiguous().clone()


def write_tensors(path, tensors):
    path.parent.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file({k: stored(v) for k, v in tensors.items()}, path, metadata={"format": "pt"})
    path.chmod(0o644)


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump(value) + "\n", "utf-8")


def dump(value, indent=0):
    """JSON with one key a line, but lists of plain values on one line."""
    pad, end = " " * (indent + 1), " " * indent
    if isinstance(value, dict) and value:
        rows = [f"{pad}{json.dumps(k)}: {dump(v, indent + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{end}}}"
    if isinstance(value, list) and any(isinstance(v, dict) for v in value):
        return "[\n" + ",\n".join(pad + dump(v, indent + 1) for v in value) + f"\n{end}]"
    return json.dumps(value, ensure_ascii=False)
