"""Tiny random checkpoints of published model families, and their logits.

Every family becomes a folder hf/<family> with

    config.json           as transformers writes it today
    config.v4.json        the same in the spelling most published files have
                          (only where the two differ in more than `dtype`)
    model.safetensors     float32 weights under the published names
    golden.json           cases, tolerances, notes
    golden.safetensors    inputs, logits and hidden states of the cases
"""

import copy
import json
import tempfile
from pathlib import Path

import safetensors.torch
import torch
import transformers

from common import HERE, generator, maxdiff, really_float64, round_up, write_json, write_tensors

TOKENS = dict(bos_token_id=1, eos_token_id=2)


# ---------------------------------------------------------------- families

def gpt2():
    return "GPT2LMHeadModel", transformers.GPT2Config(
        vocab_size=90, n_positions=24, n_embd=24, n_layer=2, n_head=4, **TOKENS)


def llama():
    return "LlamaForCausalLM", transformers.LlamaConfig(
        vocab_size=80, hidden_size=32, intermediate_size=56, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
        rms_norm_eps=1e-5, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, **TOKENS)


def llama3():
    # With 8 dimensions a head the wavelengths are 6, 167, 4443 and 118142
    # positions: one is left alone, one is interpolated, two are stretched.
    return "LlamaForCausalLM", transformers.LlamaConfig(
        vocab_size=80, hidden_size=32, intermediate_size=56, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=4096,
        rms_norm_eps=1e-5, tie_word_embeddings=False,
        rope_parameters={"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0,
                         "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                         "original_max_position_embeddings": 512}, **TOKENS)


def qwen3():
    return "Qwen3ForCausalLM", transformers.Qwen3Config(
        vocab_size=84, hidden_size=24, intermediate_size=40, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=16, max_position_embeddings=64,
        tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}, **TOKENS)


def bert():
    return "BertForPreTraining", transformers.BertConfig(
        vocab_size=90, hidden_size=24, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=32, type_vocab_size=2)


def gptj():
    return "GPTJForCausalLM", transformers.GPTJConfig(
        vocab_size=76, n_positions=64, n_embd=24, n_layer=2, n_head=3, rotary_dim=4, **TOKENS)


def neox():
    return "GPTNeoXForCausalLM", transformers.GPTNeoXConfig(
        vocab_size=72, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=24, use_parallel_residual=True,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25}, **TOKENS)


def gemma2():
    # The caps are far smaller than the published 50 and 30, so that they bend.
    return "Gemma2ForCausalLM", transformers.Gemma2Config(
        vocab_size=84, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=12, query_pre_attn_scalar=10,
        sliding_window=4, layer_types=["sliding_attention", "full_attention"],
        attn_logit_softcapping=2.0, final_logit_softcapping=3.0, max_position_embeddings=64,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, **TOKENS)


def olmo2():
    return "Olmo2ForCausalLM", transformers.Olmo2Config(
        vocab_size=80, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-6,
        tie_word_embeddings=False, pad_token_id=0,
        rope_parameters={"rope_type": "default", "rope_theta": 500000.0}, **TOKENS)


def cohere():
    return "CohereForCausalLM", transformers.CohereConfig(
        vocab_size=88, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, logit_scale=0.25,
        tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, **TOKENS)


def granite():
    return "GraniteForCausalLM", transformers.GraniteConfig(
        vocab_size=80, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=True,
        embedding_multiplier=3.0, logits_scaling=2.0, residual_multiplier=0.4, attention_multiplier=0.2,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, **TOKENS)


FAMILIES = [gpt2, llama, llama3, qwen3, bert, gptj, neox, gemma2, olmo2, cohere, granite]


# ------------------------------------------------------ names and leftovers

def published(family, config, weights):
    """The names of the published files, and the tensors in them that are no
    parameters: old versions of transformers stored their causal masks."""
    extra = {}
    if family == "gpt2":
        weights = {name.removeprefix("transformer."): w for name, w in weights.items()}
        n = config.n_positions
        for i in range(config.n_layer):
            extra[f"h.{i}.attn.bias"] = torch.ones(n, n).tril().view(1, 1, n, n)
    if family == "neox":
        n, rotary = config.max_position_embeddings, 4
        for i in range(config.num_hidden_layers):
            at = f"gpt_neox.layers.{i}.attention."
            extra[at + "bias"] = torch.ones(1, 1, n, n, dtype=torch.bool).tril()
            extra[at + "masked_bias"] = torch.tensor(-1e9)
            extra[at + "rotary_emb.inv_freq"] = 10000.0 ** -(torch.arange(0, rotary, 2) / rotary)
    return weights, extra


