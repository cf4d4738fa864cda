"""Checkpoints that make vectors, classes and ranks of texts, and decoders whose texts begin behind padding.

    texts/<name>                  a tiny random checkpoint with its tokenizer, as sentence-transformers or transformers saves it
    texts/<name>/golden.json      texts, and what the library makes of them in float64: ids, vectors, logits, scores
    padded.safetensors            logits of checkpoints of families/ and hf/ for texts that begin behind padding
    pairs.json                    tokenizers, and what the library's truncation leaves of pairs
"""

import copy
import inspect
import json
import shutil
import sys
import tempfile
from pathlib import Path

import sentence_transformers
import tokenizers
import torch
import transformers
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, LayerNorm, Normalize, Pooling, Transformer
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from common import HERE, generator, really_float64, round_up, write_json, write_tensors
from family_checkpoint import KINDS_OF_KERNEL, build, randomise
from families import G, OLD, S, rope

MOST_BYTES = 60_000
FOLDER = HERE / "texts"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["the", "cat", "dog", "sat", "##ting", "run", "on", "mat", "who", "what", ".", "?", ",", "!"]
TEXTS = ["The cat sat on the mat.", "Who runs?", "a", "What is the dog sitting on, and who sat there before, all day long?", "Cats run!"]
QUERY, PASSAGES = "Who sat on the mat?", ["The cat sat on the mat.", "Dogs run.", "The dog is sitting on what was the mat of the cat, all day long, and runs.", "a"]


def word_pieces(typed=False):
    """BERT's tokenizer with a vocabulary of letters and a few words; `typed`: it gives the types of tokens, as BERT's own class."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{each}" for each in LETTERS), *WORDS]
    t = tokenizers.Tokenizer(models.WordPiece({w: i for i, w in enumerate(vocabulary)}, unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=t, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]",
        model_max_length=24, model_input_names=["input_ids", *(["token_type_ids"] if typed else []), "attention_mask"])


def typed_pieces():
    return word_pieces(True)


def byte_pieces(pair=True):
    """RoBERTa's tokenizer, or that of decoders, with a few of its bytes."""
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    letters = sorted({c for c in pre_tokenizers.ByteLevel.alphabet() if c.isascii() or c == "Ġ"})
    vocabulary = {w: i for i, w in enumerate([*special, *letters])}
    t = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    if pair:
        t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    else:
        t.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 2)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=t, bos_token="<s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        model_input_names=["input_ids", "attention_mask"], model_max_length=30)


def save(folder, class_name, config, tokenizer, seed):
    """A random model and its tokenizer in a folder."""
    config.vocab_size = len(tokenizer)
    model_class = getattr(transformers, class_name)
    model = model_class._from_config(config, **KINDS_OF_KERNEL).float().eval()
    randomise(model, seed)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model


def check_size(folder, note):
    for file in folder.rglob("*"):
        if file.name in ("README.md", ".gitattributes"):
            file.unlink()
        elif file.is_file():
            file.chmod(0o644)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"texts/{folder.name}: {size} bytes, {note}")
    assert size <= MOST_BYTES, f"{folder.name} has {size} bytes"


def doubled(model):
    """The same model, made and to be run in float64: its rotary angles too."""
    weights = {name: tensor.double() for name, tensor in model.state_dict().items()}
    config = copy.deepcopy(model.config)
    config.dtype = torch.float64
    with really_float64():
        return build(type(model), config, weights)


def versions():
    return {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__,
            "sentence-transformers": sentence_transformers.__version__, "tokenizers": tokenizers.__version__}


def numbers(tensor):
    """Rounded to float32, as text that reads back."""
    return [[float(f"{x:.9g}") for x in row] for row in torch.as_tensor(tensor).float().reshape(len(tensor), -1).tolist()]


# ------------------------------------------------------------- vectors

BERT = S | dict(type_vocab_size=2, max_position_embeddings=32)
QWEN = G | rope() | dict(pad_token_id=1, bos_token_id=0, eos_token_id=2, num_hidden_layers=2)
EVERY = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")

# Name: class, config, tokenizer, what stands behind the transformer, what the settings say, what is tried in it.
EMBEDDERS = {
    "sentences": ("BertModel", lambda: transformers.BertConfig(**BERT), word_pieces,
                  lambda d: [Pooling(d, "mean"), Dense(d, 6, activation_function=torch.nn.Tanh()), Normalize()],
                  dict(prompts={"query": "who: ", "passage": "the: "}), "a mean, a product, length 1; prompts"),
    "every_pooling": ("RobertaModel", lambda: transformers.RobertaConfig(**(S | dict(
                      type_vocab_size=1, pad_token_id=1, bos_token_id=0, max_position_embeddings=40))), byte_pieces,
                      lambda d: [Pooling(d, EVERY, include_prompt=False), LayerNorm(6 * d),
                                 Dense(6 * d, 8, activation_function=torch.nn.GELU(), use_residual=True)],
                      dict(prompts={"query": "who: "}, default_prompt_name="query"), "all poolings side by side, without the prompt"),
    "last_token": ("Qwen2Model", lambda: transformers.Qwen2Config(**QWEN), lambda: byte_pieces(False),
                   lambda d: [Pooling(d, "lasttoken"), Normalize()], {}, "a decoder, whose texts the library pads in front"),
}

