"""text/tokenizer_files.json: small tokenizer.json files of all kinds of model and all components that Hugging Face's
tokenizers has, and the ids and decoded texts of hard texts by them."""

import json
import math
import struct
from collections import Counter

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from common import HERE

OUT = HERE / "text" / "tokenizer_files.json"

TEXTS = {
    "plain": "The whale, when the ashes as a whale; he said the whale's ship wasn't there.",
    "empty": "",
    "blank": " ",
    "blanks": "  two   three    many                    blanks  ",
    "lines": "a\nb\r\nc\rd\n\n\ne \n f\t\tg\u0085h\u2028i\u2029j\u000bk\u000cl\n",
    "spaces": "a\u00a0b\u2003c\u3000d\u202fe\u1680f\u200bg\u2060h\u180ei\ufeffj",
    "first blank": "\u3000 \n x",
    "metaspace": "\u2581a \u2581b\u2581\u2581c",
    "contractions": "I'll say it's they're we've I'd don't 'S 'T \u2019s '\u017f O'NEILL'S 'll'",
    "digits": "1234567 3.14 1,000,000 x2y \u0661\u0662\u0663 \u0967\u0968 x\u00b2 \u00bd \u2167 \u2460 \u3289 12ab34 \U0001d7d8",
    "punctuation": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \u00a1\u00bf\u2014\u2026\u201cq\u201d\u3002\uff0c\u300c\u300d \u00a7\u20ac\u00a3\u00d7\u2192 a_b-c",
    "symbols": "a+b=c $5 \u20ac6 \u00ac\u00b1\u221e\u2264\u2665 <b> ^_^",
    "accents": "caf\u00e9 cafe\u0301 \u00c5ngstr\u00f6m A\u030angstro\u0308m na\u00efve \u1e9b\u0323 \u0344 \u0958 \uac01 \u1100\u1161\u11a8",
    "compatible": "\ufb01 \ufb03 \uff21\uff22\uff23 \u2460 \u00bd \u2122 \u33a2 \u01c5 \u1d43 \u32ff \u00aa\u00ba \ufdfa \u2100",
    "case": "\u00c9COLE \u0130stanbul \u039f\u0394\u039f\u03a3 \u03a3 STRASSE \u1e9e \u00df \u01c4\u01c5 \U00010400 \u13a0 \u1c90 \u212a \u2126",
    "cjk": "\u6bcf\u4e2a\u4eba\u90fd\u6709\u4ed6\u7684\u4f5c\u6218\u7b56\u7565 \u304b\u306a\u30ab\u30bf\u30ab\u30ca\u30fc\uff76\uff85 \ud55c\uad6d\uc5b4 \U00020000\U0002a6d7\U0002b820\U0002f800 \u3400\u9fff",
    "scripts": "\u0e01\u0e33\u0e25\u0e31\u0e07\u0e44\u0e1b \u0627\u0644\u0639\u064e\u0631\u064e\u0628\u0650\u064a\u0629 \u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd \u0915\u094d\u0937\u093f\u092f \u0bb5\u0ba3\u0b95\u0bcd\u0b95\u0bae\u0bcd \u1780\u17d2\u1798\u17c2\u179a \u0f56\u0f7c\u0f51 \u1019\u103c\u1014\u103a\u1019\u102c",
    "right to left": "abc \u202e\u05d0\u05d1\u05d2\u202c \u200fdef\u200e \u2066x\u2069",
    "emoji": "\U0001f40b\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f44d\U0001f3fd \u2764\ufe0f 1\ufe0f\u20e3 \U0001f1e9\U0001f1ea \U0001f3f4\U000e0067\U000e0062\U000e007f",
    "controls": "a\u0000b\u0001c\u0008d\u001be\u007ff\u0080g\u009fh\ufffdi\ufffej\uffffk\ue000l\U000f0000m\u00ad n\u200dm\u200c",
    "unassigned": "a\u0378b\U000e0fffc",
    "newer": "\u2e4f \u10ead \U00011a3f \U0001fbf5 \u08d3 \u0afa \u32ff \U0001e8d0",
    "marks": "\u0301a \u0301\u0301 a\u0328\u0301 a\u0301\u0328 e\u0301\u0301\u0301\u0301\u0301\u0301 \u0915\u093c \u0e33 \u20dd",
    "grapheme": "\uff41\u0301 \r\n\r\na\u0308\u0323 \u0600a \u200d\u200d x\u200d \uac00\u11a8",
    "special": "<s>[CLS] a<mask> b <mask>c  <mask>  d[SEP]</s> <|end|><|end|x<unk><UNK> <pad>",
    "words": "Yesterday yesterday yesterdays day holiday day-day day_day caf\u00e9day dayday Day",
    "long": "supercalifragilistic" * 12 + " " + "ab" * 40,
    "unknown": "\u16a0\u16a1 ab\u16a2cd \U0001f9ff\U0001f9ff x\u16a3\u16a4\u16a5y",
    "bytes": "<0x41><0x00> <0xE2><0x82><0xAC> <0xZZ>",
    "code": "def f(x):\n    return x**2  # \u00a0comment\n\tif (a&&b||!c) { x->y; }\n",
    "urls": "https://example.org/a_b?c=d&e=%20#f user@mail.example.com",
    "mixed": "HTMLParser camelCaseWord snake_case_word XMLHttp2Request ABCdef aBC",
}

