"""A model that writes: loaded by transformers, asked for one token after another. Knows no loop and no events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tramite.errors import RequestRejected

from . import device

_WRITERS = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")


class TextModel:
    """One model in memory. Used by one thread."""

    def __init__(self, folder: Path) -> None:
        config = device.config_of(folder)
        _check_writes(folder, config)
        self.tokenizer = device.tokenizer_of(folder)
        kind = "AutoModelForSeq2SeqLM" if config.is_encoder_decoder else "AutoModelForCausalLM"
        self._model = device.weights_of(folder, kind, config, dtype="auto")
        self._torch, self._device = device.ready()
        self.two_parts = bool(config.is_encoder_decoder)
        """Prompt and answer have a window each."""
        self.window: int | None = getattr(config.get_text_config(), "max_position_embeddings", None)
        self.own: Any = self._model.generation_config
        """What its makers suggest (`generation_config.json`)."""
        self.ends = self._ends()

    @property
    def pad(self) -> int:
        """A token for places that hold none."""
        own = self.own.pad_token_id
        return own if own is not None else next(iter(self.ends), 0)

    def decode(self, tokens: Sequence[int]) -> str:
        """The tokens as text, marks left out."""
        text: str = self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def write(self, prompt: list[int], config: Any, seed: int | None, take: Callable[[int], bool]) -> None:
        """Give `take` each token as it is chosen, until it says True or `config` has no more.

        The generator of random numbers of this process is as before afterwards.
        """
        torch = self._torch

        def stop(tokens: Any, scores: Any, **more: Any) -> Any:
            done = take(int(tokens[0, -1]))
            return torch.full((1,), done, dtype=torch.bool, device=tokens.device)

        given = torch.tensor([prompt], device=self._device)
        with self._seeded(seed), torch.inference_mode():
            self._model.generate(
                given, attention_mask=torch.ones_like(given), generation_config=config, stopping_criteria=[stop]
            )

    def close(self) -> None:
        """Let go of its memory."""
        del self._model
        device.release()

    def _ends(self) -> frozenset[int]:
        own = self.own.eos_token_id
        if own is None:
            own = self.tokenizer.eos_token_id
        return frozenset(() if own is None else [own] if isinstance(own, int) else own)

    @contextmanager
    def _seeded(self, seed: int | None) -> Iterator[None]:
        torch = self._torch
        cards = [torch.cuda.current_device()] if self._device == "cuda" else []
        with torch.random.fork_rng(devices=cards):
            if seed is None:
                torch.seed()
            else:
                torch.manual_seed(seed)
            yield


def _check_writes(folder: Path, config: Any) -> None:
    """Other models can be loaded as writers as well, with made-up weights where words are chosen."""
    names = config.architectures or ()
    if not any(name.endswith(_WRITERS) for name in names):
        what = ", ".join(names) or "a model of no named kind"
        raise RequestRejected(f"{folder} writes no text, it is {what}: ask it for embeddings")
