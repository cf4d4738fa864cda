"""A tiny random checkpoint of a family, and what transformers computes from it: a folder with

    config.json           as transformers writes it today
    config.v4.json        the same as most published files have it, where that is another spelling
    model.safetensors     float32 weights under the published names
    golden.json           class, versions, seed, differences, what the checkpoint tries
    golden.safetensors    inputs and logits of the cases: a text of two rows, one of twelve tokens; where the model takes a mask,
                          also rows that end with padding, and rows that begin with it
"""

import contextlib
import copy
import json
import tempfile
from pathlib import Path

import safetensors.torch
import torch
import transformers

from common import HERE, generator, maxdiff, really_float64, round_up, write_json, write_tensors
from hf_checkpoint import older, read

MOST_BYTES = 60_000

# Tensors that are no parameters to PyTorch and yet learned.
LEARNED_BUFFERS = ("final_logits_bias", "e_score_correction_bias")


def randomise(model, seed):
    """New values for all that is learned: norm weights around 1, all else around 0."""
    g = generator(seed)
    # The name of the model itself may have a norm in it (roberta_prelayernorm), and none of its weights is one by that.
    own = f"{model.base_model_prefix}."
    learned = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    learned += [(name, b) for name, b in model.named_buffers() if name.endswith(LEARNED_BUFFERS)]
    with torch.no_grad():
        for name, p in sorted(learned):
            centre = 1.0 if name.endswith("weight") and (p.dim() == 1 or "norm" in name.removeprefix(own)) else 0.0
            p.copy_(centre + 0.2 * torch.randn(p.shape, generator=g))


def cases_of(config, class_name, seed):
    """Case name -> keyword arguments of the model."""
    g = generator(seed)
    pad = getattr(config, "pad_token_id", None) or 0
    # The last ids are those of pictures where a model sees.
    last = config.get_text_config().vocab_size - (3 if hasattr(config, "vision_config") else 0)

    def draw(rows, length):
        return torch.randint(4, last, (rows, length), generator=g)

    def masked(rows, length, *padded):
        """Ids and their mask; each of `padded` is a row and its places of padding."""
        ids, mask = draw(rows, length), torch.ones(rows, length, dtype=torch.int64)
        for row, places in padded:
            ids[row, places], mask[row, places] = pad, 0
        return {"input_ids": ids, "attention_mask": mask}

    if config.is_encoder_decoder:
        return {"case0": masked(2, 7, (1, slice(5, 7))) | {"decoder_input_ids": draw(2, 5)},
                "case1": masked(1, 9) | {"decoder_input_ids": draw(1, 12)},
                "left": masked(2, 8, (0, slice(0, 3))) | {"decoder_input_ids": draw(2, 4)}}
    if "MaskedLM" in class_name:
        return {"case0": masked(2, 7, (1, slice(5, 7))), "case1": masked(1, 12), "left": masked(2, 9, (0, slice(0, 3)))}
    return {"case0": {"input_ids": draw(2, 7)}, "case1": {"input_ids": draw(1, 12)}}


# transformers 5 ties the heads of T5 whatever a config says, but where a file has one of its own.
OWN_HEADS = ("t5_head",)


def build(model_class, config, weights):
    model = model_class._from_config(copy.deepcopy(config), **KINDS_OF_KERNEL)
    if "lm_head.weight" in weights:  # by itself, also where it is the table
        model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.lm_head.weight))
    model = model.to(next(iter(weights.values())).dtype).eval()
    model.load_state_dict(weights)
    return model


KINDS_OF_KERNEL = {"attn_implementation": "eager", "experts_implementation": "eager"}


@torch.no_grad()
def run(model, inputs):
    with_cache = "MaskedLM" in type(model).__name__
    return {"logits": model(**inputs, **({} if with_cache else {"use_cache": False})).logits}


def spelled_before(config):
    """
    The config in the spelling before transformers 5; None where it is the same, or where the family began with 5. Of OLMo 3 it reads
    the old spelling for full layers alone, and takes its own base for the others.
    """
    rope = config.get("rope_parameters")
    if rope is None or config["model_type"] in ("ministral3", "olmo3", "mellum", "modernbert-decoder"):
        return None
    if "full_attention" in rope:
        config = copy.deepcopy(config)
        full, local = (config["rope_parameters"].pop(kind) for kind in ("full_attention", "sliding_attention"))
        del config["rope_parameters"]
        names = {"gemma3_text": ("rope_theta", "rope_local_base_freq"), "modernbert": ("global_rope_theta", "local_rope_theta")}
        for name, part in zip(names[config["model_type"]], (full, local)):
            config[name] = part.pop("rope_theta")
        if full["rope_type"] != "default":
            config["rope_scaling"] = full
        return dict(sorted(config.items()))
    partial = rope.get("partial_rotary_factor")
    return older(config) | ({} if partial is None else {"partial_rotary_factor": partial})


def write_family(name, class_name, config, seed, note):
    model_class = getattr(transformers, class_name)
    folder = HERE / "families" / name
    model = model_class._from_config(copy.deepcopy(config), **KINDS_OF_KERNEL).float().eval()
    if name in OWN_HEADS:
        model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.lm_head.weight))
    randomise(model, seed)
    with tempfile.TemporaryDirectory() as temporary:
        model.save_pretrained(temporary)
        saved = safetensors.torch.load_file(Path(temporary) / "model.safetensors")
        config_json = json.loads((Path(temporary) / "config.json").read_text())
    if name in OWN_HEADS:
        config_json["tie_word_embeddings"] = False
        del config_json["scale_decoder_outputs"]
    write_json(folder / "config.json", config_json)
    write_tensors(folder / "model.safetensors", saved)

    # The float32 run uses a model read back from the files, so they are complete.
    loaded, info = model_class.from_pretrained(folder, **KINDS_OF_KERNEL, output_loading_info=True)
    loaded.eval()
    assert not info["missing_keys"] and not info["mismatched_keys"], info
    weights = model.state_dict()
    doubled = {k: w.double() for k, w in weights.items()}
    # Tables of sinusoids are made in float32, by NumPy: so are these then, and 6e-8 off.
    with contextlib.nullcontext() if config.model_type in ("marian", "pegasus", "roformer") else really_float64():
        exact = build(model_class, config, doubled)
    models = [loaded]
    before = spelled_before(config_json)
    if before is not None:
        write_json(folder / "config.v4.json", before)
        models.append(build(model_class, read(before), weights))

    tensors, worst, largest = {}, 0.0, 0.0
    for case, inputs in cases_of(config, class_name, seed + 1).items():
        with really_float64():
            golden = run(exact, inputs)
        single, *others = [run(each, inputs) for each in models]
        assert all(maxdiff(single, other) == 0 for other in others), "config.v4.json means something else"
        tensors |= {f"{case}/{k}": v for k, v in (inputs | golden).items()}
        matters = inputs["attention_mask"].bool() if "MaskedLM" in class_name else ...
        worst = max(worst, maxdiff(golden["logits"][matters], single["logits"][matters]))
        largest = max(largest, golden["logits"][matters].abs().max().item())
    write_tensors(folder / "golden.safetensors", tensors)
    write_json(folder / "golden.json", {
        "class": class_name,
        "versions": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
        "seed": seed,
        "note": note,
        "f32_maxdiff": round_up(worst),
        "logits_maxabs": round_up(largest),
    })
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"families/{name}: {size} bytes, f32_maxdiff {worst:.2g}, |logits| up to {largest:.3g}")
    assert size <= MOST_BYTES, f"{name} has {size} bytes"
