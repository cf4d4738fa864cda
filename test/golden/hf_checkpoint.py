"""A tiny random checkpoint as published ones are, and what transformers computes from it: a folder with

    config.json           as transformers writes it today
    config.v4.json        the same in the spelling most published files have
    model.safetensors     float32 weights under the published names
    golden.json           cases, tolerances, notes
    golden.safetensors    inputs, logits and, if asked for, hidden states of the cases
"""

import copy
import json
import tempfile
from pathlib import Path

import safetensors.torch
import torch
import transformers

from common import HERE, generator, maxdiff, really_float64, round_up, write_json, write_tensors


# ------------------------------------------------------ names and leftovers

def published(config, weights):
    """The names of the published files, and the tensors in them that are no
    parameters: old versions of transformers stored their causal masks."""
    extra = {}
    if config.model_type == "gpt2":
        weights = {name.removeprefix("transformer."): w for name, w in weights.items()}
        n = config.n_positions
        for i in range(config.n_layer):
            extra[f"h.{i}.attn.bias"] = torch.ones(n, n).tril().view(1, 1, n, n)
    if config.model_type == "gpt_neox":
        n = config.max_position_embeddings
        rotary = int(config.hidden_size // config.num_attention_heads * config.rope_parameters["partial_rotary_factor"])
        for i in range(config.num_hidden_layers):
            at = f"gpt_neox.layers.{i}.attention."
            extra[at + "bias"] = torch.ones(1, 1, n, n, dtype=torch.bool).tril()
            extra[at + "masked_bias"] = torch.tensor(-1e9)
            extra[at + "rotary_emb.inv_freq"] = 10000.0 ** -(torch.arange(0, rotary, 2) / rotary)
    return weights, extra


# What else the files of a family have had, which transformers reads no more; generation and training were set there too.
ONCE = {
    "bert": {"gradient_checkpointing": False, "position_embedding_type": "absolute", "output_past": True, "pruned_heads": {}},
    "gpt2": {"n_ctx": 32, "gradient_checkpointing": False, "summary_last_dropout": 0.1, "finetuning_task": None, "num_labels": 1,
             "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}}, "num_beams": 3, "top_k": 5},
    "gptj": {"rotary": True, "scale_attn_weights": True, "tokenizer_class": "GPT2Tokenizer", "gradient_checkpointing": False},
    "gpt_neox": {"_name_or_path": "here", "length_penalty": 0.9},
    "llama": {"pretraining_tp": 2, "_name_or_path": "here", "temperature": 0.6},
    "gemma2": {"cache_implementation": "hybrid", "sliding_window_size": 4096},
    "cohere": {"model_max_length": 131072, "pretraining_tp": 1},
}


def read(config):
    return transformers.AutoConfig.for_model(config["model_type"]).from_dict(dict(config))


def older(config):
    """The spelling of config.json before transformers 5: `rope_parameters` was
    `rope_theta` and `rope_scaling`, in GPT-NeoX `rotary_emb_base` and `rotary_pct`."""
    config = copy.deepcopy(config)
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.51.3"
    config |= ONCE.get(config["model_type"], {})
    rope = config.pop("rope_parameters", None)
    if rope is None:
        return dict(sorted(config.items()))
    theta, partial = rope.pop("rope_theta"), rope.pop("partial_rotary_factor", None)
    if config["model_type"] == "gpt_neox":
        config["rotary_emb_base"], config["rotary_pct"], config["partial_rotary_factor"] = int(theta), partial, partial
    config["rope_theta"] = theta
    config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    if rope["rope_type"] in ("linear", "dynamic"):
        rope["type"] = rope.pop("rope_type")  # the name of the first years
    kinds = config.pop("layer_types", None)
    if kinds is not None and read(config).layer_types != kinds:
        config["layer_types"] = kinds
    if config["model_type"] == "gemma2":
        config["hidden_act"] = config["hidden_activation"]
    return dict(sorted(config.items()))


# ------------------------------------------------------------------ running

def randomise(model, seed):
    """New values for all parameters, so that each of them matters: norm weights
    around 1 (around 0 where 1 is added to them), biases not 0."""
    g = generator(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            norm = name.endswith("weight") and (p.dim() == 1 or "_norm." in name)
            centre = 1.0 if norm and "gemma" not in model.config.model_type else 0.0
            p.copy_(centre + 0.2 * torch.randn(p.shape, generator=g))


def cases_of(config, seed):
    """Case name -> keyword arguments of the model."""
    g = generator(seed)

    def draw(*shape, high=config.vocab_size):
        return torch.randint(high, shape, generator=g)

    cases = {"case0": {"input_ids": draw(2, 7)}, "case1": {"input_ids": draw(1, 12)}}
    if config.model_type == "bert":
        for case, length in zip(cases.values(), (7, 12)):
            rows = len(case["input_ids"])
            case["token_type_ids"] = (torch.arange(length) >= 4).long().repeat(rows, 1)
            case["attention_mask"] = torch.ones(rows, length, dtype=torch.int64)
        cases["case0"]["attention_mask"][1, 5:] = 0  # the second row has two positions of padding
    return cases


STORED_AS = {"input_ids": "tokens", "token_type_ids": "token_types", "attention_mask": "attention_mask"}


def build(model_class, config, weights):
    model = model_class._from_config(copy.deepcopy(config), attn_implementation="eager")
    model = model.to(next(iter(weights.values())).dtype).eval()
    model.load_state_dict(weights)
    return model


@torch.no_grad()
def run(model, inputs, hidden):
    extra = {} if "Bert" in type(model).__name__ else {"use_cache": False}
    out = model(**inputs, **extra, output_hidden_states=True)
    if "Bert" in type(model).__name__:
        results = {"logits": out.prediction_logits, "seq_logits": out.seq_relationship_logits}
    else:
        results = {"logits": out.logits}
    if hidden:
        results |= {f"hidden{i}": state for i, state in enumerate(out.hidden_states)}
    return results


def write_checkpoint(name, class_name, config, seed, notes, hidden=True):
    """Writes hf/<name>; `hidden` keeps the hidden states beside the logits."""
    model_class = getattr(transformers, class_name)
    folder = HERE / "hf" / name

    # The weights, in float32.
    model = model_class._from_config(copy.deepcopy(config), attn_implementation="eager").float().eval()
    randomise(model, seed)
    with tempfile.TemporaryDirectory() as temporary:
        model.save_pretrained(temporary)
        saved = safetensors.torch.load_file(Path(temporary) / "model.safetensors")
        config_json = json.loads((Path(temporary) / "config.json").read_text())
    write_json(folder / "config.json", config_json)
    older_json = older(config_json)
    write_json(folder / "config.v4.json", older_json)
    named, leftovers = published(config, saved)
    write_tensors(folder / "model.safetensors", {**named, **leftovers})

    # The float32 run uses a model read back from the files, so they are complete.
    loaded, info = model_class.from_pretrained(folder, attn_implementation="eager", output_loading_info=True)
    loaded.eval()
    assert not info["missing_keys"] and not info["mismatched_keys"], info
    weights = model.state_dict()
    doubled = {k: w.double() for k, w in weights.items()}
    with really_float64():
        exact = build(model_class, config, doubled)
    older_model = build(model_class, read(older_json), weights)

    tensors, cases = {}, []
    for case, inputs in cases_of(config, seed + 1).items():
        with really_float64():
            golden = run(exact, inputs, hidden)
        single = run(loaded, inputs, hidden)
        assert maxdiff(single, run(older_model, inputs, hidden)) == 0, "config.v4.json means something else"
        matters = inputs.get("attention_mask", torch.ones_like(inputs["input_ids"])).bool()
        everything = {STORED_AS[k]: v for k, v in inputs.items()} | golden
        tensors |= {f"{case}/{k}": v for k, v in everything.items()}
        cases.append({
            "name": case,
            "shape": list(inputs["input_ids"].shape),
            "tensors": list(everything),
            "meaningful": "all positions" if matters.all() else "positions with attention_mask 1",
            "logits_maxabs": round_up(golden["logits"].abs().max().item()),
            "f32_maxdiff": {k: round_up(maxdiff(
                *(t[k][matters] if t[k].shape[:2] == matters.shape else t[k] for t in (golden, single)))) for k in golden},
        })
    write_tensors(folder / "golden.safetensors", tensors)
    write_json(folder / "golden.json", {
        "family": name,
        "class": class_name,
        "versions": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
        "seed": seed,
        "file": "golden.safetensors",
        "f32_maxdiff": max(max(c["f32_maxdiff"][k] for k in c["f32_maxdiff"] if "logits" in k) for c in cases),
        "cases": cases,
        "parameters": {k: list(v.shape) for k, v in sorted(named.items())},
        "leftovers": sorted(leftovers),
        "notes": notes,
    })
    size = sum(f.stat().st_size for f in folder.iterdir())
    worst = max(c["f32_maxdiff"]["logits"] for c in cases)
    print(f"hf/{name}: {size} bytes, f32_maxdiff {worst}, |logits| up to {max(c['logits_maxabs'] for c in cases)}")
