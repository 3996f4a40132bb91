"""Runs a command where the clients for Node are installed: `clients.py COMMAND …`; its exit status is this program's.
`clients.py --lock` pins them anew instead. Knows nothing of tramite, and nothing of what the command does.

They are put beside their programs, from the lock there and nothing else, and no script of theirs is run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

NODE = Path(__file__).resolve().parent.parent / "tests" / "clients" / "node"
LOCK = NODE / "package-lock.json"
INSTALLED = NODE / "node_modules" / ".installed"
QUIET = ["--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts", "--loglevel=error"]
PACKAGES = ("curl", "nodejs", "npm")


def give_up(message: str) -> NoReturn:
    sys.exit("clients: " + message)


def install_programs() -> None:
    """Node, npm and curl where that is for us to do; elsewhere say what to install."""
    if all(map(shutil.which, ("curl", "node", "npm"))):
        return
    if os.getuid() != 0 or not shutil.which("apt-get"):
        give_up(
            f"Node 18 or newer, npm and curl are needed. On Debian or Ubuntu: sudo apt install {' '.join(PACKAGES)}"
        )
    print("Installing Node.", flush=True)
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
        if subprocess.call(["apt-get", "-qq", *step], env=environ, stdout=subprocess.DEVNULL) != 0:
            give_up(f"apt-get {step[0]} failed (see above)")


def npm(*arguments: str) -> None:
    if subprocess.call(["npm", *arguments, *QUIET], cwd=NODE, stdout=subprocess.DEVNULL) != 0:
        give_up(f"npm {arguments[0]} failed (see above)")


def install_packages() -> None:
    """What the lock says, unless it is there."""
    if not INSTALLED.exists() or INSTALLED.read_bytes() != LOCK.read_bytes():
        npm("ci")
        shutil.copyfile(LOCK, INSTALLED)


def main(command: list[str]) -> int:
    """The command's exit status."""
    if not command:
        give_up("usage: python scripts/clients.py COMMAND …, or --lock")
    install_programs()
    if command == ["--lock"]:
        npm("update", "--package-lock-only", "--omit-lockfile-registry-resolved")  # no address of a registry in it
        return 0
    install_packages()
    return subprocess.call(command, env=os.environ | {"TRAMITE_TEST_CLIENTS": "installed"})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
