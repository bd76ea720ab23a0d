"""Rows written past the code, to see what the schema itself refuses."""

import asyncpg

from tests.postgres import NIGHT


class Incidents:
    """Writes incidents and events as plainly as can be; nothing here obeys any rule."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def insert(self, number: int, mark: str = "a", **changes: object) -> None:
        row = {
            "id": number,
            "fingerprint": mark.encode() * 32,
            **dict.fromkeys(("rule", "identity", "source", "kind", "team", "title"), "x"),
            "entity": {},
            "severity": "critical",
            "state": "open",
            "owner": "ana",
            "version": 1,
            "opened_at": NIGHT,
            **changes,
        }
        places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
        await self.connection.execute(
            f"insert into incident ({', '.join(row)}) values ({places})",  # noqa: S608
            *row.values(),
        )

    async def event(
        self,
        number: int,
        version: int,
        state: str,
        before: tuple[str, str] | None = None,
        owner: str = "ana",
        event: str = "noted",
        actor: str = "watchdog",
    ) -> None:
        previous_state, previous_owner = before or (None, None)
        await self.connection.execute(
            "insert into event (incident_id, version, state, owner, previous_version,"
            " previous_state, previous_owner, event, at, actor, words, facts)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '{}')",
            number,
            version,
            state,
            owner,
            version - 1 if before else None,
            previous_state,
            previous_owner,
            event,
            NIGHT,
            actor,
        )

    async def open(self, number: int, mark: str = "a", owner: str = "ana") -> None:
        await self.insert(number, mark, owner=owner)
        await self.event(number, 1, "open", owner=owner, event="opened")

    async def update(self, number: int, version: int, state: str, owner: str = "ana") -> None:
        await self.connection.execute(
            "update incident set version = $2, state = $3, owner = $4, taken_at = $5,"
            " recovered_at = $5, first_good_at = $5, resolved_at = $5, cause = 'x', cause_kind = 'x',"
            " prevention = 'nothing needed', prevention_words = 'x'"
            " where id = $1",
            number,
            version,
            state,
            owner,
            NIGHT,
        )

    async def move(self, number: int, version: int, before: str, after: str, event: str) -> None:
        await self.update(number, version, after)
        await self.event(number, version, after, (before, "ana"), event=event)
