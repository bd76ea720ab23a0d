"""The schema refuses what must never be, whatever the code above it does."""

from itertools import product

import asyncpg
import pytest

from notifiers.base import Event
from tests.postgres import NIGHT
from tests.rows import Incidents
from watchdog.domain.incident import State
from watchdog.domain.moves import MOVES, Move
from watchdog.store.pool import transaction


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
        await committed(opened, step("event", 1, 2, "taken", ("open", "ana"), event="taken"))
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
        step("event", 1, 3, "recovered", ("taken", "ana"), event="recovered"),
        step("update", 1, 3, "recovered"),
        step("event", 1, 2, "taken", ("open", "ana"), event="taken"),
    )
    assert await opened.fetchval("select state from incident") == "recovered"


@pytest.mark.parametrize("statement", ["update event set words = 'else'", "delete from event"])
async def test_what_happened_is_not_rewritten(opened: asyncpg.Pool, statement: str) -> None:
    with pytest.raises(asyncpg.PostgresError):
        await opened.execute(statement)


async def test_exactly_the_moves_of_the_domain_are_allowed(store: asyncpg.Pool) -> None:
    held = await store.fetchval(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'event_move'"
    )
    condition = held.removeprefix("CHECK ")
    tried = [(*change, event) for change in product(State, State) for event in (*Event, "else")]
    columns = [[str(one) for one in column] for column in zip(*tried, strict=True)]
    allowed = await store.fetch(
        "select previous_state, state, event from unnest($1::text[], $2::text[], $3::text[])"  # noqa: S608
        f" as tried (previous_state, state, event) where {condition}",
        *columns,
    )
    moved = {(one.before, one.after, one.event) for one in MOVES if one.before}
    stays = {one for one in tried if one[0] is one[1]}
    changes = {one for one in moved if one[0] is not one[1]}
    assert {tuple(row.values()) for row in allowed} == stays | changes


ROADS = {
    State.OPEN: [],
    State.TAKEN: [("open", "taken", "taken")],
    State.RECOVERED: [("open", "recovered", "recovered")],
    State.RESOLVED: [("open", "recovered", "recovered"), ("recovered", "resolved", "resolved")],
}
CHANGES = [one for one in MOVES if one.before and one.before is not one.after]


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: f"{one.before} {one.event}")
async def test_a_change_of_state_is_taken_by_the_name_of_its_event_only(
    opened: asyncpg.Pool, change: Move
) -> None:
    assert change.before is not None
    for version, road in enumerate(ROADS[change.before], 2):
        await committed(opened, step("move", 1, version, *road))
    place = (1, len(ROADS[change.before]) + 2, change.before, change.after)
    with pytest.raises(asyncpg.CheckViolationError):
        await committed(opened, step("move", *place, "unheard_of"))
    await committed(opened, step("move", *place, change.event))


async def test_what_ends_with_a_cause_has_recovered_or_was_reopened(opened: asyncpg.Pool) -> None:
    ending = (
        "update incident set version = 2, state = 'resolved', resolved_at = $1, cause = 'x',"
        " cause_kind = $2, prevention = 'nothing needed', prevention_words = 'x', reopened_at = $3"
    )
    for kind, reopened_at, is_allowed in (
        ("code", None, False),
        ("not given", None, False),
        ("withdrawn", None, True),
        ("code", NIGHT, True),
    ):
        async with transaction(opened) as connection:
            work = connection.transaction()
            await work.start()
            if is_allowed:
                await connection.execute(ending, NIGHT, kind, reopened_at)
            else:
                with pytest.raises(asyncpg.CheckViolationError, match="incident_ended_rightly"):
                    await connection.execute(ending, NIGHT, kind, reopened_at)
            await work.rollback()


async def test_a_resolved_incident_has_a_cause_and_its_kind(opened: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await opened.execute(
            "update incident set state = 'resolved', resolved_at = $1, cause = ''", NIGHT
        )