OLDER = "sentences_before_3"


def write_embedder(name, seed):
    class_name, config, tokenizer, behind, settings, note = EMBEDDERS[name]
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        chosen = config()
        save(temporary, class_name, chosen, tokenizer(), seed)
        first = Transformer(temporary, model_kwargs={"attn_implementation": "eager"})
        first.max_seq_length = 20
        if name == "last_token":
            first.tokenizer.padding_side = "left"
        modules = torch.nn.ModuleList(behind(chosen.hidden_size))
        randomise(modules, seed + 1)
        model = SentenceTransformer(modules=[first, *modules], device="cpu", **settings)
        model.save(str(folder), create_model_card=False)
    write_vectors(folder, [None, *settings.get("prompts", {})], note, seed)


def write_vectors(folder, prompts, note, seed):
    model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"attn_implementation": "eager"})
    single = model.encode(TEXTS, batch_size=3)
    model[0].model = doubled(model[0].model)
    exact = model.double()
    with really_float64():
        vectors = {prompt or "": exact.encode(TEXTS, batch_size=3, **({"prompt_name": prompt} if prompt else {})) for prompt in prompts}
    worst = abs(single - vectors[""]).max().item()
    write_json(folder / "golden.json", {
        "versions": versions(), "seed": seed, "note": note, "texts": TEXTS, "f32_maxdiff": round_up(worst),
        "vectors": {prompt: numbers(torch.tensor(rows)) for prompt, rows in vectors.items()},
    })
    check_size(folder, f"f32_maxdiff {worst:.2g}")


def write_older(seed):
    """The first of them in the spelling of older folders: a flag for each pooling, classes of `models`, a folder of the model."""
    source, folder = FOLDER / "sentences", FOLDER / OLDER
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    (folder / "golden.json").unlink()
    kinds = ["Transformer", "Pooling", "Dense", "Normalize"]
    inner = folder / "0_Transformer"
    inner.mkdir()
    for file in [*folder.iterdir()]:
        if file.is_file() and file.name not in ("modules.json", "config_sentence_transformers.json"):
            file.rename(inner / file.name)
    paths = ["0_Transformer", "1_Pooling", "2_Dense", "3_Normalize"]
    modules = [{"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
               for i, (kind, path) in enumerate(zip(kinds, paths))]
    (folder / "modules.json").write_text(json.dumps(modules, indent=2))
    flags = {f"pooling_mode_{name}": name == "cls_token" for name in ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens")}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 16} | flags, indent=2))
    (inner / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 12, "do_lower_case": True}))
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"__version__": {"sentence_transformers": "2.0.0"}}))
    write_vectors(folder, [None], "a flag for each pooling, the model in a folder of its own, texts in small letters", seed)


# ------------------------------------------------------------- classes

LABELS = {0: "good", 1: "bad", 2: "neither"}
ROBERTA = S | dict(type_vocab_size=1, pad_token_id=1, bos_token_id=0, max_position_embeddings=40)

