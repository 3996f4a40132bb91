"""How Azure OpenAI is addressed: by a resource's endpoint, a deployment, and a dated version or none.

Source: Azure OpenAI REST API reference and "API version lifecycle" (learn.microsoft.com), as of 2026-11.
"""

from __future__ import annotations

import re

import msgspec

from tramite.errors import ConfigError

from .addresses import is_loopback
from .rows import Provider

COMPLETION_TOKENS_SINCE = "2024-09-01"
"""The first dated version that knows `max_completion_tokens` and `stream_options`."""
_PLACEHOLDER = re.compile(r"https?://(name|resource|my-?resource|your[-_a-z]*|example|[^/]*[<{\[])[^/]*", re.IGNORECASE)


def addressed(provider: Provider, said: frozenset[str]) -> Provider:
    """The provider with Azure's path behind its endpoint, and the traits of its version but for those in `said`.

    An endpoint may be given with any of Azure's paths at its end, as people copy it from the portal.
    """
    root = re.split(r"/openai(?:/|$)", provider.base_url, maxsplit=1)[0]
    dated = provider.api_version if provider.api_version not in ("v1", "preview", "latest") else ""
    known: dict[str, object] = {"max_tokens_field": "max_completion_tokens"}
    if dated and dated < COMPLETION_TOKENS_SINCE:
        known = {"max_tokens_field": "max_tokens", "include_usage": False}
    return msgspec.structs.replace(
        provider,
        base_url=f"{root}/openai" if dated else f"{root}/openai/v1",
        api_version=dated,
        traits=msgspec.structs.replace(provider.traits, **{key: known[key] for key in known if key not in said}),
    )


def check(provider: Provider) -> None:
    """Raise ConfigError for an address that a secret must not be sent to."""
    where = f"providers.{provider.name}.endpoint"
    found = _PLACEHOLDER.match(provider.base_url)
    if found is not None:
        variable = f"set {provider.url_name}, or " if provider.url_name else ""
        raise ConfigError(
            f"{where} is {found[0]!r}, which is still a placeholder: "
            f"{variable}write your resource's own, such as https://contoso.openai.azure.com"
        )
    if not provider.base_url.startswith("https://") and not is_loopback(provider.base_url):
        raise ConfigError(
            f"{where} is {provider.base_url!r}; expected an https:// address: a key would travel in the open"
        )
