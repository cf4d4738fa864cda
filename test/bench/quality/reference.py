"""What transformers makes of a published GGUF file, in float32 and in float64, for lmg to be held to:

    python test/bench/quality/reference.py FILE.gguf OUT.safetensors

transformers dequantizes the weights (by PyPI's gguf), and computes everything in floats. OUT has for each of ten prompts its ids
and the logits at all of its positions, in float32 (`32/N`) and in float64, rounded once (`64/N`). Needs test/golden/requirements.txt.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

sys.path.append(str(Path(__file__).parents[2] / "golden"))
from common import FLOAT32, FLOAT64, really_float64  # noqa: E402

PROMPTS = [
    "The history of the sea is the history of",
    "def fibonacci(n):\n    if n < 2:\n        return",
    "Die Hauptstadt von Frankreich ist",
    "Call me Ishmael. Some years ago, never mind how long precisely,",
    "Q: What is 17 + 25?\nA:",
    "SELECT name, COUNT(*) FROM users WHERE age > 30 GROUP BY",
    "Once upon a time there was a little girl who lived in a village near the forest, and whenever she went out she wore",
    "日本の首都は",
    '{"name": "Ada", "year": 1815, "tags": ["mathematics", "',
    "2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67,",
]


def main(path: str, out: str) -> None:
    file = Path(path)
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    model = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=FLOAT32, attn_implementation="eager"
    ).eval()
    print(type(model).__name__)
    rows = [tokenizer(prompt, return_tensors="pt")["input_ids"] for prompt in PROMPTS]
    tensors = {f"ids/{i}": ids[0].to(torch.int32) for i, ids in enumerate(rows)}
    with torch.no_grad():
        for i, ids in enumerate(rows):
            tensors[f"32/{i}"] = model(ids).logits[0].contiguous()
        wide = {name: value.double() for name, value in model.state_dict().items()}
        with really_float64():
            exact = AutoModelForCausalLM.from_config(model.config, dtype=FLOAT64, attn_implementation="eager").eval()
            exact.load_state_dict(wide)
            found = [exact(ids).logits[0] for ids in rows]
        for i, logits in enumerate(found):
            tensors[f"64/{i}"] = logits.to(FLOAT32).contiguous()
    for i, prompt in enumerate(PROMPTS):
        apart = (tensors[f"32/{i}"] - tensors[f"64/{i}"]).abs().max().item()
        print(f"{len(rows[i][0]):3d} tokens, float32 {apart:.2e} from float64: {prompt[:40]!r}")
    save_file(tensors, out)


main(*sys.argv[1:])