# Name: class, config, tokenizer, what is tried in it.
CLASSIFIERS = {
    "albert_classes": ("AlbertForSequenceClassification", lambda: transformers.AlbertConfig(**BERT, embedding_size=8, id2label=LABELS), word_pieces,
                       "its own pooler"),
    "bert_classes": ("BertForSequenceClassification", lambda: transformers.BertConfig(**BERT, id2label=LABELS), typed_pieces, "three labels, types"),
    "distilbert_classes": ("DistilBertForSequenceClassification", lambda: transformers.DistilBertConfig(
                           max_position_embeddings=32, n_layers=2, n_heads=4, dim=16, hidden_dim=24), word_pieces, "two labels without names"),
    "electra_classes": ("ElectraForSequenceClassification", lambda: transformers.ElectraConfig(
                        **BERT, embedding_size=8, id2label=LABELS, problem_type="multi_label_classification"), word_pieces, "each label by itself"),
    "gpt2_classes": ("GPT2ForSequenceClassification", lambda: transformers.GPT2Config(**(OLD | dict(pad_token_id=1, n_positions=40, id2label=LABELS))),
                     lambda: byte_pieces(False), "a decoder's last token"),
    "llama_classes": ("LlamaForSequenceClassification", lambda: transformers.LlamaConfig(**(G | rope() | dict(pad_token_id=1, id2label=LABELS))),
                      lambda: byte_pieces(False), "a decoder's last token"),
    "modernbert_classes": ("ModernBertForSequenceClassification", lambda: transformers.ModernBertConfig(**(S | dict(
                           num_hidden_layers=2, local_attention=4, classifier_pooling="cls", id2label=LABELS, rope_parameters={
                               kind: {"rope_type": "default", "rope_theta": 500.0} for kind in ("full_attention", "sliding_attention")}))),
                           word_pieces, "the first token"),
    "modernbert_mean": ("ModernBertForSequenceClassification", lambda: transformers.ModernBertConfig(**(S | dict(
                        num_hidden_layers=1, local_attention=4, classifier_pooling="mean", id2label=LABELS, rope_parameters={
                            kind: {"rope_type": "default", "rope_theta": 500.0} for kind in ("full_attention", "sliding_attention")}))),
                        word_pieces, "the mean of the tokens"),
    "mpnet_classes": ("MPNetForSequenceClassification", lambda: transformers.MPNetConfig(**(S | dict(
                      pad_token_id=1, bos_token_id=0, max_position_embeddings=40, id2label=LABELS))), byte_pieces, "three labels"),
    "roberta_number": ("RobertaForSequenceClassification", lambda: transformers.RobertaConfig(**ROBERTA, num_labels=1, problem_type="regression"),
                       byte_pieces, "a number"),
}

# Those whose one score ranks passages.
RANKERS = {
    "bert_ranks": ("BertForSequenceClassification", lambda: transformers.BertConfig(**BERT, num_labels=1), typed_pieces, None, "a sigmoid, types"),
    "roberta_ranks": ("RobertaForSequenceClassification", lambda: transformers.RobertaConfig(**ROBERTA, num_labels=1), byte_pieces,
                      torch.nn.Identity(), "as they are"),
}


@torch.no_grad()
def logits_of(model, tokenizer, texts, pairs=None):
    rows = tokenizer(texts, pairs, padding=True, truncation=True, return_tensors="pt")
    return model(**rows).logits


def write_classifier(name, seed):
    class_name, config, tokenizer, note = CLASSIFIERS[name]
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    save(folder, class_name, config(), tokenizer(), seed)
    model, read_tokenizer = reopened(folder, class_name)
    single = logits_of(model, read_tokenizer, TEXTS)
    scores = transformers.pipeline("text-classification", model=model, tokenizer=read_tokenizer, top_k=None, device="cpu")
    labels = [{each["label"]: float(f'{each["score"]:.6g}') for each in scores([text], truncation=True)[0]} for text in TEXTS]
    exact = doubled(model)
    with really_float64():
        golden = logits_of(exact, read_tokenizer, TEXTS)
        second = logits_of(exact, read_tokenizer, TEXTS, [QUERY] * len(TEXTS))
    worst = (golden - single.double()).abs().max().item()
    write_json(folder / "golden.json", {
        "versions": versions(), "seed": seed, "note": note, "texts": TEXTS, "second": QUERY, "f32_maxdiff": round_up(worst),
        "logits": numbers(golden), "pairs": numbers(second), "labels": labels,
    })
    check_size(folder, f"f32_maxdiff {worst:.2g}")


def reopened(folder, class_name):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = getattr(transformers, class_name).from_pretrained(folder, **KINDS_OF_KERNEL)
    return model.eval(), tokenizer


def write_ranker(name, seed):
    class_name, config, tokenizer, activation, note = RANKERS[name]
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        save(temporary, class_name, config(), tokenizer(), seed)
        ranker = CrossEncoder(temporary, device="cpu", activation_fn=activation, model_kwargs={"attn_implementation": "eager"})
        ranker.save_pretrained(str(folder), create_model_card=False)
    ranker = CrossEncoder(str(folder), device="cpu", model_kwargs={"attn_implementation": "eager"})
    single = ranker.predict([(QUERY, passage) for passage in PASSAGES])
    ranker[0].model = doubled(ranker[0].model)
    with really_float64():
        scores = ranker.predict([(QUERY, passage) for passage in PASSAGES])
        order = [each["corpus_id"] for each in ranker.rank(QUERY, PASSAGES)]
    worst = abs(single - scores).max().item()
    write_json(folder / "golden.json", {
        "versions": versions(), "seed": seed, "note": note, "query": QUERY, "passages": PASSAGES, "f32_maxdiff": round_up(worst),
        "scores": [float(f"{x:.9g}") for x in scores], "order": order,
    })
    check_size(folder, f"f32_maxdiff {worst:.2g}")


