"""What a model wrote, as it may be shown: nothing in it is HTML, loads anything, or means more than its writer knew.

The page's Content-Security-Policy keeps pictures from being loaded whatever is written; here they become links, which
load nothing until they are clicked. Knows no Streamlit, but how its Markdown differs from everybody's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

_CODE = re.compile(
    r"(^|\n)([ \t]*)(`{3,}|~{3,})[^\n]*\n.*?(?:\n[ \t]*\3[`~]*[ \t]*(?=\n|$)|$)|(`+)(?!`).+?(?<!`)\4(?!`)", re.DOTALL
)
_IMAGE = re.compile(r"!\[")
_MATH_BLOCK = re.compile(r"\\\[(.+?)\\\]", re.DOTALL)
_MATH = re.compile(r"\\\((.+?)\\\)")
_PRICE = re.compile(r"(?<!\\)(?<!\$)\$(?=\d)")
_DIRECTIVE = re.compile(r":(?=[a-z-]+\[|material/|streamlit:)")
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_JOINER = "\u2060"
"""Takes no room, and keeps what stands on its two sides from meaning something together."""
_PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")


def safe(text: str) -> str:
    """The text with pictures as links, `\\(…\\)` as mathematics, and prices as prices. Code is left alone."""
    pieces: list[str] = []
    end = 0
    for code in _CODE.finditer(text):
        pieces += [_plain(text[end : code.start()]), code[0]]
        end = code.end()
    shown = "".join([*pieces, _plain(text[end:])])
    return _apart(shown) if _IMAGE.search(shown) or _TAG.search(shown) else shown


def plain(text: str) -> str:
    """A text that is shown to the letter, but for its line breaks: what a user typed."""
    escaped = re.sub(r"([\\`*_{}\[\]<>()#+!|~$:^&=-])", r"\\\1", text)
    escaped = re.sub(r"^(\s*\d+)\.", r"\1\\.", escaped, flags=re.MULTILINE)
    return _INDENT.sub(lambda found: "\u00a0" * len(found[0].expandtabs(4)), escaped).replace("\n", "  \n")


def _apart(text: str) -> str:
    """The same, with pictures and tags taken apart unless a parser, too, finds them in code alone: what looks like code
    need not be any."""
    tokens = _PARSER.parse(text.replace("\\$", "\\%"))
    inside = [token for one in tokens for token in one.children or ()]
    if any(token.type in ("html_block", "html_inline") for token in (*tokens, *inside)):
        text = _TAG.sub(f"<{_JOINER}", text)
    if any(token.type == "image" for token in inside) or _mathematics(tokens):
        text = _IMAGE.sub(f"!{_JOINER}[", text)
    return text


def _mathematics(tokens: Sequence[Token]) -> bool:
    """Whether code may be none because mathematics, which this parser does not know, begins before it."""
    for token in tokens:
        inside = token.children or ()
        words = "".join(one.content for one in inside if one.type == "text")
        if "$$" in words or ("$" in words and any("![" in one.content for one in inside if one.type == "code_inline")):
            return True
    return False


def _plain(text: str) -> str:
    text = _PRICE.sub(r"\\$", text)
    text = _MATH_BLOCK.sub(lambda found: f"$${found[1]}$$", text)
    text = _MATH.sub(lambda found: f"${found[1].strip()}$", text)
    text = _DIRECTIVE.sub(r"\\:", text)
    text = _TAG.sub("&lt;", text)
    return _IMAGE.sub("[🖼 ", text)
