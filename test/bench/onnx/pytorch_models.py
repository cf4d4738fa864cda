"""Models of transformers with drawn weights, each as a published folder and as PyTorch's own exporter writes it for ONNX.

    python test/bench/onnx/pytorch_models.py OUT     writes OUT/NAME/{config.json,model.safetensors} and OUT/NAME/pytorch/model.onnx
"""

import os
import sys

import torch
from torch import nn
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

# Small ones of each kind, as they were published: GPT-2 of 124 million parameters, BERT base, a Llama of the sizes of SmolLM2 135M.
MODELS = {
    "gpt2": (GPT2LMHeadModel, GPT2Config(), ["input_ids"]),
    "bert": (BertModel, BertConfig(), ["input_ids", "attention_mask", "token_type_ids"]),
    "llama": (
        LlamaForCausalLM,
        LlamaConfig(
            vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
            num_key_value_heads=3, max_position_embeddings=8192, rms_norm_eps=1e-5, rope_theta=100000.0, tie_word_embeddings=True,
        ),
        ["input_ids"],
    ),
}
# The opset whose attention, rotary positions and norms are ops of their own; lmg writes the same.
OPSET = 23


class First(nn.Module):
    """A model as it is asked for logits or hidden states alone: no cache."""

    def __init__(self, model, names):
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs):
        options = {} if isinstance(self.model, BertModel) else {"use_cache": False}
        return self.model(**dict(zip(self.names, inputs)), **options)[0]


def write(name, folder):
    kind, config, names = MODELS[name]
    torch.manual_seed(0)
    model = kind(config).eval()
    model.save_pretrained(folder)
    os.makedirs(f"{folder}/pytorch", exist_ok=True)
    batch, length = torch.export.Dim("batch", min=1, max=64), torch.export.Dim("length", min=2, max=512)
    inputs = tuple(torch.ones(2, 16, dtype=torch.long) for _ in names)
    torch.onnx.export(
        First(model, names).eval(), inputs, f"{folder}/pytorch/model.onnx", dynamo=True, external_data=True, opset_version=OPSET,
        input_names=names, output_names=["out"], dynamic_shapes=(tuple({0: batch, 1: length} for _ in names),),
    )


if __name__ == "__main__":
    for name in MODELS:
        write(name, f"{sys.argv[1]}/{name}")
