"""torch/modules: single modules and functions of PyTorch, and norms of transformers."""

import torch
import torch.nn.functional as F
from torch import nn
from transformers.models.cohere.modeling_cohere import CohereLayerNorm
from transformers.models.gemma2.modeling_gemma2 import Gemma2RMSNorm
from transformers.models.llama.modeling_llama import LlamaConfig, LlamaMLP, LlamaRMSNorm

from cases import Group
from common import generator

LINEAR = "weight is (out, in): y = x W^T + b"
MHA = ("in_proj_weight rows are [Wq; Wk; Wv]; heads are consecutive blocks of embed_dim / num_heads;"
       " attn_weights are (batch, head, query, key)")


class Draw:
    """Random float32 inputs, one generator for the whole group."""

    def __init__(self, seed):
        self.g = generator(seed)

    def __call__(self, *shape, scale=1.0, shift=0.0):
        return shift + scale * torch.randn(*shape, generator=self.g)

    def around_one(self, *shape):
        return self(*shape, scale=0.2, shift=1.0)

    def ids(self, high, *shape):
        return torch.randint(high, shape, generator=self.g)


def call(module, t, *arguments, **options):
    """Runs the module with the tensors param.<name> in place of its own."""
    values = {k.removeprefix("param."): v for k, v in t.items() if k.startswith("param.")}
    return torch.func.functional_call(module.train(options.pop("train", True)), values, arguments, options)


def norms(group, draw):
    for i, (width, eps, affine, bias) in enumerate([
            (1, 1e-5, True, True), (6, 1e-5, True, True), (16, 1e-6, True, True), (33, 1e-5, True, True),
            (64, 1e-12, True, True), (24, 1e-5, False, False), (33, 1e-3, False, False), (20, 1e-5, True, False)]):
        inputs = {"x": draw(2, 3, width, shift=0.5)}
        if affine:
            inputs["param.weight"] = draw.around_one(width)
        if bias:
            inputs["param.bias"] = draw(width, scale=0.3)
        group.add(f"layernorm_{i}", "nn.LayerNorm",
                  lambda t: {"y": call(nn.LayerNorm(width, eps, affine, bias), t, t["x"])}, inputs,
                  {"normalized_shape": width, "eps": eps, "affine": affine, "bias": bias})
    group.add("layernorm_large_mean", "nn.LayerNorm",
              lambda t: {"y": call(nn.LayerNorm(32, 1e-5, False), t, t["x"])}, {"x": draw(4, 32, shift=100.0)},
              {"normalized_shape": 32, "eps": 1e-5, "affine": False, "bias": False})
    group.add("layernorm_constant", "nn.LayerNorm",
              lambda t: {"y": call(nn.LayerNorm(8, 1e-5, False), t, t["x"])}, {"x": torch.full((2, 8), 3.0)},
              {"normalized_shape": 8, "eps": 1e-5, "affine": False, "bias": False,
               "note": "variance 0: y is 0, only eps keeps it finite"})
    group.add("layernorm_cohere", "CohereLayerNorm",
              lambda t: {"y": call(CohereLayerNorm(12, 1e-5), t, t["x"])},
              {"x": draw(2, 5, 12), "param.weight": draw.around_one(12)}, {"normalized_shape": 12, "eps": 1e-5, "bias": False})

    for i, (width, eps, affine) in enumerate([(1, 1e-6, True), (8, 1e-6, True), (33, 1e-5, True), (64, 1e-6, False)]):
        inputs = {"x": draw(2, 3, width)} | ({"param.weight": draw.around_one(width)} if affine else {})
        group.add(f"rmsnorm_{i}", "nn.RMSNorm",
                  lambda t: {"y": call(nn.RMSNorm(width, eps, affine), t, t["x"])}, inputs,
                  {"normalized_shape": width, "eps": eps, "affine": affine})
    group.add("rmsnorm_llama", "LlamaRMSNorm", lambda t: {"y": call(LlamaRMSNorm(24, 1e-5), t, t["x"])},
              {"x": draw(2, 4, 24), "param.weight": draw.around_one(24)}, {"normalized_shape": 24, "eps": 1e-5})
    group.add("rmsnorm_gemma", "Gemma2RMSNorm", lambda t: {"y": call(Gemma2RMSNorm(24, 1e-6), t, t["x"])},
              {"x": draw(2, 4, 24), "param.weight": draw(24, scale=0.2)},
              {"normalized_shape": 24, "eps": 1e-6, "note": "multiplies with 1 + weight"})
    group.add("rmsnorm_zero", "nn.RMSNorm", lambda t: {"y": call(nn.RMSNorm(8, 1e-6, False), t, t["x"])},
              {"x": torch.zeros(2, 8)}, {"normalized_shape": 8, "eps": 1e-6, "affine": False})

    for i, (shape, dim) in enumerate([((3, 8), -1), ((2, 5, 6), -1), ((2, 5, 6), 1)]):
        group.add(f"l2_normalize_{i}", "F.normalize", lambda t: {"y": F.normalize(t["x"], dim=dim, eps=1e-12)},
                  {"x": draw(*shape)}, {"p": 2, "dim": dim, "eps": 1e-12, "note": "x / max(norm, eps)"})

    batchnorm = "normalises with the biased variance, moves running_var with the unbiased one (n / (n - 1))"
    for i, (kind, shape, train, affine) in enumerate([
            (nn.BatchNorm1d, (6, 4), True, True), (nn.BatchNorm1d, (6, 4), False, True),
            (nn.BatchNorm1d, (5, 3, 7), True, True), (nn.BatchNorm1d, (5, 3), True, False),
            (nn.BatchNorm2d, (2, 3, 4, 5), True, True), (nn.BatchNorm2d, (2, 3, 4, 5), False, True)]):
        features = shape[1]
        inputs = {"x": draw(*shape, shift=0.5)}
        if affine:
            inputs |= {"param.weight": draw.around_one(features), "param.bias": draw(features, scale=0.3)}
        inputs |= {"param.running_mean": draw(features, scale=0.5), "param.running_var": draw(features).abs() + 0.5}

        def run(t):
            after = {k: t[f"param.{k}"].clone() for k in ("running_mean", "running_var")}
            values = t | {f"param.{k}": v for k, v in after.items()}
            y = call(kind(features, 1e-5, 0.1, affine), values, t["x"], train=train)
            return {"y": y} | ({f"after.{k}": v for k, v in after.items()} if train else {})

        group.add(f"batchnorm_{i}_{'train' if train else 'eval'}", f"nn.{kind.__name__}", run, inputs,
                  {"features": features, "eps": 1e-5, "momentum": 0.1, "train": train, "affine": affine, "note": batchnorm})