CORPUS = [text for name, text in TEXTS.items() if name not in ("unknown", "newer", "unassigned")] * 2 + [
    "call me ishmael some years ago never mind how long precisely having little or no money in my purse " * 3,
    "the quick brown fox jumps over the lazy dog and runs away from the whale's ship " * 3]

# Llama 3's, GPT-4o's, DeepSeek's, Qwen 2's, BLOOM's and StarCoder's cuts.
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
DEEPSEEK = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
            r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
KIMI = r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}&&[^\p{Han}]]+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+"
BLOOM = r" ?[^(\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+"


# Patterns of Oniguruma, each with the text that it cuts.
PATTERNS = [
    (r"$", "a\nb\n"), (r"^", "a\nb\n"), (r"^|$", "\n\U0001f40b\n"), (r"\A|\z", "\U0001f40bab\n"), (r"\Z", "ab\n"), (r"a{,2}", "aaaab"),
    (r"a{2}+", "aaaaaab"), (r"a{1,2}+b|a", "aaab"), (r"a*", "aabaa"), (r"a*?b|a", "aab"), (r"\b", "ab \u00bd cd\u00b2e"), (r"\B", "ab \u00bd cd\u00b2e"),
    (r"(?i:s)|(?i:k)", "sS\u017fkK\u212ax"), (r"(?i:'[sdmt])", "'\u017f'S'x"), (r"(?i)'s|x", "'S X"), (r"(?i:[k-t]+)", "kK\u212asS\u017fz"),
    (r"(?i:[^s])", "sS\u017fa"), (r"a(?i:b(?-i:c))", "aBc aBC"), (r"[^\s\p{L}&&\D]+", "a,; b1"), (r"[\w&&[^\d_]]+", "ab1_c"),
    (r"\p{^L}+", "ab12c"), (r"\P{L}+", "ab12c"), (r"\P{^L}+", "ab12c"), (r"\p{han}+", "\u6f22\u5b57\u304b\u306a"), (r"\p{upper case letter}", "aB"),
    (r"\p{Punct}+", "a!$^-"), (r"[[:punct:]]+", "a!$^-"), (r"[[:^alpha:]]+", "ab12"), (r"\w+", "a\u00b2\u00bd\u2167\u0663\u0301_-"),
    (r"[\w]+", "a\u00b2\u00bd\u2167\u0663\u0301_-"), (r"\p{Word}+", "a\u00b2-"), (r"\W+", "a\u00b2 -"), (r"\h+", "xAFx"), (r"\H+", "xAFx"),
    (r"\s+", "a\u0085\u00a0\ufeff\u200b b"), (r"\d+", "1\u0663\u00bd\u2460"), (r".+", "ab\nc\r\u2028"), (r"(?>a+)ab", "aaab"), (r"a++ab|b", "aaab"),
    (r"a?+a", "aa"), (r"[]a]+", "]ab"), (r"[^]a]+", "]ab"), (r"[a^b-]+", "a^b-c"), (r"[a\]b]+", "a]bc"), (r"[a[bc]]+", "abcd"), (r"[^a[bc]]+", "abcd"),
    (r"[^(\s|[.,!?])]+", "ab|c, d(e"), (r"\x41|\u0042|\x{1f40b}", "ABC\U0001f40b"), (r"[\x{4e00}-\x{9fff}]+", "\u6f22a"), (r"{|}|a{1", "{a{1}"),
    (r"(?<=a|bc)x", "ax bcx"), (r"(?<![a-z])b", "ab b"), (r"(?=b)|(?!a)x", "abx"), (r"(?#no)a|(?<name>b)|(c)", "abcd"), (r"\-\/\'\ ", "-/' "), (r"", "a\U0001f40bb"),
    (r"\t\n\r\f\v\a\e", "\t\n\r\f\v\a\x1b"),
]


