"""adapters/<name>: LoRA adapters (Hu et al. 2021) of two checkpoints of hf/, as PEFT writes them, and the logits with them.

    adapter_config.json, adapter_model.safetensors   as PEFT's
    golden.safetensors                               tokens; logits of the model whose weights are W + s B A, in float64

    golden.json                                      of an encoder: texts, and their vectors by sentence-transformers, in float64; of
                                                     what has a head for classes by its adapter: texts, perhaps pairs, and their logits

s is alpha / r, or alpha / sqrt(r) (rsLoRA, Kalajdzievski 2023); `rank_pattern` and `alpha_pattern` give single modules their own.
"""

import math

import torch
import transformers
from sentence_transformers import SentenceTransformer

from common import HERE, generator, really_float64, write_json, write_tensors
from hf_checkpoint import build, run
from texts import PASSAGES, QUERY, TEXTS, logits_of, numbers, versions

# What PEFT writes into every config, at the values that change nothing.
CONFIG = dict(auto_mapping=None, bias="none", corda_config=None, eva_config=None, exclude_modules=None, fan_in_fan_out=False,
              inference_mode=True, init_lora_weights=True, layer_replication=None, layers_pattern=None, layers_to_transform=None,
              loftq_config={}, lora_bias=False, lora_dropout=0.05, megatron_config=None, megatron_core="megatron.core",
              modules_to_save=None, peft_type="LORA", qalora_group_size=16, revision=None, target_parameters=None,
              task_type="CAUSAL_LM", trainable_token_indices=None, use_dora=False, use_qalora=False, use_rslora=False,
              rank_pattern={}, alpha_pattern={})

# Name: the checkpoint, what the config says.
ADAPTERS = {
    "llama": ("llama", dict(r=3, lora_alpha=5, target_modules=["q_proj", "v_proj", "down_proj"], rank_pattern={"down_proj": 2},
                            alpha_pattern={"layers.1.self_attn.v_proj": 7})),
    "gpt2": ("gpt2", dict(r=4, lora_alpha=6, target_modules=["c_attn"], fan_in_fan_out=True, use_rslora=True)),
}


def pattern(patterns, module, default):
    return next((number for end, number in patterns.items() if module == end or module.endswith("." + end)), default)


def merged(weights, config, g):
    """A random adapter of the modules that a config names; it is added to the weights."""
    adapter = {}
    for full in list(weights):
        module = full.removesuffix(".weight")
        if full == module or not any(module.endswith("." + target) for target in config["target_modules"]):
            continue
        r = pattern(config["rank_pattern"], module, config["r"])
        alpha = pattern(config["alpha_pattern"], module, config["lora_alpha"])
        w = weights[full].T if config["fan_in_fan_out"] else weights[full]
        a, b = (0.3 * torch.randn(shape, generator=g) for shape in ((r, w.shape[1]), (w.shape[0], r)))
        adapter |= {f"base_model.model.{module}.lora_A.weight": a, f"base_model.model.{module}.lora_B.weight": b}
        delta = alpha / (math.sqrt(r) if config["use_rslora"] else r) * b.double() @ a.double()
        weights[full] = weights[full] + (delta.T if config["fan_in_fan_out"] else delta)
    return adapter


def write_adapter(folder, config, adapter):
    write_json(folder / "adapter_config.json", dict(sorted(config.items())))
    write_tensors(folder / "adapter_model.safetensors", adapter)


def make_vectors():
    """An adapter for texts/sentences, whose names are those of the encoder alone, as PEFT has them of `AutoModel`."""
    folder = HERE / "adapters" / "sentences"
    said = dict(r=3, lora_alpha=4, target_modules=["query", "value"], task_type="FEATURE_EXTRACTION")
    config = CONFIG | said | {"base_model_name_or_path": "sentences"}
    model = SentenceTransformer(str(HERE / "texts" / "sentences"), device="cpu", model_kwargs={"attn_implementation": "eager"})
    weights = {k: w.detach().double() for k, w in model[0].model.state_dict().items()}
    adapter = merged(weights, config, generator(7100))
    model[0].model = build(type(model[0].model), model[0].model.config, weights)
    with really_float64():
        vectors = torch.tensor(model.double().encode(TEXTS))
    write_adapter(folder, config, adapter)
    write_json(folder / "golden.json", {"versions": versions(), "texts": TEXTS, "vectors": numbers(vectors)})
    print(f"adapters/sentences: {len(adapter) // 2} weights")


