import importlib.resources
import re

import asyncpg
import pytest

from watchdog.store.pool import transaction
from watchdog.store.sql import load, parse

NOUNS = sorted(
    entry.name.removesuffix(".sql")
    for entry in importlib.resources.files("watchdog.store").joinpath("queries").iterdir()
    if entry.name.endswith(".sql")
)
TIME = re.compile(
    r"\b(now\s*\(|current_(timestamp|date|time)\b|localtime|(statement|transaction)_timestamp|timeofday)"
)


def code_of(statement: str) -> str:
    return re.sub(r"--.*", "", statement)


@pytest.mark.parametrize("noun", NOUNS)
async def test_every_statement_can_be_prepared(noun: str, store: asyncpg.Pool) -> None:
    async with store.acquire() as connection:
        for statement in load(noun).values():
            await connection.prepare(statement)


@pytest.mark.parametrize("noun", NOUNS)
def test_no_statement_reads_the_time_by_itself(noun: str) -> None:
    assert [name for name, text in load(noun).items() if TIME.search(code_of(text).lower())] == []


@pytest.mark.parametrize("noun", NOUNS)
def test_keywords_are_in_lower_case(noun: str) -> None:
    shouted = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|AND|OR|SET)\b")
    assert [name for name, text in load(noun).items() if shouted.search(code_of(text))] == []


def test_a_file_is_read_once() -> None:
    assert load("pool") is load("pool")


def test_a_name_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        load("pool")["set_sesion"]


def test_statements_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        load("pool")["set_session"] = ""  # type: ignore[index]


def test_a_statement_keeps_its_own_comments() -> None:
    text = "-- name: one\n-- Say one.\n-- Slowly.\nselect 1; -- enough\n"
    assert parse(text, "x.sql") == {"one": "-- Slowly.\nselect 1; -- enough"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select 1;", "x.sql: text before the first `-- name:`"),
        ("-- name: a\nselect 1;", "x.sql: a: needs a comment below its name"),
        ("-- name: a\n-- lower.\nselect 1;", "x.sql: a: needs a comment below its name"),
        ("-- name: a\n-- Say one.\nselect 1", "x.sql: a: does not end with a semicolon"),
        ("-- name: a\n-- Say one.\n", "x.sql: a: does not end with a semicolon"),
        (
            "-- name: a\n-- Say one.\nselect 1;\n\n-- name: a\n-- Say two.\nselect 2;",
            "x.sql: two statements are called a",
        ),
        (
            "-- name: a\n-- Say one.\nselect 1;\nselect 2;",
            "x.sql: a: holds more than one statement",
        ),
    ],
)
def test_a_file_out_of_form_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse(text, "x.sql")


@pytest.mark.parametrize(
    ("noun", "statement", "index"),
    [
        ("remembered", "list_past", "incident_rule"),
        ("members", "list_ended_members", "member_good"),
        ("figures", "list_pushes", "notification_sent"),
    ],
)
async def test_what_is_asked_often_is_found_by_an_index(
    store: asyncpg.Pool, noun: str, statement: str, index: str
) -> None:
    async with transaction(store) as conn:
        # The tables are empty: a plan that reads all of one would be as good.
        await conn.execute("set local enable_seqscan = off")
        await conn.execute("set local plan_cache_mode = force_generic_plan")
        asked = load(noun)[statement]
        given = (await conn.prepare(asked)).get_parameters()
        nulls = ", ".join(["null"] * len(given))
        await conn.execute(f"prepare asked as {asked}")
        plan = await conn.fetch(f"explain execute asked ({nulls})")
    assert any(index in row[0] for row in plan)
