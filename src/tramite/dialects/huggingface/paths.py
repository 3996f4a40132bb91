"""Where a call goes: the router's paths hold the model, a container's do not (facts A5). Knows no body.

Sources: huggingface_hub, `inference/_providers/hf_inference.py`; the routes of text-generation-inference (TGI) and
text-embeddings-inference (TEI), `router/src/server.rs` and `router/src/http/server.rs`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tramite.dialects.base import Target
from tramite.dialects.percent import quoted, refuse_detours, unquoted
from tramite.errors import Unsupported

TASKS = "/hf-inference/models/"
PIPELINE = "/pipeline/feature-extraction"
CONTAINER = ("/generate", "/generate_stream", "/embed", "/rerank")
"""The paths of TGI and TEI."""

_OURS = re.compile(rf"(?:{PIPELINE}|/pipeline/sentence-similarity|/v1/chat/completions|{'|'.join(CONTAINER)})$")
_PROVIDER = re.compile(r"[^/]+/[^/:]+:([a-z][a-z0-9-]*)")


@lru_cache(maxsize=4096)
def task_path(target: Target, container: str, pipeline: str = "") -> str:
    """The path of one task below the base URL. Raises `InvalidCall` and `Unsupported` for the model's name."""
    serves, model = target.traits.serves, target.model
    if serves == "task":
        return ""
    if serves != "router":
        return container
    refuse_detours(model)
    chosen = _PROVIDER.fullmatch(model)
    if chosen is not None and chosen[1] != "hf-inference":
        raise Unsupported(
            f"{target}: completions and embeddings are answered by hf-inference alone; leave out :{chosen[1]}", "model"
        )
    return TASKS + quoted(model.removesuffix(":hf-inference")) + pipeline


def model_of(path: str) -> str | None:
    """The model that a request's path names: the empty one at the address itself, None below a container's."""
    path = path.partition("?")[0]
    if path in ("", "/"):
        return ""
    _, found, model = path.partition("/models/")
    return unquoted(_OURS.sub("", model)) or None if found else None
