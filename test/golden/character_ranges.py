"""src/text/huggingface/character-ranges.ts: the classes of characters that Hugging Face's tokenizers has in tables of
its own, older than Unicode's of today: each code point is asked for."""

from tokenizers import __version__, normalizers, pre_tokenizers

from common import HERE

OUT = HERE.parents[1] / "src" / "text" / "huggingface" / "character-ranges.ts"

CODE_POINTS = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]


def ranges_of(contains):
    ranges = []
    for code in CODE_POINTS:
        if not contains(chr(code)):
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return " ".join(f"{a:x}" if a == b else f"{a:x}-{b:x}" for a, b in ranges)


def removed_by(normalizer):
    return ranges_of(lambda c: normalizer.normalize_str(f"a{c}a") == "aa")


def bert(**flags):
    return normalizers.BertNormalizer(**{
        "clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False, **flags})


def make():
    punctuation = pre_tokenizers.Punctuation("isolated")
    tables = {
        "PUNCTUATION": ("What `Punctuation` and `BertPreTokenizer` cut at.",
                        ranges_of(lambda c: len(punctuation.pre_tokenize_str(f"a{c}a")) == 3)),
        "OTHER": ("What `BertNormalizer` removes when it cleans a text.", removed_by(bert(clean_text=True))),
        "NONSPACING_MARKS": ("What `BertNormalizer` removes as accents.", removed_by(bert(strip_accents=True))),
        "COMBINING_MARKS": ("What `StripAccents` removes.", removed_by(normalizers.StripAccents())),
    }
    text = f"// Made by test/golden/character_ranges.py from tokenizers {__version__}: code points in hexadecimal.\n"
    for name, (doc, ranges) in tables.items():
        text += f"\n/** {doc} */\nexport const {name} =\n  \"{ranges}\";\n"
    OUT.write_text(text, "utf-8")
