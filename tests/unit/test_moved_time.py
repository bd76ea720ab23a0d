"""A test clock for the real process: refused wherever people could be reached, moved by a socket."""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchdog.clock import MovedClock, SystemClock
from watchdog.moved_time import TestClockRefused, asked_now, clock_of, require_local, served

START = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)


def test_without_the_variable_the_machines_clock_runs() -> None:
    assert isinstance(clock_of({})[0], SystemClock)
    assert isinstance(clock_of({"WATCHDOG_TEST_CLOCK": ""})[0], SystemClock)


def test_the_variable_names_a_socket_and_an_instant() -> None:
    clock, path = clock_of({"WATCHDOG_TEST_CLOCK": "run/a@b/clock@2025-06-13T04:15:00+02:00"})
    assert (clock.now(), path) == (START, Path("run/a@b/clock"))
    assert isinstance(clock, MovedClock)


@pytest.mark.parametrize("setting", ["yes", "run/clock", "run/clock@soon", "@2025-06-13T02:15Z"])
def test_anything_else_is_refused_with_its_form(setting: str) -> None:
    with pytest.raises(TestClockRefused, match="WATCHDOG_TEST_CLOCK must read SOCKET@INSTANT"):
        clock_of({"WATCHDOG_TEST_CLOCK": setting})


def test_an_instant_without_an_offset_is_refused() -> None:
    with pytest.raises(TestClockRefused, match="with an offset"):
        clock_of({"WATCHDOG_TEST_CLOCK": "run/clock@2025-06-13T02:15:00"})


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://127.0.0.1:4321/api/",
        "http://localhost/api/",
        "smtp://user:secret@127.0.0.2:25",
        "smtp://[::1]:25",
        "127.0.0.1:0",
        "[::1]:8711",
        "postgresql:///watchdog?host=/tmp/socket",
        "postgresql://watchdog@/watchdog?host=%2Ftmp%2Fsocket&port=5433",
        "postgresql://localhost:5432,127.0.0.1:5433/watchdog",
    ],
)
def test_what_is_on_this_machine_is_allowed(address: str) -> None:
    require_local([address])


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://slack.com/api/", "slack.com"),
        ("smtps://user:secret@mail.example.com", "mail.example.com"),
        ("smtp://10.0.0.5:25", "10.0.0.5"),
        ("0.0.0.0:8711", "0.0.0.0"),  # noqa: S104 (an address in text)
        ("[::]:8711", "::"),
        (":8711", ":8711"),
        ("postgresql://watchdog@db.example.com/watchdog", "db.example.com"),
        ("postgresql:///watchdog?host=db.example.com", "db.example.com"),
        ("postgresql:///watchdog?host=%2Ftmp%2Fsocket,db.example.com", "db.example.com"),
        ("postgresql://localhost:5432,db.example.com:5433/watchdog", "db.example.com"),
        ("postgresql://localhost/watchdog?hostaddr=10.0.0.5", "10.0.0.5"),
        ("http://localhost.example.com/", "localhost.example.com"),
    ],
)
def test_what_is_elsewhere_is_refused_by_name(address: str, host: str) -> None:
    with pytest.raises(TestClockRefused, match=re.escape(f"{host} is not on this machine")):
        require_local(["", "http://127.0.0.1/", address])


def test_a_refusal_shows_no_password() -> None:
    with pytest.raises(TestClockRefused) as refused:
        require_local(["smtp://user:secret@[bad"])
    assert "secret" not in str(refused.value)


@pytest.fixture
async def moved() -> AsyncIterator[tuple[MovedClock, Path]]:
    """Give a clock and the socket by which it is moved."""
    with tempfile.TemporaryDirectory(prefix="wd-", dir="/tmp") as folder:
        clock, path = MovedClock(START), Path(folder, "clock")
        async with served(clock, path):
            yield clock, path
        assert not path.exists()


async def say(path: Path, *lines: str) -> list[str]:
    """Say lines on one connection and return the answers."""
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_unix_connection(path)
        answers = []
        for line in lines:
            writer.write(f"{line}\n".encode())
            await writer.drain()
            answers.append((await reader.readline()).decode().strip())
        writer.close()
        await writer.wait_closed()
    return answers


async def test_the_socket_tells_and_moves_the_time(moved: tuple[MovedClock, Path]) -> None:
    clock, path = moved
    answers = await say(path, "now", "advance 60", "jump 0.5", "rest")
    assert [datetime.fromisoformat(one) - START for one in answers] == [
        timedelta(),
        timedelta(seconds=60),
        timedelta(seconds=60.5),
        timedelta(seconds=60.5),
    ]
    assert clock.now() == START + timedelta(seconds=60.5)


@pytest.mark.parametrize(
    "words",
    ["", "advance", "advance soon", "advance -1", "advance nan", "jump inf", "now now", "halt 1"],
)
async def test_other_words_are_answered_with_the_right_ones_and_move_nothing(
    words: str, moved: tuple[MovedClock, Path]
) -> None:
    clock, path = moved
    assert await say(path, words, "now") == [
        "say `now`, `rest`, `advance SECONDS` or `jump SECONDS`",
        START.isoformat(),
    ]
    assert clock.now() == START


async def test_bytes_that_are_no_text_end_no_more_than_their_connection(
    moved: tuple[MovedClock, Path],
) -> None:
    _, path = moved
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"\xff\xfe\n")
        assert (await reader.readline()).startswith(b"say `now`")
        writer.close()
        await writer.wait_closed()
    assert await say(path, "now") == [START.isoformat()]


async def test_commands_ask_the_running_service_for_its_time(
    moved: tuple[MovedClock, Path],
) -> None:
    clock, path = moved
    await clock.advance(timedelta(hours=1))
    env = {"WATCHDOG_TEST_CLOCK": f"{path}@{START.isoformat()}"}
    assert await asked_now(env) == START + timedelta(hours=1)


async def test_commands_use_the_machines_time_without_a_test_clock() -> None:
    before = SystemClock().now()
    assert before <= await asked_now({}) <= SystemClock().now()
