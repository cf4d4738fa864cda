"""Training steps of an emitted Llama beside a module written by hand and transformers' own: tokens a second of processor time,
one thread, interleaved, after their logits are seen to be equal. usage: speed.py MODEL.PY CONFIG.JSON [ROUNDS]

    lmg compile examples/llama.lmg --target torch --config examples/weights/whale -o out
    python test/bench/torch/speed.py out/model.py examples/weights/whale/config.json
"""

import importlib.util
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

BATCH, LENGTH = 4, 256
# The first steps of each are not counted: memory is asked for.
WARM = 3
# Sums in another order, of logits about 1.
EQUAL = 1e-4


class Block(nn.Module):
    """As one would write it for speed: one product for q, k and v, and one for gate and up."""

    def __init__(self, c):
        super().__init__()
        self.heads, self.width = c["num_attention_heads"], c["hidden_size"] // c["num_attention_heads"]
        self.parts = [self.heads * self.width, *2 * [c["num_key_value_heads"] * self.width]]
        self.a, self.b = (nn.RMSNorm(c["hidden_size"], c["rms_norm_eps"]) for _ in range(2))
        self.qkv = nn.Linear(c["hidden_size"], sum(self.parts), bias=False)
        self.o = nn.Linear(self.parts[0], c["hidden_size"], bias=False)
        self.gu = nn.Linear(c["hidden_size"], 2 * c["intermediate_size"], bias=False)
        self.d = nn.Linear(c["intermediate_size"], c["hidden_size"], bias=False)

    def forward(self, x, cos, sin):
        q, k, v = (part.unflatten(-1, (-1, self.width)).transpose(1, 2) for part in self.qkv(self.a(x)).split(self.parts, -1))
        q, k = (
            part * cos + torch.cat((-part[..., self.width // 2 :], part[..., : self.width // 2]), -1) * sin for part in (q, k)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        x = x + self.o(y.transpose(1, 2).flatten(-2))
        gate, up = self.gu(self.b(x)).chunk(2, -1)
        return x + self.d(F.silu(gate) * up)


class Hand(nn.Module):
    def __init__(self, c, weights):
        super().__init__()
        self.e = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.h = nn.ModuleList(Block(c) for _ in range(c["num_hidden_layers"]))
        self.n = nn.RMSNorm(c["hidden_size"], c["rms_norm_eps"])
        self.head = nn.Linear(c["hidden_size"], c["vocab_size"], bias=False)
        if c.get("tie_word_embeddings"):
            self.head.weight = self.e.weight
        width = self.h[0].width
        theta = c.get("rope_theta", 10000.0) ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
        angle = torch.outer(torch.arange(LENGTH, dtype=torch.float64), theta).repeat(1, 2)
        self.register_buffer("cos", angle.cos().float())
        self.register_buffer("sin", angle.sin().float())
        self.take(weights)

    @torch.no_grad()
    def take(self, weights):
        self.e.weight.copy_(weights["model.embed_tokens.weight"])
        self.n.weight.copy_(weights["model.norm.weight"])
        if "lm_head.weight" in weights:
            self.head.weight.copy_(weights["lm_head.weight"])
        for number, block in enumerate(self.h):
            own = {name.split(".", 3)[3]: w for name, w in weights.items() if name.startswith(f"model.layers.{number}.")}
            block.a.weight.copy_(own["input_layernorm.weight"])
            block.b.weight.copy_(own["post_attention_layernorm.weight"])
            block.qkv.weight.copy_(torch.cat([own[f"self_attn.{part}_proj.weight"] for part in "qkv"]))
            block.o.weight.copy_(own["self_attn.o_proj.weight"])
            block.gu.weight.copy_(torch.cat([own["mlp.gate_proj.weight"], own["mlp.up_proj.weight"]]))
            block.d.weight.copy_(own["mlp.down_proj.weight"])

    def forward(self, tokens):
        x, cos, sin = self.e(tokens), self.cos[: tokens.shape[1]], self.sin[: tokens.shape[1]]
        for block in self.h:
            x = block(x, cos, sin)
        return self.head(self.n(x))


def emitted(path):
    spec = importlib.util.spec_from_file_location("emitted", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    torch.manual_seed(0)
    model = module.Model()
    for p in model.parameters():
        nn.init.normal_(p, std=0.05) if p.ndim > 1 else nn.init.ones_(p)
    return model


def transformers_own(config, weights):
    """How it is called, and the module that owns the parameters; undefined where transformers is not installed."""
    if importlib.util.find_spec("transformers") is None:
        return None
    from transformers import LlamaConfig, LlamaForCausalLM

    own = LlamaForCausalLM(LlamaConfig(**config)).float()
    own.load_state_dict(weights, strict=not config.get("tie_word_embeddings"))
    return lambda tokens: own(tokens, use_cache=False).logits, own


def speeds(path, config_path, rounds):
    """Tokens a second of processor time of each, the median of so many steps."""
    torch.set_num_threads(1)
    with open(config_path) as file:
        config = json.load(file)
    model = emitted(path)
    weights = {name: w.detach().clone() for name, w in model.state_dict().items()}
    hand = Hand(config, weights)
    run = {"emitted": (model, model), "by hand": (hand, hand)}
    theirs = transformers_own(config, weights)
    if theirs is not None:
        run["transformers"] = theirs
    tokens = torch.randint(config["vocab_size"], (BATCH, LENGTH + 1))
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    with torch.no_grad():
        wanted = model(inputs)
        for name, (call, _) in run.items():
            assert (call(inputs) - wanted).abs().max() < EQUAL, f"{name} computes something else"
    optimizers = {name: torch.optim.AdamW(owner.parameters(), 1e-3) for name, (_, owner) in run.items()}
    took = {name: [] for name in run}
    for step in range(WARM + rounds):
        for name, (call, _) in run.items():
            began = time.process_time()
            F.cross_entropy(call(inputs).flatten(0, 1), targets.flatten()).backward()
            optimizers[name].step()
            optimizers[name].zero_grad(set_to_none=True)
            if step >= WARM:
                took[name].append(time.process_time() - began)
    return {name: inputs.numel() / statistics.median(times) for name, times in took.items()}


if __name__ == "__main__":
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 30
    found = speeds(sys.argv[1], sys.argv[2], rounds)
    for name, speed in found.items():
        print(f"{name:<13}{speed:8.0f} tokens a second; emitted is {found['emitted'] / speed:.3f} of it")
