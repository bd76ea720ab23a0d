"""Changes of files are noticed: by the system's events, and by looking when there are none."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchdog.clock import MovedClock, SystemClock
from watchdog.config.watch import ConfigWatch, snapshot


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text("version: 1\n")
    return path


@asynccontextmanager
async def watching(watch: ConfigWatch) -> AsyncIterator[None]:
    task = asyncio.ensure_future(watch.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def change_until(changed: "asyncio.Future[None]", path: Path) -> None:
    """Write until it is noticed: the system tells nothing of what came before it listened."""
    for number in range(200):
        path.write_text(f"version: 1 # {number}\n")
        done, _ = await asyncio.wait([changed], timeout=0.2)
        if done:
            return
    raise AssertionError("no change was noticed")


async def test_an_event_of_the_system_is_noticed_long_before_the_next_look(file: Path) -> None:
    watch = ConfigWatch(SystemClock(), look_every=timedelta(hours=1))
    watch.look_at({file})
    async with watching(watch), asyncio.timeout(60):
        await change_until(asyncio.ensure_future(watch.changed()), file)


async def test_directories_that_come_later_are_followed_too(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "rules.d" / "a.yaml"
    other.parent.mkdir()
    watch = ConfigWatch(SystemClock(), look_every=timedelta(hours=1))
    watch.look_at({file})
    async with watching(watch), asyncio.timeout(60):
        changed = asyncio.ensure_future(watch.changed())
        await change_until(changed, file)
        watch.look_at({file, tmp_path / "rules.d" / "*.yaml"})
        await change_until(asyncio.ensure_future(watch.changed()), other)


async def test_without_events_a_look_every_half_minute_notices(file: Path) -> None:
    clock = MovedClock(datetime(2026, 1, 1, tzinfo=UTC))
    watch = ConfigWatch(clock)
    watch.look_at({file})
    changed = asyncio.ensure_future(watch.changed())
    await clock.advance(timedelta(seconds=29))
    file.write_text("version: 1 # changed\n")
    await clock.rest()
    assert not changed.done()
    async with asyncio.timeout(30):
        while not changed.done():
            await clock.advance(timedelta(seconds=1))


async def test_a_nudge_without_a_change_is_nothing(file: Path) -> None:
    clock = MovedClock(datetime(2026, 1, 1, tzinfo=UTC))
    watch = ConfigWatch(clock)
    watch.look_at({file})
    changed = asyncio.ensure_future(watch.changed())
    watch.nudge()
    await asyncio.wait([changed], timeout=0.2)
    assert not changed.done()
    file.write_text("version: 1 # changed\n")
    watch.nudge()
    async with asyncio.timeout(30):
        await changed


def test_a_swapped_link_is_a_change(file: Path, tmp_path: Path) -> None:
    link, other = tmp_path / "link.yaml", tmp_path / "other.yaml"
    other.write_bytes(file.read_bytes())
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    link.symlink_to(file)
    before = snapshot({link})
    (tmp_path / "new").symlink_to(other)
    (tmp_path / "new").replace(link)
    assert snapshot({link}) != before


def test_a_new_file_of_a_pattern_is_a_change(tmp_path: Path) -> None:
    pattern = tmp_path / "*.yaml"
    before = snapshot({pattern})
    (tmp_path / "a.yaml").write_text("")
    assert before == {}
    assert set(snapshot({pattern, tmp_path / "missing.yaml"})) == {str(tmp_path / "a.yaml")}
