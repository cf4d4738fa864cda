"""Holds the code that lmg wrote for transformers to what transformers computed of its own models. usage: modeling_lane.py FOLDER"""

import os
import sys

import torch
from checks import APART, LOGITS, LOGITS_OF, check, failures
from lane import cases_of, stored
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForPreTraining
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoTokenizer, Trainer, TrainingArguments

AUTO = {
    each.__name__: each
    for each in (
        AutoModelForCausalLM,
        AutoModelForMaskedLM,
        AutoModelForPreTraining,
        AutoModelForSequenceClassification,
        AutoModelForTokenClassification,
        AutoModel,
    )
}

# What goldens call inputs that transformers calls otherwise.
NAMES = {"tokens": "input_ids", "token_types": "token_type_ids"}


def load(folder, **options):
    """The model of a folder by its own code, with no weight missing; extra ones are what old checkpoints have and none reads."""
    config = AutoConfig.from_pretrained(folder, trust_remote_code=True)
    auto = next(AUTO[name] for name in config.auto_map if name.startswith("AutoModelFor"))
    model, info = auto.from_pretrained(
        folder, trust_remote_code=True, output_loading_info=True, dtype=torch.float32, **options
    )
    assert not info["missing_keys"] and not info["mismatched_keys"], info
    return model.eval()


@torch.no_grad()
def logits(model, golden):
    """The largest difference from the golden's logits, relative to the largest; with a mask where it says there is a token."""
    worst = 0.0
    for parts in cases_of(golden):
        named = {NAMES.get(name, name): tensor.long() for name, tensor in parts.items()}
        given = {name: named[name] for name in ("input_ids", "attention_mask", "token_type_ids") if name in named}
        out = model(**given)
        compared = 0
        for name, wanted in parts.items():
            for found in (each for each in out.values() if isinstance(each, torch.Tensor)):
                if "logits" not in name or found.shape != wanted.shape:
                    continue
                difference = (found.double() - wanted.double()).abs()
                if "attention_mask" in parts and difference.dim() == 3:
                    difference = difference * parts["attention_mask"].bool()[..., None]
                worst = max(worst, (difference.max() / wanted.abs().max()).item())
                compared += 1
        if compared == 0:
            return float("nan")
    return worst


def same_texts(name, model):
    """Texts that are written with the cache are those without; of rows that are padded in front too."""
    torch.manual_seed(0)
    ids = torch.randint(3, model.config.vocab_size, (2, 7))
    options = dict(max_new_tokens=8, do_sample=False, pad_token_id=0)
    mask = torch.ones_like(ids)
    cached = model.generate(ids, attention_mask=mask, use_cache=True, **options)
    check(f"cached text of {name}", float((cached != model.generate(ids, attention_mask=mask, use_cache=False, **options)).sum()), 0)
    padded = torch.cat((torch.zeros(2, 3, dtype=torch.long), ids), 1)
    mask = torch.cat((torch.zeros(2, 3, dtype=torch.long), mask), 1)
    found = model.generate(padded, attention_mask=mask, use_cache=True, **options)[:, 3:]
    check(f"padded text of {name}", float((found != cached).sum()), 0)


def golden(folder, name):
    path, source = f"{folder}/goldens/{name}", next(
        f"test/golden/{kind}/{name}" for kind in ("families", "hf") if os.path.isdir(f"test/golden/{kind}/{name}")
    )
    save_file(stored(source), f"{path}/model.safetensors", metadata={"format": "pt"})
    model = load(path)
    check(f"modeling logits of {name}", logits(model, source), LOGITS_OF.get(name, LOGITS))
    if model.can_generate():
        same_texts(name, model)


def own_run(folder):
    """A run of `lmg train`: its text is what `lmg generate` writes, and transformers' Trainer goes on with it and saves it."""
    path = f"{folder}/chars"
    model = load(path)
    tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=True)
    ids = tokenizer("Call me", return_tensors="pt").input_ids
    text = tokenizer.decode(model.generate(ids, max_new_tokens=24, do_sample=False, pad_token_id=0)[0])
    with open(f"{folder}/text.txt") as file:
        written = file.read().rstrip("\n")
    check("text of a run beside lmg generate", float(text.rstrip("\n") != written), 0)
    rows = [dict(input_ids=list(range(3, 35)), labels=list(range(3, 35)))] * 4
    options = TrainingArguments(
        f"{folder}/trained", max_steps=2, learning_rate=1e-3, report_to=[], use_cpu=True, save_strategy="no", logging_steps=1
    )
    trainer = Trainer(model, options, train_dataset=rows)
    trainer.train()
    first, second = (line["loss"] for line in trainer.state.log_history if "loss" in line)
    check("loss of a second step over the first", second / first, 0.9999)
    model.eval().save_pretrained(f"{folder}/trained")
    again = load(f"{folder}/trained")
    with torch.no_grad():
        check("logits of what was saved", (model(ids).logits - again(ids).logits).abs().max().item(), 0)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sorted(set(os.listdir(f"{sys.argv[1]}/goldens")) - APART):
        golden(sys.argv[1], name)
    own_run(sys.argv[1])
    sys.exit(f"{len(failures)} failed: {', '.join(failures)}" if failures else 0)
