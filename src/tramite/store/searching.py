"""Search in what the ledger keeps as text: prompts, answers, errors. Knows the words' indexes, and no other column.

SQLite keeps them in FTS5 tables, which triggers keep up to date; Postgres in expression indexes of its own.
"""

from __future__ import annotations

import re

from tramite.errors import InvalidCall

from .database import Engine

_MOST = 100_000
"""Characters of a prompt and of an answer that Postgres indexes: what a tsvector holds is bounded (1 MB)."""
_TEXTS = f"to_tsvector('simple', left(coalesce(prompt, ''), {_MOST}) || ' ' || left(coalesce(answer, ''), {_MOST}))"
_ERRORS = "to_tsvector('simple', error)"
_TOKENS = "tokenize = 'unicode61 remove_diacritics 2'"

SQLITE = (
    f"CREATE VIRTUAL TABLE texts_words USING fts5(prompt, answer, content = 'texts', content_rowid = 'seq', {_TOKENS})",
    "CREATE VIEW errors AS SELECT seq, error FROM attempts WHERE error IS NOT NULL",
    f"CREATE VIRTUAL TABLE errors_words USING fts5(error, content = 'errors', content_rowid = 'seq', {_TOKENS})",
    """CREATE TRIGGER texts_come AFTER INSERT ON texts BEGIN
        INSERT INTO texts_words (rowid, prompt, answer) VALUES (new.seq, new.prompt, new.answer); END""",
    """CREATE TRIGGER texts_go AFTER DELETE ON texts BEGIN
        INSERT INTO texts_words (texts_words, rowid, prompt, answer)
        VALUES ('delete', old.seq, old.prompt, old.answer); END""",
    """CREATE TRIGGER texts_change AFTER UPDATE ON texts BEGIN
        INSERT INTO texts_words (texts_words, rowid, prompt, answer)
        VALUES ('delete', old.seq, old.prompt, old.answer);
        INSERT INTO texts_words (rowid, prompt, answer) VALUES (new.seq, new.prompt, new.answer); END""",
    """CREATE TRIGGER errors_come AFTER INSERT ON attempts WHEN new.error IS NOT NULL BEGIN
        INSERT INTO errors_words (rowid, error) VALUES (new.seq, new.error); END""",
    """CREATE TRIGGER errors_go AFTER DELETE ON attempts WHEN old.error IS NOT NULL BEGIN
        INSERT INTO errors_words (errors_words, rowid, error) VALUES ('delete', old.seq, old.error); END""",
    # two of them: what was never indexed cannot be taken out of the index
    """CREATE TRIGGER errors_change AFTER UPDATE OF error ON attempts
        WHEN old.error IS NOT NULL AND old.error IS NOT new.error BEGIN
        INSERT INTO errors_words (errors_words, rowid, error) VALUES ('delete', old.seq, old.error);
        INSERT INTO errors_words (rowid, error) SELECT new.seq, new.error WHERE new.error IS NOT NULL; END""",
    """CREATE TRIGGER errors_appear AFTER UPDATE OF error ON attempts
        WHEN old.error IS NULL AND new.error IS NOT NULL BEGIN
        INSERT INTO errors_words (rowid, error) VALUES (new.seq, new.error); END""",
    "INSERT INTO texts_words (rowid, prompt, answer) SELECT seq, prompt, answer FROM texts",
    "INSERT INTO errors_words (rowid, error) SELECT seq, error FROM errors",
)
POSTGRES = (
    f"CREATE INDEX texts_words ON texts USING gin (({_TEXTS}))",
    f"CREATE INDEX errors_words ON attempts USING gin (({_ERRORS})) WHERE error IS NOT NULL",
)

_MATCHES: dict[Engine, str] = {
    "sqlite": "(seq IN (SELECT rowid FROM errors_words WHERE errors_words MATCH ?) OR id IN (SELECT attempt_id "
    "FROM texts WHERE seq IN (SELECT rowid FROM texts_words WHERE texts_words MATCH ?)))",
    "postgres": f"((error IS NOT NULL AND {_ERRORS} @@ plainto_tsquery('simple', ?)) OR id IN (SELECT attempt_id "
    f"FROM texts WHERE {_TEXTS} @@ plainto_tsquery('simple', ?)))",
}


def condition(words: str, engine: Engine) -> tuple[str, tuple[str, str]]:
    """What is true of a row of `attempts` whose texts or error hold all these words, and its parameters.

    Raises InvalidCall where there are no words.
    """
    found = re.findall(r"\w+", words.replace("_", " "))
    if not found:
        raise InvalidCall(f"there is no word to search for in {words!r:.80}", "search")
    query = " ".join(f'"{word}"' for word in found) if engine == "sqlite" else " ".join(found)
    return _MATCHES[engine], (query, query)
