"""Whether texts look as if they were not English: a guess from scripts and the commonest words. Knows no model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENGLISH = _words(
    """the of and to is for that on are was it this with as by from at be have has not you what how which who when
    where why can do does will an or if about more all your my we they their there than then these those into"""
)
_OTHER = _words(
    """il lo la gli le di che e del della dei delle nel nella sono un una cosa non più dal dalla sul sulle sulla anche
    questo quale dove quando perché der das und ist nicht mit ein eine für auf des zu von wie wo wer el los las que de
    en por para es cómo qué dónde cuál les et est dans pour qui sur une au aux du ce cette où quel não uma os da em
    com het een van niet voor"""
)
_WORDS = re.compile(r"[^\W\d_]+")
_TEXTS, _CHARACTERS = 64, 400


def looks_foreign(texts: Iterable[str]) -> bool:
    """Whether another language is the better guess, from the first characters of the first texts.

    One word says nothing: there are Los Angeles and film noir.
    """
    english = other = letters = not_latin = 0
    for number, text in enumerate(texts):
        if number == _TEXTS:
            break
        for word in _WORDS.findall(text[:_CHARACTERS].lower()):
            english += word in _ENGLISH
            other += word in _OTHER
            letters += len(word)
            not_latin += sum(not char.isascii() and not _is_latin(char) for char in word)
    return other > max(english, 1) or not_latin * 2 > letters


def _is_latin(char: str) -> bool:
    return unicodedata.name(char, "").startswith("LATIN")
