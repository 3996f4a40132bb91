"""`/docs`: the OpenAPI description as one page without programs, that loads nothing. Knows no route."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 14px/1.4 ui-monospace, monospace; }
pre { padding: .75rem; overflow-x: auto; border: 1px solid #8884; border-radius: 4px; }
summary { cursor: pointer; padding: .35rem 0; }
summary b { display: inline-block; min-width: 4.5rem; }
details { border-bottom: 1px solid #8884; }
:root { color-scheme: light dark; }
"""


def docs_page(openapi: dict[str, Any]) -> str:
    """The page, as HTML."""
    schemas = openapi["components"]["schemas"]
    groups: dict[str, list[str]] = {}
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            tag = operation.get("tags", ["other"])[0]
            groups.setdefault(tag, []).append(_operation(method.upper(), path, operation, schemas))
    body = "\n".join(f"<h2>{escape(tag.capitalize())}</h2>\n{''.join(parts)}" for tag, parts in groups.items())
    title = f"{escape(openapi['info']['title'])} {escape(openapi['info']['version'])}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style><h1>{title}</h1>'
        '<p>The same for programs: <a href="/openapi.json">openapi.json</a>. '
        "Send a key as <code>authorization: Bearer KEY</code>.</p>\n"
        f"{body}</html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    parts = "".join(_parts(operation, schemas))
    head = f"<b>{method}</b> <code>{escape(path)}</code> {escape(operation.get('summary', ''))}"
    return f"<details><summary>{head}</summary>{parts}</details>\n"


def _parts(operation: dict[str, Any], schemas: dict[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        need = "required" if parameter.get("required") else "optional"
        yield f"<p><code>{escape(parameter['name'])}</code> in the {escape(parameter['in'])}, {need}</p>"
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Takes <code>{escape(kind)}</code>:</p>{_schema(content['schema'], schemas)}"
    for status, response in operation["responses"].items():
        yield f"<p><b>{escape(status)}</b> {escape(response['description'])}</p>"
        if status.startswith("2"):
            for kind, content in response.get("content", {}).items():
                yield f"<p><code>{escape(kind)}</code>:</p>{_schema(content.get('schema', {}), schemas)}"


def _schema(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    name = schema.get("$ref", "").rpartition("/")[2]
    return f"<pre>{escape(json.dumps(schemas.get(name, schema), indent=2, ensure_ascii=False))}</pre>"
