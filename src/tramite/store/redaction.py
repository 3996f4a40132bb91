"""Takes what looks like a secret out of texts, before they are kept. Knows no store.

It errs on the side of taking out. Time grows with the text's length alone: quantifiers are possessive or bounded, and
a pattern that has begun fails within a few characters. What a pattern matches reaches to the end of its word, and the
mark belongs to no pattern, so that a second pass changes nothing.
"""

from __future__ import annotations

import re

MARK = "█████"

_END = r"-----(?:END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)"
_WORD = r"[A-Za-z0-9_-]"
_QUOTES = r"[\"'\\]{0,4}"
_VALUE = rf"(?!(?:basic|bearer|token)\b)[^\s\"'\\,;&<>{MARK[0]}]{{6,}}+"

_PREFIXES = (
    r"sk[-_]",  # OpenAI, Anthropic (sk-ant-…), OpenRouter, DeepSeek, Stripe
    r"hf_",
    r"AIza",  # Google
    r"(?:AKIA|ASIA)",  # AWS
    r"gh[pousr]_|github_pat_|glpat-",
    r"xox[a-z]-",  # Slack
    r"gsk_|xai-|nvapi-|pplx-|r8_",  # Groq, xAI, NVIDIA, Perplexity, Replicate
)
_NAMES = (
    r"api[_-]?key",
    r"(?:access|auth|refresh|id)[_-]?token",
    r"secret(?:[_-]?(?:access[_-]?)?key)?",
    r"private[_-]?key",
    r"pass(?:word|wd|phrase)",
    r"authorization",
    r"[?&](?:key|token|sig|signature)",
)

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # a private key in PEM, to its end, or to the text's where it is cut off (RFC 7468)
    (re.compile(rf"-----BEGIN [A-Z0-9 ]{{0,40}}PRIVATE KEY(?: BLOCK)?-----.*?(?:{_END}|\Z)", re.DOTALL), MARK),
    # the password in an address
    (re.compile(rf"(?<=://)([^\s/@:{MARK[0]}]*+:)[^\s/@{MARK[0]}]++@"), rf"\1{MARK}@"),
    # a JSON web token
    (re.compile(rf"(?<!{_WORD})eyJ{_WORD}{{10,}}+(?:\.{_WORD}++){{1,4}}+"), MARK),
    # what providers begin their keys with
    (re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_PREFIXES)}){_WORD}{{16,}}+"), MARK),
    # an authorization header's value; but not a plain word after "bearer"
    (
        re.compile(
            r"\b(bearer[ \t]{1,4})(?![a-z]{8,15}+(?![a-z0-9_~+/=-]))[a-z0-9._~+/=-]{8,}+" + rf"{_WORD}*+", re.IGNORECASE
        ),
        rf"\1{MARK}",
    ),
    # name and value: in a header, an address, JSON (escaped or not), a .env
    (
        re.compile(
            rf"((?:{'|'.join(_NAMES)}){_QUOTES}\s{{0,3}}[:=]\s{{0,3}}{_QUOTES}(?:(?:basic|bearer|token)[ \t]{{1,4}})?)"
            + _VALUE,
            re.IGNORECASE,
        ),
        rf"\1{MARK}",
    ),
)


def redact(text: str) -> str:
    """The text with a mark in the place of each thing that looks like a secret."""
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text
