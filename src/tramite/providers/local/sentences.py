"""A model that turns texts into vectors, by its folder's recipe. Knows no loop and no wire format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tramite.errors import RequestRejected

from . import device, recipe

_NO_LIMIT = 1_000_000
"""Tokenizers that know no limit name one far beyond."""
_UNUSED = ("pooler.", "lm_head", "cls.predictions")
"""Parts of a model that no vector of a text goes through; the files may lack them."""


class SentenceModel:
    """One model in memory. Used by one thread."""

    def __init__(self, folder: Path) -> None:
        self.recipe = recipe.read(folder)
        place = self.recipe.transformer
        config = device.config_of(place)
        self._tokenizer = device.tokenizer_of(place)
        self._torch, self._device = device.ready()
        if config.is_encoder_decoder:
            raise RequestRejected(f"{folder} is an encoder and a decoder, of which vectors are not made here")
        self._model = device.weights_of(place, "AutoModel", config, self._torch.float32, optional=_UNUSED)
        self._layers = [None if step is None else self._linear(step) for step in self.recipe.steps]
        self.window = self.recipe.window or self._own_window(config)

    def tokens(self, texts: Sequence[str], prompt_name: str | None) -> list[list[int]]:
        """The token numbers of each text, however many. Raises RequestRejected for an unknown prompt."""
        return [self._encode(self._prepared(text, prompt_name)) for text in texts]

    def cut(self, text: str, prompt_name: str | None) -> list[int]:
        """The token numbers of a text that is too long, as many as are read, its marks included."""
        return self._encode(self._prepared(text, prompt_name), truncation=True, max_length=self.window)

    def vectors(self, texts: Sequence[Sequence[int]]) -> list[list[float]]:
        """One vector for each text, given as token numbers."""
        torch, longest = self._torch, max(map(len, texts))
        pad = self._tokenizer.pad_token_id or 0
        numbers = torch.tensor([[*text, *[pad] * (longest - len(text))] for text in texts], device=self._device)
        mask = torch.tensor([[1] * len(text) + [0] * (longest - len(text)) for text in texts], device=self._device)
        with torch.inference_mode():
            hidden = self._model(input_ids=numbers, attention_mask=mask).last_hidden_state
            vectors = torch.cat([self._pooled(hidden, mask, mode) for mode in self.recipe.poolings], dim=1)
            for layer in self._layers:
                vectors = torch.nn.functional.normalize(vectors, dim=1) if layer is None else layer(vectors)
        found: list[list[float]] = vectors.cpu().tolist()
        return found

    def close(self) -> None:
        """Let go of its memory."""
        del self._model, self._layers
        device.release()

    def _prepared(self, text: str, prompt_name: str | None) -> str:
        prompt = self.recipe.default_prompt
        if prompt_name is not None:
            if prompt_name not in self.recipe.prompts:
                known = ", ".join(sorted(self.recipe.prompts)) or "none"
                raise RequestRejected(f"the model has no prompt {prompt_name!r} (it has: {known})")
            prompt = self.recipe.prompts[prompt_name]
        return (prompt + text).lower() if self.recipe.lower_case else prompt + text

    def _encode(self, text: str, **more: Any) -> list[int]:
        found: list[int] = self._tokenizer(text, verbose=False, **more)["input_ids"]
        return found or [self._tokenizer.pad_token_id or 0]

    def _own_window(self, config: Any) -> int:
        limits = (self._tokenizer.model_max_length, getattr(config, "max_position_embeddings", None))
        return min([limit for limit in limits if limit is not None and 0 < limit < _NO_LIMIT], default=_NO_LIMIT)

    def _pooled(self, hidden: Any, mask: Any, mode: str) -> Any:
        """See https://sbert.net/docs/package_reference/sentence_transformer/modules.html, "Pooling"."""
        torch = self._torch
        kept = mask.unsqueeze(-1).to(hidden.dtype)
        counts = kept.sum(dim=1)
        if mode == "cls":
            return hidden[:, 0]
        if mode == "lasttoken":
            return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(dim=1) - 1]
        if mode == "max":
            return hidden.masked_fill(kept == 0, float("-inf")).amax(dim=1)
        if mode == "weightedmean":
            kept = kept * torch.arange(1, hidden.shape[1] + 1, device=hidden.device).view(1, -1, 1)
            counts = kept.sum(dim=1)
        total = (hidden * kept).sum(dim=1)
        return total / (counts.sqrt() if mode == "mean_sqrt_len_tokens" else counts)

    def _linear(self, step: recipe.Dense) -> Any:
        """A `Dense` module: `linear.weight` and perhaps `linear.bias` in its safetensors file."""
        torch = self._torch
        path = step.folder / "model.safetensors"
        if not path.is_file():
            raise RequestRejected(f"{step.folder} has no model.safetensors; other files, which run code, are not read")
        weights = device.library("safetensors.torch").load_file(path, device=self._device)
        weight, bias = weights["linear.weight"], weights.get("linear.bias")

        def layer(vectors: Any) -> Any:
            out = torch.nn.functional.linear(vectors, weight, bias)
            return torch.tanh(out) if step.tanh else out

        return layer
