"""One word, two meanings: sentences that show what vectors of sentences are good for. Pure."""

from __future__ import annotations

from msgspec import Struct

from tramite.workbench.language import Language


class Example(Struct, frozen=True):
    """Sentences that share a word, by what the word means in them."""

    name: str
    """The word, which is the same in every language of the pages."""
    language: Language
    meanings: tuple[tuple[str, ...], ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(text for meaning in self.meanings for text in meaning)

    @property
    def groups(self) -> list[int]:
        """Which meaning each has."""
        return [number for number, meaning in enumerate(self.meanings) for _ in meaning]


EXAMPLES = (
    Example(
        "bank",
        "en",
        (
            (
                "The bank approved my loan last week.",
                "She opened a savings account at the bank.",
                "The bank raised its interest rates again.",
            ),
            (
                "We had a picnic on the grassy bank of the river.",
                "The boat drifted slowly towards the muddy bank.",
                "Willows grow along the bank of the stream.",
            ),
        ),
    ),
    Example(
        "pesca",
        "it",
        (
            (
                "La pesca era dolce e succosa.",
                "Ho mangiato una pesca appena colta dall'albero.",
                "Con questa pesca matura faccio una marmellata.",
            ),
            (
                "La pesca in mare aperto richiede pazienza.",
                "Mio nonno andava a pesca di trote nel fiume.",
                "La pesca del tonno è regolata da quote annuali.",
            ),
        ),
    ),
    Example(
        "riso",
        "it",
        (
            (
                "Il riso va cotto in abbondante acqua salata.",
                "Per un buon risotto serve un riso ricco di amido.",
                "In primavera si allagano le risaie e si semina il riso.",
            ),
            (
                "Il suo riso contagioso mise tutti di buonumore.",
                "Alla battuta scoppiò in un riso irrefrenabile.",
                "Un riso amaro gli uscì dalle labbra.",
            ),
        ),
    ),
    Example(
        "banca / banco",
        "it",
        (
            (
                "La banca ha concesso il mutuo per la casa.",
                "Ho aperto un conto corrente in banca.",
                "La banca ha alzato i tassi di interesse.",
            ),
            (
                "Il banco di scuola era coperto di scritte.",
                "L'alunna si sedette al primo banco, davanti alla lavagna.",
            ),
            (
                "Un banco di sardine nuotava sotto la barca.",
                "Il sub fotografò un banco di pesci argentati.",
            ),
        ),
    ),
)


def of(texts: tuple[str, ...]) -> Example | None:
    """The example that has these sentences."""
    return next((one for one in EXAMPLES if one.texts == texts), None)