# What the trainers of word pieces are given: a limit to the alphabet is drawn anew each time.
LATIN = ["".join(c for c in text if ord(c) < 0x100) for text in CORPUS]


def trained(model, trainer, corpus=CORPUS, **parts):
    tokenizer = Tokenizer(model)
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    tokenizer.train_from_iterator(corpus, trainer)
    return tokenizer


def byte_pairs(size=300, model=None, special=(), alphabet=True, **parts):
    initial = pre_tokenizers.ByteLevel.alphabet() if alphabet else []
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=initial, special_tokens=list(special), show_progress=False)
    return trained(model or models.BPE(), trainer, **parts)


def byte_level(**parts):
    parts.setdefault("decoder", decoders.ByteLevel())
    parts.setdefault("pre_tokenizer", pre_tokenizers.ByteLevel(add_prefix_space=False))
    return byte_pairs(**parts)


def word_piece(special=("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"), size=260, **parts):
    parts.setdefault("normalizer", normalizers.BertNormalizer())
    parts.setdefault("pre_tokenizer", pre_tokenizers.BertPreTokenizer())
    parts.setdefault("decoder", decoders.WordPiece())
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=list(special), show_progress=False)
    return trained(models.WordPiece(unk_token="[UNK]"), trainer, LATIN, **parts)


def pieces(size=260):
    """Parts of words by how often they stand in the corpus, and all characters of Latin. Made here: the trainer fails on
    texts as odd as these."""
    words = [f"\u2581{word}" for text in CORPUS for word in "".join(c for c in text if ord(c) < 0x180).split(" ") if len(word) < 20]
    counts = Counter(word[i:j] for word in words for i in range(len(word)) for j in range(i + 1, min(i + 7, len(word)) + 1))
    single = [piece for piece in counts if len(piece) == 1]
    longer = [piece for piece, _ in counts.most_common() if len(piece) > 1]
    total = counts.total()
    return [(piece, math.log(counts[piece] / total)) for piece in [*single, *longer[:size - len(single)]]]


def unigram(special=("<unk>", "<s>", "</s>", "<pad>"), **parts):
    tokenizer = Tokenizer(models.Unigram([*[(token, 0.0) for token in special], *pieces()], 0, False))
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    return with_added(tokenizer, *[AddedToken(token, special=True) for token in special])


def word_level(size=120, special=("<unk>", "<s>"), **parts):
    trainer = trainers.WordLevelTrainer(vocab_size=size, special_tokens=list(special), show_progress=False)
    return trained(models.WordLevel(unk_token="<unk>"), trainer, **parts)


BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def pieces_with_bytes(size=150):
    """Byte pairs with byte fallback, as Llama 2 and Gemma have them."""
    base = byte_pairs(size, alphabet=False, pre_tokenizer=pre_tokenizers.Metaspace(prepend_scheme="never"))
    model = json.loads(base.to_str())["model"]
    # Characters beyond Latin are left to the bytes.
    known = {token for token in model["vocab"] if all(ord(c) < 0x250 or c == "\u2581" for c in token)}
    tokens = ["<unk>", "<s>", "</s>", *BYTES, *[token for token in model["vocab"] if token in known]]
    merges = [tuple(pair) for pair in model["merges"] if {*pair, "".join(pair)} <= known]
    return {token: index for index, token in enumerate(tokens)}, merges


def unigram_with_bytes(**parts):
    tokenizer = Tokenizer(models.Unigram([("<unk>", 0.0), *pieces(), *[(byte, -12.0) for byte in BYTES]], 0, True))
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    return tokenizer


