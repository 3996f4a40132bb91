"""What is told of a reply beside its text: one line for people, one object for programs."""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from tramite.replies import Reply, Usage


def usage_line(usage: Usage, cost_nanousd: int | None, reply: Reply | None = None) -> str:
    """Tokens and cost, and of one reply its times, tries and target too."""
    words = [f"{count(usage.input_tokens)} in, {count(usage.output_tokens)} out"]
    if usage.cached_tokens:
        words.append(f"{usage.cached_tokens:,} from cache")
    if usage.reasoning_tokens:
        words.append(f"{usage.reasoning_tokens:,} thinking")
    if usage.source != "provider":
        words.append(usage.source)
    words.append("cost unknown" if cost_nanousd is None else dollars(cost_nanousd))
    if reply is not None:
        timings = reply.timings
        words += [f"first token {timings.first_token_s:.2f} s"] if timings.first_token_s is not None else []
        words.append(f"{timings.total_s:.2f} s")
        words += [f"{len(reply.attempts)} tries"] if len(reply.attempts) > 1 else []
        words += [reply.target] if reply.target else []
    return "usage: " + " · ".join(words)


def reply_object(reply: Reply) -> dict[str, Any]:
    """A reply as one object. What is unknown is null; what was neither asked for nor given is left out."""
    told: dict[str, Any] = {
        "text": reply.text,
        "finish": reply.finish,
        "model": reply.model,
        "target": reply.target,
        "usage": {**dict.fromkeys(("input_tokens", "output_tokens")), **_plain(reply.usage)},
        "cost": reply.cost,
        "cost_nanousd": reply.cost_nanousd,
        "timings": _plain(reply.timings),
        "attempts": _plain(reply.attempts),
        "notices": list(reply.notices),
        "request_id": reply.request_id,
    }
    told["usage"]["source"] = reply.usage.source
    optional = {
        "parsed": reply.parsed,
        "reasoning": reply.reasoning,
        "refusal": reply.refusal,
        "tool_calls": _plain(reply.tool_calls),
        "logprobs": _plain(reply.logprobs),
        "choices": [{"text": one.message.text, "finish": one.finish} for one in reply.choices][1:],
        "system_fingerprint": reply.system_fingerprint,
    }
    told |= {name: value for name, value in optional.items() if value not in (None, "", [], ())}
    if "choices" in told:
        told["choices"] = [{"text": reply.text, "finish": reply.finish}, *told["choices"]]
    return told


def json_text(value: Any) -> str:
    """JSON on one line; indented where someone watches."""
    data = msgspec.json.encode(value)
    return (msgspec.json.format(data, indent=2) if sys.stdout.isatty() else data).decode()


def dollars(nanousd: int) -> str:
    """An amount of money; what is not nothing never looks like it."""
    return f"${nanousd / 1e9:.{6 if nanousd >= 1000 else 9}f}" if nanousd else "$0"


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


def count(tokens: int | None) -> str:
    """A number of tokens for people; a question mark where it is unknown."""
    return "?" if tokens is None else f"{tokens:,}"
