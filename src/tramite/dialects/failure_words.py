"""The words of providers for what went wrong: data for `failures`. Knows no status."""

from __future__ import annotations

import re

from tramite.errors import (
    AuthenticationFailed,
    BadReply,
    ContentFiltered,
    ContextTooLong,
    IncompleteStream,
    ModelLoading,
    ModelNotFound,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    RequestRejected,
    Throttled,
    TimedOut,
)

_WORDS: dict[type[ProviderError], str] = {
    QuotaExhausted: """insufficient_quota credit_balance_exhausted billing_hard_limit_reached billing_not_active
        billing_error enforced_spend_limit_reached usage_limit_reached insufficient_balance insufficient_credits
        exceeded_current_quota_error spend_limit_reached quota_exceeded contract_spend_limit_reached
        linked_organization_spend_limit_reached linked_organization_billing_unavailable""",
    Throttled: """rate_limit_exceeded rate_limit_error rate_limit_reached ratelimitreached ratelimitexceeded
        rate_limited too_many_requests toomanyrequests throttled throttling throttlingexception requests tokens
        resource_exhausted slow_down engine_overloaded_error""",
    ContextTooLong: """context_length_exceeded context_window_exceeded model_context_window_exceeded
        exceed_context_size_error too_many_prompt_tokens too_many_tokens string_above_max_length""",
    ContentFiltered: """content_filter content_policy_violation responsibleaipolicyviolation data_inspection_failed
        moderation_blocked content_moderation""",
    ModelNotFound: """model_not_found model_not_supported model_not_available deploymentnotfound invalid_model
        unknown_model modelnotfound model_unavailable""",
    AuthenticationFailed: """invalid_api_key authentication_error authentication_failed unauthorized permission_error
        permission_denied unauthenticated invalid_authentication_error""",
    ModelLoading: "model_loading model_warming_up",
    RequestRejected: "not_supported_error",
    Overloaded: "overloaded_error overloaded engine_overloaded",
    TimedOut: "timeout_error",
    BadReply: "bad_reply",
    IncompleteStream: "incomplete_stream",
}

BY_WORD: dict[str, type[ProviderError]] = {word: kind for kind, words in _WORDS.items() for word in words.split()}
"""What `code` and `type` say beyond doubt, in lower case."""

_GENERAL: dict[type[ProviderError], str] = {
    RequestRejected: """invalid_request_error invalid_request badrequesterror bad_request invalid-argument validation
        invalid_prompt tool_use_failed not_found_error notfounderror unprocessable_entity_error unsupported_value
        invalid_argument request_too_large""",
    Overloaded: """server_error internal_server_error internalservererror api_error internal_error unavailable
        unavailable_error service_unavailable service_unavailable_error generation incomplete_generation timeout""",
}

BY_GENERAL_WORD: dict[str, type[ProviderError]] = {
    **{word: kind for kind, words in _GENERAL.items() for word in words.split()}
}
"""What they say where there is no status to ask: errors inside of a success."""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


CONTEXT = _any(
    r"maximum context (?:length|size|window)",  # OpenAI, vLLM, OpenRouter, DeepSeek, Mistral
    r"exceed\w* (?:the |this |its )?(?:model'?s? |available |max(?:imum)? )*context",  # llama.cpp, Ollama, OpenAI
    r"context (?:length|window|size|limit)\w* (?:is |was )?(?:exceed|overflow)",
    r"context window exceeds",  # MiniMax
    r"context the overflows",  # LM Studio
    r"tokens to keep from the initial prompt is greater than the context",  # LM Studio
    r"(?:prompt|input) (?:is )?too long",  # Anthropic, Ollama, Bedrock
    r"total length of all messages is too long",  # Perplexity
    r"maximum prompt length is",  # xAI
    r"`inputs` tokens \+ `max_new_tokens` must be",  # TGI
    r"`inputs` must have less than \d+ tokens",  # TGI
    r"input token count .{0,40}exceeds the maximum",  # Gemini
    r"exceeded model token limit",  # Moonshot
    r"reduce the length of (?:the )?(?:messages|your prompt|either one|the prompt|your input)",
    r"too many tokens: size limit exceeded",  # Cohere
)

MONEY = _any(
    r"exceeded your current quota",
    r"insufficient (?:balance|credits?|funds)",
    r"(?:credit balance|balance) is too low",
    r"out of credits|more credits|credits? (?:is|are|has been|have been) (?:exhausted|depleted)",
    r"exceeded your monthly included credits",  # Hugging Face
    r"(?:spending|spend|billing hard) limit",
    r"reached your specified api usage limits",  # Anthropic, with status 400
    r"billing (?:is )?not active|account is not active",
)

SECRET = _any(
    r"(?:incorrect|invalid) api key",  # xAI says it with status 400
    r"api key (?:is )?(?:not valid|invalid|expired)",  # Gemini says it with status 400
)

FILTERED = _any(
    r"content management policy",  # Azure
    r"blocked by content filtering policy",  # Anthropic
    r"content exists risk",  # DeepSeek
    r"requires moderation",  # OpenRouter
    r"(?:violates|violation of) .{0,40}(?:usage|content) (?:guidelines|polic)",
    r"flagged as potentially violating",
)

LOADING = _any(r"\bis (?:currently )?(?:being )?loading\b", r"\bloading model\b", r"model is (?:warming up|starting)")

NO_ADDRESS = _any(
    r"^invalid url",  # OpenAI
    r"^unexpected endpoint",  # LM Studio, with status 200
    r"^not found$",  # FastAPI's word for a path that it does not have
)

MISSING = _any(
    r"\bmodel\b.{0,200}\b(?:does not exist|do(?:es)? not have access|not found)",
    r"not a valid model",  # OpenRouter
    r"^model \S{1,200} is not supported",  # Voyage
    r"requested model .{0,200}is not supported",  # Hugging Face's router
    r"^invalid model\b",  # Mistral
    r"no such model|unknown model",
)
