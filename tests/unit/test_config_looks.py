"""Looks at the files of a configuration: what counts as a change, and when it is told."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchdog.clock import MovedClock
from watchdog.config.watch import LOOK_EVERY, SETTLE, ConfigWatch, snapshot

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text("version: 1\n")
    return path


def test_a_snapshot_leaves_out_what_is_not_there(file: Path, tmp_path: Path) -> None:
    assert set(snapshot({file, tmp_path / "gone.yaml", Path("a\0b")})) == {str(file)}


def test_a_snapshot_expands_patterns(file: Path, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("")
    (tmp_path / "c.txt").write_text("")
    assert set(snapshot({tmp_path / "*.yaml"})) == {str(file), str(tmp_path / "b.yaml")}


def test_a_snapshot_looks_behind_links(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    link = tmp_path / "rules.yaml"
    link.symlink_to("one")
    before = snapshot({link})
    link.unlink()
    link.symlink_to("two")
    assert snapshot({link}) != before


def write(path: Path) -> None:
    path.write_text("version: 1\n# longer\n")


def swap(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    state = path.stat()
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    other.replace(path)


def touch(path: Path) -> None:
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("change", [write, swap, touch, remove])
async def test_a_change_is_told_at_once_after_a_nudge(file: Path, change: object) -> None:
    assert callable(change)
    watch = ConfigWatch(MovedClock(START))
    watch.look_at({file})
    change(file)
    watch.nudge()
    async with asyncio.timeout(20):
        await watch.changed()


async def test_a_file_that_appears_is_a_change(file: Path, tmp_path: Path) -> None:
    watch = ConfigWatch(MovedClock(START))
    watch.look_at({file, tmp_path / "rules.d" / "*.yaml"})
    (tmp_path / "rules.d").mkdir()
    (tmp_path / "rules.d" / "a.yaml").write_text("")
    watch.nudge()
    async with asyncio.timeout(20):
        await watch.changed()


async def looking(watch: ConfigWatch) -> "asyncio.Future[None]":
    task = asyncio.ensure_future(watch.changed())
    await asyncio.sleep(0)
    return task


async def pass_by(clock: MovedClock, span: timedelta, task: "asyncio.Future[None]") -> None:
    """Move time, and give the look its thread's answer."""
    await clock.advance(span)
    await asyncio.wait({task}, timeout=0.1)


async def test_nothing_is_told_while_nothing_changes(file: Path) -> None:
    clock = MovedClock(START)
    watch = ConfigWatch(clock)
    watch.look_at({file})
    task = await looking(watch)
    watch.nudge()
    await pass_by(clock, LOOK_EVERY, task)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_change_without_an_event_is_told_once_it_stands_still(file: Path) -> None:
    clock = MovedClock(START)
    watch = ConfigWatch(clock)
    watch.look_at({file})
    task = await looking(watch)
    write(file)
    async with asyncio.timeout(20):
        await pass_by(clock, LOOK_EVERY, task)
        assert not task.done()
        while not task.done():
            await pass_by(clock, SETTLE, task)
    assert clock.now() >= START + LOOK_EVERY + SETTLE


async def test_a_change_is_told_once(file: Path) -> None:
    clock = MovedClock(START)
    watch = ConfigWatch(clock)
    watch.look_at({file})
    write(file)
    watch.nudge()
    async with asyncio.timeout(20):
        await watch.changed()
    task = await looking(watch)
    watch.nudge()
    await pass_by(clock, timedelta(), task)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_was_looked_at_anew_is_no_change(file: Path) -> None:
    clock = MovedClock(START)
    watch = ConfigWatch(clock)
    watch.look_at({file})
    write(file)
    watch.look_at({file})
    task = await looking(watch)
    watch.nudge()
    await pass_by(clock, timedelta(), task)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