ACTIVATIONS = {
    "relu": F.relu,
    "relu_squared": lambda x: F.relu(x).square(),
    "gelu_erf": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": F.softplus,
    "logsigmoid": F.logsigmoid,
    "exp": torch.exp,
    "erf": torch.erf,
}


def activations(group, draw):
    for name, function in ACTIVATIONS.items():
        x = draw(3, 12, scale=2.0)
        x[0, :6] = torch.tensor([-12.0, -5.0, -0.001, 0.001, 5.0, 3.0 if name == "exp" else 12.0])
        group.add(f"act_{name}", f"activation.{name}", lambda t: {"y": function(t["x"])}, {"x": x})
    group.add("act_tanh_cap", "softcap", lambda t: {"y": 5.0 * torch.tanh(t["x"] / 5.0)}, {"x": draw(3, 8, scale=6.0)}, {"cap": 5.0})
    config = LlamaConfig(hidden_size=8, intermediate_size=12, num_attention_heads=2)
    group.add("mlp_swiglu", "LlamaMLP", lambda t: {"y": call(LlamaMLP(config), t, t["x"])},
              {"x": draw(2, 3, 8), "param.gate_proj.weight": draw(12, 8, scale=0.4),
               "param.up_proj.weight": draw(12, 8, scale=0.4), "param.down_proj.weight": draw(8, 12, scale=0.4)},
              {"note": "down(silu(gate(x)) * up(x)); " + LINEAR})


