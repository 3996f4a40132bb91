"""What to say of a success status whose body is no answer."""

from __future__ import annotations

from tramite.errors import BadReply

from .failures import excerpt


def bad_reply(body: bytes, expected: str, why: object = None) -> BadReply:
    """The error, with the first bytes in plain words."""
    if not body.strip():
        return BadReply(f"expected {expected}, got an empty body", status=200)
    head = body[:200].lstrip()
    if head[:1] == b"<":
        found = "HTML (is the base URL right?)"
    elif head[:1] not in b"{[":
        found = "something that is not JSON"
    else:
        found = f"JSON that is none ({why})" if why else "JSON that is none"
    shown = head.decode("utf-8", "replace")[:120]
    return BadReply(f"expected {expected}, got {found}: {shown!r}", status=200, body=excerpt(body))
