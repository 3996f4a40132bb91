"""Messages as the text that a model was trained to continue, and what its tokenizer makes of it. Knows no PyTorch."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from tramite.calls import ChatCall, CompletionCall
from tramite.errors import RequestRejected
from tramite.messages import Message, Text

_SPEAKERS = {"system": "System", "user": "User", "assistant": "Assistant"}
_NEXT_TURN = "\nUser:"


class Prompt(Struct, frozen=True, kw_only=True):
    """What a model is to continue."""

    tokens: list[int]
    stops: tuple[str, ...] = ()
    """Text that ends the answer: the caller's, and what would begin a turn that is not the model's."""
    shown: str = ""
    """What is given back before the answer (`echo`)."""
    notices: tuple[str, ...] = ()


def prompt_of(call: ChatCall | CompletionCall, tokenizer: Any) -> Prompt:
    """The prompt of a call. Raises RequestRejected."""
    if isinstance(call, CompletionCall):
        tokens = _tokens(tokenizer, call.prompt, marks=True)
        return Prompt(tokens=tokens, stops=call.stop, shown=call.prompt if call.echo else "")
    turns = [_turn(message, position) for position, message in enumerate(call.messages)]
    if tokenizer.chat_template is not None:
        return Prompt(tokens=_tokens(tokenizer, _rendered(tokenizer, turns), marks=False), stops=call.stop)
    return Prompt(
        tokens=_tokens(tokenizer, _plain(turns), marks=True),
        stops=(*call.stop, _NEXT_TURN),
        notices=(
            f"{call.model} has no chat template: it was given the messages as plain text, each after the name of its "
            "role, and stopped where it would have written the user's next one",
        ),
    )


def _turn(message: Message, position: int) -> dict[str, str]:
    if message.role == "tool" or not all(isinstance(part, Text) for part in message.parts):
        raise RequestRejected(f"messages[{position}] holds more than text: local models take text alone")
    role = "system" if message.role == "developer" else message.role
    return {"role": role, "content": message.text}


def _rendered(tokenizer: Any, turns: list[dict[str, str]]) -> str:
    """By the model's own template, an answer begun by the caller left open."""
    from jinja2 import TemplateError

    begun = turns[-1]["role"] == "assistant"
    try:
        text: str = tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=not begun, continue_final_message=begun
        )
    except (TemplateError, ValueError) as error:
        raise RequestRejected(f"the model's chat template refuses these messages: {error}") from error
    return text


def _plain(turns: list[dict[str, str]]) -> str:
    said = [f"{_SPEAKERS[turn['role']]}: {turn['content']}" for turn in turns]
    return "\n\n".join(said if turns[-1]["role"] == "assistant" else [*said, "Assistant:"])


def _tokens(tokenizer: Any, text: str, marks: bool) -> list[int]:
    """`marks`: with those that the tokenizer puts around a text; a template has its own."""
    tokens: list[int] = tokenizer(text, add_special_tokens=marks, verbose=False)["input_ids"]
    if not tokens:
        raise RequestRejected("the prompt is empty, and this model has no mark to begin a text with")
    return tokens
