"""text/byte_pairs: vocabularies that Hugging Face's trainer learns, and the ids of texts by them."""

import json
import random

import tokenizers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from common import HERE

OUT = HERE / "text"

# What is hard to cut and to count: contractions, runs of blanks and of one letter, line ends of all kinds, scripts
# without blanks, marks that combine, signs outside the basic plane, white space that languages disagree about.
HARD = (
    "I'll say it's they're we've I'd don't 'S 'tis\n\nab  cd   ef\t\tg\r\nh\n \n  i \u0085j\ufeffk\u00a0l\u3000m\u2028n\n"
    "aaaa aaaaa aaaaaaaaaaaaaaaa ====----==== 3.14 1,000,000 x2y \u00bd\u0663\n"
    "\u6bcf\u4e2a\u4eba\u90fd\u6709\u4ed6\u7684\u4f5c\u6218\u7b56\u7565 \u0e01\u0e33\u0e25\u0e31\u0e07 \u0915\u094d\u0937\u093f e\u0301a\u0308 \U0001f40b\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001d518\x00\x1f\x7f\n"
)


def letters(count, alphabet, longest, seed):
    """Random words of few letters: many pairs are equally frequent, and runs of one letter overlap."""
    draw = random.Random(seed)
    words = ["".join(draw.choice(alphabet) for _ in range(draw.randint(1, longest))) for _ in range(count)]
    return " ".join(words)


def make_case(name, text, size, others=()):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        [text], trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False))
    file = json.loads(tokenizer.to_str())
    texts = [text, *others]
    return {"name": name, "text": text, "size": size, "file": file,
            "texts": [{"text": t, "ids": tokenizer.encode(t).ids} for t in texts]}


def make():
    few = letters(300, "abc", 9, seed=1)
    cases = [
        make_case("hard", HARD * 2, 320, [few, "a", "", " ", "\U0001f40b \U0001f40b'll"]),
        make_case("few_letters", few, 360, [HARD]),
        make_case("exhausted", "abab abab", 300, ["bababab"]),
        make_case("bytes_only", "abc", 256, [HARD]),
    ]
    OUT.mkdir(exist_ok=True)
    golden = {"versions": {"tokenizers": tokenizers.__version__}, "cases": cases}
    (OUT / "byte_pairs.json").write_text(json.dumps(golden, ensure_ascii=True, indent=None, separators=(",", ":")) + "\n", "utf-8")
