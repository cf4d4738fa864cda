"""
What transformers makes of the configs that lmg writes: `npx tsx test/families/write-configs.ts FOLDER` puts each golden checkpoint beside
a config.json of lmg's alone; here the class that it names loads every tensor, and its logits are the golden ones.

    python test/golden/written_configs.py FOLDER [NAME...]

A folder of `lmg train` is held to nothing but that: its weights are loaded without one missing, and its tokenizer where it has one.
"""

import json
import sys
from pathlib import Path

import safetensors.torch
import torch
import transformers

# Of the largest logit: float32 here, float64 rounded once in the golden file. Where PyTorch's float32 differed by more than half as much
# when the golden was made (the gated delta rule of Qwen 3 Next), twice that.
TOLERANCE = 2e-6
KERNELS = {"attn_implementation": "eager", "experts_implementation": "eager"}


@torch.no_grad()
def difference(model, tensors):
    """The largest difference from the golden logits of any case, of the largest logit."""
    cases = {name.split("/")[0] for name in tensors}
    worst, largest = 0.0, 0.0
    for case in cases:
        parts = {name.split("/")[1]: tensor for name, tensor in tensors.items() if name.startswith(case + "/")}
        expected = parts.pop("logits", None)
        if expected is None:
            continue
        names = {"tokens": "input_ids", "token_types": "token_type_ids"}
        inputs = {names.get(name, name): t.long() for name, t in parts.items() if name in
                  ("tokens", "input_ids", "token_types", "attention_mask", "decoder_input_ids")}
        result = model(**inputs)
        logits = result.prediction_logits if hasattr(result, "prediction_logits") else result.logits
        # Rows of padding mean nothing.
        rows = inputs["attention_mask"].bool() if "attention_mask" in inputs and "decoder_input_ids" not in inputs else ...
        worst = max(worst, (logits - expected)[rows].abs().max().item())
        largest = max(largest, expected[rows].abs().max().item())
    return worst / largest if largest else float("inf")


def check(folder):
    config = transformers.AutoConfig.from_pretrained(folder)
    [name] = config.architectures
    loader = transformers.AutoModelForCausalLM if name.endswith(("ForCausalLM", "LMHeadModel")) else getattr(transformers, name)
    model, info = loader.from_pretrained(folder, **KERNELS, output_loading_info=True)
    model.eval()
    if type(model).__name__ != name:
        return f"loaded as {type(model).__name__}, not {name}"
    if info["missing_keys"] or info["mismatched_keys"]:
        return f"missing {info['missing_keys']}, mismatched {info['mismatched_keys']}"
    if (folder / "tokenizer.json").exists():
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        if len(tokenizer) != config.vocab_size:
            return f"the tokenizer has {len(tokenizer)} tokens, the model {config.vocab_size}"
    golden = folder / "golden.safetensors"
    if not golden.exists():
        return None
    found = difference(model, safetensors.torch.load_file(golden))
    said = json.loads((folder / "golden.json").read_text())
    own = 2 * said.get("f32_maxdiff", 0) / said.get("logits_maxabs", 1)
    return found if found > max(TOLERANCE, own) else None


def main(out, *names):
    transformers.logging.set_verbosity_error()
    failed = 0
    folders = sorted(path for path in Path(out).iterdir() if (path / "config.json").exists() and (not names or path.name in names))
    for folder in folders:
        try:
            problem = check(folder)
        except Exception as error:  # what a config makes a library say is the finding here
            problem = f"{type(error).__name__}: {error}"
        if problem is not None:
            failed += 1
        print(f"{'ok  ' if problem is None else 'FAIL'} transformers loads {folder.name}{'' if problem is None else f': {problem}'}")
    print(f"{len(folders) - failed} of {len(folders)} folders are what transformers {transformers.__version__} loads")
    sys.exit(1 if failed or not folders else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
