"""What a model wrote, as it may be shown: nothing in it is HTML, loads anything, or means more than its writer knew.

The page's Content-Security-Policy keeps pictures from being loaded whatever is written; here they become links, which
load nothing until they are clicked. Knows no Streamlit, but how its Markdown differs from everybody's.
"""

from __future__ import annotations

import re

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


def safe(text: str) -> str:
    """The text with pictures as links, `\\(…\\)` as mathematics, and prices as prices. Code is left alone."""
    pieces: list[str] = []
    end = 0
    for code in _CODE.finditer(text):
        pieces += [_plain(text[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*pieces, _plain(text[end:])])


def plain(text: str) -> str:
    """A text that is shown to the letter, but for its line breaks: what a user typed."""
    escaped = re.sub(r"([\\`*_{}\[\]<>()#+!|~$:^&=-])", r"\\\1", text)
    escaped = re.sub(r"^(\s*\d+)\.", r"\1\\.", escaped, flags=re.MULTILINE)
    return _INDENT.sub(lambda found: "\u00a0" * len(found[0].expandtabs(4)), escaped).replace("\n", "  \n")


def _plain(text: str) -> str:
    text = _PRICE.sub(r"\\$", text)
    text = _MATH_BLOCK.sub(lambda found: f"$${found[1]}$$", text)
    text = _MATH.sub(lambda found: f"${found[1].strip()}$", text)
    text = _DIRECTIVE.sub(r"\\:", text)
    text = _TAG.sub("&lt;", text)
    return _IMAGE.sub("[🖼 ", text)
