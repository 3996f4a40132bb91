"""Which answer was best: kept as facts of the question, given out as CSV and as JSONL. Knows no page."""

from __future__ import annotations

import csv
import io
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from tramite.store.conversations import Conversations, Node

from . import measures

TIE = "tie"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def of(question: Node) -> str | None:
    """The id of the answer that was voted for, or TIE, or nothing yet."""
    vote = question.facts.get("vote") or {}
    winner = vote.get("winner")
    return str(winner) if winner else None


def cast(store: Conversations, question: Node, winner: str | None) -> None:
    """Vote for an answer or a tie, or take the vote back. Raises StoreFailed."""
    facts = {name: value for name, value in question.facts.items() if name != "vote"}
    if winner is not None:
        facts["vote"] = {"winner": winner, "at_ns": time.time_ns()}
    store.note(question.id, facts)


def every(store: Conversations) -> list[dict[str, Any]]:
    """All votes, each with its question and its answers, in the order in which they were asked."""
    answers: dict[str | None, list[Node]] = defaultdict(list)
    voted = [node for node in store.nodes_of("compare", "user") if of(node)]
    if voted:
        for node in store.nodes_of("compare", "assistant"):
            answers[node.parent_id].append(node)
    return [_vote(node, answers[node.id]) for node in voted]


def as_jsonl(votes: list[dict[str, Any]]) -> bytes:
    """One vote in each line, to the letter."""
    return b"".join(msgspec.json.encode(vote) + b"\n" for vote in votes)


def as_csv(votes: list[dict[str, Any]]) -> bytes:
    """One answer in each line. UTF-8 with a mark, as spreadsheets want it."""
    rows = list(_rows(votes))
    text = io.StringIO()
    writer = csv.DictWriter(text, [*_COLUMNS])
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue().encode("utf-8-sig")


_COLUMNS = (
    "comparison",
    "asked",
    "voted",
    "prompt",
    "system",
    "place",
    "target",
    "style",
    "status",
    "winner",
    "text",
    "input_tokens",
    "output_tokens",
    "cost_nanousd",
    "first_token_s",
    "total_s",
)


def _vote(question: Node, answers: list[Node]) -> dict[str, Any]:
    winner = of(question)
    places = {node.id: place for place, node in enumerate(answers, start=1)}
    return {
        "comparison": question.conversation_id,
        "asked": _moment(question.created_ns),
        "voted": _moment(question.facts["vote"].get("at_ns", 0)),
        "prompt": question.message.text,
        "system": question.facts.get("system", ""),
        "settings": question.facts.get("settings", {}),
        "winner": TIE if winner == TIE else places.get(winner or ""),
        "answers": [_answer(node, places[node.id]) for node in answers],
    }


def _answer(node: Node, place: int) -> dict[str, Any]:
    known = measures.of(node)
    return {
        "place": place,
        "target": known.name,
        "style": known.style,
        "status": node.status,
        "text": node.message.text,
        "input_tokens": known.input_tokens,
        "output_tokens": known.output_tokens,
        "cost_nanousd": known.cost_nanousd,
        "first_token_s": known.first_token_s,
        "total_s": known.total_s,
    }


def _rows(votes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for vote in votes:
        shared = {name: vote[name] for name in ("comparison", "asked", "voted", "prompt", "system")}
        for one in vote["answers"]:
            won = TIE if vote["winner"] == TIE else "yes" if vote["winner"] == one["place"] else "no"
            yield {**shared, **one, "winner": won}


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets the quote that makes it a text (OWASP, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _moment(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat(timespec="seconds")
