"""Memory and files keep buckets alike; what only files can go through."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.pipeline.limits.suite import RATES, Clock, follow, steps, ways
from tramite.errors import ConfigError
from tramite.pipeline.limits import files
from tramite.pipeline.limits.decisions import LEASE_US, SECOND_US
from tramite.pipeline.limits.file import FileState
from tramite.pipeline.limits.memory import SWEEP_FROM, MemoryState
from tramite.pipeline.limits.records import CONCURRENCY, Bucket, Learned, Lesson, Rate, Verdict, Want

RATE = RATES[1]
WANTS = (Want("openai/m", (RATE,)),)
SLOT = (Want("openai/m", slots=1),)
many = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@many
@given(ways, steps)
def test_memory_decides_as_the_plain_functions_do(ways: Any, steps: Any) -> None:
    clock = Clock()
    asyncio.run(follow([MemoryState(clock)], ["here"], clock, ways, steps))


@many
@given(ways, steps)
def test_files_decide_as_the_plain_functions_do_for_all_processes(ways: Any, steps: Any) -> None:
    async def main() -> None:
        with tempfile.TemporaryDirectory() as folder:
            clock = Clock()
            states = [FileState(Path(folder, "limits"), clock) for _ in range(2)]
            for number, state in enumerate(states):
                state.holder = f"elsewhere:{number}:x"  # two processes of one machine, as far as they know
            await follow(states, [state.holder for state in states], clock, ways, steps)
            for state in states:
                await state.aclose()

    asyncio.run(main())


def places(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.limit"))


async def test_a_file_is_only_its_owner_s(tmp_path: Path) -> None:
    state = FileState(tmp_path / "limits")
    await state.take(WANTS, 1)
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "limits", *places(tmp_path / "limits"))] == [
        0o700,
        0o600,
    ]
    await state.aclose()


@pytest.mark.parametrize("damage", [b"", b"\0", b"not a record at all, and long enough for a head", b"\xff" * 5000])
async def test_a_file_that_cannot_be_read_counts_as_empty(tmp_path: Path, damage: bytes) -> None:
    state = FileState(tmp_path)
    assert [state.take_now(WANTS, 1), state.take_now(WANTS, 1)] == [True, False]
    places(tmp_path)[0].write_bytes(damage)
    assert [state.take_now(WANTS, 1), state.take_now(WANTS, 1)] == [True, False]
    await state.aclose()


async def test_a_file_that_was_removed_is_made_again_and_shared_again(tmp_path: Path) -> None:
    one, other = FileState(tmp_path), FileState(tmp_path)
    assert one.take_now(WANTS, 1)
    places(tmp_path)[0].unlink()
    assert other.take_now(WANTS, 1)
    assert not one.take_now(WANTS, 1)
    await one.aclose()
    await other.aclose()


async def test_a_clock_that_is_set_back_keeps_nobody_waiting_longer(tmp_path: Path) -> None:
    clock = Clock()
    state = FileState(tmp_path, clock)
    state.close("openai/m", 20.0)
    state.take_now(SLOT, 1)
    clock.now -= 3600 * SECOND_US
    verdict = await state.take(WANTS, 1)
    assert verdict.wait_s == pytest.approx(20.0)
    await state.aclose()


async def test_a_locked_file_keeps_neither_the_loop_nor_others_waiting_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "WEDGED_S", 0.1)
    state = FileState(tmp_path)
    state.take_now(SLOT, 1)
    held = os.open(places(tmp_path)[0], os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)  # by another process, which was stopped just then
    assert not state.take_now(WANTS, 1)
    ticks = 0
    taking = asyncio.create_task(state.take(WANTS, 1))
    while not taking.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert taking.result().granted
    assert ticks >= 3
    state.give_back(SLOT, 0, False)
    os.close(held)
    await state.aclose()
    assert not (await state.read()).buckets["openai/m"].held


async def test_what_nobody_waits_for_is_done_when_the_lock_is_free(tmp_path: Path) -> None:
    state = FileState(tmp_path)
    state.take_now(SLOT, 1)
    held = os.open(places(tmp_path)[0], os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    state.give_back(SLOT, 0, False)
    state.close("openai/m", 7.0)
    os.close(held)
    await state.aclose()
    bucket = (await state.read()).buckets["openai/m"]
    assert not bucket.held
    assert bucket.closed_us > time.time_ns() // 1000


async def test_a_take_that_is_cancelled_while_a_file_is_locked_takes_nothing(tmp_path: Path) -> None:
    state = FileState(tmp_path)
    state.learn("openai/m", [])
    state.take_now((Want("openai/m", (Rate("x", 1, 1.0, 1),)),), 1)
    held = os.open(places(tmp_path)[0], os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    taking = asyncio.create_task(state.take(SLOT, 1))
    await asyncio.sleep(0.01)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    os.close(held)
    await state.aclose()
    assert not (await state.read()).buckets["openai/m"].held


async def take(state: FileState) -> Verdict:
    verdict = await state.take(SLOT, 1)
    await state.aclose()
    return verdict


HOLD = """
import sys, time
from pathlib import Path
from tramite.pipeline.limits.file import FileState
from tramite.pipeline.limits.records import Want
print(FileState(Path(sys.argv[1])).take_now((Want("openai/m", slots=1),), 1), flush=True)
time.sleep(60)
"""


def test_the_slots_of_a_killed_process_come_back_at_once(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3] / "src")}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "True\n"
            assert asyncio.run(take(FileState(tmp_path))).limit == CONCURRENCY
        finally:
            process.send_signal(signal.SIGKILL)
        process.wait()
        assert asyncio.run(take(FileState(tmp_path))).granted


async def test_the_slots_of_a_silent_process_elsewhere_come_back_after_a_minute_unless_it_says_so(
    tmp_path: Path,
) -> None:
    clock = Clock()
    here, there = FileState(tmp_path, clock), FileState(tmp_path, clock)
    there.holder = "another container:1:x"
    assert there.take_now(SLOT, 1)
    clock.now += LEASE_US - 1
    assert not here.take_now(SLOT, 1)
    there.renew(["openai/m"])
    clock.now += LEASE_US - 1
    assert not here.take_now(SLOT, 1)
    clock.now += 1
    assert here.take_now(SLOT, 1)
    await here.aclose()
    await there.aclose()


def test_a_forked_process_does_not_share_its_parent_s_locks(tmp_path: Path) -> None:
    script = f"""
