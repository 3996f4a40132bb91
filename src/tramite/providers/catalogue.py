"""The providers that are known without a configuration, in the order in which a default is looked for. Data alone.

Addresses, variables and what is not supported are those of each provider's own documentation, as of 2026-11.
A new OpenAI-compatible provider is one more row; no other file changes.
"""

from __future__ import annotations

from tramite.dialects.base import Traits

from .rows import Provider

_NOT_IN_TRANSFORMERS = (
    *("dimensions", "frequency_penalty", "logprobs", "n", "presence_penalty", "reasoning_effort", "response_format"),
    *("suffix", "tools"),
)

_ROWS = (
    Provider(
        name="openai",
        title="OpenAI",
        base_url="https://api.openai.com/v1",
        secret_names=("OPENAI_API_KEY",),
        secret_url="https://platform.openai.com/api-keys",
        url_name="OPENAI_BASE_URL",
        default_model="gpt-4o-mini",
        traits=Traits(max_tokens_field="max_completion_tokens", developer_role=True, base64_embeddings=True),
    ),
    # OpenAI's other API, stateless: with it a model's thinking is given back to it on the next turn
    Provider(
        name="openai-responses",
        title="OpenAI (Responses)",
        base_url="https://api.openai.com/v1",
        dialect="openai-responses",
        secret_names=("OPENAI_API_KEY",),
        secret_url="https://platform.openai.com/api-keys",
        kinds=("chat", "models"),
        url_name="OPENAI_BASE_URL",
        default_model="gpt-5-mini",
    ),
    Provider(
        name="azure",
        title="Azure OpenAI",
        base_url="https://name.openai.azure.com/openai/v1",
        auth="api-key",
        secret_names=("AZURE_OPENAI_KEY", "AZURE_OPENAI_API_KEY"),
        secret_url="https://portal.azure.com",
        azure=True,
        url_name="AZURE_OPENAI_ENDPOINT",
        version_name="AZURE_OPENAI_API_VERSION",
        model_name="AZURE_OPENAI_DEPLOYMENT",
    ),
    Provider(
        name="anthropic",
        title="Anthropic",
        base_url="https://api.anthropic.com/v1",
        dialect="anthropic",
        auth="x-api-key",
        secret_names=("ANTHROPIC_API_KEY",),
        secret_url="https://platform.claude.com/settings/keys",
        default_model="claude-haiku-5-5",
    ),
    Provider(
        name="gemini",
        title="Google Gemini",
        base_url="https://generativelanguage.googleapis.com/v1beta",
        dialect="gemini",
        auth="x-goog-api-key",
        secret_names=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        secret_url="https://aistudio.google.com/apikey",
        kinds=("chat", "embedding", "models"),
        default_model="gemini-3.8-flash",
        embed_batch=100,
    ),
    Provider(
        name="groq",
        base_url="https://api.groq.com/openai/v1",
        secret_names=("GROQ_API_KEY",),
        secret_url="https://console.groq.com/keys",
        kinds=("chat", "models"),
        default_model="openai/gpt-oss-20b",
        traits=Traits(max_tokens_field="max_completion_tokens", unsupported=("logprobs", "n")),
    ),
    # ends every stream with its usage, unasked; refuses fields that it does not know; its seed is called random_seed
    Provider(
        name="mistral",
        base_url="https://api.mistral.ai/v1",
        secret_names=("MISTRAL_API_KEY",),
        secret_url="https://console.mistral.ai/api-keys",
        kinds=("chat", "embedding", "models"),
        default_model="mistral-small-latest",
        traits=Traits(include_usage=False, unsupported=("logprobs", "seed")),
        embed_batch_bytes=16_000,
    ),
    Provider(
        name="together",
        title="Together AI",
        base_url="https://api.together.xyz/v1",
        secret_names=("TOGETHER_API_KEY",),
        secret_url="https://api.together.ai/settings/api-keys",
        default_model="openai/gpt-oss-20b",
    ),
    Provider(
        name="openrouter",
        title="OpenRouter",
        base_url="https://openrouter.ai/api/v1",
        secret_names=("OPENROUTER_API_KEY",),
        secret_url="https://openrouter.ai/settings/keys",
        default_model="openrouter/auto",
        traits=Traits(developer_role=True, echoes=("reasoning_details",)),
    ),
    Provider(
        name="deepseek",
        title="DeepSeek",
        base_url="https://api.deepseek.com",
        secret_names=("DEEPSEEK_API_KEY",),
        secret_url="https://platform.deepseek.com/api_keys",
        kinds=("chat", "models"),
        default_model="deepseek-flash",
        traits=Traits(unsupported=("n", "seed"), echoes=("reasoning_content",)),
    ),
    Provider(
        name="xai",
        title="xAI",
        base_url="https://api.x.ai/v1",
        secret_names=("XAI_API_KEY",),
        secret_url="https://console.x.ai",
        kinds=("chat", "models"),
        default_model="grok-4.3",
    ),
    Provider(
        name="fireworks",
        title="Fireworks AI",
        base_url="https://api.fireworks.ai/inference/v1",
        secret_names=("FIREWORKS_API_KEY",),
        secret_url="https://app.fireworks.ai/settings/users/api-keys",
        default_model="accounts/fireworks/models/gpt-oss-20b",
    ),
    Provider(
        name="perplexity",
        base_url="https://api.perplexity.ai",
        secret_names=("PERPLEXITY_API_KEY", "PPLX_API_KEY"),
        secret_url="https://www.perplexity.ai/settings/api",
        kinds=("chat",),
        default_model="sonar",
        traits=Traits(unsupported=("logprobs", "n", "seed", "stop", "tools")),
    ),
    Provider(
        name="cerebras",
        base_url="https://api.cerebras.ai/v1",
        secret_names=("CEREBRAS_API_KEY",),
        secret_url="https://cloud.cerebras.ai",
        kinds=("chat", "completion", "models"),
        default_model="gpt-oss-120b",
        traits=Traits(max_tokens_field="max_completion_tokens", unsupported=("frequency_penalty", "presence_penalty")),
    ),
    Provider(
        name="nvidia",
        title="NVIDIA",
        base_url="https://integrate.api.nvidia.com/v1",
        secret_names=("NVIDIA_API_KEY",),
        secret_url="https://build.nvidia.com",
        kinds=("chat", "embedding", "models"),
        default_model="openai/gpt-oss-20b",
    ),
    # last of those in the cloud: many have its token for downloads alone
    Provider(
        name="huggingface",
        title="Hugging Face",
        base_url="https://router.huggingface.co",
        dialect="huggingface",
        secret_names=("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACEHUB_API_TOKEN"),
        secret_url="https://huggingface.co/settings/tokens",
        default_model="openai/gpt-oss-20b",
        traits=Traits(serves="router"),
        embed_batch=32,
    ),
    Provider(
        name="lmstudio",
        title="LM Studio",
        base_url="http://127.0.0.1:1234/v1",
        secret_names=("LM_API_TOKEN",),
        needs_secret=False,
        url_name="LMSTUDIO_URL",
        free=True,
        local=True,
        traits=Traits(unsupported=("logprobs", "n", "suffix")),
    ),
    Provider(
        name="ollama",
        title="Ollama",
        base_url="http://127.0.0.1:11434/v1",
        needs_secret=False,
        url_name="OLLAMA_HOST",
        free=True,
        local=True,
        traits=Traits(unsupported=("n",)),
    ),
    Provider(
        name="llamacpp",
        title="llama.cpp",
        base_url="http://127.0.0.1:8080/v1",
        needs_secret=False,
        free=True,
        local=True,
        traits=Traits(unsupported=("suffix",)),
    ),
    Provider(
        name="vllm",
        title="vLLM",
        base_url="http://127.0.0.1:8000/v1",
        secret_names=("VLLM_API_KEY",),
        needs_secret=False,
        free=True,
        local=True,
        traits=Traits(base64_embeddings=True, unsupported=("suffix",)),
    ),
    Provider(
        name="text-generation-webui",
        base_url="http://127.0.0.1:5000/v1",
        needs_secret=False,
        free=True,
        local=True,
        traits=Traits(unsupported=("n", "suffix")),
    ),
    # transformers in this process; the model is a hub id or a folder
    Provider(
        name="local",
        title="models of transformers",
        base_url="inprocess://local/v1",
        needs_secret=False,
        free=True,
        auth="none",
        local=True,
        traits=Traits(base64_embeddings=True, truncates=True, prefill=True, unsupported=_NOT_IN_TRANSFORMERS),
        embed_batch=256,
    ),
    # English only: the title says so wherever it is shown
    Provider(
        name="embedded",
        title="the embedded English model",
        base_url="inprocess://embedded/v1",
        needs_secret=False,
        free=True,
        auth="none",
        kinds=("embedding", "models"),
        default_model="all-minilm-l6-v2",
        traits=Traits(base64_embeddings=True, truncates=True, unsupported=("dimensions",)),
        embed_batch=256,
    ),
    Provider(
        name="demo",
        title="the built-in demo",
        base_url="inprocess://demo/v1",
        needs_secret=False,
        free=True,
        auth="none",
        default_model="demo",
    ),
)

CATALOGUE: dict[str, Provider] = {row.name: row for row in _ROWS}

ALIASES = {
    "hf": "huggingface",
    "llama.cpp": "llamacpp",
    "llama-cpp": "llamacpp",
    "lm-studio": "lmstudio",
    "tgw": "text-generation-webui",
}
"""Other names that people write for a provider."""


def canonical(name: str) -> str:
    """The provider's own name, for one of its aliases or itself."""
    return ALIASES.get(name, name)
