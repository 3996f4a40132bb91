"""`.venv-local/bin/python -m tests.local.multilingual`: the Italian pair by the multilingual MiniLM, where it is.

No test fetches a model, so this is for a machine that has it (`tramite pull`, below).
"""

from __future__ import annotations

import sys

import numpy as np

from tramite import Client
from tramite.errors import ModelNotFound

MODEL = "local/sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"
EXPECTED, TOLERANCE = 0.6567, 0.001

if __name__ == "__main__":
    with Client() as llm:
        try:
            one, other = llm.embed(["Eventi in montagna nel 2025", "Cosa fare sulle Alpi"], model=MODEL).vectors
        except ModelNotFound as error:
            sys.exit(str(error))
    cosine = float(np.dot(one, other) / np.linalg.norm(one) / np.linalg.norm(other))
    print(f"{cosine:.4f}, expected {EXPECTED}")  # noqa: T201  # it is a script
    sys.exit(abs(cosine - EXPECTED) > TOLERANCE)
