"""The dead man's switch: an address outside hears from us each minute, as long as people could hear from us.

It is told of by silence, so whatever breaks must end it: a replica that does not lead, looks that have
stopped, a store that does not answer, and messages of which none arrives.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from notifiers.base import DeliveryError
from notifiers.posting import Poster
from watchdog.clock import deadline
from watchdog.config.model import Rule
from watchdog.engine.apart import kept_apart
from watchdog.engine.engine import Engine
from watchdog.engine.memory import Memory
from watchdog.service import Service
from watchdog.store import backlog
from watchdog.store.looks import RuleLook
from watchdog.store.pool import TROUBLE, transaction

logger = logging.getLogger(__name__)

EVERY = timedelta(minutes=1)
STUCK_AFTER = timedelta(minutes=5)
"""For how long pushes may all be on their way: a page goes by mail after one minute."""

_SLACK = timedelta(minutes=1)
_WITHIN = timedelta(seconds=10)
_STORE_SECONDS = 5.0


class DeadMan:
    """Reports to `service.dead_man` while this replica leads and everything works."""

    def __init__(self, service: Service, engine: Engine) -> None:
        self._service = service
        self._engine = engine
        self._memory: Memory | None = None
        self._led_since = service.clock.now()
        self._poster: Poster | None = None
        self._url = ""
        self._trouble = ""

    async def run(self) -> None:
        """Report each minute, until cancelled."""
        clock = self._service.clock
        try:
            while True:
                with clock.working():
                    await kept_apart(self.report(), "dead man's switch is silent")
                await clock.sleep_until(clock.now() + EVERY)
        finally:
            await self.close()

    async def report(self) -> None:
        """Report once, or be silent; the log says when that changes, and why."""
        url = self._service.config.service.dead_man.get_secret_value()
        memory = self._follow(self._engine.memory)
        if not url or memory is None:  # which other replica leads, reports
            return
        trouble = await self._trouble_with(memory) or await self._post(url)
        if trouble != self._trouble:
            level = logging.WARNING if trouble else logging.INFO
            words = "dead man's switch is silent" if trouble else "dead man's switch reports again"
            logger.log(level, words, extra={"reason": trouble})
        self._trouble = trouble

    def _follow(self, memory: Memory | None) -> Memory | None:
        if memory is not self._memory:
            self._memory, self._led_since = memory, self._service.clock.now()
        return memory

    async def _trouble_with(self, memory: Memory) -> str:
        """Return why nobody may rely on us; empty: they may."""
        now, rules = self._service.clock.now(), self._service.config.rules
        if has_stopped(rules, memory.looks.values(), self._led_since, now):
            return "no rule is looked at"
        try:
            async with deadline(_STORE_SECONDS), transaction(self._service.pool) as conn:
                is_stuck = await backlog.is_stuck(conn, now - STUCK_AFTER)
        except (*TROUBLE, TimeoutError):
            return "the store does not answer"
        return "no message arrives" if is_stuck else ""

    async def _post(self, url: str) -> str:
        if url != self._url:
            await self.close()
            self._url, self._poster = url, Poster(url, "dead man's switch", _WITHIN)
        assert self._poster is not None
        now, rules = self._service.clock.now(), len(self._service.config.rules)
        told = json.dumps({"at": now.isoformat(timespec="seconds"), "rules": rules})
        try:
            answer = await self._poster.post(told.encode())
        except DeliveryError as error:
            return str(error)
        return "" if answer.status < 300 else f"dead man's switch answered {answer.status}"

    async def close(self) -> None:
        """Let go of the connection."""
        if self._poster is not None:
            await self._poster.close()


def has_stopped(
    rules: Mapping[str, Rule], looks: Iterable[RuleLook], led_since: datetime, now: datetime
) -> bool:
    """Return whether no rule was looked at though the fastest should have been, twice."""
    if not rules:
        return False
    seen = (one.looked_at for one in looks if one.looked_at is not None)
    latest = max((led_since, *seen))
    return now - latest > 2 * min(rule.every for rule in rules.values()) + _SLACK
