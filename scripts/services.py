"""Runs a command beside a Postgres and a Redis of its own: `services.py COMMAND …`. The command finds their addresses
in TRAMITE_TEST_POSTGRES and TRAMITE_TEST_REDIS; its exit status is this program's.

Each server listens on a free port of the loopback interface, asks for a password made for the occasion, keeps its data
in a temporary folder, and is stopped whatever happens. Servers that run here already are left alone. Knows nothing of
tramite, and nothing of what the command does.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import psycopg
import redis

PACKAGES = ("postgresql", "redis-server")
START_S, STOP_S = 60, 15
IS_ROOT = os.getuid() == 0
UNPRIVILEGED: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if IS_ROOT else {}
"""Postgres refuses to run as root; Debian's package makes a user for it."""


def give_up(message: str) -> NoReturn:
    sys.exit("services: " + message)


def postgres_folder() -> Path | None:
    """Where initdb and postgres are. Debian keeps them out of the PATH, in a folder for each version."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = [program.parent for program in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda folder: float(folder.parent.name), default=None)


def install() -> None:
    """Install the servers where that is for us to do; elsewhere say what to install."""
    if postgres_folder() and shutil.which("redis-server"):
        return
    if not IS_ROOT or not shutil.which("apt-get"):
        give_up(f"Postgres and Redis are needed. On Debian or Ubuntu: sudo apt install {' '.join(PACKAGES)}")
    print("Installing Postgres and Redis.", flush=True)
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
        if subprocess.call(["apt-get", "-qq", *step], env=environ, stdout=subprocess.DEVNULL) != 0:
            give_up(f"apt-get {step[0]} failed (see above)")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def end_with_parent() -> None:
    """Have Linux end this process when the one that started it is killed, and cannot do it any more."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGINT)  # PR_SET_PDEATHSIG


@contextmanager
def serving(command: list[str], folder: Path, answers: Callable[[], object], **rights: Any) -> Iterator[None]:
    """A server that runs as long as the block. Until it is there, `answers` raises an exception."""
    with (folder / "log").open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=out,
            stderr=out,
            start_new_session=True,  # Ctrl-C is for the command: it has to clean up before they go
            preexec_fn=end_with_parent,
            **rights,
        )
    try:
        wait_for(process, folder, answers)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # Postgres waits for its clients when it is asked with SIGTERM
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(process: subprocess.Popen[bytes], folder: Path, answers: Callable[[], object]) -> None:
    ends = time.monotonic() + START_S
    while True:
        try:
            answers()
            return
        except (psycopg.OperationalError, redis.RedisError) as error:
            if process.poll() is not None or time.monotonic() > ends:
                log = (folder / "log").read_text(errors="replace")
                give_up(f"the {folder.name} server does not start ({error}). Its last words:\n{log[-2000:]}")
            time.sleep(0.02)


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A new cluster that need not survive a power cut; its address, as its superuser."""
    programs = postgres_folder()
    assert programs is not None, "install() has seen to it"
    password, port = secrets.token_urlsafe(), free_port()
    address = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
    make_cluster(programs / "initdb", folder, password)
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
    command = [str(programs / "postgres"), "-D", str(folder / "data")]
    command += [f"--{name}={value}" for name, value in settings.items()]
    with serving(command, folder, lambda: psycopg.connect(address).close(), **UNPRIVILEGED):
        yield address


def make_cluster(initdb: Path, folder: Path, password: str) -> None:
    """A cluster in `folder`/data."""
    secret = folder / "password"
    secret.write_text(password)
    if IS_ROOT:
        for path in (folder, secret):
            shutil.chown(path, UNPRIVILEGED["user"])
    command = [str(initdb), "-D", str(folder / "data"), "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={secret}"]
    command += ["--encoding=UTF8", "--no-locale", "--no-sync"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **UNPRIVILEGED)
    if made.returncode != 0:
        give_up(f"initdb failed:\n{made.stderr}")


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis that writes nothing to disk; its address."""
    password, port = secrets.token_urlsafe(), free_port()
    settings = folder / "redis.conf"  # a file, since everyone may read a command line
    settings.write_text(f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {folder}\nsave ""\nappendonly no\n')
    address = f"redis://:{password}@127.0.0.1:{port}/0"
    with serving(["redis-server", str(settings)], folder, redis.Redis.from_url(address).ping):
        yield address


SERVICES = {"postgres": postgres, "redis": redis_server}


def main(command: list[str]) -> int:
    """The command's exit status."""
    if not command:
        give_up("usage: python scripts/services.py COMMAND …")
    install()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    with ExitStack() as stack:
        top = Path(stack.enter_context(TemporaryDirectory(prefix="tramite-services-")))
        top.chmod(0o711)  # Postgres's user has to pass through
        environ = dict(os.environ)
        for name, service in SERVICES.items():
            folder = top / name
            folder.mkdir(mode=0o700)
            environ[f"TRAMITE_TEST_{name.upper()}"] = stack.enter_context(service(folder))
        return subprocess.call(command, env=environ)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
