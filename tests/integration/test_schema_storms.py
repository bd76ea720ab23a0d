"""The schema refuses what must never be of storms, whatever the code above it does."""

import asyncpg
import pytest

from tests.postgres import NIGHT
from tests.rows import Incidents
from watchdog.store.pool import transaction

STORM, OTHER = 1, 2


@pytest.fixture
async def stormy(store: asyncpg.Pool) -> asyncpg.Pool:
    """Give a store with two storms; the first has the bad member `m`."""
    async with transaction(store) as conn:
        rows = Incidents(conn)
        for number, mark in ((STORM, "s"), (OTHER, "t")):
            await rows.insert(number, mark, kind="storm", source=mark)
            await rows.event(number, 1, "open", event="storm")
        await add(conn, STORM, "m")
    return store


async def add(
    conn: asyncpg.Connection, storm: int, mark: str, number: int = 1, **changes: object
) -> None:
    row = {
        "incident_id": storm,
        "number": number,
        "fingerprint": mark.encode() * 32,
        **dict.fromkeys(("rule", "identity", "title"), "x"),
        "entity": {},
        "severity": "warning",
        "joined_at": NIGHT,
        "first_bad_at": NIGHT,
        **changes,
    }
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    await conn.execute(
        f"insert into member ({', '.join(row)}) values ({places})",  # noqa: S608
        *row.values(),
    )


def alone() -> "pytest.RaisesExc[asyncpg.PostgresError]":
    return pytest.raises(asyncpg.PostgresError, check=lambda error: error.sqlstate == "WD001")


async def test_the_same_is_bad_in_one_storm_only(stormy: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.UniqueViolationError, match="member_one_bad"):
        async with transaction(stormy) as conn:
            await add(conn, OTHER, "m")


async def test_what_is_good_in_one_storm_may_be_bad_in_another(stormy: asyncpg.Pool) -> None:
    async with transaction(stormy) as conn:
        await conn.execute("update member set state = 'good', first_good_at = $1", NIGHT)
        await add(conn, OTHER, "m")
    assert await stormy.fetchval("select count(*) from member") == 2


async def test_a_bad_member_has_no_open_incident_of_its_own(stormy: asyncpg.Pool) -> None:
    with alone():
        async with transaction(stormy) as conn:
            await Incidents(conn).open(7, "m")


async def test_what_has_an_open_incident_is_no_bad_member(stormy: asyncpg.Pool) -> None:
    async with transaction(stormy) as conn:
        await Incidents(conn).open(7, "n")
    with alone():
        async with transaction(stormy) as conn:
            await add(conn, STORM, "n", 2)
    async with transaction(stormy) as conn:
        await add(conn, STORM, "n", 2, state="good", first_good_at=NIGHT)
    with alone():
        async with transaction(stormy) as conn:
            await conn.execute("update member set state = 'bad', first_good_at = null")


async def test_what_comes_back_while_it_is_a_bad_member_is_refused(stormy: asyncpg.Pool) -> None:
    async with transaction(stormy) as conn:
        rows = Incidents(conn)
        await rows.open(7, "n")
        await rows.move(7, 2, "open", "recovered", "recovered")
    async with transaction(stormy) as conn:
        await add(conn, STORM, "n", 2)
    with alone():
        async with transaction(stormy) as conn:
            await Incidents(conn).move(7, 3, "recovered", "open", "back_again")


@pytest.mark.parametrize("state", ["recovered", "resolved"])
async def test_a_storm_is_not_over_while_a_member_is_bad(stormy: asyncpg.Pool, state: str) -> None:
    event = "recovered" if state == "recovered" else "withdrawn"
    with alone():
        async with transaction(stormy) as conn:
            await Incidents(conn).move(STORM, 2, "open", state, event)
    async with transaction(stormy) as conn:
        await conn.execute("update member set state = 'gone', reason = 'its rule is gone'")
        await Incidents(conn).move(STORM, 2, "open", state, event)


async def test_what_joins_says_which_storm(stormy: asyncpg.Pool) -> None:
    async with transaction(stormy) as conn:
        await Incidents(conn).open(7, "n")
    with pytest.raises(asyncpg.CheckViolationError, match="incident_joined"):
        async with transaction(stormy) as conn:
            await conn.execute("update incident set cause_kind = 'joined' where id = 7")


async def test_only_what_is_open_joins(stormy: asyncpg.Pool) -> None:
    async with transaction(stormy) as conn:
        rows = Incidents(conn)
        await rows.open(7, "n")
        await rows.move(7, 2, "open", "taken", "taken")
    with pytest.raises(asyncpg.CheckViolationError, match="event_move"):
        async with transaction(stormy) as conn:
            await Incidents(conn).move(7, 3, "taken", "resolved", "joined")


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "good"},
        {"state": "gone"},
        {"state": "split"},
        {"first_good_at": NIGHT},
        {"reason": "gone"},
        {"split_id": OTHER},
        {"state": "better"},
        {"number": 0},
        {"number": 1},
    ],
)
async def test_a_member_is_whole(stormy: asyncpg.Pool, changes: dict[str, object]) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        async with transaction(stormy) as conn:
            await add(conn, STORM, "n", **({"number": 2} | changes))  # type: ignore[arg-type]


async def test_a_member_is_of_an_incident_that_there_is(stormy: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with transaction(stormy) as conn:
            await add(conn, 99, "n")
