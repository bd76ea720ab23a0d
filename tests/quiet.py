"""Incidents, silences and a worker on a real store: what people hear while something is silenced."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import asyncpg

from rules.base import Severity
from tests.post_office import PostOffice
from tests.unit.test_incident import an_incident
from watchdog import silencing
from watchdog.clock import MovedClock
from watchdog.domain import life
from watchdog.domain.incident import Incident
from watchdog.domain.notices import with_notices
from watchdog.domain.people import Directory, Person, Role, Rung, Storms, Team
from watchdog.domain.silences import Silence, covering, under
from watchdog.engine.deadlines import Deadlines
from watchdog.engine.leader import Leader
from watchdog.silencing import Hiding
from watchdog.store import incidents, silences
from watchdog.store.pool import transaction

CHANNEL, ANA, RAJ, TOM = "#data-alerts", "@U01ANA", "@U02RAJ", "@U04TOM"
RULES = ("orders-stale", "jobs-stuck", "storm:crm")
DIRECTORY = Directory(
    {
        "ana": Person("ana", slack="U01ANA"),
        "raj": Person("raj", slack="U02RAJ"),
        "tom": Person("tom", slack="U04TOM", role=Role.ADMIN),
        "mei": Person("mei", email="mei@example.com", role=Role.VIEWER),
    },
    {
        "data": Team(
            "data",
            lead="tom",
            slack="data-alerts",
            escalate=(Rung(timedelta(minutes=10), "raj"), Rung(timedelta(minutes=25), "lead")),
        )
    },
)


@dataclass
class Quiet:
    """A service that leads and delivers, with incidents that tests open by hand."""

    store: asyncpg.Pool
    clock: MovedClock
    leader: Leader
    office: PostOffice = field(init=False)
    deadlines: Deadlines = field(init=False)
    directory: Directory = DIRECTORY
    storms: Storms | None = None

    def __post_init__(self) -> None:
        self.office = PostOffice(self.store, self.clock, directory=self.directory)
        self.deadlines = Deadlines(
            self.store,
            self.clock,
            self.leader,
            lambda: self.directory,
            asyncio.Event(),
            lambda: self.storms,
        )

    async def open(self, number: int = 1042, **changes: Any) -> Incident:
        """Open an incident as the engine does: hidden by what holds at that instant."""
        now = self.clock.now()
        fresh = an_incident(severity=Severity.WARNING, opened_at=now)
        fresh = replace(fresh, id=number, fingerprint=number.to_bytes(32, "big"), **changes)
        async with transaction(self.store) as conn:
            await silences.hold_still(conn)
            held = await silences.in_force(conn, now)
            fresh = under(fresh, covering(held, fresh, now))
            step = with_notices(life.opened(fresh, {}), self.directory)
            await incidents.commit(conn, [step])
        return step.transition.after

    async def heal(self, number: int = 1042) -> None:
        """Commit the proven recovery of an incident."""
        async with transaction(self.store) as conn:
            [one] = (await incidents.lock(conn, [number])).values()
            step = with_notices(life.recovered(one, self.clock.now(), None, "good"), self.directory)
            await incidents.commit(conn, [step])

    async def silence(
        self, pattern: str = "orders-*", hours: float = 2, by: str = "raj", **more: Any
    ) -> Hiding:
        """Make a silence."""
        now = self.clock.now()
        wanted = Silence(pattern, "deploy", by, now, now + timedelta(hours=hours), **more)
        return await silencing.add(self.store, self.directory, wanted, RULES, now)

    async def end(self, number: int, by: str = "raj") -> Hiding:
        """End a silence."""
        return await silencing.end(self.store, self.directory, number, by, self.clock.now())

    async def let_pass(self, minutes: float) -> None:
        """Let time pass in steps of 5 minutes; whatever is due then is done, and delivered."""
        left = timedelta(minutes=minutes)
        while True:
            await self.deadlines.act()
            await self.office.delivery.drain()
            if not left:
                return
            step = min(left, timedelta(minutes=5))
            await self.clock.advance(step)
            left -= step

    def heard(self, address: str) -> list[str]:
        """Return what an address was told, in order."""
        return self.office.slack.heard(address)

    async def stored(self, number: int = 1042) -> Incident:
        async with transaction(self.store) as conn:
            found = await incidents.by_id(conn, number)
        assert found is not None
        return found

    async def events(self, number: int = 1042) -> list[str]:
        rows = await self.store.fetch(
            "select event from event where incident_id = $1 order by version", number
        )
        return [row["event"] for row in rows]

    async def withheld(self) -> list[tuple[str, str]]:
        """Return receiver and reason of each message that was withheld, in order."""
        rows = await self.store.fetch(
            "select receiver, last_error from notification where state = 'withheld' order by id"
        )
        return [(row["receiver"], row["last_error"]) for row in rows]
