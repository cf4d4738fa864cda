"""Small models as PyTorch's two exporters write them in ONNX, of modules by hand and of transformers.

    python test/golden/onnx_models.py

with torch 2.15.0, transformers 5.24.0, onnx 1.23.2 and onnxscript (requirements.txt). The test runs the files in onnxruntime.
"""

import inspect
from pathlib import Path

import onnx
import torch
from torch import nn
from transformers import BertConfig, BertModel, DynamicCache, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

FOLDER = Path(__file__).with_name("onnx")
WIDTH, HEADS, VOCAB, LONGEST = 8, 2, 20, 16


class Block(nn.Module):
    """Pre-norm, one product for q, k and v, a mask of -inf."""

    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.fc, self.out = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x):
        batch, length, _ = x.shape
        heads = lambda t: t.view(batch, length, HEADS, WIDTH // HEADS).transpose(1, 2)
        q, k, v = map(heads, self.qkv(self.ln_1(x)).chunk(3, -1))
        scores = q @ k.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5
        seen = torch.tril(torch.ones(length, length, dtype=torch.bool))
        weights = scores.masked_fill(~seen, float("-inf")).softmax(-1)
        x = x + self.proj((weights @ v).transpose(1, 2).reshape(batch, length, WIDTH))
        return x + self.out(nn.functional.gelu(self.fc(self.ln_2(x))))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(VOCAB, WIDTH), nn.Embedding(LONGEST, WIDTH)
        self.blocks = nn.ModuleList([Block() for _ in range(2)])
        self.ln_f, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCAB, bias=False)

    def forward(self, input_ids):
        x = self.wte(input_ids) + self.wpe(torch.arange(input_ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.ln_f(x))


class Encoder(nn.Module):
    """PyTorch's own layers, which keep positions in front of texts inside."""

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 2 * WIDTH, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x):
        return self.layers(x)


class Last(nn.Module):
    """The one tensor that a model of transformers gives."""

    def __init__(self, model):
        super().__init__()
        self.model = model


class Bert(Last):
    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(input_ids, attention_mask, token_type_ids).last_hidden_state


def bert():
    sizes = dict(vocab_size=VOCAB, hidden_size=WIDTH, intermediate_size=2 * WIDTH, num_hidden_layers=2)
    heads = dict(num_attention_heads=HEADS, max_position_embeddings=LONGEST)
    return Bert(BertModel(BertConfig(**sizes, **heads, attn_implementation="eager"), add_pooling_layer=False))


class Causal(Last):
    def forward(self, input_ids, attention_mask):
        return self.model(input_ids, attention_mask=attention_mask, use_cache=False).logits


class Whole(Last):
    """Texts that begin together: a mask of the positions alone."""

    def forward(self, input_ids):
        return self.model(input_ids, use_cache=False).logits


class Cached(Last):
    """With keys and values of two layers from run to run, as exporters for texts write models."""

    def forward(self, input_ids, attention_mask, *past):
        cache = DynamicCache([(past[0], past[1]), (past[2], past[3])])
        made = self.model(input_ids, attention_mask=attention_mask, past_key_values=cache)
        layers = made.past_key_values.layers
        return made.logits, *(each for layer in layers for each in (layer.keys, layer.values))


def gpt2():
    sizes = dict(vocab_size=VOCAB, n_embd=WIDTH, n_layer=2, n_head=HEADS, n_positions=LONGEST)
    return GPT2LMHeadModel(GPT2Config(**sizes))


def llama():
    sizes = dict(vocab_size=VOCAB, hidden_size=WIDTH, intermediate_size=2 * WIDTH, num_hidden_layers=2)
    heads = dict(num_attention_heads=HEADS, num_key_value_heads=1, max_position_embeddings=LONGEST)
    return LlamaForCausalLM(LlamaConfig(**sizes, **heads))


PARTS = [f"{layer}.{part}" for layer in range(2) for part in ("key", "value")]


def export_cached(name, model, heads):
    """torch.onnx's older exporter with the names and sizes of Optimum."""
    draw(model)
    past = [torch.randn(2, heads, 3, WIDTH // HEADS) for _ in PARTS]
    args = (torch.randint(0, VOCAB, (2, 5)), torch.ones(2, 8, dtype=torch.long), *past)
    names = ["input_ids", "attention_mask", *(f"past_key_values.{part}" for part in PARTS)]
    rows = {0: "batch_size", 2: "past_sequence_length"}
    axes = {
        "input_ids": {0: "batch_size", 1: "sequence_length"},
        "attention_mask": {0: "batch_size", 1: "past_sequence_length + sequence_length"},
        **{f"past_key_values.{part}": rows for part in PARTS},
    }
    path = FOLDER / f"{name}.onnx"
    outputs = ["y", *(f"present.{part}" for part in PARTS)]
    torch.onnx.export(
        Cached(model).eval(), args, path, dynamo=False, input_names=names, output_names=outputs, dynamic_axes=axes, opset_version=17
    )
    bare(path)


def draw(model):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.4)


def bare(path):
    """What says of a node where in Python it was made is left out, but for the module."""
    proto = onnx.load(path)
    del proto.graph.value_info[:], proto.graph.metadata_props[:], proto.metadata_props[:]
    for node in proto.graph.node:
        kept = [each for each in node.metadata_props if each.key == "pkg.torch.onnx.name_scopes"]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
        node.doc_string = ""
    onnx.save(proto, path)
    print(path.name, path.stat().st_size)


def export(name, model, form):
    """Run-time sizes B and T."""
    draw(model)
    model.eval()
    names = list(inspect.signature(model.forward).parameters)
    examples = {
        "input_ids": torch.randint(0, VOCAB, (2, 5)),
        "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]),
        "token_type_ids": torch.tensor([[0, 0, 1, 1, 1], [0, 0, 0, 0, 0]]),
        "x": torch.randn(2, 5, WIDTH),
    }
    args = tuple(examples[each] for each in names)
    path = FOLDER / f"{name}.onnx"
    if form == "dynamo":
        sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence", max=LONGEST)}
        more = dict(dynamic_shapes=tuple(sizes for _ in args), external_data=False, verbose=False)
    else:
        more = dict(dynamic_axes={each: {0: "batch", 1: "sequence"} for each in names}, opset_version=17)
    torch.onnx.export(model, args, path, dynamo=form == "dynamo", input_names=names, output_names=["y"], **more)
    bare(path)


torch.manual_seed(0)
FOLDER.mkdir(exist_ok=True)
export("decoder_dynamo", Decoder(), "dynamo")
export("decoder_torchscript", Decoder(), "torchscript")
export("encoder_dynamo", Encoder(), "dynamo")
export("bert_dynamo", bert(), "dynamo")
# Of the libraries that most models are of: each with both exporters, with a mask and without, and with a cache.
for name, make, heads in (("gpt2", gpt2, HEADS), ("llama", llama, 1)):
    export(f"{name}_dynamo", Whole(make()), "dynamo")
    export(f"{name}_masked_dynamo", Causal(make()), "dynamo")
    export(f"{name}_torchscript", Causal(make()), "torchscript")
    export_cached(f"{name}_cached", make(), heads)
