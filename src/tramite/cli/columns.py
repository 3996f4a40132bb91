"""What `tramite compare` shows: columns on a terminal, lines in a pipe, an object. Asks nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from tramite.client.comparing import Comparison
from tramite.client.sums import add_usage
from tramite.errors import TramiteError
from tramite.replies import Reply

from . import facts
from .terminal import Terminal, side_by_side, table

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"})


def show(prompt: str, columns: Sequence[Comparison], terminal: Terminal, as_json: bool) -> None:
    """All columns, and the notices of each on stderr. Nothing where there are none."""
    if not columns:
        return
    for column in columns:
        for notice in dict.fromkeys(notice for reply in column.replies for notice in reply.notices):
            terminal.note(f"{column.target}, {column.style}: {notice}")
    if as_json:
        terminal.line(facts.json_text({"prompt": prompt, "columns": [_object(column) for column in columns]}))
    elif terminal.live:
        heads = [f"{column.target}\n{column.style}" for column in columns]
        side_by_side(heads, _rows([_cells(column) for column in columns]))
    else:
        table([], [_line(column, turn, result) for column in columns for turn, result in enumerate(column.results, 1)])


def _rows(columns: Sequence[dict[str, str]]) -> dict[str, list[str]]:
    """The columns' cells as rows."""
    labels = dict.fromkeys(label for cells in columns for label in cells)
    return {label: [cells.get(label, "") for cells in columns] for label in labels}


def _cells(column: Comparison) -> dict[str, str]:
    """One column, for people: sums of tokens and cost, medians of times."""
    replies, asked = column.replies, len(column.results)
    cells = {"answer": _answers(column)}
    if not replies:
        return cells
    usage, cost = add_usage([reply.usage for reply in replies]), _cost(replies)
    first = [reply.timings.first_token_s for reply in replies if reply.timings.first_token_s is not None]
    tries = [len(reply.attempts) for reply in replies]
    elsewhere = dict.fromkeys(reply.target for reply in replies if reply.target != column.target)
    endings = dict.fromkeys(reply.finish for reply in replies if reply.finish != "stop")
    return cells | {
        "tokens": f"{facts.count(usage.input_tokens)} in, {facts.count(usage.output_tokens)} out",
        "cost": "unknown" if cost is None else facts.dollars(cost),
        "first token": _seconds(first),
        "total": _seconds([reply.timings.total_s for reply in replies]),
        "tries": f"{sum(tries)}{f' for {len(tries)}' if asked > 1 else ''}" if max(tries) > 1 else "",
        "answered by": ", ".join(elsewhere),
        "different": f"{column.different} of {len(replies)}" if asked > 1 else "",
        "ended": ", ".join(endings),
        "fingerprint": ", ".join(sorted(column.fingerprints)),
    }


def _answers(column: Comparison) -> str:
    """The different answers, then the errors; each with how often it came, where it was asked more than once."""
    texts = Counter(_text(reply) for reply in column.replies)
    told = [(times, text.strip()) for text, times in texts.items()]
    errors = [error for error in column.results if isinstance(error, TramiteError)]
    alike = Counter(_kind(error) for error in errors)
    told += [(times, f"failed: {next(e for e in errors if _kind(e) == kind)}") for kind, times in alike.items()]
    asked = len(column.results)
    return "\n\n".join(f"({times} of {asked}) {text}" if asked > 1 else text for times, text in told)


def _kind(error: TramiteError) -> tuple[type, str]:
    """What makes two errors the same one, whatever the request's number."""
    return type(error), getattr(error, "message", str(error))


def _text(reply: Reply) -> str:
    if reply.refusal:
        return f"(the model refuses: {reply.refusal})"
    return reply.text if reply.text.strip() else "(no text)"


def _cost(replies: Sequence[Reply]) -> int | None:
    costs = [reply.cost_nanousd for reply in replies]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def _seconds(times: Sequence[float]) -> str:
    if not times:
        return ""
    spread = f" ({min(times):.2f}–{max(times):.2f})" if len(times) > 1 else ""
    return f"{median(times):.2f} s{spread}"


def _line(column: Comparison, turn: int, result: Reply | TramiteError) -> list[str]:
    """One answer in a pipe; what is unknown is empty."""
    head = [column.target, column.style, str(turn)]
    if isinstance(result, TramiteError):
        return [*head, type(result).__name__, *[""] * 6, str(result).translate(_ESCAPES)]
    usage, timings = result.usage, result.timings
    return [
        *head,
        result.finish,
        *("" if tokens is None else str(tokens) for tokens in (usage.input_tokens, usage.output_tokens)),
        "" if result.cost_nanousd is None else f"{result.cost_nanousd / 1e9:.9f}",
        "" if timings.first_token_s is None else f"{timings.first_token_s:.3f}",
        f"{timings.total_s:.3f}",
        result.system_fingerprint or "",
        result.text.translate(_ESCAPES),
    ]


def _object(column: Comparison) -> dict[str, Any]:
    return {
        "target": column.target,
        "style": column.style,
        "different": column.different,
        "system_fingerprints": sorted(column.fingerprints),
        "cost_nanousd": _cost(column.replies) if column.replies else None,
        "results": [
            {"error": type(result).__name__, "message": str(result)}
            if isinstance(result, TramiteError)
            else facts.reply_object(result)
            for result in column.results
        ],
    }
