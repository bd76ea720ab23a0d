"""Notices that a file of the configuration has changed.

The file system's own events are quick but do not come over network mounts, and a container's file
is often a link that is swapped; so each event only leads to a look, and there is a look every
30 seconds without any.
"""

import asyncio
import contextlib
import glob
import logging
import os
from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

from watchdog.clock import Clock

logger = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=30)
SETTLE = timedelta(seconds=1)
"""A change that no event announced must look the same for this long before it counts."""
DEBOUNCE_MS = 400

Snapshot: TypeAlias = Mapping[str, tuple[int, int, int]]
"""Path → time of change in ns, size, inode of what it leads to."""


def snapshot(paths: Collection[Path]) -> Snapshot:
    """Return what is there now; patterns are expanded, missing files left out."""
    found: dict[str, tuple[int, int, int]] = {}
    for path in paths:
        name = str(path)
        for one in glob.glob(name) if glob.has_magic(name) else [name]:
            with contextlib.suppress(OSError, ValueError):  # gone meanwhile: as good as missing
                state = os.stat(one)
                found[one] = (state.st_mtime_ns, state.st_size, state.st_ino)
    return found


class ConfigWatch:
    """Watches the files of one configuration.

    `run` lives in the service's task group; `changed` returns when there is something to reload;
    after each load, `look_at` says which files matter from now on (`Loaded.watched`).
    """

    def __init__(self, clock: Clock, look_every: timedelta = LOOK_EVERY) -> None:
        self._clock = clock
        self._look_every = look_every
        self._paths: frozenset[Path] = frozenset()
        self._seen: Snapshot = {}
        self._event = asyncio.Event()
        self._moved = asyncio.Event()

    def look_at(self, paths: Collection[Path]) -> None:
        """Watch these files, as they are now."""
        before = self._directories()
        self._paths = frozenset(paths)
        self._seen = snapshot(self._paths)
        if self._directories() != before:
            self._moved.set()

    def nudge(self) -> None:
        """Look at once, as if an event had come."""
        self._event.set()

    async def changed(self) -> None:
        """Return when a file differs from what `look_at` saw; the difference is then known."""
        while True:
            due = self._clock.now() + self._look_every
            was_told = await self._clock.wait(self._event, due)
            self._event.clear()
            found = await asyncio.to_thread(snapshot, self._paths)
            if found == self._seen:
                continue
            if not was_told:
                found = await self._settled(found)
            self._seen = found
            return

    async def _settled(self, found: Snapshot) -> Snapshot:
        """Return the files once they stand still, so that nothing half-written is read."""
        for _ in range(60):
            await self._clock.sleep_until(self._clock.now() + SETTLE)
            again = await asyncio.to_thread(snapshot, self._paths)
            if again == found:
                break
            found = again
        return found

    async def run(self) -> None:
        """Turn the file system's events into looks, until cancelled."""
        while True:
            self._moved.clear()
            directories = self._directories()
            if directories:
                await self._follow(directories)
            await self._moved.wait()

    async def _follow(self, directories: frozenset[Path]) -> None:
        """Follow events until the directories change, or for as long as the system can tell."""
        from watchfiles import awatch

        try:
            async for _ in awatch(
                *directories,
                watch_filter=None,
                debounce=DEBOUNCE_MS,
                stop_event=self._moved,
                recursive=False,
            ):
                self._event.set()
        except (OSError, RuntimeError) as error:
            logger.warning("no events for configuration files", extra={"reason": str(error)})

    def _directories(self) -> frozenset[Path]:
        parents = {path.parent for path in self._paths}
        return frozenset(parent for parent in parents if parent.is_dir())
