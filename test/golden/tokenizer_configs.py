"""text/tokenizer_configs.json: a small tokenizer.json beside tokenizer_config.json files, and older ones, that add tokens to it, and what
transformers makes of hard texts with both."""

import json
import tempfile
from pathlib import Path

import transformers
from transformers import AutoTokenizer

from common import HERE

OUT = HERE / "text" / "tokenizer_configs.json"

TEXTS = ["a<|x|>b <|y|>c", "a  <|x|>  b", "A<|X|><|x|><|p|>", "cab<|y|>x<|y|> <|z|>", "bad"]

CHARACTERS = {character: id for id, character in enumerate("abcdxyzp <>|")}


def token(content, special=True, **changes):
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": special, **changes}


def file(*added, **sections):
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
             "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": CHARACTERS, "merges": []}
    return {"version": "1.0", "truncation": None, "padding": None, "normalizer": {"type": "Lowercase"}, "pre_tokenizer": None,
            "post_processor": None, "decoder": {"type": "Fuse"}, "model": model,
            "added_tokens": [{"id": 12 + index, **each} for index, each in enumerate(added)], **sections}


X, Y, Z = "<|x|>", "<|y|>", "<|z|>"

CASES = {
    "nothing": (file(), {}),
    "tokens of the config alone": (file(), {"added_tokens_decoder": {"13": token(Y), "12": token(X)}}),
    "the same in both": (file(token(X)), {"added_tokens_decoder": {"12": token(X)}}),
    "one more than the file has": (file(token(X)), {"added_tokens_decoder": {"12": token(X), "13": token(Y, False)}}),
    "fewer than the file has": (file(token(X), token(Y)), {"added_tokens_decoder": {"12": token(X)}}),
    "other members than in the file": (file(token(X), token(Y)), {"added_tokens_decoder": {
        "12": token(X, False, rstrip=True, normalized=True), "13": token(Y, lstrip=True, single_word=True)}}),
    "special only in the config": (file(token(X, False)), {"added_tokens_decoder": {"12": token(X)}}),
    "a token of the vocabulary": (file(), {"added_tokens_decoder": {"0": token("a", single_word=True)}}),
    "by name": (file(), {"pad_token": "<|p|>", "eos_token": X}),
    "by name, with members": (file(), {"mask_token": {"__type": "AddedToken", **token(X, lstrip=True, rstrip=True)}, "cls_token": "a"}),
    "by name, as in the file": (file(token(X, False, rstrip=True)), {"eos_token": X, "bos_token": Y}),
    "by name, as in the decoder": (file(), {"added_tokens_decoder": {"12": token(X, False, lstrip=True)}, "eos_token": X, "sep_token": Z}),
    "by name, as in both": (file(token(X, False)), {"added_tokens_decoder": {"12": token(X, False)}, "eos_token": X}),
    "by name, as in the file beside a decoder": (file(token(X, False), token(Y)), {"added_tokens_decoder": {"13": token(Y)}, "eos_token": X}),
    "further ones, as in the file": (file(token(X, False)), {"extra_special_tokens": [X]}),
    "of the model, as in the file": (file(token(X, False)), {"image_token": X}),
    "further ones": (file(), {"additional_special_tokens": [Y, X], "unk_token": "<|p|>"}),
    "extra ones, with members": (file(), {"extra_special_tokens": [{"__type": "AddedToken", **token(Y, rstrip=True)}, Z]}),
    "of the model": (file(), {"extra_special_tokens": {"image_token": Y}, "eos_token": X}),
    "of a name of its own": (file(), {"image_token": Y, "add_bos_token": False, "eos_token": X, "pad_token": None}),
    "by name in a file of its own": (file(), {"eos_token": "a"}, {"special_tokens_map": {"eos_token": X, "pad_token": token(Y, lstrip=True)}}),
    "further ones in a file of its own": (file(), {"extra_special_tokens": [X]}, {"special_tokens_map": {"extra_special_tokens": [Y, X]}}),
    "by id in a file of its own": (file(), {"eos_token": Y}, {"added_tokens": {X: 12, Y: 13}}),
    "by id in a file of its own, in the file too": (file(token(X, rstrip=True)), {}, {"added_tokens": {X: 12, Z: 13}}),
    "in both older files": (file(), {}, {"special_tokens_map": {"cls_token": Z}, "added_tokens": {Y: 12, Z: 13}}),
    "in older files beside a decoder": (file(), {"added_tokens_decoder": {"12": token(X)}},
                                        {"special_tokens_map": {"eos_token": Z}, "added_tokens": {Y: 13}}),
}


def make_case(name, tokenizer_file, config, older={}):
    config = {"tokenizer_class": "PreTrainedTokenizerFast", **config}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "tokenizer.json").write_text(json.dumps(tokenizer_file), "utf-8")
        Path(folder, "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
        for key, content in older.items():
            Path(folder, f"{key}.json").write_text(json.dumps(content), "utf-8")
        tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = [tokenizer(text)["input_ids"] for text in TEXTS]
    decoded = [tokenizer.decode(each, skip_special_tokens=True) for each in ids]
    return {"name": name, "file": tokenizer_file, "config": config, **older, "size": len(tokenizer), "ids": ids, "decoded": decoded}


def make():
    cases = [make_case(name, *case) for name, case in CASES.items()]
    golden = {"versions": {"transformers": transformers.__version__}, "texts": TEXTS, "cases": cases}
    OUT.write_text(json.dumps(golden, separators=(",", ":")) + "\n", "utf-8")
