"""Keeps open tabs up to date: tells them which parts of their page to fetch again.

One connection to the store serves all tabs, and only while there are any. An announced commit is a hint
to look at once; looking every few seconds is the truth. No facts travel here, only names of parts: what
a tab then fetches passes the gate like any page.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass, field

import asyncpg

from watchdog.store import pages
from watchdog.store.pool import StoreDown, connection

logger = logging.getLogger(__name__)

CLIENTS_MAX = 100
_LOOK_SECONDS = 5.0
_CALM_SECONDS = 0.2
"""Hints that come this close after one another cause one look."""
_HEARTBEAT_SECONDS = 15.0


class TooManyTabs(Exception):  # noqa: N818 (an answer)
    """As many tabs as one replica serves are open already."""


@dataclass(eq=False, slots=True)
class _Tab:
    is_new: bool = True
    parts: set[str] = field(default_factory=set)
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Live:
    """Watches the store for all tabs.

    Args:
        own_mark: What else pages show that is not in the store: changes when it does.
    """

    def __init__(self, pool: asyncpg.Pool, own_mark: Callable[[], str]) -> None:
        self._pool = pool
        self._own_mark = own_mark
        self._tabs: set[_Tab] = set()
        self._arrived = asyncio.Event()
        self._hint = asyncio.Event()
        self._is_closed = False

    @property
    def clients(self) -> int:
        """Return how many tabs are open."""
        return len(self._tabs)

    def close(self) -> None:
        """End all streams, so that a stop need not wait for them."""
        self._is_closed = True
        for tab in self._tabs:
            tab.news.set()

    def open(self) -> AsyncIterator[str]:
        """Return the stream of one tab, as server-sent events.

        Raises:
            TooManyTabs: See its text.
        """
        if len(self._tabs) >= CLIENTS_MAX:
            raise TooManyTabs
        return self._stream()

    async def _stream(self) -> AsyncIterator[str]:
        # Counted from its first byte on: what never begins would never end either.
        tab = _Tab()
        self._tabs.add(tab)
        self._arrived.set()
        self._hint.set()
        try:
            yield "retry: 3000\n: here\n\n"
            while not self._is_closed:
                try:
                    async with asyncio.timeout(_HEARTBEAT_SECONDS):
                        await tab.news.wait()
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                tab.news.clear()
                parts, tab.parts = tab.parts, set()
                if parts:
                    yield f"event: changed\ndata: {' '.join(sorted(parts))}\n\n"
        finally:
            self._tabs.discard(tab)

    async def run(self) -> None:
        """Look for changes for as long as there are tabs, for ever."""
        while True:
            await self._arrived.wait()
            try:
                async with self._listening() as conn:
                    await self._follow(conn)
            except StoreDown as error:
                logger.warning("pages are not live", extra={"reason": str(error)})
                await asyncio.sleep(_LOOK_SECONDS)

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[asyncpg.Connection]:
        def heard(*_: object) -> None:
            self._hint.set()

        async with connection(self._pool) as conn:
            await conn.add_listener(pages.CHANNEL, heard)
            yield conn
            await conn.remove_listener(pages.CHANNEL, heard)

    async def _follow(self, conn: asyncpg.Connection) -> None:
        """Tell tabs what changes, until the last of them is gone."""
        known: dict[str, str] = {}
        while self._tabs:
            self._hint.clear()
            marks = asdict(await pages.marks(conn))
            marks = {part: f"{mark} {self._own_mark()}" for part, mark in marks.items()}
            self._tell(
                {part for part, mark in marks.items() if known.get(part) != mark}, set(marks)
            )
            known = marks
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._hint.wait()
                    await asyncio.sleep(_CALM_SECONDS)
        self._arrived.clear()

    def _tell(self, changed: set[str], everything: set[str]) -> None:
        for tab in self._tabs:
            # A new tab's page was made before this look: any of it may be old.
            tab.parts |= everything if tab.is_new else changed
            tab.is_new = False
            if tab.parts:
                tab.news.set()
