"""Two hundred varied texts, the same on every machine: `expected.npz` has their vectors by sentence-transformers."""

from __future__ import annotations

_ENGLISH = """the a river bank lends money to people who fish near its muddy shore while night trains cross old iron
bridges and nobody in town can say why deep learning models read reviews of small hotels faster than any clerk could"""
_ITALIAN = """la montagna d'inverno è più silenziosa perché gli sciatori partono presto e le città d'arte aspettano
turisti che cercano musei, osterie, però anche caffè all'aperto: così Firenze, Perugia e Cefalù vivono di cultura"""
_EXACT = (
    "",
    " ",
    "\n\t",
    "a",
    "?",
    "Eventi in montagna nel 2025",
    "Cosa fare sulle Alpi",
    "The bank raised its interest rates",
    "We sat on the bank of the river",
    "Ciao! 👋 Come va? 😀😀😀",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "naïve café, Ångström, Straße, œuvre, ǅ",
    "e\u0301 is é, and n\u0303 is ñ",
    "今日は良い天気ですね",
    "机器学习 machine learning 機械学習",
    "Привет, как дела?",
    "مرحبا بالعالم",
    "हिन्दी में एक वाक्य",
    "ภาษาไทยไม่มีช่องว่าง",
    "안녕하세요 세계",
    "x" * 99,
    "x" * 101,
    "https://example.org/a/b?c=d&e=%20#f",
    "mario.rossi@example.org wrote: «così non va»",
    "def f(x):\n    return x ** 2  # comment\n",
    '{"key": [1, 2.5, null], "other": "välue"}',
    "[CLS] [SEP] [PAD] [MASK] [UNK]",
    "[CLS]not a mark[SEP]",
    "##ing un##able",
    "1234567890 3.14159 1e-12 -0 €1.234,56 50%",
    "!!!???...,,,;;;---",
    "tab\tnew\nline\r\nreturn",
    "zero\u200bwidth\u200djoiner\ufeff and soft\u00adhyphen",
    "control \x01\x02 characters \x7f and \ufffd",
    "UPPER lower MiXeD ÀÈÌÒÙ àèìòù İstanbul \u0131I",
    "½ ² ³ ™ ® © ℃ Ⅷ ﬁ \uff21\uff22\uff23",
    "a" + " " * 500 + "b",
    "\n".join(["line"] * 60),
)


def _words(source: str, start: int, count: int) -> str:
    """Words in an order that no seed and no version decides."""
    known = source.split()
    return " ".join(known[(start * 7 + number * (3 + start % 5)) % len(known)] for number in range(count))


def texts() -> list[str]:
    """The two hundred: special cases, then English, Italian and mixed ones of all lengths up to 1,000 words."""
    found = list(_EXACT)
    for length in (126, 127, 128, 129, 250, 253, 254, 255, 256, 257, 400, 1_000):
        found.append(_words(_ENGLISH, length, length))
        found.append(_words(_ITALIAN, length, length))
    for number in range(200 - len(found)):
        source = (_ENGLISH, _ITALIAN, f"{_ENGLISH} {_ITALIAN}")[number % 3]
        found.append(_words(source, number, 1 + number * 7 % 40) + (".", "!", " 🏔️", "")[number % 4])
    return found