# ------------------------------------------------------------- padding in front

# Folder: how its positions are known, and what else padding in front could disturb.
PADDED = {
    "hf/gpt2": "learned", "families/gpt_neo": "learned, windows", "families/opt": "learned, rows that are skipped", "families/opt_post": "learned",
    "families/gpt_bigcode": "learned", "hf/llama": "rope", "hf/gptj": "rope, neighbours", "hf/neox": "rope, a part of each head", "hf/qwen3": "rope",
    "families/qwen2": "rope, a window", "families/gemma3": "two ropes, a window", "families/cohere2": "rope on windows, none on full layers",
    "families/smollm3": "a layer without positions", "families/phi3": "rope, a window", "families/falcon": "rope", "families/gpt_oss": "rope, sinks",
    "families/llama4": "chunks, queries that grow with their place", "families/ministral3": "queries that grow with their place",
    "families/deepseek_v3": "rope on a part that all heads share, experts", "families/bloom": "ALiBi", "families/bloom_from_norm": "ALiBi",
    "families/mpt": "ALiBi", "families/lfm2": "a convolution", "families/mamba": "a recurrence", "families/mamba2": "a recurrence",
    "families/qwen3_next": "a recurrence, then attention",
}


# transformers lets the queries of this one grow by places that padding is counted in: its texts are run alone.
ALONE = ("families/llama4",)


def write_padded(seed):
    g = generator(seed)
    tensors = {}
    for name in PADDED:
        folder = HERE / name
        kind = json.loads((folder / "golden.json").read_text())["class"]
        config = transformers.AutoConfig.from_pretrained(folder)
        ids = torch.randint(4, config.get_text_config().vocab_size, (3, 8), generator=g)
        mask = torch.ones_like(ids)
        for row, pad in ((0, 3), (1, 0), (2, 6)):
            mask[row, :pad] = 0
        model_class = getattr(transformers, kind)
        positions = (mask.cumsum(-1) - 1).masked_fill(mask == 0, 0)
        given = {"input_ids": ids, "attention_mask": mask, "use_cache": False}
        if "position_ids" in inspect.signature(model_class.forward).parameters:
            given["position_ids"] = positions
        model = doubled(model_class.from_pretrained(folder, **KINDS_OF_KERNEL))
        with really_float64(), torch.no_grad():
            if name in ALONE:
                alone = [model(row[real.bool()][None], use_cache=False).logits[0] for row, real in zip(ids, mask)]
                logits = torch.cat(alone)
            else:
                logits = model(**given).logits[mask.bool()]
        tensors |= {f"{name}/input_ids": ids, f"{name}/attention_mask": mask, f"{name}/logits": logits}
        print(name, PADDED[name])
    write_tensors(HERE / "padded.safetensors", tensors)


# ------------------------------------------------------------- pairs

def write_pairs():
    """What `tokenizers` leaves of two texts at every length, by each kind of template."""
    cases = []
    for name, tokenizer in (("bert", word_pieces()), ("roberta", byte_pieces()), ("decoder", byte_pieces(False))):
        backend = tokenizer.backend_tokenizer
        file = json.loads(backend.to_str())
        rows = []
        for first, second in (("the cat", "sat"), ("a", "the dog runs on and on"), ("the dog runs on", "who sat"), ("the cat", "the dog")):
            for longest in (4, 5, 6, 7, 8, 9, 10, 12, 30):
                for side in ("right", "left"):
                    backend.enable_truncation(longest, direction=side)
                    found = backend.encode(first, second)
                    rows.append({"first": first, "second": second, "longest": longest, "side": side, "ids": found.ids, "types": found.type_ids})
        cases.append({"name": name, "tokenizer": file, "rows": rows})
    path = HERE / "text" / "pairs.json"
    path.write_text(json.dumps({"versions": {"tokenizers": tokenizers.__version__}, "cases": cases}, ensure_ascii=False, separators=(",", ":")) + "\n")


def make(names=()):
    torch.set_num_threads(1)
    wanted = lambda name: not names or name in names
    for index, name in enumerate(EMBEDDERS):
        if wanted(name):
            write_embedder(name, 9000 + 10 * index)
    if wanted(OLDER):
        write_older(9100)
    for index, name in enumerate(CLASSIFIERS):
        if wanted(name):
            write_classifier(name, 9200 + 10 * index)
    for index, name in enumerate(RANKERS):
        if wanted(name):
            write_ranker(name, 9400 + 10 * index)
    if wanted("padded"):
        write_padded(9500)
    if wanted("pairs"):
        write_pairs()


if __name__ == "__main__":
    make(sys.argv[1:])
