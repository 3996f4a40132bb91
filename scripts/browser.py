"""Runs a command that drives a browser: `browser.py COMMAND …`. The command finds Chromium in TRAMITE_TEST_BROWSER; its
exit status is this program's.

Nothing is downloaded but Debian's own package, and only as root. Knows nothing of tramite, and nothing of what the
command does.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from typing import NoReturn

PACKAGE = "chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
IS_ROOT = os.getuid() == 0


def give_up(message: str) -> NoReturn:
    sys.exit("browser: " + message)


def find() -> str | None:
    """A Chromium that is here; the one that TRAMITE_TEST_BROWSER names, if it names one."""
    named = os.environ.get("TRAMITE_TEST_BROWSER")
    if named and not shutil.which(named):
        give_up(f"TRAMITE_TEST_BROWSER names {named}, which is no program.")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


def install() -> str:
    """Where Chromium is; it is installed where that is for us to do, elsewhere it is said what to install."""
    if found := find():
        return found
    if not IS_ROOT or not shutil.which("apt-get"):
        give_up(f"Chromium is needed. On Debian: sudo apt install {PACKAGE}. Or name one: TRAMITE_TEST_BROWSER=PATH")
    print("Installing Chromium.", flush=True)
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "-y", "--no-install-recommends", PACKAGE]):
        if subprocess.call(["apt-get", "-qq", *step], env=environ, stdout=subprocess.DEVNULL) != 0:
            give_up(f"apt-get {step[0]} failed (see above)")
    return find() or give_up(f"the package {PACKAGE} brought no {' or '.join(NAMES)}. On Ubuntu it is a snap.")


def main(command: list[str]) -> int:
    """The command's exit status."""
    if not command:
        give_up("usage: python scripts/browser.py COMMAND …")
    return subprocess.call(command, env=os.environ | {"TRAMITE_TEST_BROWSER": install()})


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
