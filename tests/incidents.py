"""Incidents for tests, written by plain inserts: what happens is an event, a new row state and messages."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from notifiers.base import Event, Facts, Part
from watchdog.domain.notices import Notice
from watchdog.store import outbox
from watchdog.store.facts import encode_facts
from watchdog.store.pool import transaction
from watchdog.store.text import json_text

Told = tuple[str, Part] | tuple[str, Part, datetime]
"""A receiver, what the message is to them, and when it is due if not at once."""

_STATES = {
    Event.OPENED: "open",
    Event.TAKEN: "taken",
    Event.RECOVERED: "recovered",
    Event.BACK_AGAIN: "open",
    Event.RESOLVED: "resolved",
}

_INSERT = """
insert into incident (
    id, fingerprint, rule, identity, source, kind, team, entity, title, severity, state, owner,
    version, opened_at, audience
) values ($1, $2, 'orders', '1', 'main', 'stale', $3, '{}', $4, $5, 'open', $6, 1, $7, $8)
"""

_MOVE = """
update incident set version = version + 1, state = $2,
    taken_at = case when $2 = 'taken' then $3 else taken_at end,
    recovered_at = case when $2 = 'recovered' then $3 else recovered_at end,
    first_good_at = case when $2 = 'recovered' then $3 else first_good_at end,
    resolved_at = case when $2 = 'resolved' then $3 end,
    cause = case when $2 = 'resolved' then 'a full disk' else '' end,
    cause_kind = case when $2 = 'resolved' then 'infrastructure' else '' end,
    prevention = case when $2 = 'resolved' then 'nothing needed' else '' end,
    prevention_words = case when $2 = 'resolved' then 'disks are watched now' else '' end
where id = $1
"""

_EVENT = """
insert into event (
    incident_id, version, state, owner, previous_version, previous_state, previous_owner, event, at,
    actor, words, facts
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'watchdog', '', $10)
"""


def facts(number: int, event: Event, at: datetime, state: str, severity: str = "critical") -> Facts:
    """Return what messages say about an incident of these tests."""
    return Facts(
        id=number,
        event=event,
        at=at,
        state=state,
        severity=severity,
        title="Orders stopped syncing",
        fact="1h02m old (max 1h)",
        detail="the newest row is 1 h 2 min old",
        rule="orders",
        team="support",
        owner="ana",
        owner_took_it=state == "taken",
        opened_at=at,
    )


@dataclass
class Story:
    """One incident whose life a test tells event by event.

    Attributes:
        number: 0 until it has opened.
        version: Number of its latest event.
    """

    pool: asyncpg.Pool
    severity: str = "critical"
    team: str = "support"
    owner: str = "ana"
    number: int = 0
    version: int = 0
    state: str = "open"

    async def tell(self, event: Event, at: datetime, *told: Told) -> None:
        """Commit an event and its messages together."""
        async with transaction(self.pool) as conn:
            said = await self._write(conn, event, at, told)
            notices = [Notice(*one) if len(one) == 3 else Notice(*one, at) for one in told]
            await outbox.insert(conn, [(said, self.version, one) for one in notices])

    async def _write(
        self, conn: asyncpg.Connection, event: Event, at: datetime, told: tuple[Told, ...]
    ) -> Facts:
        before = (self.version, self.state, self.owner) if self.version else (None, None, None)
        self.version += 1
        self.state = _STATES.get(event, self.state)
        if self.version == 1:
            await self._insert(conn, at, [one[0] for one in told])
        else:
            await conn.execute(_MOVE, self.number, self.state, at)
        said = facts(self.number, event, at, self.state, self.severity)
        now = (self.number, self.version, self.state, self.owner)
        await conn.execute(_EVENT, *now, *before, event.value, at, json_text(encode_facts(said)))
        return said

    async def _insert(self, conn: asyncpg.Connection, at: datetime, audience: list[str]) -> None:
        self.number = await conn.fetchval("select nextval('incident_number')")
        fingerprint = hashlib.sha256(str(self.number).encode()).digest()
        await conn.execute(
            _INSERT,
            self.number,
            fingerprint,
            self.team,
            "Orders stopped syncing",
            self.severity,
            self.owner,
            at,
            audience,
        )


async def states(pool: asyncpg.Pool) -> list[tuple[str, str, str]]:
    """Return receiver, part and state of every message, in the order they were written."""
    rows = await pool.fetch("select receiver, part, state from notification order by id")
    return [(row["receiver"], row["part"], row["state"]) for row in rows]


async def end_leases(pool: asyncpg.Pool) -> None:
    """Let the leases of everybody end now: what waiting for them would do."""
    await pool.execute(
        "update notification set leased_until = clock_timestamp() - interval '1 s' "
        "where state = 'sending'"
    )
