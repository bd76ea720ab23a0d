"""The schema refuses what must never be, whatever the code above it does."""

from datetime import timedelta

import asyncpg
import pytest

from tests.postgres import NIGHT
from watchdog.domain.incident import EDGES, State
from watchdog.store.pool import transaction


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
            " previous_state, previous_owner, event, at, actor, words)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '')",
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
            " recovered_at = $5, first_good_at = $5, resolved_at = $5, cause = 'x', cause_kind = 'x'"
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


@pytest.fixture
async def opened(store: asyncpg.Pool) -> asyncpg.Pool:
    """Give a store in which incident 1 is open and owned by ana."""
    async with transaction(store) as connection:
        await Incidents(connection).open(1)
    return store


async def committed(
    store: asyncpg.Pool, *steps: tuple[str, tuple[object, ...], dict[str, object]]
) -> None:
    async with transaction(store) as connection:
        for name, values, named in steps:
            await getattr(Incidents(connection), name)(*values, **named)


def step(
    name: str, *values: object, **named: object
) -> tuple[str, tuple[object, ...], dict[str, object]]:
    return name, values, named


# -- I1 --------------------------------------------------------------------------------------------


async def test_two_open_incidents_of_one_fingerprint_are_refused(opened: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.UniqueViolationError, match="incident_one_open"):
        await committed(opened, step("open", 2))


async def test_a_taken_one_counts_as_open(opened: asyncpg.Pool) -> None:
    await committed(opened, step("move", 1, 2, "open", "taken", "taken"))
    with pytest.raises(asyncpg.UniqueViolationError, match="incident_one_open"):
        await committed(opened, step("open", 2))


async def test_another_fingerprint_or_a_recovered_one_is_no_hindrance(opened: asyncpg.Pool) -> None:
    await committed(opened, step("open", 2, "b"))
    await committed(opened, step("move", 1, 2, "open", "recovered", "recovered"))
    await committed(opened, step("open", 3))
    assert await opened.fetchval("select count(*) from incident") == 3


async def test_one_that_comes_back_beside_a_new_one_is_refused(opened: asyncpg.Pool) -> None:
    await committed(opened, step("move", 1, 2, "open", "recovered", "recovered"))
    await committed(opened, step("open", 2))
    with pytest.raises(asyncpg.UniqueViolationError, match="incident_one_open"):
        await committed(opened, step("move", 1, 3, "recovered", "open", "back_again"))


# -- I2 --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("owner", ["", " ", "\t\n"])
async def test_an_incident_without_an_owner_is_refused(store: asyncpg.Pool, owner: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="owner"):
        await committed(store, step("open", 1, owner=owner))


async def test_an_owner_of_null_is_refused(opened: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.NotNullViolationError, match="owner"):
        await committed(opened, step("update", 1, 2, "open", owner=None))


async def test_an_owner_cannot_be_taken_away_by_an_event(opened: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="owner"):
        await committed(opened, step("event", 1, 2, "open", ("open", "ana"), owner=" "))


async def test_an_event_names_who_did_it(opened: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="actor"):
        await committed(opened, step("event", 1, 2, "open", ("open", "ana"), actor=" "))


# -- I9 --------------------------------------------------------------------------------------------


