"""The gateway's log: a line of JSON for each record, or of text where a person watches. Nothing that looks secret."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

import msgspec

from tramite.store.redaction import redact


class JsonLines(logging.Formatter):
    """One object per line: time, level, logger, message, and the record's `facts`."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(self, record),
            **getattr(record, "facts", {}),
        }
        return msgspec.json.encode(line, enc_hook=str).decode()


class Text(logging.Formatter):
    """For people: time, level where it matters, message."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        return f"{at} {level}{_message(self, record)}"


def configure(stream: TextIO | None = None) -> None:
    """Write what this program logs to stderr; of uvicorn only errors, since every port scan makes it warn."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Text() if stream.isatty() else JsonLines())
    for name, level in (("tramite", logging.INFO), ("uvicorn", logging.ERROR)):
        ours = logging.getLogger(name)
        ours.handlers[:] = [handler]
        ours.setLevel(level)
        ours.propagate = False


def _message(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    message = record.getMessage()
    if record.exc_info:
        message = f"{message}\n{formatter.formatException(record.exc_info)}"
    return redact(message)
