"""Files written by the reference implementations, for test/checkpoint to read.

Remade with Python 3.11, numpy 2.4.6, safetensors 0.8.0 and torch 2.15.0 (for bf16):

    python test/checkpoint/make_fixtures.py
"""

import io
import json
import pathlib

import numpy as np
import torch
from safetensors.torch import save

HERE = pathlib.Path(__file__).parent / "fixtures"


def main():
    HERE.mkdir(exist_ok=True)
    (HERE / "dtypes.safetensors").write_bytes(dtypes())
    for name, version, array in arrays():
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, array, version=version, allow_pickle=False)
        (HERE / f"{name}.npy").write_bytes(buffer.getvalue())
    values = {name: {"shape": list(a.shape), "values": a.astype(np.float64).ravel().tolist()} for name, _, a in arrays()}
    halves = np.array([0.0, -0.0, 1.0, -2.5, 65504.0, 6.1035e-05, 5.9605e-08, 3.0e-06], dtype=np.float16)
    values["halves"] = {"shape": [8], "values": halves.astype(np.float64).tolist()}
    (HERE / "values.json").write_text(json.dumps(values, separators=(",", ":")) + "\n")
    np.savez(HERE / "stored.npz", a=np.arange(6, dtype=np.float32).reshape(2, 3), b=np.array([1, 2], dtype=np.int64))
    np.savez_compressed(HERE / "deflated.npz", zeros=np.zeros((40, 50), dtype=np.float32))


def dtypes():
    """One tensor of each element type, by the reference writer."""
    f16 = [0.0, -0.0, 1.0, -2.5, 65504.0, 6.1035e-05, 5.9605e-08, 3.0e-06]
    tensors = {
        "f64": torch.tensor([np.pi, -1e300, 5e-324], dtype=torch.float64),
        "f32": torch.tensor([[1.5, -0.1], [np.inf, 3e-45]], dtype=torch.float32),
        "f16": torch.tensor(f16, dtype=torch.float16),
        "bf16": torch.tensor([0.0, -0.0, 1.0, -2.5, 0.15625, 3.3895313892515355e38], dtype=torch.bfloat16),
        "i64": torch.tensor([-(2**31), 2**31 - 1, 0], dtype=torch.int64),
        "i32": torch.tensor([-7, 2**31 - 1], dtype=torch.int32),
        "u32": torch.tensor([7, 2**31 - 1], dtype=torch.uint32),
        "i16": torch.tensor([-32768, 32767], dtype=torch.int16),
        "i8": torch.tensor([-128, 127, 0], dtype=torch.int8),
        "u8": torch.tensor([0, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(42.0),
        "empty": torch.zeros((0, 3)),
    }
    return save(tensors, {"made_by": "safetensors", "note": "größer"})


def arrays():
    counting = np.arange(24).reshape(2, 3, 4)
    return [
        ("f4", (1, 0), counting.astype("<f4") / 8),
        ("f8_fortran", (1, 0), np.asfortranarray(counting.astype("<f8") / 7)),
        ("f2_version2", (2, 0), counting.astype("<f2") / 4),
        ("i8_version3", (3, 0), counting.astype("<i8") - 12),
        ("i4_fortran", (1, 0), np.asfortranarray(counting[0].astype("<i4"))),
        ("i2", (1, 0), np.array([-32768, 32767], dtype="<i2")),
        ("u4", (1, 0), np.array([0, 2**31 - 1], dtype="<u4")),
        ("i1", (1, 0), np.array([-128, 127], dtype="i1")),
        ("u1", (1, 0), np.array([[0], [255]], dtype="u1")),
        ("b1", (1, 0), np.array([True, False])),
        ("scalar", (1, 0), np.array(2.5, dtype="<f4")),
        ("empty", (1, 0), np.zeros((0, 5), dtype="<f4")),
        ("big_endian", (1, 0), np.array([1.0], dtype=">f4")),
    ]


if __name__ == "__main__":
    main()