async def test_an_incident_that_opens_without_an_event_is_refused(store: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await committed(store, step("insert", 1))


async def test_an_incident_that_begins_as_anything_but_open_is_refused(store: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await committed(
            store, step("insert", 1, state="taken", taken_at=NIGHT), step("event", 1, 1, "taken")
        )


async def test_a_change_without_an_event_is_refused(opened: asyncpg.Pool) -> None:
    for change in (("taken", "ana"), ("open", "ben")):
        for version in (1, 2):
            with pytest.raises(asyncpg.ForeignKeyViolationError):
                await committed(opened, step("update", 1, version, *change))


async def test_an_event_that_the_incident_did_not_follow_is_refused(opened: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.PostgresError, match="the incident has not got there") as refused:
        await committed(opened, step("event", 1, 2, "taken", ("open", "ana")))
    assert refused.value.sqlstate == "WD009"


async def test_an_event_of_no_incident_is_refused(store: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await committed(store, step("event", 1, 1, "open"))


async def test_an_event_that_leaves_a_gap_is_refused(opened: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await committed(opened, step("move", 1, 3, "open", "taken", "taken"))


@pytest.mark.parametrize("before", [("taken", "ana"), ("open", "ben")])
async def test_an_event_that_misquotes_its_predecessor_is_refused(
    opened: asyncpg.Pool, before: tuple[str, str]
) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await committed(
            opened,
            step("update", 1, 2, "taken"),
            step("event", 1, 2, "taken", before, event="taken"),
        )


async def test_an_event_without_a_predecessor_comes_only_first(opened: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await committed(opened, step("update", 1, 2, "open"), step("event", 1, 2, "open"))


async def test_two_events_of_one_version_are_refused(opened: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        await committed(opened, step("event", 1, 1, "open"))


async def test_several_steps_in_one_commit_are_allowed_in_any_order(opened: asyncpg.Pool) -> None:
    await committed(
        opened,
        step("event", 1, 3, "recovered", ("taken", "ana")),
        step("update", 1, 3, "recovered"),
        step("event", 1, 2, "taken", ("open", "ana")),
    )
    assert await opened.fetchval("select state from incident") == "recovered"


@pytest.mark.parametrize("statement", ["update event set words = 'else'", "delete from event"])
async def test_what_happened_is_not_rewritten(opened: asyncpg.Pool, statement: str) -> None:
    with pytest.raises(asyncpg.PostgresError):
        await opened.execute(statement)


WITHDRAWALS = {(State.OPEN, State.RESOLVED), (State.TAKEN, State.RESOLVED)}


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
async def test_exactly_the_edges_of_the_domain_are_allowed(
    opened: asyncpg.Pool, before: State, after: State
) -> None:
    roads = {
        State.OPEN: [],
        State.TAKEN: [State.TAKEN],
        State.RECOVERED: [State.RECOVERED],
        State.RESOLVED: [State.RECOVERED, State.RESOLVED],
    }
    at, version = State.OPEN, 1
    for place in roads[before]:
        version += 1
        await committed(opened, step("move", 1, version, at, place, "moved"))
        at = place
    move = step("move", 1, version + 1, before, after, "moved")
    if before is after or (before, after) in EDGES - WITHDRAWALS:
        await committed(opened, move)
    else:
        with pytest.raises(asyncpg.CheckViolationError):
            await committed(opened, move)


@pytest.mark.parametrize("before", [State.OPEN, State.TAKEN])
async def test_only_a_withdrawal_resolves_what_has_not_recovered(
    opened: asyncpg.Pool, before: State
) -> None:
    version = 1
    if before is State.TAKEN:
        version = 2
        await committed(opened, step("move", 1, 2, "open", "taken", "taken"))
    with pytest.raises(asyncpg.CheckViolationError):
        await committed(opened, step("move", 1, version + 1, before, "resolved", "resolved"))
    await committed(opened, step("move", 1, version + 1, before, "resolved", "withdrawn"))


async def test_a_resolved_incident_has_a_cause_and_its_kind(opened: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await opened.execute(
            "update incident set state = 'resolved', resolved_at = $1, cause = ''", NIGHT
        )


# -- I5 and I7 -------------------------------------------------------------------------------------


@pytest.fixture
async def message(opened: asyncpg.Pool) -> asyncpg.Pool:
    """Give a store with one message, number 1, that waits to be sent."""
    await opened.execute(
        "insert into notification (incident_id, version, receiver, part, priority, due_at,"
        " created_at, facts) values (1, 1, 'slack:#data', 'page', 1, $1, $1, $2)",
        NIGHT,
        {},
    )
    return opened


CLAIM = (
    "update notification set state = 'sending', token = token + 1,"
    " leased_until = clock_timestamp() + $1"
)
SETTLE = "update notification set state = $1, token = $2, leased_until = null, settled_at = now()"
TRY = "insert into attempt (notification_id, number, token, started_at) values (1, $1, $2, now())"
END = "update attempt set outcome = $1, ended_at = now() where number = $2"
LEASE, OVER = timedelta(seconds=60), timedelta(seconds=-1)


def refused() -> "pytest.RaisesExc[asyncpg.PostgresError]":
    """Expect the error that a worker gets which was fenced off."""
    return pytest.raises(asyncpg.PostgresError, check=lambda error: error.sqlstate == "WD007")


async def test_a_waiting_message_can_be_claimed(message: asyncpg.Pool) -> None:
    await message.execute(CLAIM, LEASE)
    assert await message.fetchval("select token from notification") == 1


async def test_a_claim_raises_the_token(message: asyncpg.Pool) -> None:
    with refused():
        await message.execute("update notification set state = 'sending', leased_until = now()")


async def test_a_message_that_is_held_cannot_be_claimed(message: asyncpg.Pool) -> None:
    await message.execute(CLAIM, LEASE)
    with refused():
        await message.execute(CLAIM, LEASE)


async def test_a_message_whose_lease_is_over_can_be_claimed(message: asyncpg.Pool) -> None:
    await message.execute(CLAIM, OVER)
    await message.execute(CLAIM, LEASE)
    assert await message.fetchval("select token from notification") == 2


async def test_a_token_cannot_be_skipped_or_lowered(message: asyncpg.Pool) -> None:
    await message.execute(CLAIM, OVER)
    for token in (0, 3):
        with refused():
            await message.execute("update notification set token = $1", token)


@pytest.mark.parametrize("state", ["sent", "dead"])
async def test_a_worker_with_a_stale_token_cannot_settle(message: asyncpg.Pool, state: str) -> None:
    await message.execute(CLAIM, OVER)
    await message.execute(CLAIM, LEASE)
    with refused():
        await message.execute(SETTLE, state, 1)
    await message.execute(SETTLE, state, 2)


async def test_a_settled_message_stays_settled(message: asyncpg.Pool) -> None:
    await message.execute(CLAIM, LEASE)
    await message.execute(SETTLE, "sent", 1)
    with refused():
        await message.execute("update notification set state = 'pending', settled_at = null")
    with refused():
        await message.execute(SETTLE, "dead", 1)
    with refused():
        await message.execute(CLAIM + ", settled_at = null", LEASE)


async def test_a_message_that_nobody_claimed_was_not_sent(message: asyncpg.Pool) -> None:
    with refused():
        await message.execute(SETTLE, "sent", 0)


async def test_two_attempts_in_flight_are_refused(message: asyncpg.Pool) -> None:
    await message.execute(CLAIM, LEASE)
    await message.execute(TRY, 1, 1)
    with pytest.raises(asyncpg.UniqueViolationError, match="attempt_one_in_flight"):
        await message.execute(TRY, 2, 1)


@pytest.mark.parametrize("first", ["sent", "found"])
@pytest.mark.parametrize("second", ["sent", "found"])
async def test_two_attempts_that_reached_the_receiver_are_refused(
    message: asyncpg.Pool, first: str, second: str
) -> None:
    await message.execute(CLAIM, LEASE)
    await message.execute(TRY, 1, 1)
    await message.execute(END, first, 1)
    await message.execute(TRY, 2, 1)
    with pytest.raises(asyncpg.UniqueViolationError, match="attempt_one_sent"):
        await message.execute(END, second, 2)


async def test_attempts_that_failed_or_stayed_unknown_may_be_many(message: asyncpg.Pool) -> None:
    await message.execute(CLAIM, LEASE)
    for number, outcome in enumerate(["failed", "unknown", "failed", "unknown", "sent"], start=1):
        await message.execute(TRY, number, 1)
        await message.execute(END, outcome, number)


async def test_a_worker_that_does_not_hold_the_message_cannot_try(message: asyncpg.Pool) -> None:
    with refused():
        await message.execute(TRY, 1, 0)
    await message.execute(CLAIM, OVER)
    await message.execute(CLAIM, LEASE)
    with refused():
        await message.execute(TRY, 1, 1)
    await message.execute(SETTLE, "sent", 2)
    with refused():
        await message.execute(TRY, 1, 2)


async def test_how_an_attempt_ended_stays_as_it_was_written(message: asyncpg.Pool) -> None:
    await message.execute(CLAIM, LEASE)
    await message.execute(TRY, 1, 1)
    await message.execute(END, "sent", 1)
    with refused():
        await message.execute(END, "failed", 1)
