import asyncio
import resource
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from rules.base import Answer, HttpQuestion, Rows, SqlQuestion, Unanswered
from tests.postgres import Database
from watchdog.config.model import Source as SourceSpec
from watchdog.sources import postgres
from watchdog.sources.base import Source
from watchdog.sources.open import open_source

TABLES = """
create type mood as enum ('good', 'bad');
create table orgs (
  id bigint primary key, name text not null, uuid uuid, mood mood, active bool,
  balance numeric, day date, seen timestamptz, local timestamp
);
insert into orgs values
  (1, 'Acme', '00000000-0000-0000-0000-000000000001', 'good', true, 1.50, '2025-06-13',
   '2025-06-13 02:00+00', '2025-06-13 02:00'),
  (2, 'Globex', '00000000-0000-0000-0000-000000000002', 'bad', false, -2, '2025-06-12',
   '2025-06-12 02:00+00', '2025-06-12 02:00');
create table secrets (word text);
revoke all on secrets from public;
"""

FITTING: list[tuple[str, Any]] = [
    ("id = $1", "1"),
    ("id = $1", 1),
    ("id::int2 = $1", "1"),
    ("name = $1", "Acme"),
    ("name = $1::varchar", "Acme"),
    ("uuid = $1", "00000000-0000-0000-0000-000000000001"),
    ("mood = $1", "good"),
    ("active = $1", "true"),
    ("active = $1", True),
    ("balance = $1", "1.5"),
    ("balance = $1", 1.5),
    ("balance::float8 = $1", "1.5"),
    ("day = $1", "2025-06-13"),
    ("day = $1", datetime(2025, 6, 13, 1, tzinfo=UTC)),
    ("seen = $1", datetime(2025, 6, 13, 2, tzinfo=UTC)),
    ("seen = $1", "2025-06-13T02:00:00+00:00"),
    ("local = $1", datetime(2025, 6, 13, 2, tzinfo=UTC)),
    ("seen - $1::interval = '2025-06-13 01:59+00'", 60),
    ("id::text = $1", 1),
    ("active::text = $1", True),
    ("name = any($1)", ("Acme", "Initech")),
    ("id = any($1)", ("1", "7")),
    ("uuid = any($1)", ("00000000-0000-0000-0000-000000000001",)),
    ("to_jsonb(name) = $1", '"Acme"'),
    ("id = 1 and $1::int is null", None),
]
UNFIT: list[tuple[str, Any]] = [
    ("select $1::int", "s3cret"),
    ("select $1::int", 1.5),
    ("select $1::int", "99999999999999999999"),
    ("select $1::bool", "s3cret"),
    ("select $1::timestamptz", "s3cret"),
    ("select $1::uuid", "s3cret"),
    ("select $1::mood", "s3cret"),
    ("select $1::text::int", "s3cret"),
    ("select 1", "s3cret"),
    ("select $1, $2", "s3cret"),
]
WRITES = [
    "delete from orgs",
    "delete from orgs returning id",
    "update orgs set name = 'x' returning id",
    "with gone as (delete from orgs returning id) select * from gone",
    "select * from orgs for update",
    "select nextval('numbers')",
    "select rename_all()",
    "create table more (a int)",
    "create temp table more (a int)",
    "truncate orgs",
    "drop table orgs",
    "commit",
    "rollback",
    "begin read write",
    "set transaction read write",
    "set default_transaction_read_only = off",
    "select set_config('transaction_read_only', 'off', true)",
    "commit; delete from orgs",
    "select 1; delete from orgs",
    "lock table orgs in access exclusive mode",
    "listen anything",
    "copy orgs to '/tmp/never'",
    "do $$ begin delete from orgs; end $$",
    "prepare p as delete from orgs",
    "explain analyze delete from orgs",
    "call end_it()",
    "vacuum",
    "",
    "-- nothing",
    "select 'zero\x00byte'",
]
ROUTINES = """
create sequence numbers;
create function rename_all() returns int language sql as $$ update orgs set name = 'x'; select 1 $$;
create procedure end_it() language plpgsql as $$ begin commit; end $$;
"""


