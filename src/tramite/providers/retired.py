"""Model names that their providers have withdrawn, and what they name instead. Data alone; decides nothing.

From the providers' own lists of deprecations, as of 2026-11-23: developers.openai.com/api/docs/deprecations,
console.groq.com/docs/deprecations, docs.mistral.ai (models overview), api-docs.deepseek.com,
docs.x.ai/developers/migration, inference-docs.cerebras.ai/support/deprecation, docs.perplexity.ai/changelog.
Left out is what is gone for some customers alone, as Groq's Llama models are.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

# provider: (day of the shutdown, replacement): names. What is announced for a later day counts from that day on.
_SHUTDOWNS: dict[str, dict[tuple[str, str], str]] = {
    "openai": {
        ("2023-03-23", "gpt-4o"): "code-davinci-001 code-davinci-002 code-cushman-001 code-cushman-002",
        ("2024-01-04", "gpt-3.5-turbo-instruct"): "text-ada-001 text-babbage-001 text-curie-001 text-davinci-001 "
        "text-davinci-002 text-davinci-003",
        ("2024-01-04", "babbage-002"): "ada babbage",
        ("2024-01-04", "davinci-002"): "curie davinci",
        ("2024-01-04", "gpt-4o"): "text-davinci-edit-001 code-davinci-edit-001",
        ("2024-01-04", "text-embedding-3-small"): "text-similarity-ada-001 text-similarity-babbage-001 "
        "text-similarity-curie-001 text-similarity-davinci-001 text-search-ada-doc-001 text-search-ada-query-001 "
        "text-search-babbage-doc-001 text-search-babbage-query-001 text-search-curie-doc-001 "
        "text-search-curie-query-001 text-search-davinci-doc-001 text-search-davinci-query-001 "
        "code-search-ada-code-001 code-search-ada-text-001 code-search-babbage-code-001 code-search-babbage-text-001",
        ("2024-09-13", "gpt-3.5-turbo"): "gpt-3.5-turbo-0301 gpt-3.5-turbo-0613 gpt-3.5-turbo-16k "
        "gpt-3.5-turbo-16k-0613",
        ("2024-12-06", "gpt-4o"): "gpt-4-vision-preview gpt-4-1106-vision-preview",
        ("2025-06-06", "gpt-4o"): "gpt-4-32k gpt-4-32k-0314 gpt-4-32k-0613",
        ("2025-07-14", "gpt-4.1"): "gpt-4.5-preview gpt-4.5-preview-2025-02-27",
        ("2026-03-26", "gpt-4.1"): "gpt-4-0314 gpt-4-0125-preview gpt-4-turbo-preview",
        ("2026-09-28", "gpt-4.1-mini"): "gpt-3.5-turbo-instruct babbage-002 davinci-002 gpt-3.5-turbo-1106",
        ("2026-10-23", "gpt-5.6-terra"): "gpt-3.5-turbo gpt-3.5-turbo-0125 o4-mini o4-mini-2025-04-16",
        ("2026-10-23", "gpt-5.6-sol"): "gpt-4 gpt-4-0613 gpt-4-1106-preview gpt-4-turbo gpt-4-turbo-2024-04-09 "
        "gpt-4o-2024-05-13 o1 o1-2024-12-17 o3-mini o3-mini-2025-01-31",
        ("2027-01-14", "gpt-6-luna"): "gpt-4o gpt-4o-2024-08-06 gpt-4o-2024-11-20 gpt-4o-mini gpt-4o-mini-2024-07-18 "
        "gpt-4.1 gpt-4.1-2025-04-14 gpt-4.1-mini gpt-4.1-mini-2025-04-14",
    },
    "groq": {
        ("2025-01-24", "openai/gpt-oss-120b"): "llama-3.1-70b-versatile llama-3.1-70b-specdec",
        ("2025-03-20", "openai/gpt-oss-120b"): "mixtral-8x7b-32768",
        ("2025-08-30", "openai/gpt-oss-120b"): "llama3-70b-8192",
        ("2025-08-30", "openai/gpt-oss-20b"): "llama3-8b-8192",
        ("2025-10-08", "openai/gpt-oss-20b"): "gemma-7b-it gemma2-9b-it",
    },
    "mistral": {
        ("2025-03-30", "mistral-small-latest"): "open-mixtral-8x7b open-mixtral-8x22b",
        ("2025-06-16", "mistral-small-latest"): "mistral-small-2402",
        ("2025-06-16", "mistral-medium-latest"): "mistral-medium-2312",
        ("2025-06-16", "mistral-large-latest"): "mistral-large-2402",
        ("2025-11-30", "codestral-latest"): "codestral-2501",
    },
    "deepseek": {("2026-07-24", "deepseek-flash"): "deepseek-chat deepseek-reasoner"},
    "xai": {
        ("2026-05-15", "grok-4.3"): "grok-3 grok-4-0709 grok-code-fast-1 grok-4-fast-reasoning "
        "grok-4-fast-non-reasoning grok-4-1-fast-reasoning grok-4-1-fast-non-reasoning",
    },
    "cerebras": {
        ("2025-01-17", "gpt-oss-120b"): "llama3.1-70b",
        ("2025-11-14", "gpt-oss-120b"): "deepseek-r1-distill-llama-70b llama-4-scout-17b-16e-instruct "
        "llama-4-maverick-17b-128e-instruct qwen-3-235b-a22b-thinking-2507",
        ("2026-02-16", "gpt-oss-120b"): "qwen-3-32b llama-3.3-70b",
    },
    "perplexity": {
        ("2025-02-22", "sonar"): "llama-3.1-sonar-small-128k-online",
        ("2025-02-22", "sonar-pro"): "llama-3.1-sonar-large-128k-online llama-3.1-sonar-huge-128k-online",
    },
}

_BY_NAME = {
    provider: {name: (date.fromisoformat(day), new) for (day, new), names in groups.items() for name in names.split()}
    for provider, groups in _SHUTDOWNS.items()
}
_BY_NAME["openai-responses"] = _BY_NAME["openai"]


def replacement(provider: str, model: str, today: date | None = None) -> str | None:
    """What to ask for instead of a model that is gone; None for one that is not, or of which nothing is known.

    A replacement that has been withdrawn since, or is announced to be, is followed to the one that stays.
    """
    steps = history(provider, model, today)
    return steps[-1][2] if steps else None


def history(provider: str, model: str, today: date | None = None) -> list[tuple[str, date, str]]:
    """How it came to the replacement: (name, day of its shutdown, what its provider named instead), step by step."""
    names = _BY_NAME.get(provider, {})
    steps: list[tuple[str, date, str]] = []
    while model in names:
        day, new = names[model]
        if not steps and day > (today or datetime.now(UTC).date()):
            return []
        steps.append((model, day, new))
        model = new
    return steps


def explain(provider: str, model: str, today: date | None = None) -> str | None:
    """A sentence for who asked for a model that is gone; None for one that is not."""
    steps = history(provider, model, today)
    if not steps:
        return None
    told = "; ".join(f"{name} is withdrawn as of {day}, for {new}" for name, day, new in steps)
    return f"{told}. Ask for {provider}/{steps[-1][2]}"
