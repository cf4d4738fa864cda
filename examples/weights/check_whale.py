"""Read the trained model with PyTorch and write its golden.json: logits in
float64, greedy continuations; and its loss on the validation text. Show a
sampled text.

    python check_whale.py [whale]
"""

import gzip
import json
import sys
from pathlib import Path

import safetensors.torch
import tokenizers
import torch
import transformers

sys.path.append(str(Path(__file__).resolve().parents[2] / "test" / "golden"))
from common import maxdiff, really_float64, round_up, write_json  # noqa: E402

FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "whale"
LOGITS_OF = "Call me Ishmael. It was\n"
PROMPTS = ["Call me Ishmael. ", "The whale ", "\"Captain Ahab,\" said "]
NEW = 64
CONTEXT = 256
VALIDATION = Path(__file__).resolve().parents[1] / "data" / "moby-dick-validation.txt.gz"


def load(dtype):
    config = transformers.LlamaConfig.from_pretrained(FOLDER)
    weights = {k: w.to(dtype) for k, w in safetensors.torch.load_file(FOLDER / "model.safetensors").items()}
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    model = transformers.LlamaForCausalLM._from_config(config, attn_implementation="eager").to(dtype).eval()
    model.load_state_dict(weights)
    return model


@torch.no_grad()
def logits(model, ids):
    return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]


def greedy(model, ids):
    """The continuation, and how close the second choice ever came."""
    ids, margin = list(ids), float("inf")
    for _ in range(NEW):
        best = logits(model, ids)[-1].topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        ids.append(best.indices[0].item())
    return ids[-NEW:], margin


@torch.no_grad()
def loss(model, ids):
    """Nats per character in windows side by side, each character predicted from those before it in its window."""
    count = (len(ids) - 1) // CONTEXT
    tokens = torch.tensor(ids[:count * CONTEXT + 1])
    inputs, targets = tokens[:-1].view(count, CONTEXT), tokens[1:].view(count, CONTEXT)
    losses = [torch.nn.functional.cross_entropy(model(input_ids=i, use_cache=False).logits.flatten(0, 1), t.flatten())
              for i, t in zip(inputs.split(16), targets.split(16))]
    sizes = torch.tensor([len(i) for i in inputs.split(16)], dtype=torch.float64)
    return (torch.stack(losses).double() @ sizes / sizes.sum()).item()


def sample(model, ids, count, temperature, seed):
    generator = torch.Generator().manual_seed(seed)
    ids = list(ids)
    for _ in range(count):
        chances = (logits(model, ids[-CONTEXT:])[-1] / temperature).softmax(-1)
        ids.append(torch.multinomial(chances, 1, generator=generator).item())
    return ids


def main():
    torch.set_num_threads(1)
    tokenizer = tokenizers.Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    single = load(torch.float32)
    with really_float64():
        double = load(torch.float64)

    ids = tokenizer.encode(LOGITS_OF).ids
    assert tokenizer.decode(ids) == LOGITS_OF
    with really_float64():
        exact = logits(double, ids)
    continuations = []
    for prompt in PROMPTS:
        start = tokenizer.encode(prompt).ids
        with really_float64():
            tokens, margin = greedy(double, start)
        assert tokens == greedy(single, start)[0], "float32 chooses differently"
        continuations.append({"prompt": prompt, "tokens": start, "greedy_tokens": tokens,
                              "greedy_text": tokenizer.decode(tokens), "greedy_min_margin": float(f"{margin:.3g}")})
        print(repr(prompt + tokenizer.decode(tokens)), f"margin {margin:.3g}")

    text = gzip.decompress(VALIDATION.read_bytes()).decode("utf-8")
    validation = loss(single, tokenizer.encode(text).ids)
    print(f"validation text: {validation:.4f} nats per character")

    golden = {
        "note": "float64 from the float16 weights; logits rounded to 7 digits, row by position; greedy margins are the smallest"
                " difference of the two largest logits on the way",
        "versions": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__,
                     "tokenizers": tokenizers.__version__},
        "training": json.loads((FOLDER / "training.json").read_text("utf-8")),
        "validation_loss": round(validation, 4),
        "logits": {"text": LOGITS_OF, "tokens": ids, "shape": list(exact.shape),
                   "f32_maxdiff": round_up(maxdiff(exact, logits(single, ids))),
                   "argmax": exact.argmax(-1).tolist(),
                   "values": [[float(f"{v:.7g}") for v in row] for row in exact.tolist()]},
        "greedy": continuations,
    }
    write_json(FOLDER / "golden.json", golden)
    print(tokenizer.decode(sample(single, tokenizer.encode("CHAPTER 1. ").ids, 600, 0.8, 1)))


if __name__ == "__main__":
    main()