def charsmap(rules):
    """SentencePiece's compiled rules: a double-array trie of the keys in UTF-8, then the texts that replace."""
    replacements, units, taken = b"", {0: 0}, {0}
    trie = {}
    for key, value in rules.items():
        node = trie
        for byte in key.encode():
            node = node.setdefault(byte, {})
        node[None] = len(replacements)
        replacements += value.encode() + b"\0"

    def place(node, at, label):
        children = [0 if byte is None else byte for byte in node]
        base = 1
        # An offset is at most 21 bits wide; children stand at (position ^ offset) ^ byte.
        while any((at ^ base ^ child) in taken for child in children):
            base += 1
        taken.update(at ^ base ^ child for child in children)
        units[at] = (base << 10) | (256 if None in node else 0) | label
        for byte, inner in node.items():
            position = at ^ base ^ (byte or 0)
            if byte is None:
                units[position] = inner | 1 << 31
            else:
                place(inner, position, byte)

    place(trie, 0, 0)
    size = max(units) + 256
    blob = b"".join(struct.pack("<I", units.get(index, 0)) for index in range(size))
    return struct.pack("<I", len(blob)) + blob + replacements


RULES = {"\ufb01": "fi", "\uff41": "a", "\u00a0": " ", "\u2026": "...", "\u2460": "1", "\r": " ", "\n": " ", "\t": " ",
         "e\u0301": "\u00e9", "a\u0308": "\u00e4", "\u200b": "", "\u007f": "", "\u3000": " ", "\uff21": "A", "\uff22": "B",
         "\u1100\u1161": "\uac00", "\u00bd": "1\u20442", "\u0085": " ", "\u2581": " ", "\u000b": ""}


def template(single, pair, *special):
    return processors.TemplateProcessing(single=single, pair=pair, special_tokens=list(special))


def with_added(tokenizer, *tokens):
    tokenizer.add_tokens([token for token in tokens if not token.special])
    tokenizer.add_special_tokens([token for token in tokens if token.special])
    return tokenizer


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(pattern if isinstance(pattern, str) and not pattern.startswith("r:") else Regex(pattern[2:]), behavior, invert)


def split_bytes(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), behavior, invert),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def edited(tokenizer, **changes):
    """A file with members of its sections changed, as older versions wrote them."""
    file = json.loads(tokenizer.to_str())
    for path, value in changes.items():
        *sections, member = path.split("__")
        section = file
        for name in sections:
            section = section[name]
        if value is DELETED:
            section.pop(member, None)
        else:
            section[member] = value
    return Tokenizer.from_str(json.dumps(file)), file


DELETED = object()
N, P, D = normalizers, pre_tokenizers, decoders


def plain(piece):
    """Byte pairs over characters, to see how a text is cut."""
    return byte_pairs(240, models.BPE(unk_token="<unk>", fuse_unk=True), ["<unk>"], False, pre_tokenizer=piece)


