"""A provider is a row of data: where to talk, how to authenticate, in which dialect. Knows no model and does no I/O."""

from __future__ import annotations

from typing import Literal, TypeAlias
from urllib.parse import quote

from msgspec import Struct

from tramite.calls import Kind
from tramite.dialects.base import Traits
from tramite.errors import MissingSecret

from .addresses import is_loopback
from .secrets import Secret

Auth: TypeAlias = Literal["bearer", "api-key", "x-api-key", "x-goog-api-key", "none"]
"""How a secret is sent: `Authorization: Bearer …`, or alone in a header of this name."""

IN_PROCESS = "inprocess:"


class Provider(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where to talk, and how. A row of the catalogue and a `[providers.x]` table become the same thing."""

    name: str
    base_url: str
    """Without a slash at its end; a dialect's paths are put behind it."""
    title: str = ""
    dialect: str = "openai"
    kinds: tuple[Kind, ...] = ("chat", "completion", "embedding", "models")
    """The operations it has."""
    auth: Auth = "bearer"
    needs_secret: bool = True
    secret: Secret | None = None
    secret_names: tuple[str, ...] = ()
    """The well-known variables that hold its secret, the usual one first."""
    secret_url: str = ""
    """Where a person gets a secret."""
    url_name: str = ""
    """The variable that holds its address, where there is one."""
    azure: bool = False
    """It is addressed as Azure OpenAI is: a resource's endpoint, with Azure's own paths behind it."""
    api_version: str = ""
    """Azure's dated API, which names the deployment in the path; empty for its v1 API and everybody else's."""
    version_name: str = ""
    """The variable that holds the api_version, where there is one."""
    default_model: str = ""
    model_name: str = ""
    """The variable that holds the default model, where there is one."""
    free: bool = False
    """It runs on the user's own machine, and nobody sends a bill."""
    local: bool = False
    """It runs on a machine of the user's: prefill may be slow, the choice of models is what is loaded."""
    allow_download: bool = False
    """For models of this process alone: one that is not here may be fetched when it is asked for."""
    cold_starts: bool = False
    """It sleeps while nobody asks, and answers 502, 503 or 504 until it is awake."""
    scale_up_timeout_s: float | None = None
    """How long it is to hold a request while it wakes up, in place of such an answer (Hugging Face's endpoints)."""
    bill_to: str = ""
    """The organisation that pays (Hugging Face's router)."""
    traits: Traits = Traits()
    embed_batch: int = 2048
    """The most inputs in one embedding request."""
    embed_batch_bytes: int = 300_000
    """The most UTF-8 bytes of input in one embedding request. No token is shorter than a byte, so a limit in tokens
    (OpenAI's 300,000 per request) is never passed."""

    @property
    def in_process(self) -> bool:
        """Whether it is reached without a network."""
        return self.base_url.startswith(IN_PROCESS)

    @property
    def loopback(self) -> bool:
        """Whether nothing that is sent to it leaves this machine."""
        return self.in_process or is_loopback(self.base_url)

    @property
    def ready(self) -> bool:
        """Whether it has the secret that it needs."""
        return self.secret is not None or not self.needs_secret or self.auth == "none"

    def url(self, path: str, model: str) -> str:
        """Where a dialect's path is reached for this model (dated API: Azure OpenAI REST API reference)."""
        if not self.api_version:
            return self.base_url + path
        deployment = "" if path == "/models" else f"/deployments/{quote(model, safe='')}"
        return f"{self.base_url}{deployment}{path}?api-version={quote(self.api_version, safe='')}"

    def credentials(self) -> dict[str, str]:
        """The header that authenticates. Reads the secret where that has not happened yet (see `Secret.blocking`).

        Raises MissingSecret, naming the variable to set.
        """
        if not self.ready:
            raise MissingSecret(self.how_to_get_a_secret())
        if self.secret is None or self.auth == "none":
            return {}
        value = self.secret.reveal()
        return {"authorization": f"Bearer {value}"} if self.auth == "bearer" else {self.auth: value}

    def further_headers(self) -> dict[str, str]:
        """What every request says beside its secret (huggingface.co/docs: inference-providers, inference-endpoints)."""
        headers = {"x-hf-bill-to": self.bill_to} if self.bill_to else {}
        if self.scale_up_timeout_s is not None:
            headers["x-scale-up-timeout"] = f"{self.scale_up_timeout_s:.0f}"
        return headers

    def how_to_get_a_secret(self) -> str:
        """What is missing, and what to do about it."""
        known = self.title or self.name
        if not self.secret_names:
            return (
                f"{known} needs a secret: set api_key under [providers.{self.name}] in tramite.toml, "
                'for example api_key = "env:NAME"'
            )
        name = self.secret_names[0]
        where = f" (get one at {self.secret_url})" if self.secret_url else ""
        return f"{known} needs a secret{where}: set the variable {name}, or run: tramite secrets set {name}"
