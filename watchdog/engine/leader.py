"""Which replica evaluates: the one that holds the lease."""

import asyncio
import contextlib
import logging
import time
from datetime import timedelta

import asyncpg

from watchdog.engine.reconcile import LEASE
from watchdog.store import leases
from watchdog.store.pool import TROUBLE, transaction

logger = logging.getLogger(__name__)

SPAN = timedelta(seconds=10)
RENEW_EVERY_SECONDS = 3.0
_SPARE_SECONDS = 2.0
"""We stop this long before the lease ends, in case our clock runs slower than the database's."""


class Leader:
    """Holds, renews and gives back the lease of the engine.

    Attributes:
        changed: Set whenever there is another token, or the same one again after a time without.
    """

    def __init__(self, pool: asyncpg.Pool, replica: str) -> None:
        self._pool = pool
        self._replica = replica
        self._token: int | None = None
        self._good_until_monotonic = 0.0
        self._anew = True
        self._hurry = asyncio.Event()
        self.changed = asyncio.Event()

    @property
    def token(self) -> int | None:
        """Return the fencing token while we lead, else None."""
        return self._token if time.monotonic() < self._good_until_monotonic else None

    async def run(self) -> None:
        """Keep trying for the lease, and keep it; real time, whatever clock the service runs on."""
        while True:
            await self._renew()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RENEW_EVERY_SECONDS):
                    await self._hurry.wait()
            self._hurry.clear()

    def begin_anew(self) -> None:
        """Lead under a new token: nobody knows whether the last commit took place, so look again.

        Whatever still writes under the old one is waited for, or writes nothing.
        """
        self._anew = True
        self._good_until_monotonic = 0.0
        self._hurry.set()

    async def _renew(self) -> None:
        asked_monotonic = time.monotonic()
        anew, self._anew = self._anew, False  # it may be asked for again meanwhile
        try:
            token = await self._asked(anew=anew)
        except TROUBLE as error:
            self._anew |= anew
            logger.warning("lease not renewed", extra={"reason": str(error)})
            return
        before = {self._token, self.token}  # a lease that nobody could renew in time leads nowhere
        if token is None:
            self._anew |= anew
        elif not self._anew:  # else nobody knows by now what is true under this token
            self._good_until_monotonic = asked_monotonic + SPAN.total_seconds() - _SPARE_SECONDS
        self._token = token
        if before != {self.token}:
            self.changed.set()

    async def _asked(self, *, anew: bool) -> int | None:
        """Return the token under which we lead from now on; None while another replica does."""
        async with transaction(self._pool) as conn:
            held = None if anew else self._token
            if held and await leases.prolong(conn, LEASE, self._replica, held, SPAN):
                return held
            return await leases.acquire(conn, LEASE, self._replica, SPAN, anew=anew)

    async def give_back(self) -> None:
        """Give the lease back at a clean stop."""
        self._good_until_monotonic = 0.0
        try:
            async with transaction(self._pool) as conn:
                await leases.release(conn, LEASE, self._replica)
        except TROUBLE as error:
            logger.warning("lease not given back", extra={"reason": str(error)})
