"""What a fresh interpreter pays: imports, and the time until a first reply."""

from __future__ import annotations

import time
from collections.abc import Mapping

from . import bodies, processes, subjects

IMPORTS = {
    "tramite": "import tramite",
    "tramite, its client": "from tramite import AsyncClient",
    "openai": "import openai",
    "litellm": "import litellm",
}
TIMED = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"

FIRST_REPLIES = {
    "tramite": f"""
from tramite import Client
text = Client().chat({subjects.USER!r}, model="openai/{bodies.MODEL}").text
""",
    "openai": f"""
from openai import OpenAI
messages = [{{"role": "user", "content": {subjects.USER!r}}}]
text = OpenAI().chat.completions.create(model="{bodies.MODEL}", messages=messages).choices[0].message.content
""",
    "litellm": f"""
import litellm, os
messages = [{{"role": "user", "content": {subjects.USER!r}}}]
place = {{"api_base": os.environ["OPENAI_BASE_URL"]}}
text = litellm.completion(model="openai/{bodies.MODEL}", messages=messages, **place).choices[0].message.content
""",
}
NOW = f"""
import time
now = time.monotonic()
assert text == {bodies.SENTENCE!r}, text
print(now)
"""


def import_s(name: str, python: str, place: Mapping[str, str]) -> float:
    """How long the import takes in a fresh interpreter, once its files are in the system's cache."""
    return float(processes.output_of([python, "-c", TIMED.format(IMPORTS[name])], place).split()[-1])


def first_reply_s(library: str, python: str, place: Mapping[str, str], url: str) -> float:
    """From the start of the interpreter to the first reply."""
    place = {**place, "OPENAI_API_KEY": subjects.KEY, "OPENAI_BASE_URL": f"{url}/v1"}
    began = time.monotonic()  # the same clock in all processes of a machine
    return float(processes.output_of([python, "-c", FIRST_REPLIES[library] + NOW], place).split()[-1]) - began
