"""Databases that recovery actions change: one connection, one statement, one transaction that waits.

A change is made and then held: nobody sees it until `commit`, which the caller calls when it knows
that the change is still wanted. Left without that, it is rolled back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

from rules.base import SqlQuestion
from watchdog.config.model import Source as SourceSpec
from watchdog.sources.base import DEMO_SCHEME, real_address

COMMIT_SECONDS: Final = 2.0
"""How long a COMMIT may take: whoever waits for the incident's lock meanwhile waits for as long."""


class NotChanged(Exception):  # noqa: N818 (an outcome)
    """Nothing was changed, for certain; the text says why, for people."""


class Unsure(Exception):  # noqa: N818 (an outcome)
    """The change may have taken place or not; the text says why, for people."""


class Held(Protocol):
    """A change that was made and waits.

    Attributes:
        rows: How many rows it changes.
    """

    rows: int

    async def commit(self) -> None:
        """Let it take place, within `COMMIT_SECONDS`.

        Raises:
            NotChanged: The database refused it after all.
            Unsure: The connection was lost on the way, or no answer came in time.
        """
        ...


@asynccontextmanager
async def changed(
    spec: SourceSpec, question: SqlQuestion, address_of_demo: Mapping[str, str]
) -> AsyncIterator[Held]:
    """Give a change that was made within the source's time-out; it is rolled back unless committed.

    Raises:
        NotChanged: It could not be made.
    """
    address = real_address(spec.address.get_secret_value(), address_of_demo)
    if address is None:
        part = spec.address.get_secret_value().removeprefix(DEMO_SCHEME)
        raise NotChanged(f'the demo is not running, so there is no "{part}" to change')
    async with _changing(spec.type)(address, question, spec.timeout.total_seconds()) as held:
        yield held


def _changing(type_: str) -> Callable[[str, SqlQuestion, float], AbstractAsyncContextManager[Held]]:
    if type_ == "sqlite":
        from watchdog.sources import sqlite_writer

        return sqlite_writer.changing
    from watchdog.sources import postgres_writer

    return postgres_writer.changing


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Bound what is done before a commit.

    Raises:
        NotChanged: The time is over.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise NotChanged(f"no answer within {seconds:g} s; nothing was changed") from error
