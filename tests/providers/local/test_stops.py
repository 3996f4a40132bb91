"""What may be shown of a text as it is written: whole characters, nothing of a stop sequence, everything else."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tramite.providers.local.stops import Characters, Stops

letters = st.text("abc", max_size=30)
stops = st.lists(st.text("abc", min_size=1, max_size=5), max_size=4)


def pieces_of(text: str, cuts: Sequence[int]) -> list[str]:
    ends = sorted({min(cut, len(text)) for cut in cuts} | {len(text)})
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@given(letters, stops, st.lists(st.integers(0, 30)))
def test_the_text_ends_before_the_first_stop_sequence_however_it_comes(
    text: str, stops: list[str], cuts: list[int]
) -> None:
    """First is what is whole first: a reader of single characters would stop there."""
    filtered, shown = Stops(stops), ""
    for piece in pieces_of(text, cuts):
        shown += filtered.feed(piece)
        assert not any(stop in shown for stop in stops)
    found = [text.find(stop) for stop in stops if stop in text]
    if filtered.hit:
        assert shown == text[: len(shown)]
        assert any(text.startswith(stop, len(shown)) for stop in stops)
    else:
        assert not found
        assert shown + filtered.rest() == text


@given(letters, stops)
def test_what_is_held_back_could_be_the_beginning_of_a_stop_sequence(text: str, stops: list[str]) -> None:
    filtered = Stops(stops)
    shown = "".join(filtered.feed(char) for char in text)
    held = text[len(shown) :]
    if not filtered.hit and held:
        assert any(stop.startswith(held) for stop in stops)


@given(st.text(), st.lists(st.integers(1, 4)))
def test_characters_come_whole_whatever_bytes_the_tokens_hold(text: str, lengths: list[int]) -> None:
    data = text.encode()
    tokens, start = [], 0
    for length in [*lengths, len(data) + 1]:
        tokens.append(data[start : start + length])
        start += length

    def decode(numbers: Sequence[int]) -> str:
        return b"".join(tokens[number] for number in numbers).decode("utf-8", "replace")

    characters, shown = Characters(decode), ""
    for number in range(len(tokens)):
        shown += characters.add(number)
        assert text.startswith(shown)
    assert shown + characters.rest() == text


def test_bytes_that_never_become_a_character_are_shown_at_the_end() -> None:
    characters = Characters(lambda numbers: bytes(numbers).decode("utf-8", "replace"))
    assert characters.add(0x41) == "A"
    assert characters.add(0xF0) == ""
    assert characters.rest() == "\N{REPLACEMENT CHARACTER}"
    assert characters.rest() == ""