def ask(text: str, *params: Any, rows_max: int = 100, zone: str = "UTC") -> SqlQuestion:
    return SqlQuestion("crm", text, params, zone=zone, rows_max=rows_max)


def opened(dsn: str, seconds: float = 5.0, **more: Any) -> Source:
    timeout = timedelta(seconds=seconds)
    spec = SourceSpec("crm", "postgres", SecretStr(dsn), "ops", timeout=timeout, **more)
    return open_source(spec, {})


def unanswered(answer: Answer) -> Unanswered:
    assert isinstance(answer, Unanswered), answer
    return answer


def rows(answer: Answer) -> list[dict[str, Any]]:
    assert isinstance(answer, Rows), answer
    return [dict(row) for row in answer.rows]


@pytest.fixture
async def owner(database: Database) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(database.dsn)
    await connection.execute(TABLES)
    yield connection
    connection.terminate()


@pytest.fixture(params=[True, False, None], ids=["direct", "pooled", "found out"])
async def crm(
    request: pytest.FixtureRequest, database: Database, owner: object
) -> AsyncIterator[Source]:
    assert owner
    source = opened(database.dsn, direct=request.param)
    yield source
    await source.close()


async def test_a_question_is_answered_with_its_rows(crm: Source) -> None:
    for _ in range(3):
        answer = await crm.answer(ask("select id, name from orgs order by id"))
        assert rows(answer) == [{"id": 1, "name": "Acme"}, {"id": 2, "name": "Globex"}]
        assert isinstance(answer, Rows)
        assert not answer.truncated
        assert answer.took > timedelta()


async def test_no_question_needs_no_answer(crm: Source) -> None:
    assert await crm.answer_all([]) == []


async def test_a_parameter_becomes_what_its_place_needs(crm: Source) -> None:
    text = "select name from orgs where "
    answers = await crm.answer_all([ask(text + condition, value) for condition, value in FITTING])
    for (condition, _), answer in zip(FITTING, answers, strict=True):
        assert rows(answer) == [{"name": "Acme"}], condition


async def test_a_parameter_that_does_not_fit_is_told_without_its_value(crm: Source) -> None:
    for text, value in UNFIT:
        bad, good = await crm.answer_all([ask(text, value), ask("select 1 as n")])
        assert not unanswered(bad).whole_source, text
        assert "s3cret" not in unanswered(bad).reason, text
        assert rows(good) == [{"n": 1}], text


async def test_columns_keep_their_types(crm: Source) -> None:
    row = rows(await crm.answer(ask("select * from orgs where id = 1")))[0]
    assert row["balance"] == Decimal("1.50")
    assert row["day"] == date(2025, 6, 13)
    assert row["seen"] == datetime(2025, 6, 13, 2, tzinfo=UTC)
    assert row["active"] is True


async def test_an_instant_without_end_is_aware_too(crm: Source) -> None:
    text = "select 'infinity'::timestamptz as up, '-infinity'::timestamptz as down, null::timestamptz n"
    row = rows(await crm.answer(ask(text)))[0]
    assert row["down"] < datetime(2025, 6, 13, tzinfo=UTC) < row["up"]


async def test_a_value_that_python_cannot_hold_fails_only_its_question(crm: Source) -> None:
    far, near = await crm.answer_all(
        [ask("select '20000-01-01'::timestamptz as far"), ask("select 1 as n")]
    )
    assert unanswered(far) == Unanswered("its answer holds a value that cannot be read")
    assert rows(near) == [{"n": 1}]


async def test_the_zone_of_a_question_is_that_of_its_times(crm: Source) -> None:
    text = "select '2025-06-13 12:00'::timestamp::timestamptz as at"
    zones = ["UTC", "America/New_York", "Asia/Kolkata"]
    answers = await crm.answer_all([ask(text, zone=zone) for zone in zones])
    hours = [rows(answer)[0]["at"].astimezone(UTC).hour for answer in answers]
    assert hours == [12, 16, 6]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "UTC'; drop table orgs; --", ""])