def older(config):
    """The spelling of config.json before transformers 5: `rope_parameters` was
    `rope_theta` and `rope_scaling`, in GPT-NeoX `rotary_emb_base` and `rotary_pct`."""
    config = copy.deepcopy(config)
    rope = config.pop("rope_parameters", None)
    if rope is None:
        return None
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.51.3"
    theta, partial = rope.pop("rope_theta"), rope.pop("partial_rotary_factor", None)
    if config["model_type"] == "gpt_neox":
        config["rotary_emb_base"], config["rotary_pct"] = int(theta), partial
    else:
        config["rope_theta"] = theta
    config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    if config["model_type"] in ("gemma2", "qwen3"):
        config.pop("layer_types")  # sliding and full layers alternate in Gemma 2, Qwen 3 has full ones only
    if config["model_type"] == "gemma2":
        config["hidden_act"] = config["hidden_activation"]
    return dict(sorted(config.items()))


NOTES = {
    "gpt2": ["Conv1D weights are stored (in, out)", "the head is wte.weight",
             "h.<i>.attn.bias is the causal mask, not a parameter"],
    "llama": ["the head is model.embed_tokens.weight"],
    "llama3": ["rope scaling of type llama3", "the head is lm_head.weight"],
    "qwen3": ["q_norm and k_norm work on each head, before the rotation", "heads * head_dim is not the width",
              "the head is model.embed_tokens.weight"],
    "bert": ["logits are the masked-word logits, seq_logits the next-sentence logits",
             "the decoder matrix is bert.embeddings.word_embeddings.weight, its bias cls.predictions.bias",
             "hidden0 is the output of the embedding block with its LayerNorm",
             "rows of logits at padded positions (attention_mask 0) mean nothing; seq_logits always count",
             "the files of 2018 say LayerNorm.gamma and LayerNorm.beta for LayerNorm.weight and LayerNorm.bias"],
    "gptj": ["rotation of neighbouring pairs, of the first rotary_dim dimensions of each head",
             "attention and MLP run in parallel from one LayerNorm", "lm_head has a bias"],
    "neox": ["query_key_value rows are (head, q/k/v, head_dim)", "rotation in halves of the first quarter of each head",
             "attention and MLP run in parallel, each from its own LayerNorm",
             "attention.bias, attention.masked_bias and rotary_emb.inv_freq are leftovers, not parameters"],
    "gemma2": ["norms multiply with 1 + weight", "embeddings are multiplied with sqrt(hidden_size)",
               "layer 0 sees 4 positions (itself and 3 before), layer 1 all",
               "scores are scaled with query_pre_attn_scalar ** -0.5 and capped: cap * tanh(score / cap)",
               "in config.v4.json the layer types are implied: even layers slide"],
    "olmo2": ["norms come after attention and MLP, before the addition; none before",
              "q_norm and k_norm work on the whole projection, before it is cut into heads"],
    "cohere": ["LayerNorm without a bias", "attention and MLP run in parallel from one LayerNorm",
               "rotation of neighbouring pairs", "logits are multiplied with logit_scale"],
    "granite": ["embeddings * embedding_multiplier, branches * residual_multiplier, scores * attention_multiplier"
                " (instead of head_dim ** -0.5), logits / logits_scaling"],
}


# ------------------------------------------------------------------ running

def randomise(model, seed):
    """New values for all parameters, so that each of them matters: norm weights
    around 1 (around 0 where 1 is added to them), biases not 0."""
    g = generator(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            norm = p.dim() == 1 and name.endswith("weight")
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
def run(model, inputs):
    extra = {} if "Bert" in type(model).__name__ else {"use_cache": False}
    out = model(**inputs, **extra, output_hidden_states=True)
    if "Bert" in type(model).__name__:
        results = {"logits": out.prediction_logits, "seq_logits": out.seq_relationship_logits}
    else:
        results = {"logits": out.logits}
    for i, hidden in enumerate(out.hidden_states):
        results[f"hidden{i}"] = hidden
    return results


def make_family(family, seed):
    name = family.__name__
    class_name, config = family()
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
    if older_json:
        write_json(folder / "config.v4.json", older_json)
    named, leftovers = published(name, config, saved)
    write_tensors(folder / "model.safetensors", {**named, **leftovers})

    # The float32 run uses a model read back from the files, so they are complete.
    read, info = model_class.from_pretrained(folder, attn_implementation="eager", output_loading_info=True)
    read.eval()
    assert not info["missing_keys"] and not info["mismatched_keys"], info
    weights = model.state_dict()
    doubled = {k: w.double() for k, w in weights.items()}
    with really_float64():
        exact = build(model_class, config, doubled)
    older_model = older_json and build(model_class, type(config).from_dict(older_json), weights)

    tensors, cases = {}, []
    for case, inputs in cases_of(config, seed + 1).items():
        with really_float64():
            golden = run(exact, inputs)
        single = run(read, inputs)
        if older_model:
            assert maxdiff(single, run(older_model, inputs)) == 0, "config.v4.json means something else"
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
        "notes": NOTES[name],
    })
    size = sum(f.stat().st_size for f in folder.iterdir())
    worst = max(c["f32_maxdiff"]["logits"] for c in cases)
    print(f"hf/{name}: {size} bytes, f32_maxdiff {worst}, |logits| up to {max(c['logits_maxabs'] for c in cases)}")


def make():
    for index, family in enumerate(FAMILIES):
        make_family(family, 1000 + 10 * index)