import os
from pathlib import Path
from tramite.pipeline.limits.file import FileState
from tramite.pipeline.limits.records import Want
state = FileState(Path({str(tmp_path)!r}))
state.take_now((Want("m", slots=5),), 1)
before = state.holder
if os.fork():
    os.wait()
    print(state.holder == before)
else:
    state.take_now((Want("m", slots=5),), 1)
    print(state.holder != before, flush=True)
    os._exit(0)
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3] / "src")}
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert run.stdout == "True\nTrue\n"


async def test_files_of_idle_buckets_are_removed_and_others_stay(tmp_path: Path) -> None:
    clock = Clock()
    state = FileState(tmp_path, clock)
    for number in range(70):
        state.take_now((Want(f"key:{number}", (RATE,)),), 1)
    state.learn("openai", [Lesson(Learned(RATE, "x", 60 * SECOND_US))])
    clock.now += 120 * SECOND_US
    for path in places(tmp_path):
        os.utime(path, (0, 0))
    for number in range(100, 165):
        state.take_now((Want(f"key:{number}", (RATE,)),), 1)
    await state.aclose()
    assert len(places(tmp_path)) == 66
    assert "openai" in (await state.read()).buckets


async def test_a_directory_that_cannot_be_used_says_so_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "limits").write_text("a file")
    state = FileState(tmp_path / "limits")
    with pytest.raises(ConfigError, match=r"cannot be used: .*Make it writable"):
        await state.take(WANTS, 1)
    state.give_back(WANTS, 0, False)  # nobody waits for it: it must not raise
    await state.aclose()


async def test_memory_forgets_buckets_that_are_idle_and_no_others() -> None:
    clock = Clock()
    state = MemoryState(clock)
    state.learn("openai", [Lesson(Learned(RATE, "x", 60 * SECOND_US))])
    for number in range(20 * SWEEP_FROM):
        state.take_now((Want(f"address:{number}", (RATE,)),), 1)
        clock.now += SECOND_US // 100
    buckets = (await state.read()).buckets
    assert len(buckets) <= 2 * SWEEP_FROM
    assert buckets["openai"] != Bucket()