def softmaxes(group, draw):
    for i, (shape, dim, scale, shift) in enumerate([
            ((4, 7), -1, 1.0, 0.0), ((2, 3, 5), 1, 2.0, 0.0), ((3, 6), -1, 30.0, 200.0), ((2, 1), -1, 1.0, 0.0)]):
        x = draw(*shape, scale=scale, shift=shift)
        group.add(f"softmax_{i}", "F.softmax", lambda t: {"y": F.softmax(t["x"], dim)}, {"x": x}, {"dim": dim})
        group.add(f"log_softmax_{i}", "F.log_softmax", lambda t: {"y": F.log_softmax(t["x"], dim)}, {"x": x}, {"dim": dim})
    group.add("logsumexp", "torch.logsumexp", lambda t: {"y": torch.logsumexp(t["x"], -1)}, {"x": draw(3, 6, scale=5.0)}, {"dim": -1})

    for i, (rows, classes, scale, options) in enumerate([
            (5, 7, 1.0, {}), (8, 11, 20.0, {}), (6, 9, 1.0, {"label_smoothing": 0.1}), (7, 6, 1.0, {"ignore_index": -100}),
            (7, 6, 1.0, {"ignore_index": 0}), (6, 5, 1.0, {"reduction": "sum"}),
            (8, 7, 1.0, {"ignore_index": -100, "label_smoothing": 0.2})]):
        target = draw.ids(classes, rows)
        if "ignore_index" in options:
            target[1], target[4] = options["ignore_index"], options["ignore_index"]
        group.add(f"cross_entropy_{i}", "F.cross_entropy",
                  lambda t: {"loss": F.cross_entropy(t["x"], t["target"], **options)},
                  {"x": draw(rows, classes, scale=scale), "target": target},
                  options | {"note": "mean over the rows that count" if "reduction" not in options else "sum over the rows"})
    group.add("cross_entropy_sequence", "F.cross_entropy",
              lambda t: {"loss": F.cross_entropy(t["x"].flatten(0, 1), t["target"].flatten())},
              {"x": draw(2, 5, 8), "target": draw.ids(8, 2, 5)}, {"note": "mean over all positions of all rows"})


def linears(group, draw):
    for i, (shape, out, bias) in enumerate([((2, 5), 3, True), ((2, 3, 8), 8, False), ((1, 1, 33), 17, True), ((4, 1), 6, True)]):
        inputs = {"x": draw(*shape), "param.weight": draw(out, shape[-1], scale=0.4)}
        if bias:
            inputs["param.bias"] = draw(out, scale=0.3)
        group.add(f"linear_{i}", "nn.Linear", lambda t: {"y": F.linear(t["x"], t["param.weight"], t.get("param.bias"))},
                  inputs, {"inp": shape[-1], "out": out, "bias": bias, "layout": LINEAR})
    group.add("embedding", "nn.Embedding", lambda t: {"y": F.embedding(t["ids"], t["param.weight"])},
              {"ids": torch.tensor([[1, 4, 4, 0], [9, 4, 2, 1]]), "param.weight": draw(10, 6)},
              {"num": 10, "dim": 6, "note": "repeated ids add up in the gradient"})
    group.add("matmul_batched", "torch.matmul", lambda t: {"y": t["a"] @ t["b"]}, {"a": draw(2, 3, 4, 5), "b": draw(3, 5, 6)})
    group.add("topk", "torch.topk", lambda t: dict(zip(("y", "indices"), torch.topk(t["x"], 3))),
              {"x": draw(4, 9)}, {"k": 3, "dim": -1, "note": "largest first, no ties"})
    group.add("topk_all", "torch.topk", lambda t: dict(zip(("y", "indices"), torch.topk(t["x"], 6))), {"x": draw(2, 3, 6)}, {"k": 6, "dim": -1})
    group.add("argmax", "torch.argmax", lambda t: {"indices": t["x"].argmax(-1)}, {"x": draw(5, 8)}, {"dim": -1}, gradients=False)
    group.add("cumsum", "torch.cumsum", lambda t: {"y": t["x"].cumsum(-1)}, {"x": draw(3, 7)}, {"dim": -1})


