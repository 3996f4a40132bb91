"""The tables of conversations, and search in their words. Knows no other table.

SQLite keeps the words in an FTS5 table, which triggers keep up to date; Postgres in an expression index.
"""

from __future__ import annotations

import re

from .database import Engine

_MOST = 100_000
"""Characters of a message that Postgres indexes: what a tsvector holds is bounded (1 MB)."""
_VECTOR = f"to_tsvector('simple', left(words, {_MOST}))"

TABLES = (
    """
CREATE TABLE conversations (
    seq {serial},
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('chat', 'prompt', 'compare')),
    title TEXT NOT NULL,
    settings TEXT NOT NULL,
    leaf TEXT,
    created_ns BIGINT NOT NULL,
    changed_ns BIGINT NOT NULL
)""",
    """
CREATE TABLE messages (
    seq {serial},
    id TEXT NOT NULL UNIQUE,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    parent_id TEXT,
    role TEXT NOT NULL,
    message TEXT NOT NULL,
    words TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('complete', 'running', 'stopped', 'failed', 'interrupted')),
    facts TEXT NOT NULL,
    created_ns BIGINT NOT NULL,
    lease_ns BIGINT
)""",
    """
CREATE TABLE message_wire (
    message_id TEXT PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    wire TEXT NOT NULL
)""",
    "CREATE TABLE preferences (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE INDEX conversations_by_change ON conversations (kind, changed_ns)",
    "CREATE INDEX messages_by_conversation ON messages (conversation_id, seq)",
    "CREATE INDEX messages_by_lease ON messages (lease_ns) WHERE lease_ns IS NOT NULL",
)
SQLITE = (
    "CREATE VIRTUAL TABLE message_words USING fts5(words, content = 'messages', content_rowid = 'seq', "
    "tokenize = 'unicode61 remove_diacritics 2')",
    """CREATE TRIGGER message_words_come AFTER INSERT ON messages BEGIN
        INSERT INTO message_words (rowid, words) VALUES (new.seq, new.words); END""",
    """CREATE TRIGGER message_words_go AFTER DELETE ON messages BEGIN
        INSERT INTO message_words (message_words, rowid, words) VALUES ('delete', old.seq, old.words); END""",
    """CREATE TRIGGER message_words_change AFTER UPDATE OF words ON messages BEGIN
        INSERT INTO message_words (message_words, rowid, words) VALUES ('delete', old.seq, old.words);
        INSERT INTO message_words (rowid, words) VALUES (new.seq, new.words); END""",
)
POSTGRES = (f"CREATE INDEX message_words ON messages USING gin (({_VECTOR}))",)

_MATCHES: dict[Engine, str] = {
    "sqlite": "id IN (SELECT conversation_id FROM messages WHERE seq IN "
    "(SELECT rowid FROM message_words WHERE message_words MATCH ?))",
    "postgres": f"id IN (SELECT conversation_id FROM messages WHERE {_VECTOR} @@ to_tsquery('simple', ?))",
}


def condition(words: str, engine: Engine) -> tuple[str, list[str]]:
    """What is true of a conversation whose title holds this text, or one of whose messages holds all these words
    (the last of them may be a beginning: somebody is typing), and its parameters."""
    title = "(title LIKE ? ESCAPE '\\' OR lower(title) LIKE ? ESCAPE '\\')"  # SQLite lowers no letter with an accent
    like = "%" + re.sub(r"([%_\\])", r"\\\1", words.strip()) + "%"
    likes = [like, like.lower()]
    found = re.findall(r"\w+", words.replace("_", " "))
    if not found:
        return f" AND {title}", likes
    query = " ".join(f'"{word}"' for word in found) + "*" if engine == "sqlite" else " & ".join(found) + ":*"
    return f" AND ({title} OR {_MATCHES[engine]})", [*likes, query]
