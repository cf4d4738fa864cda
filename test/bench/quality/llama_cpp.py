"""What quantization costs in llama.cpp: next tokens, KL divergence and perplexity beside transformers on the dequantized weights.

    python test/bench/quality/llama_cpp.py FILE.gguf TEXT.gz [--types Q8_0,Q4_0,Q4_K_M] [--tokens 10000]

The published file as it is, and what llama.cpp's own quantizer makes of its dequantized weights in each type. The text is read as `lmg
compare --data` reads it: 10,000 tokens, 128 at a time. Needs test/golden/requirements.txt, and llama.cpp as cyllama.
"""

import argparse
import gzip
import tempfile
from pathlib import Path

import numpy
import torch
from cyllama.llama import llama_cpp
from transformers import AutoModelForCausalLM, AutoTokenizer

LENGTH = 128
# llama.h, `llama_ftype`.
FTYPES = {"F32": 0, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q4_K_M": 15}


def quantized(path, ftype, out):
    params = llama_cpp.LlamaModelQuantizeParams()
    params.ftype = FTYPES[ftype]
    params.allow_requantize = True
    params.nthread = 2
    llama_cpp.model_quantize(str(path), str(out), params)
    return out


class Model(llama_cpp.LlamaModel):
    """With what cyllama's own `get_logits_ith` asks for."""

    @property
    def n_vocab(self):
        return self.get_vocab().n_vocab


class LlamaCpp:
    """Logits of all positions of a text that is read alone."""

    def __init__(self, path):
        self.model = Model(str(path))
        params = llama_cpp.LlamaContextParams()
        params.n_ctx = params.n_batch = params.n_ubatch = LENGTH
        params.n_threads = params.n_threads_batch = 2
        self.context = llama_cpp.LlamaContext(self.model, params)

    def logits(self, ids):
        self.context.kv_cache_clear()
        batch = llama_cpp.LlamaBatch(n_tokens=len(ids), embd=0, n_seq_max=1)
        for position, token in enumerate(ids):
            batch.add(token, position, [0], True)
        self.context.decode(batch)
        rows = [numpy.asarray(self.context.get_logits_ith(i), dtype=numpy.float32) for i in range(len(ids))]
        return torch.from_numpy(numpy.stack(rows))


class Sums:
    def __init__(self):
        self.positions = self.agree = self.divergence = self.first = self.second = 0.0

    def add(self, expected, found, following):
        p, q = (torch.log_softmax(logits[:-1].double(), -1) for logits in (expected, found))
        self.positions += len(following)
        self.agree += (p.argmax(-1) == q.argmax(-1)).sum().item()
        self.divergence += (p.exp() * (p - q)).sum().item()
        self.first -= p.gather(1, following[:, None]).sum().item()
        self.second -= q.gather(1, following[:, None]).sum().item()

    def show(self, name):
        n = self.positions
        before, after = (torch.tensor(total / n).exp().item() for total in (self.first, self.second))
        print(
            f"{name}: the same next token at {100 * self.agree / n:.1f} % of {n:.0f} positions; KL divergence "
            f"{self.divergence / n:.3g}; perplexity {before:.5g} -> {after:.5g} ({100 * (after / before - 1):+.2f} %)",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--types", default="Q8_0,Q4_0,Q4_K_M")
    parser.add_argument("--tokens", type=int, default=10_000)
    given = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(given.file.parent, gguf_file=given.file.name)
    original = AutoModelForCausalLM.from_pretrained(
        given.file.parent, gguf_file=given.file.name, dtype=torch.float32
    ).eval()
    ids = tokenizer(gzip.open(given.text, "rt").read())["input_ids"][: given.tokens]
    with tempfile.TemporaryDirectory() as folder:
        models = {"as published": LlamaCpp(given.file)}
        for name in given.types.split(","):
            models[name] = LlamaCpp(quantized(given.file, name, Path(folder) / f"{name}.gguf"))
        sums = {name: Sums() for name in models}
        for start in range(0, len(ids) - 1, LENGTH):
            part = ids[start : start + LENGTH]
            with torch.no_grad():
                expected = original(torch.tensor([part])).logits[0]
            for name, model in models.items():
                sums[name].add(expected, model.logits(part), torch.tensor(part[1:]))
        for name, each in sums.items():
            each.show(name)


main()
