"""The outbox's worker, from what is due to what is settled."""

import asyncio
import random
import time
from collections.abc import Mapping

from bench.rulefiles import apart, stuck_rule
from bench.world import NOW, World, world
from notifiers.base import Message, Notifier, Pace, Part, Receipt, Rendered
from notifiers.registry import build
from watchdog.clock import MovedClock
from watchdog.delivery.worker import Delivery
from watchdog.domain.people import Directory

_MESSAGES = 30_000


class Instant:
    """A receiver that takes every message at once."""

    at_once = 20
    paces: Mapping[Part, Pace] = {}
    keeps_rendered = False

    def render(self, message: Message) -> Rendered:
        """Return hardly anything."""
        return Rendered(message.key, {})

    async def send(self, message: Message, rendered: Rendered) -> Receipt:  # noqa: ARG002
        """Take it."""
        return Receipt({"ts": message.key})

    async def look_up(self, message: Message) -> Receipt | None:  # noqa: ARG002
        """Know nothing."""
        return None

    async def close(self) -> None:
        """Hold nothing."""


async def sending(*, quick: bool) -> dict[str, float]:
    """Send the messages of ten thousand incidents."""
    built_in = build()
    instant = Instant()
    return {
        "instant_per_second": await _sent({"slack": instant, "email": instant}, quick=quick),
        "built_in_per_second": await _sent(built_in, quick=quick),
    }


async def _sent(notifiers: Mapping[str, Notifier], *, quick: bool) -> float:
    """Return how many messages a second were sent."""
    async with world() as watched:
        await watched.watch(apart(stuck_rule(watched.dsn)))
        await _storm(watched, 1000 if quick else 10_000)
        delivery = Delivery(
            watched.pool,
            notifiers,
            Directory,
            MovedClock(NOW),
            asyncio.Event(),
            random.Random(1),  # noqa: S311
        )
        started_s = time.perf_counter()
        ended = await delivery.drain()
        taken_s = time.perf_counter() - started_s
    assert set(ended) == {"sent"}, f"not all was sent: {ended}"
    return ended.total() / taken_s


async def _storm(watched: World, entities: int) -> None:
    await watched.execute(
        f"update job set started_at = started_at - interval '1 hour' where id < {entities}"  # noqa: S608
    )
    await watched.engine.evaluate(watched.rules, NOW)