async def test_a_zone_that_is_none_fails_only_its_question(crm: Source, zone: str) -> None:
    bad, good = await crm.answer_all(
        [ask("select 1 as n", zone=zone), ask("select count(*) as n from orgs")]
    )
    assert not unanswered(bad).whole_source
    assert rows(good) == [{"n": 2}]


async def test_a_bad_question_does_not_spoil_its_neighbours(crm: Source) -> None:
    texts = ["select 1 as n", "select n from ordrs", "selct", "select 1 / 0", "select 2 as n"]
    answers = await crm.answer_all([ask(text) for text in texts * 10])
    for start in range(0, 50, 5):
        assert rows(answers[start]) == [{"n": 1}]
        assert answers[start + 1] == Unanswered('table "ordrs" does not exist')
        assert unanswered(answers[start + 2]).reason == 'syntax error at or near "selct"'
        assert unanswered(answers[start + 3]).reason == "division by zero"
        assert rows(answers[start + 4]) == [{"n": 2}]


async def test_many_questions_are_answered_in_order(crm: Source) -> None:
    answers = await crm.answer_all([ask(f"select {n} as n, $1 as p", str(n)) for n in range(1000)])
    assert [rows(answer) for answer in answers] == [[{"n": n, "p": str(n)}] for n in range(1000)]


async def test_more_rows_than_wanted_are_cut_and_told(crm: Source) -> None:
    answer = await crm.answer(ask("select n from generate_series(1, 1000000) n", rows_max=3))
    assert [row["n"] for row in rows(answer)] == [1, 2, 3]
    assert isinstance(answer, Rows)
    assert answer.truncated
    exact = await crm.answer(ask("select n from generate_series(1, 3) n", rows_max=3))
    assert isinstance(exact, Rows)
    assert not exact.truncated


