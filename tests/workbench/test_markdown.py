"""Text as it is shown: whatever a model or a user wrote, nothing in it is HTML and no picture is loaded."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tramite.workbench.ui.markdown import plain, safe

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
PIECES = st.sampled_from(
    [
        *("![a](http://x/y.png)", "![a][1]", "[1]: http://x/y.png", "<img src=x>", "<script>", "</b>", "<!-- x -->"),
        *(
            "<?php",
            "<!X>",
            "<http://x>",
            "`",
            "``",
            "```",
            "````",
            "~~~",
            "~~~~",
            "``` x",
            "```x`y",
            "\\",
            "\\`",
            "\\!",
        ),
        *("\n", "\n\n", "\r\n", " ", "    ", "\t", "- ", "1. ", "> ", "# ", "| a | b |\n|---|---|\n", "$", "$$", "\\$"),
        *("\\(", "\\)", "\\[", "\\]", "!", "[", "](", ")", ":red[", ":material/x:", "&lt;", "x", "5", "ì", "\x00"),
    ]
)
HOSTILE = st.lists(PIECES, max_size=30).map("".join) | st.text()


def tokens(text: str) -> list[Token]:
    """All that a parser finds, in the order in which it stands there."""
    return [token for one in PARSER.parse(text) for token in (one, *(one.children or ()))]


def loads(text: str) -> list[str]:
    return [token.type for token in tokens(text) if token.type in ("image", "html_block", "html_inline")]


def visible(text: str) -> str:
    """What stands there for a reader, with one space for all that is white."""
    shown = [token.content if token.type != "softbreak" else " " for token in tokens(text) if not token.children]
    return " ".join("".join(shown).split())


@settings(max_examples=300)
@given(HOSTILE)
@example("```\n```` ![x](y)\n```")
@example("- ```\n![x](y)\n```")
@example("> ```\n![x](y)\n```")
@example("    ```\n\n![x](y)\n\n    ```")
@example("\\```\n![x](y)\n```")
@example("``` a`b\n![x](y)\n```")
@example("a `` b ` ![x](y) `` c")
@example("`a\n\n![x](y)`")
@example("<div>\n```\n![x](y)\n```")
@example("|a|\n|-|\n|`|\n\n<b>`")
def test_whatever_a_model_writes_nothing_is_loaded_and_nothing_is_html(text: str) -> None:
    assert loads(safe(text)) == []


@given(HOSTILE)
def test_whatever_a_user_types_nothing_is_loaded_and_nothing_is_html(text: str) -> None:
    assert loads(plain(text)) == []


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp")), min_size=1))
def test_what_a_user_types_is_shown_to_the_letter(text: str) -> None:
    assert visible(plain(text)) == text


@pytest.mark.parametrize(
    "code",
    [
        "```cpp\n#include <iostream>\nint main() { return 0; }\n```",
        '```rust\nlet v = vec![1, 2];\nprintln!("{}", v[0]);\n```',
        '```php\n<?php echo "$x";\n```',
        "- first:\n\n  ```html\n  <b>![x](y)</b>\n  ```\n- second",
        "Use `vec![1]` or `<b>`.",
        "It costs \\$5: `vec![1]`.",
        "~~~\n<b>\n~~~",
        "```\nnot ended <b> ![x](y)",
    ],
)
def test_code_is_left_as_it_is(code: str) -> None:
    assert safe(code) == code


@pytest.mark.parametrize(
    "text",
    [
        "$$\n```\n$$\n![x](http://x/y.png)\n```",
        "$`$ ![x](http://x/y.png) `",
    ],
)
def test_mathematics_that_hides_the_end_of_code_shows_no_picture(text: str) -> None:
    assert "![" not in safe(text)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("it costs $5 to $7", "it costs \\$5 to \\$7"),
        ("\\(x^2\\)", "$x^2$"),
        ("\\[\nx^2\n\\]", "$$\nx^2\n$$"),
        ("$x$ and $$y$$", "$x$ and $$y$$"),
        ("![a cat](http://x/y.png)", "[🖼 a cat](http://x/y.png)"),
        ("<b>x</b>", "&lt;b>x&lt;/b>"),
        ("1 < 2", "1 < 2"),
        (":red[x] and 10:30", "\\:red[x] and 10:30"),
    ],
)
def test_what_means_something_else_elsewhere_means_what_its_writer_knew(written: str, shown: str) -> None:
    assert safe(written) == shown
