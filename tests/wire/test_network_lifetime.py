"""Nobody has to close the network: every way in which a loop or a process can end leaves nothing behind.

Each case runs in an interpreter of its own that shows all warnings and turns them into errors, against a server here.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys

import pytest

from tests.wire.loopback import CERTIFICATE, Exchange, Loopback, serving
from tramite.wire.network import Network
from tramite.wire.seam import Request

PREAMBLE = """
import asyncio, atexit, logging, os, sys, threading
logging.getLogger("asyncio").setLevel(logging.ERROR)  # a busy machine is no news
atexit.register(lambda: print(network))  # first to register, last to run
from tramite.wire.network import Network
from tramite.wire.seam import Request

URL = sys.argv[1]
network = Network()

async def ask(body=b"{}"):
    response = await network.send(Request(method="POST", url=URL, body=body))
    return (await response.read()).decode()
"""


async def start(code: str, server: Loopback, **environment: str) -> asyncio.subprocess.Process:
    """The program, running. The address it gets is a name, so that DNS has its part."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-X", "dev", "-W", "error", "-c", PREAMBLE + code),
        server.url.replace("127.0.0.1", "localhost"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | environment,
    )


def about_us(err: str) -> list[str]:
    """What was written but for what Python says of any loop that its owner never closed: itself and its self-pipe."""
    parts = [part for part in err.split("Exception ignored in: ") if part]
    theirs = ("ResourceWarning: unclosed event loop", f"family={int(socket.AF_UNIX)}, ")
    return [part for part in parts if not any(words in part for words in theirs)]


CASES = {
    "asyncio.run": """
print(asyncio.run(ask()))
assert repr(network) == "<Network: open on 0 event loops>"
""",
    "two in a row": """
print(asyncio.run(ask()))
print(asyncio.run(ask()))
assert repr(network) == "<Network: open on 0 event loops>"
""",
    "a loop never closed": """
loop = asyncio.new_event_loop()
print(loop.run_until_complete(ask()))
loop.run_until_complete(loop.shutdown_default_executor())
""",
    "several requests at once": """
async def many():
    print(await asyncio.gather(*(ask() for _ in range(5))))
asyncio.run(many())
""",
    "a large body": "print(asyncio.run(ask(b'x' * 5_000_000)))",
    "an exception in between": """
async def fail():
    await ask()
    raise SystemExit(3)
asyncio.run(fail())
""",
    "closed, then used again": """
async def twice():
    await network.aclose()
    print(await ask())
    await network.aclose()
    await network.aclose()
    print(await ask())
asyncio.run(twice())
""",
    "a loop closed without its generators": """
loop = asyncio.new_event_loop()
print(loop.run_until_complete(ask()))
loop.run_until_complete(loop.shutdown_default_executor())
loop.close()
""",
    "many loops closed without their generators": """
for _ in range(3):
    loop = asyncio.new_event_loop()
    print(loop.run_until_complete(ask()))
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    assert repr(network) == "<Network: open on 1 event loops>"
""",
    "the network dropped after its loop": """
loop = asyncio.new_event_loop()
print(loop.run_until_complete(ask()))
loop.run_until_complete(loop.shutdown_default_executor())
loop.close()
del loop
network = Network()
""",
    "a stream left in the middle": """
async def stream():
    response = await network.send(Request(method="POST", url=URL + "?stream", body=b"{}"))
    print(await anext(response))
    response.close()
asyncio.run(stream())
""",
    "a body that was stuck": """
async def stuck():
    request = Request(method="POST", url=URL + "?stuck", headers={"expect-no-body": "1"}, body=b"x" * 50_000_000)
    task = asyncio.create_task(network.send(request))
    await asyncio.to_thread(sys.stdin.readline)
    task.cancel()
    await asyncio.wait([task])
    print(task.cancelled())
asyncio.run(stuck())
""",
    "several threads at once": """
threads = [threading.Thread(target=lambda: print(asyncio.run(ask()))) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
""",
    "a loop still running on another thread": """
loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()
print(asyncio.run_coroutine_threadsafe(ask(), loop).result())
asyncio.run_coroutine_threadsafe(loop.shutdown_default_executor(), loop).result()
""",
}
FEWER_CHECKS = {"a loop still running on another thread"}  # it has threads of its own, and is never closed


OVER_TLS = (  # where it has a transport of its own to close
    "asyncio.run",
    "a loop never closed",
    "a large body",
    "a loop closed without its generators",
    "the network dropped after its loop",
    "a stream left in the middle",
    "a body that was stuck",
)


