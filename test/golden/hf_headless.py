"""BERT as most models that were made of it are published: the body and its pooler, without the heads of the pretraining
and without `bert.` in front of the names. hf/bert_headless has config.json, model.safetensors and golden.safetensors with
`tokens`, `token_types`, `attention_mask`, `hidden_states` and `pooled` of one case, computed in float64."""

import json
import tempfile
from pathlib import Path

import safetensors.torch
import torch
import transformers

from common import HERE, maxdiff, really_float64, write_json, write_tensors
from hf_checkpoint import cases_of, randomise

FOLDER = HERE / "hf" / "bert_headless"
SEED = 77


def make():
    config = transformers.BertConfig(
        vocab_size=60, hidden_size=24, intermediate_size=40, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=16, type_vocab_size=2)
    model = transformers.BertModel._from_config(config, attn_implementation="eager").float().eval()
    randomise(model, SEED)
    with tempfile.TemporaryDirectory() as temporary:
        model.save_pretrained(temporary)
        weights = safetensors.torch.load_file(Path(temporary) / "model.safetensors")
        write_json(FOLDER / "config.json", json.loads((Path(temporary) / "config.json").read_text()))
    # A table of positions, as the versions of transformers before 4.31 stored it.
    table = {"embeddings.position_ids": torch.arange(16).view(1, 16)}
    write_tensors(FOLDER / "model.safetensors", {**weights, **table})
    inputs = cases_of(config, SEED + 1)["case0"]
    single = run(model, inputs)
    with really_float64():
        golden = run(model.double(), inputs)
    named = {"tokens": inputs["input_ids"], "token_types": inputs["token_type_ids"], "attention_mask": inputs["attention_mask"]}
    write_tensors(FOLDER / "golden.safetensors", {**named, **golden})
    write_json(FOLDER / "golden.json", {
        "class": "BertModel",
        "versions": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
        "seed": SEED,
        "f32_maxdiff": maxdiff(golden, single),
        "parameters": sorted(weights),
    })


@torch.no_grad()
def run(model, inputs):
    out = model(**inputs)
    return {"hidden_states": out.last_hidden_state, "pooled": out.pooler_output}
