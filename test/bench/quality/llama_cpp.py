"""What quantization costs in llama.cpp: next tokens, KL divergence and perplexity beside transformers on the dequantized weights.

    python test/bench/quality/llama_cpp.py FILE.gguf TEXT.gz [--types Q8_0,Q4_0,Q4_K_M] [--tokens 10000]

The published file as it is, and what llama.cpp's own quantizer makes of its dequantized weights in each type. The text is read as `lmg
compare --data` reads it: 10,000 tokens, 128 at a time. Needs test/golden/requirements.txt, cyllama, which quantizes, and node-llama-cpp (../generate), which
reads.
"""

import argparse
import ctypes
import gzip
import tempfile
from pathlib import Path

import numpy
import torch
from cyllama.llama import llama_cpp
from transformers import AutoModelForCausalLM, AutoTokenizer

LENGTH = 128
# As `npm install --prefix test/bench/generate` puts it there.
LIBRARY = Path(__file__).parents[1] / "generate/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64"
# llama.h, `llama_ftype`.
FTYPES = {"F32": 0, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q4_K_M": 15}


def quantized(path, ftype, out, threads):
    params = llama_cpp.LlamaModelQuantizeParams()
    params.ftype = FTYPES[ftype]
    params.allow_requantize = True
    params.nthread = threads
    llama_cpp.model_quantize(str(path), str(out), params)
    return out


class ModelParams(ctypes.Structure):
    """`llama_model_params`, of which all stays as it is by default; longer than any version's."""

    _fields_ = [("all", ctypes.c_byte * 512)]


class ContextParams(ctypes.Structure):
    """`llama_context_params`: what all versions begin with, and room for the rest."""

    _fields_ = [
        *((name, ctypes.c_int32) for name in ("n_ctx", "n_batch", "n_ubatch", "n_seq_max")),
        ("rest", ctypes.c_byte * 512),
    ]


class Batch(ctypes.Structure):
    _fields_ = [
        ("n_tokens", ctypes.c_int32),
        ("token", ctypes.POINTER(ctypes.c_int32)),
        ("embd", ctypes.c_void_p),
        ("pos", ctypes.POINTER(ctypes.c_int32)),
        ("n_seq_id", ctypes.POINTER(ctypes.c_int32)),
        ("seq_id", ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
        ("logits", ctypes.POINTER(ctypes.c_int8)),
    ]


def open_library(folder):
    """libllama as node-llama-cpp has it, with the code for this processor: cyllama gives logits as lists, a number at a time."""
    (core,) = folder.glob("libggml.v*.so")
    for base in folder.glob("libggml-base*.so"):
        ctypes.CDLL(str(base), ctypes.RTLD_GLOBAL)
    ctypes.CDLL(str(core), ctypes.RTLD_GLOBAL).ggml_backend_load_all_from_path(str(folder).encode())
    (path,) = folder.glob("libllama.v*.so")
    library = ctypes.CDLL(str(path))
    pointer = ctypes.c_void_p
    for name, result, arguments in (
        ("llama_model_default_params", ModelParams, []),
        ("llama_context_default_params", ContextParams, []),
        ("llama_model_load_from_file", pointer, [ctypes.c_char_p, ModelParams]),
        ("llama_init_from_model", pointer, [pointer, ContextParams]),
        ("llama_model_get_vocab", pointer, [pointer]),
        ("llama_vocab_n_tokens", ctypes.c_int32, [pointer]),
        ("llama_batch_init", Batch, [ctypes.c_int32, ctypes.c_int32, ctypes.c_int32]),
        ("llama_get_memory", pointer, [pointer]),
        ("llama_memory_clear", None, [pointer, ctypes.c_bool]),
        ("llama_decode", ctypes.c_int32, [pointer, Batch]),
        ("llama_get_logits", ctypes.POINTER(ctypes.c_float), [pointer]),
        ("llama_set_n_threads", None, [pointer, ctypes.c_int32, ctypes.c_int32]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class LlamaCpp:
    """Logits of all positions of a text that is read alone."""

    def __init__(self, library, path, threads):
        self.library = library
        model = library.llama_model_load_from_file(str(path).encode(), library.llama_model_default_params())
        params = library.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = LENGTH
        self.context = library.llama_init_from_model(model, params)
        library.llama_set_n_threads(self.context, threads, threads)
        self.vocabulary = library.llama_vocab_n_tokens(library.llama_model_get_vocab(model))
        self.batch = library.llama_batch_init(LENGTH, 0, 1)

    def logits(self, ids):
        self.library.llama_memory_clear(self.library.llama_get_memory(self.context), True)
        batch = self.batch
        batch.n_tokens = len(ids)
        for position, token in enumerate(ids):
            batch.token[position], batch.pos[position] = token, position
            batch.n_seq_id[position], batch.logits[position] = 1, 1
            batch.seq_id[position][0] = 0
        if self.library.llama_decode(self.context, batch) != 0:
            raise RuntimeError("llama.cpp did not read the text")
        rows = self.library.llama_get_logits(self.context)
        return torch.from_numpy(numpy.ctypeslib.as_array(rows, (len(ids), self.vocabulary)))


class Sums:
    def __init__(self):
        self.positions = self.agree = self.divergence = self.first = self.second = 0.0

    def add(self, expected, found, following):
        p, q = (torch.log_softmax(logits[:-1], -1) for logits in (expected, found))
        self.positions += len(following)
        self.agree += (p.argmax(-1) == q.argmax(-1)).sum().item()
        self.divergence += p.exp().mul_(p - q).sum(dtype=torch.float64).item()
        self.first -= p.gather(1, following[:, None]).double().sum().item()
        self.second -= q.gather(1, following[:, None]).double().sum().item()

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
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--library", type=Path, default=LIBRARY, help="the folder of libllama")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    library = open_library(given.library)
    tokenizer = AutoTokenizer.from_pretrained(given.file.parent, gguf_file=given.file.name)
    original = AutoModelForCausalLM.from_pretrained(
        given.file.parent, gguf_file=given.file.name, dtype=torch.float32
    ).eval()
    ids = tokenizer(gzip.open(given.text, "rt").read())["input_ids"][: given.tokens]
    with tempfile.TemporaryDirectory() as folder:
        files = {"as published": given.file}
        for name in given.types.split(","):
            files[name] = quantized(given.file, name, Path(folder) / f"{name}.gguf", given.threads)
        models = {name: LlamaCpp(library, path, given.threads) for name, path in files.items()}
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
