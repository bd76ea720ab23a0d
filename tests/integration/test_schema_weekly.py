"""What the store refuses to hold of readers, whatever code asks for it."""

import asyncpg
import pytest

from tests.postgres import NIGHT

TOKEN = "t" * 32


@pytest.fixture
async def told(store: asyncpg.Pool) -> asyncpg.Pool:
    """Give a store in which one reader has had one week."""
    await store.execute(
        "insert into report_run (report, due_on, due_at, asked_at, team, facts) "
        "values ('weekly', '2025-06-09', $1, $1, '', '{}')",
        NIGHT,
    )
    await store.execute(
        "insert into subscription values ('weekly', 'email:ana@x.example', $1)", TOKEN
    )
    await store.execute(
        "insert into report_told values ('weekly', '2025-06-09', 'email:ana@x.example', $1)", NIGHT
    )
    return store


async def refuses(store: asyncpg.Pool, statement: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await store.execute(statement)


async def test_a_reader_has_a_week_once(told: asyncpg.Pool) -> None:
    again = "insert into report_told values ('weekly', '2025-06-09', 'email:ana@x.example', now())"
    await refuses(told, again, asyncpg.UniqueViolationError)


async def test_nobody_has_a_week_that_was_not_made(told: asyncpg.Pool) -> None:
    unmade = "insert into report_told values ('weekly', '2025-06-16', 'email:ana@x.example', now())"
    await refuses(told, unmade, asyncpg.ForeignKeyViolationError)


async def test_nobody_has_a_week_without_a_link_to_stop_it(told: asyncpg.Pool) -> None:
    unknown = (
        "insert into report_told values ('weekly', '2025-06-09', 'email:raj@x.example', now())"
    )
    await refuses(told, unknown, asyncpg.ForeignKeyViolationError)


async def test_a_week_that_somebody_has_had_is_not_forgotten(told: asyncpg.Pool) -> None:
    await refuses(told, "delete from report_run", asyncpg.ForeignKeyViolationError)
    await refuses(told, "delete from subscription", asyncpg.ForeignKeyViolationError)


@pytest.mark.parametrize(
    "values",
    [
        "('weekly', 'email:raj@x.example', repeat('t', 31))",  # guessed too soon
        "('weekly', 'slack:@U02RAJ', repeat('s', 32))",
        "(' ', 'email:raj@x.example', repeat('s', 32))",
    ],
)
async def test_a_reader_is_an_address_with_a_long_secret(told: asyncpg.Pool, values: str) -> None:
    statement = f"insert into subscription values {values}"  # noqa: S608 (ours)
    await refuses(told, statement, asyncpg.CheckViolationError)


async def test_two_readers_have_two_secrets(told: asyncpg.Pool) -> None:
    same = "insert into subscription values ('weekly', 'email:raj@x.example', repeat('t', 32))"
    await refuses(told, same, asyncpg.UniqueViolationError)
