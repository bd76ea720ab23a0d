"""The outbox's worker, from what is due to what is settled."""

import asyncio
import random
from collections.abc import Mapping

from bench.machine import Meter
from bench.rulefiles import apart, stuck_rule
from bench.world import NOW, World, world
from notifiers.base import Message, Notifier, Pace, Part, Receipt, Rendered
from notifiers.registry import build
from watchdog.clock import MovedClock
from watchdog.delivery.worker import Delivery
from watchdog.domain.people import Directory


class Instant:
    """A receiver that takes every message at once."""

    at_once = 20
    paces: Mapping[Part, Pace] = {}
    is_one_place = False
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
    instant = Instant()
    return {
        **await _sent("instant", {"slack": instant, "email": instant}, quick=quick),
        **await _sent("built_in", build(), quick=quick),
    }


async def _sent(name: str, notifiers: Mapping[str, Notifier], *, quick: bool) -> dict[str, float]:
    """Return how many messages a second were sent, and the CPU that each took."""
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
        meter = Meter.start(watched.server_pid)
        ended = await delivery.drain()
        wall_s, ours_s, database_s = meter.read()
    assert set(ended) == {"sent"}, f"not all was sent: {ended}"
    return {
        f"{name}_per_second": ended.total() / wall_s,
        f"{name}_cpu_ms": 1000 * ours_s / ended.total(),
        f"{name}_database_cpu_ms": 1000 * database_s / ended.total(),
    }


async def _storm(watched: World, entities: int) -> None:
    await watched.execute(
        f"update job set started_at = started_at - interval '1 hour' where id < {entities}"  # noqa: S608
    )
    await watched.engine.evaluate(watched.rules, NOW)