async def test_a_million_rows_take_no_memory(crm: Source) -> None:
    text = "select n, repeat('x', 200) as x from generate_series(1, 1000000) n"
    await crm.answer(ask("select 1"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(rows(await crm.answer(ask(text, rows_max=1000)))) == 1000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


async def test_an_answer_of_too_many_bytes_is_cut_off(
    crm: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchdog.sources.postgres_connection.ANSWER_BYTES_MAX", 100_000)
    big, small = await crm.answer_all(
        [ask("select repeat('x', 10000000) as cell"), ask("select 1 as n")]
    )
    assert unanswered(big) == Unanswered("its answer is too large: the cells hold too much")
    assert rows(small) == [{"n": 1}]


async def test_a_statement_that_takes_too_long_is_stopped_by_the_server(
    database: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    source = opened(database.dsn, 0.3, connections=2)
    texts = ["select pg_sleep(10)", "select 1 as n"]
    slow, quick = await source.answer_all([ask(text) for text in texts])
    assert unanswered(slow) == Unanswered("no answer within 0.24 s; the server stopped it")
    assert rows(quick) == [{"n": 1}]
    running = "select count(*) from pg_stat_activity where query like '%pg_sleep(10)' and state = 'active'"
    assert await owner.fetchval(running) == 0
    await source.close()


async def test_a_locked_table_fails_only_its_question(
    database: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    source = opened(database.dsn, 0.5)
    async with owner.transaction():
        await owner.execute("lock table orgs in access exclusive mode")
        locked, free = await source.answer_all([ask("select * from orgs"), ask("select 1 as n")])
    assert unanswered(locked) == Unanswered("a table it reads is locked")
    assert rows(free) == [{"n": 1}]
    await source.close()


async def test_a_missing_right_fails_only_its_question(
    database: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    await owner.execute("create role nobody_special login")
    try:
        source = opened(database.dsn.replace("watchdog@", "nobody_special@"))
        answer = await source.answer(ask("select * from secrets"))
        assert unanswered(answer) == Unanswered("permission denied for table secrets")
        await source.close()
    finally:
        await owner.execute("drop role nobody_special")


async def test_nothing_that_writes_gets_through(
    crm: Source, owner: "asyncpg.Connection[Any]"
) -> None:
    await owner.execute(ROUTINES)
    for text in WRITES:
        after = "delete from orgs returning id"
        answers = await crm.answer_all([ask(text), ask(after), ask("select 1 as n")])
        assert not unanswered(answers[0]).whole_source, text
        assert not unanswered(answers[1]).whole_source, text
        assert rows(answers[2]) == [{"n": 1}], text
        assert await owner.fetchval("select string_agg(name, ' ') from orgs") == "Acme Globex"


async def test_what_a_query_sets_or_locks_does_not_outlive_it(
    crm: Source, owner: "asyncpg.Connection[Any]"
) -> None:
    texts = [
        "select set_config('statement_timeout', '0', false)",
        "select set_config('default_transaction_read_only', 'off', false)",
        "select pg_advisory_lock(42)::text",
    ]
    await crm.answer_all([ask(text) for text in texts])
    assert await owner.fetchval("select pg_try_advisory_lock(42)")
    found = rows(await crm.answer(ask("select current_setting('statement_timeout') as t")))
    assert found == [{"t": "4500ms"}]


async def test_nothing_is_left_in_a_transaction(
    crm: Source, owner: "asyncpg.Connection[Any]"
) -> None:
    await crm.answer_all([ask("select 1"), ask("selct"), ask("select * from orgs")] * 20)
    open_ones = (
        "select count(*) from pg_stat_activity"
        " where application_name = 'incident-watchdog' and state like 'idle in transaction%'"
        " and datname = current_database()"
    )
    assert await owner.fetchval(open_ones) == 0


async def test_no_more_connections_are_opened_than_allowed(
    database: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    source = opened(database.dsn, connections=2)
    many = [source.answer_all([ask(f"select {n}")] * 10) for n in range(20)]
    assert all(isinstance(one, Rows) for batch in await asyncio.gather(*many) for one in batch)
    count = (
        "select count(*) from pg_stat_activity where application_name = 'incident-watchdog'"
        " and datname = current_database()"
    )
    assert await owner.fetchval(count) == 2
    await source.close()


async def test_a_changed_table_is_seen_by_a_held_statement(
    crm: Source, owner: "asyncpg.Connection[Any]"
) -> None:
    question = ask("select * from orgs where id = 1")
    assert "note" not in rows(await crm.answer(question))[0]
    await owner.execute(
        "alter table orgs add note text default 'new', alter local type timestamptz"
    )
    row = rows(await crm.answer(question))[0]
    assert row["note"] == "new"
    assert row["local"].tzinfo is not None
    await owner.execute("alter table orgs rename to firms")
    assert unanswered(await crm.answer(question)).reason == 'table "orgs" does not exist'
    await owner.execute("alter table firms rename to orgs")
    assert rows(await crm.answer(question))


async def test_more_statements_than_are_held_are_answered_all_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchdog.sources.postgres_connection.HELD_STATEMENTS_MAX", 5)
    source = opened(database.dsn, connections=1)
    questions = [ask(f"select {n} as n") for n in range(20)]
    for _ in range(2):
        answers = await source.answer_all(questions)
        assert [rows(answer) for answer in answers] == [[{"n": n}] for n in range(20)]
    held = "select count(*) as n from pg_prepared_statements"
    assert rows(await source.answer(ask(held))) == [{"n": 5}]
    await source.close()


async def test_behind_a_pooler_nothing_stays_prepared(database: Database) -> None:
    source = opened(database.dsn, connections=1, direct=False)
    await source.answer_all([ask(f"select {n}") for n in range(5)])
    assert rows(await source.answer(ask("select name from pg_prepared_statements"))) == []
    await source.close()


async def test_an_old_connection_is_renewed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = opened(database.dsn, connections=1)
    pid = ask("select pg_backend_pid() as pid")
    first = rows(await source.answer(pid))
    assert rows(await source.answer(pid)) == first
    monkeypatch.setattr(postgres, "AGE_S_MAX", 0.0)
    assert rows(await source.answer(pid)) != first
    await source.close()


async def test_a_database_is_not_asked_by_url(crm: Source) -> None:
    url, sql = await crm.answer_all([HttpQuestion("crm", "/health"), ask("select 1 as n")])
    assert "SQL" in unanswered(url).reason
    assert rows(sql) == [{"n": 1}]
