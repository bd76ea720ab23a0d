"""A delivery worker between a real store and receivers of these tests."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, cast

import asyncpg

from notifiers.base import Notifier
from tests.incidents import end_leases
from tests.receivers import Delivered, Receiver
from watchdog.clock import MovedClock
from watchdog.delivery.flights import Limits
from watchdog.delivery.retries import Patience
from watchdog.delivery.worker import Delivery
from watchdog.domain.people import Directory, Person, Team

ALERTS, BROKEN = "slack:#alerts", "slack:#broken"
ANA_SLACK, ANA_MAIL = "slack:@U01ANA", "email:ana@example.com"
RAJ_SLACK, RAJ_MAIL = "slack:@U02RAJ", "email:raj@example.com"
SUPPORT = "email:support@example.com"

EVERYBODY = Directory(
    people={
        "ana": Person("ana", email="ana@example.com", slack="U01ANA"),
        "raj": Person("raj", email="raj@example.com", slack="U02RAJ"),
    },
    teams={"support": Team("support", lead="raj", slack="alerts", email="support@example.com")},
)

ROUNDS_MAX = 500


def seeded(seed: int = 1) -> Random:
    """Return chance that repeats itself."""
    return Random(seed)  # noqa: S311 (no secret depends on it)


@dataclass
class PostOffice:
    """What a test of the worker needs.

    Attributes:
        everything: What all receivers took, in the order they took it.
    """

    store: asyncpg.Pool
    clock: MovedClock
    everything: list[Delivered] = field(default_factory=list)
    directory: Directory = EVERYBODY
    limits: Limits = field(default_factory=Limits)
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        """Open both channels; receivers share one record."""
        self.slack = Receiver(delivered=self.everything)
        self.email = Receiver(delivered=self.everything)
        self.wake = asyncio.Event()
        self.delivery = self.worker()

    def worker(
        self, kind: type[Delivery] = Delivery, pool: Any = None, seed: int = 1, **more: Any
    ) -> Delivery:
        """Return another worker, on the same store unless told otherwise."""
        notifiers: dict[str, Notifier] = {"slack": self.slack, "email": self.email}
        arguments: dict[str, Any] = {
            "notifiers": notifiers,
            "directory": lambda: self.directory,
            "clock": self.clock,
            "wake": asyncio.Event(),
            "random": seeded(seed),
            "limits": self.limits,
            "patience": self.patience,
        }
        return kind(cast("asyncpg.Pool", pool or self.store), **(arguments | more))

    async def deliver_all(self, delivery: Delivery | None = None) -> None:
        """Drain the outbox, moving time on and ending leases, until nothing waits any more."""
        worker = delivery or self.delivery
        for _ in range(ROUNDS_MAX):
            await end_leases(self.store)
            await worker.drain()
            if not await self.waiting():
                return
            await self.clock.advance(timedelta(minutes=5))
        raise AssertionError(f"{await self.waiting()} messages never come to an end")

    async def waiting(self) -> int:
        """Return how many messages have not come to their end."""
        count: int = await self.store.fetchval(
            "select count(*) from notification where state in ('pending', 'sending')"
        )
        return count
