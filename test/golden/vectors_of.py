"""How far the vectors of `lmg embed FOLDER --file TEXTS --out VECTORS` are from those of sentence-transformers in float64.

    python test/golden/vectors_of.py FOLDER TEXTS VECTORS
"""

import sys
from pathlib import Path

import numpy
from sentence_transformers import SentenceTransformer

folder, texts, vectors = sys.argv[1:]
lines = Path(texts).read_text("utf-8").rstrip("\n").split("\n")
model = SentenceTransformer(folder, device="cpu")
single = model.encode(lines)
exact = model.double().encode(lines)
found = numpy.load(vectors)
assert found.shape == exact.shape, f"{found.shape}, expected {exact.shape}"
print(f"{len(lines)} texts: lmg {abs(found - exact).max():.2g}, sentence-transformers in float32 {abs(single - exact).max():.2g}")