def cases():
    yield "gpt2", byte_level()
    yield "roberta", byte_level(pre_tokenizer=P.ByteLevel(add_prefix_space=True), special=["<s>", "</s>", "<mask>"],
                                post_processor=processors.RobertaProcessing(("</s>", 1), ("<s>", 0)))
    yield "byte level without a cut", byte_level(pre_tokenizer=P.ByteLevel(add_prefix_space=True, use_regex=False))
    llama3 = byte_level(pre_tokenizer=split_bytes(LLAMA3), size=320, post_processor=processors.Sequence(
        [processors.ByteLevel(), template("<|begin|> $A", "<|begin|> $A <|begin|> $B:1", ("<|begin|>", 320))]))
    llama3.model.ignore_merges = True
    yield "llama 3", with_added(llama3, AddedToken("<|begin|>", special=True), AddedToken("<|end|>", special=True))
    for name, pattern in {"o200k": O200K, "cl100k": CL100K, "deepseek": DEEPSEEK, "kimi": KIMI, "bloom": BLOOM}.items():
        yield name, byte_level(pre_tokenizer=split_bytes(pattern), size=280)
    yield "starcoder", byte_level(pre_tokenizer=P.Sequence([P.Digits(True), P.ByteLevel(add_prefix_space=False)]), size=280)
    yield "qwen", byte_level(normalizer=N.NFC(), pre_tokenizer=split_bytes(LLAMA3.replace("{1,3}", "")), size=280)
    vocabulary, merges = pieces_with_bytes()
    llama2 = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    llama2.normalizer = N.Sequence([N.Prepend("\u2581"), N.Replace(" ", "\u2581")])
    llama2.decoder = D.Sequence([D.Replace("\u2581", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)])
    llama2.post_processor = template("<s> $A", "<s> $A <s> $B", ("<s>", 1))
    yield "llama 2", with_added(llama2, *[AddedToken(t, special=True, normalized=False) for t in ("<unk>", "<s>", "</s>")])
    gemma = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    gemma.normalizer = N.Replace(" ", "\u2581")
    gemma.pre_tokenizer = P.Split(" ", "merged_with_previous")
    gemma.decoder = D.Sequence([D.Replace("\u2581", " "), D.ByteFallback(), D.Fuse()])
    yield "gemma", gemma
    first = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", byte_fallback=True))
    first.pre_tokenizer = P.Metaspace(prepend_scheme="first", split=False)
    first.decoder = D.Metaspace(prepend_scheme="first")
    yield "metaspace first", with_added(first, AddedToken("<s>", special=True), AddedToken("<mask>", rstrip=True))
    lacking = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(["<unk>", "a", "b", "ab", *BYTES[:0xe1]])},
                                   merges=[("a", "b")], unk_token="<unk>", fuse_unk=False, byte_fallback=True))
    yield "some bytes", lacking
    yield "suffix", byte_pairs(260, models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"), ["<unk>"], False,
                               normalizer=N.Sequence([N.NFC(), N.Replace(Regex(r"\s+"), " "), N.Lowercase()]),
                               pre_tokenizer=split("r:'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+", "removed", True),
                               decoder=D.BPEDecoder("</w>"))
    yield "prefix", trained(
        models.BPE(unk_token="[UNK]", continuing_subword_prefix="##", fuse_unk=True),
        trainers.BpeTrainer(vocab_size=330, special_tokens=["[UNK]"], continuing_subword_prefix="##", show_progress=False), LATIN,
        pre_tokenizer=P.Whitespace(), decoder=D.WordPiece())
    yield "bert", word_piece(post_processor=template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", ("[CLS]", 1), ("[SEP]", 2)))
    yield "bert cased", word_piece(normalizer=N.BertNormalizer(lowercase=False, strip_accents=None), size=270,
                                   post_processor=processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1)))
    yield "bert unclean", word_piece(normalizer=N.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False),
                                     decoder=D.WordPiece("##", cleanup=False))
    short = word_piece(pre_tokenizer=P.Sequence([P.WhitespaceSplit(), P.Punctuation()]))
    short.model.max_input_chars_per_word = 9
    yield "short words", short
    yield "word level", word_level(pre_tokenizer=P.Whitespace())
    yield "word level by blanks", word_level(pre_tokenizer=P.WhitespaceSplit(), normalizer=N.Lowercase(), decoder=D.Fuse())
    yield "t5", unigram(pre_tokenizer=P.Metaspace(), decoder=D.Metaspace(), normalizer=N.Sequence(
        [N.Precompiled(charsmap(RULES)), N.Strip(left=False), N.Replace(Regex(" {2,}"), "\u2581")]),
        post_processor=template("$A </s>", "$A </s> $B </s>", ("</s>", 2)))
    yield "xlnet", unigram(pre_tokenizer=P.Metaspace(), decoder=D.Metaspace(), normalizer=N.Sequence(
        [N.Replace("``", '"'), N.NFKD(), N.StripAccents(), N.Lowercase(), N.Precompiled(charsmap(RULES))]))
    yield "nmt", unigram(pre_tokenizer=P.Sequence([P.WhitespaceSplit(), P.Metaspace()]), decoder=D.Metaspace(),
                         normalizer=N.Sequence([N.Nmt(), N.NFKC(), N.Strip()]))
    yield "unigram with bytes", unigram_with_bytes(
        pre_tokenizer=P.Metaspace(), decoder=D.Sequence([D.Replace("\u2581", " "), D.ByteFallback(), D.Fuse()]))
    yield "unigram without a cut", unigram_with_bytes(normalizer=N.Sequence([N.Prepend("\u2581"), N.Replace(" ", "\u2581")]))
    yield "metaspace first, charsmap", unigram(pre_tokenizer=P.Metaspace(prepend_scheme="first"), decoder=D.Metaspace(prepend_scheme="never"),
                                               normalizer=N.Precompiled(charsmap(RULES)))
    for behavior in ("isolated", "removed", "merged_with_previous", "merged_with_next", "contiguous"):
        yield f"punctuation {behavior}", plain(P.Punctuation(behavior))
        yield f"split {behavior}", plain(split("r:[aeiou]+|\\d", behavior))
        yield f"split inverted {behavior}", plain(split("r:\\w+", behavior, True))
        yield f"split at text {behavior}", plain(split("e ", behavior))
    yield "split at nothing", plain(split("r:x*"))
    yield "digits", plain(P.Digits())
    yield "delimiter", plain(P.CharDelimiterSplit("a"))
    yield "fixed length", plain(P.FixedLength(3))
    yield "metaspace never", plain(P.Sequence([P.Metaspace(replacement="_", prepend_scheme="never"), P.Digits(True)]))
    yield "bert cut", plain(P.BertPreTokenizer())
    yield "forms", plain_normalized(N.NFD())
    yield "form kd", plain_normalized(N.NFKD())
    yield "form kc", plain_normalized(N.Sequence([N.NFKC(), N.StripAccents()]))
    yield "byte level normalizer", byte_pairs(280, normalizer=N.Sequence([N.NFC(), N.ByteLevel()]), pre_tokenizer=split("r:\u0120?[a-zA-Z]+"), decoder=D.ByteLevel())
    yield "removed by the normalizer", byte_level(normalizer=N.Sequence([N.NFD(), N.StripAccents(), N.Replace("\u200b", "")]))
    yield "added tokens", with_added(
        byte_level(normalizer=N.Lowercase(), special=["<s>"]),
        AddedToken("<mask>", lstrip=True, rstrip=True, special=True), AddedToken("day", single_word=True), AddedToken("Yesterday"),
        AddedToken("<|end|>", normalized=False), AddedToken("<|end|><|end|", normalized=False), AddedToken("holi", rstrip=True, normalized=True),
        AddedToken("[SEP]", lstrip=True, special=True), AddedToken("<UNK>", normalized=True, special=True))
    yield "added with a metaspace", with_added(
        unigram(normalizer=N.Sequence([N.Prepend("\u2581"), N.Replace(" ", "\u2581")]), decoder=D.Metaspace()),
        AddedToken("</s>", special=True, normalized=True), AddedToken("day"), AddedToken("<mask>", lstrip=True, special=True))
    cut = word_piece(post_processor=template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]", ("[CLS]", 1), ("[SEP]", 2)))
    cut.enable_truncation(12)
    yield "truncation", cut
    left = byte_level()
    left.enable_truncation(7, direction="left")
    yield "truncation at the left", left
    yield "ctc", word_level(pre_tokenizer=P.WhitespaceSplit(), decoder=D.CTC(pad_token="<s>", word_delimiter_token="e"))
    # As older versions wrote them.
    old = byte_level()
    yield "older byte pairs", edited(old, model__type=DELETED, pre_tokenizer__use_regex=DELETED, model__ignore_merges=DELETED, model__byte_fallback=DELETED,
                                     model__merges=["#version: 0.2", *[" ".join(pair) for pair in json.loads(old.to_str())["model"]["merges"]]])
    yield "older metaspace", edited(unigram(pre_tokenizer=P.Metaspace(prepend_scheme="always")), model__type=DELETED, pre_tokenizer={
        "type": "Metaspace", "replacement": "\u2581", "add_prefix_space": True, "str_rep": "\u2581"}, model__byte_fallback=DELETED)


def plain_normalized(normalizer):
    return byte_pairs(240, models.BPE(unk_token="<unk>"), ["<unk>"], False, normalizer=normalizer)


def make_case(name, made):
    tokenizer, file = made if isinstance(made, tuple) else (made, json.loads(made.to_str()))
    tokenizer = Tokenizer.from_str(json.dumps(file))
    ids = {key: tokenizer.encode(text).ids for key, text in TEXTS.items()}
    decoded = {key: tokenizer.decode(value) for key, value in ids.items() if value}
    return {"name": name, "file": file, "ids": ids, "decoded": decoded}


def make():
    patterns = [{"pattern": pattern, "text": text, "parts": [part for part, _ in P.Split(Regex(pattern), "isolated").pre_tokenize_str(text)]}
                for pattern, text in PATTERNS]
    golden = {"versions": {"tokenizers": tokenizers.__version__}, "texts": TEXTS, "patterns": patterns, "cases": [make_case(*case) for case in cases()]}
    OUT.write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":")) + "\n", "utf-8")