@pytest.mark.parametrize(("case", "tls"), [*((case, False) for case in CASES), *((case, True) for case in OVER_TLS)])
async def test_nothing_is_left_behind_by(case: str, tls: bool) -> None:
    async def script(exchange: Exchange) -> None:
        if exchange.target.endswith("?stream"):
            await exchange.begin()
            await exchange.chunk(b"first")
            await exchange.gone()
        elif exchange.target.endswith("?stuck"):
            stuck.set()
            await over.wait()  # without reading on
        else:
            await exchange.reply(b"ok")

    stuck, over = asyncio.Event(), asyncio.Event()
    no_threads = "" if case in FEWER_CHECKS else "\nassert threading.enumerate() == [threading.main_thread()]\n"
    async with serving(script, tls=tls) as server:
        process = await start(CASES[case] + no_threads, server, SSL_CERT_FILE=str(CERTIFICATE))
        if case == "a body that was stuck":
            await stuck.wait()
        out, err = await process.communicate(b"\n")
        over.set()
    assert about_us(err.decode()) == []
    *answers, at_exit = out.decode().splitlines()
    assert answers or "exception" in case
    assert at_exit == "<Network: open on 0 event loops>"


FORK = """
loop = asyncio.new_event_loop()
loop.run_until_complete(ask())
loop.run_until_complete(loop.shutdown_default_executor())
child = os.fork()
if child:
    loop.run_until_complete(network.aclose())
    os.waitpid(child, 0)
    loop.close()
else:
    assert repr(network) == "<Network: open on 0 event loops>"
    print(asyncio.run(ask()), flush=True)
    sys.stdin.read()  # until the server has seen that the parent hung up
"""


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_a_forked_child_has_connections_of_its_own_and_keeps_none_of_its_parents(tls: bool) -> None:
    gone: list[asyncio.Event] = []

    async def script(exchange: Exchange) -> None:
        mine = asyncio.Event()
        gone.append(mine)
        await exchange.reply(b"ok")
        await exchange.gone()
        mine.set()

    async with serving(script, tls=tls) as server:
        process = await start(FORK, server, SSL_CERT_FILE=str(CERTIFICATE))
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ok\n"
        for event in gone:
            await event.wait()
        assert len(gone) == 2
        out, err = await process.communicate(b"")
    assert out.decode() == "<Network: open on 0 event loops>\n" * 2
    assert about_us(err.decode()) == []


async def test_a_network_that_is_dropped_hangs_up_while_its_loop_runs_on() -> None:
    gone = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.reply(b"ok")
        await exchange.gone()
        gone.set()

    async with serving(script) as server:
        network = Network()
        await (await network.send(Request(method="GET", url=server.url))).read()
        del network
        gc.collect()
        await gone.wait()


async def test_a_connection_that_the_server_closed_while_idle_is_not_used_again() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.reply(b"ok")
        exchange.writer.close()

    network = Network(idle_check_s=0)
    async with serving(script) as server:
        for _ in range(3):
            response = await network.send(Request(method="POST", url=server.url, body=b"{}"))
            assert await response.read() == b"ok"
            await server.alone.wait()
        assert server.connections == 3
    await network.aclose()


LETTING_GO = {
    "cancelling": """
async def main():
    task = asyncio.create_task(network.send(Request(method="POST", url=URL, body=b"{}")))
    await asyncio.to_thread(sys.stdin.readline)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
""",
    "closing": """
async def main():
    response = await network.send(Request(method="POST", url=URL + "?stream", body=b"{}"))
    await asyncio.to_thread(sys.stdin.readline)
    response.close()
    await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
""",
}


@pytest.mark.parametrize("case", LETTING_GO)
async def test_the_server_hears_at_once_over_tls_of(case: str) -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def script(exchange: Exchange) -> None:
        if exchange.target.endswith("?stream"):
            await exchange.begin()
            await exchange.chunk(b"first")
        arrived.set()
        await exchange.gone()
        gone.set()

    async with serving(script, tls=True) as server:
        process = await start(LETTING_GO[case], server, SSL_CERT_FILE=str(CERTIFICATE))
        assert process.stdin is not None
        await arrived.wait()
        process.stdin.write(b"\n")
        await gone.wait()  # while the process lives on
        _, err = await process.communicate(b"")
    assert about_us(err.decode()) == []