def attention(group, draw):
    for i, (width, heads, batch, length, causal, bias) in enumerate([
            (8, 1, 1, 4, False, True), (8, 2, 2, 5, True, True), (12, 3, 2, 6, True, False), (24, 4, 1, 9, True, True)]):
        inputs = {"x": draw(batch, length, width),
                  "param.in_proj_weight": draw(3 * width, width, scale=0.3), "param.out_proj.weight": draw(width, width, scale=0.3)}
        if bias:
            inputs |= {"param.in_proj_bias": draw(3 * width, scale=0.3), "param.out_proj.bias": draw(width, scale=0.3)}

        def run(t):
            mask = torch.ones(length, length, dtype=torch.bool).triu(1) if causal else None
            module = nn.MultiheadAttention(width, heads, bias=bias, batch_first=True)
            y, weights = call(module, t, t["x"], t["x"], t["x"], attn_mask=mask, average_attn_weights=False)
            return {"y": y, "attn_weights": weights}

        group.add(f"mha_{i}", "nn.MultiheadAttention", run, inputs,
                  {"embed_dim": width, "num_heads": heads, "bias": bias, "causal": causal, "layout": MHA})

    cross = {"x": draw(2, 4, 8), "memory": draw(2, 6, 8), "param.in_proj_weight": draw(24, 8, scale=0.3),
             "param.in_proj_bias": draw(24, scale=0.3), "param.out_proj.weight": draw(8, 8, scale=0.3),
             "param.out_proj.bias": draw(8, scale=0.3)}
    group.add("mha_cross", "nn.MultiheadAttention", lambda t: dict(zip(("y", "attn_weights"), call(
        nn.MultiheadAttention(8, 2, batch_first=True), t, t["x"], t["memory"], t["memory"], average_attn_weights=False))),
        cross, {"embed_dim": 8, "num_heads": 2, "bias": True, "causal": False, "layout": MHA,
                "note": "queries from x, keys and values from memory"})

    def sdpa(name, q, k, inputs=None, **options):
        tensors = {"q": draw(*q), "k": draw(*k), "v": draw(*k[:-1], 5)} | (inputs or {})
        group.add(f"sdpa_{name}", "F.scaled_dot_product_attention",
                  lambda t: {"y": F.scaled_dot_product_attention(t["q"], t["k"], t["v"], t.get("mask", t.get("bias")), **options)},
                  tensors, options | {"note": "q (batch, heads, queries, width), k and v (batch, kv heads, keys, width);"
                                              " mask: 1 where a key is seen; bias: added to the scaled scores"})

    sdpa("full", (2, 3, 4, 6), (2, 3, 7, 6))
    sdpa("causal", (2, 2, 6, 4), (2, 2, 6, 4), is_causal=True)
    sdpa("one_query", (1, 2, 1, 4), (1, 2, 9, 4))
    sdpa("grouped", (2, 4, 5, 6), (2, 2, 5, 6), is_causal=True, enable_gqa=True)
    sdpa("one_kv_head", (1, 6, 5, 4), (1, 1, 5, 4), is_causal=True, enable_gqa=True)
    sdpa("scale", (1, 2, 5, 4), (1, 2, 5, 4), scale=0.31)
    sdpa("scale_one", (1, 2, 5, 4), (1, 2, 5, 4), is_causal=True, scale=1.0)
    mask = torch.rand(2, 1, 4, 6, generator=draw.g) < 0.6
    mask[..., 0] = True  # every query sees something
    sdpa("mask", (2, 2, 4, 6), (2, 2, 6, 6), {"mask": mask})
    sdpa("causal_late_queries", (1, 2, 3, 4), (1, 2, 7, 4), {"mask": torch.ones(3, 7, dtype=torch.bool).tril(4)})
    sdpa("window", (1, 2, 8, 4), (1, 2, 8, 4), {"mask": torch.ones(8, 8, dtype=torch.bool).tril().triu(-2)})
    sdpa("bias", (2, 3, 4, 6), (2, 3, 5, 6), {"bias": draw(3, 4, 5)})


def images(group, draw):
    for i, (channels, out, kernel, stride, padding, bias) in enumerate([
            (1, 3, 3, 1, 0, True), (2, 4, 3, 1, 1, True), (3, 2, 3, 2, 1, False), (2, 3, 1, 1, 0, True), (2, 2, 4, 4, 0, True)]):
        inputs = {"x": draw(2, channels, 8, 8 if i else 7), "param.weight": draw(out, channels, kernel, kernel, scale=0.3)}
        if bias:
            inputs["param.bias"] = draw(out, scale=0.3)
        group.add(f"conv2d_{i}", "nn.Conv2d",
                  lambda t: {"y": F.conv2d(t["x"], t["param.weight"], t.get("param.bias"), stride, padding)}, inputs,
                  {"in_channels": channels, "out_channels": out, "kernel": kernel, "stride": stride, "padding": padding,
                   "bias": bias, "layout": "x (batch, channels, rows, columns), weight (out, in, rows, columns)"})
    for i, (kernel, stride, padding) in enumerate([(2, 2, 0), (3, 1, 0), (3, 2, 1)]):
        options = {"kernel": kernel, "stride": stride, "padding": padding}
        group.add(f"max_pool2d_{i}", "F.max_pool2d", lambda t: {"y": F.max_pool2d(t["x"], kernel, stride, padding)}, {"x": draw(2, 2, 6, 7)}, options)
    group.add("avg_pool2d", "F.avg_pool2d", lambda t: {"y": F.avg_pool2d(t["x"], 2)}, {"x": draw(2, 2, 6, 4)}, {"kernel": 2, "stride": 2})


def make():
    group, draw = Group("modules"), Draw(2001)
    for part in (norms, activations, softmaxes, linears, attention, images):
        part(group, draw)
    group.write()