# Name: the checkpoint in texts/, the class that PEFT was given it in, how many labels, what the config says.
CLASSIFIERS = {
    "classes": ("bert_classes", "BertForSequenceClassification", 3, dict(target_modules=["query", "value"])),
    "ranks": ("bert_ranks", "BertForSequenceClassification", 1, dict(target_modules=["query", "dense"])),
    "new_classes": ("sentences", "BertForSequenceClassification", 4, dict(target_modules=["key", "value"])),
    "new_scores": ("last_token", "Qwen2ForSequenceClassification", 3, dict(target_modules=["q_proj", "down_proj"])),
}


def make_classes():
    """Adapters for heads of classes, of which PEFT stores the head whole: of classifiers, and of models that had none before."""
    for index, (name, (checkpoint, class_name, labels, said)) in enumerate(CLASSIFIERS.items()):
        g = generator(7200 + index)
        source, folder = HERE / "texts" / checkpoint, HERE / "adapters" / name
        heads = ["classifier", "score"]
        config = CONFIG | dict(r=2, lora_alpha=3, task_type="SEQ_CLS", modules_to_save=heads, base_model_name_or_path=checkpoint) | said
        model = getattr(transformers, class_name).from_pretrained(source, num_labels=labels, attn_implementation="eager").float().eval()
        tokenizer = transformers.AutoTokenizer.from_pretrained(source)
        weights = {k: w.detach().double() for k, w in model.state_dict().items()}
        adapter = merged(weights, config, g)
        for full in weights:
            if full.split(".")[0] in heads:
                adapter[f"base_model.model.{full}"] = whole = 0.3 * torch.randn(weights[full].shape, generator=g)
                weights[full] = whole.double()
        exact = build(type(model), model.config, weights)
        with really_float64():
            pairs = dict(query=QUERY, passages=PASSAGES) if labels == 1 else dict(texts=TEXTS)
            logits = logits_of(exact, tokenizer, [QUERY] * len(PASSAGES), PASSAGES) if labels == 1 else logits_of(exact, tokenizer, TEXTS)
        write_adapter(folder, config, adapter)
        write_json(folder / "golden.json", {"versions": versions()} | pairs | {"logits": numbers(logits)})
        print(f"adapters/{name}: {len(adapter)} tensors, |logits| up to {logits.abs().max():.3g}")


def make():
    make_vectors()
    make_classes()
    for index, (name, (checkpoint, said)) in enumerate(ADAPTERS.items()):
        g = generator(7000 + index)
        source, folder = HERE / "hf" / checkpoint, HERE / "adapters" / name
        config = CONFIG | said | {"base_model_name_or_path": checkpoint}
        model = transformers.AutoModelForCausalLM.from_pretrained(source, attn_implementation="eager").float().eval()
        model.config.dtype = None  # that of the weights
        weights = {k: w.detach().double() for k, w in model.state_dict().items()}
        adapter = merged(weights, config, g)
        write_adapter(folder, config, adapter)
        ids = torch.randint(model.config.vocab_size, (2, 6), generator=g)
        with really_float64():
            logits = run(build(type(model), model.config, weights), {"input_ids": ids}, False)["logits"]
        write_tensors(folder / "golden.safetensors", {"tokens": ids, "logits": logits})
        print(f"adapters/{name}: {len(adapter) // 2} weights, |logits| up to {logits.abs().max():.3g}")


if __name__ == "__main__":
    make()
