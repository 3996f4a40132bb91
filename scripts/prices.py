"""Compiles src/tramite/providers/prices/prices.json from the installed genai-prices package: `make prices`."""

from __future__ import annotations

import dataclasses
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tramite.providers.prices.lookup import Prices
from tramite.providers.prices.refresh import check, wanted
from tramite.providers.prices.tables import compile_table

OUT = Path(__file__).parent.parent / "src/tramite/providers/prices/prices.json"


def plain(value: Any) -> Any:
    """The package's objects in the form of its data.json."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name.rstrip("_"): plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if getattr(value, field.name) is not None
        }
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "__dict__"):  # a ModelPrice keeps its prices in there
        return {name: plain(price) for name, price in vars(value).items() if price is not None}
    return value


def main() -> None:
    from genai_prices.data import providers

    source = f"genai-prices {version('genai-prices')}"
    data = [{"id": row.id, "models": [plain(model) for model in row.models]} for row in providers]
    table = compile_table(data, wanted(), datetime.now(UTC).date().isoformat(), source)
    check(Prices(table))
    OUT.write_bytes(table + b"\n")
    sys.stdout.write(f"{OUT.name}: {OUT.stat().st_size:,} bytes from {source}\n")


if __name__ == "__main__":
    main()
