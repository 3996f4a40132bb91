"""`tramite doctor`: what is configured, what answers, what is missing, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

import typer

from . import form
from .failures import FAILURE
from .terminal import Terminal

app = form.application()

EXAMPLES = """
Examples:
  tramite doctor
  tramite doctor --json

Exit code 0 when a model can be used, 1 when none can.
"""


@dataclass(frozen=True, kw_only=True)
class Doctor(form.Quiet):
    """What `doctor` takes."""

    json: form.Json = False


@form.command(app, Doctor, EXAMPLES)
def doctor(given: Doctor) -> None:
    """Say what is configured, what answers, what is missing, and how to fix it.

    It asks the providers that have a secret, and the ports of local servers, which models they have. Nothing else is
    sent.
    """
    from . import checks, facts

    terminal = Terminal(given.quiet)
    terminal.note("asking the providers that are configured, and local servers …")
    report = checks.examine()
    if given.json:
        terminal.line(facts.json_text(report))
    else:
        for finding in report.findings:
            checks.show(finding, terminal)
        terminal.line(report.verdict)
    if not report.usable:
        raise typer.Exit(FAILURE)
