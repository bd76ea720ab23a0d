import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from rules.base import Answer, HttpQuestion, Rows, SqlQuestion, Unanswered
from watchdog.config.model import Source as SourceSpec
from watchdog.sources.base import Source
from watchdog.sources.open import open_source

FOREVER = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"


def ask(text: str, *params: object, rows_max: int = 100) -> SqlQuestion:
    return SqlQuestion("sync", text, params, rows_max=rows_max)  # type: ignore[arg-type]


def declared(path: Path, seconds: float = 2.0) -> SourceSpec:
    timeout = timedelta(seconds=seconds)
    return SourceSpec("sync", "sqlite", SecretStr(str(path)), "ops", timeout=timeout)


def fill(path: Path, name: str = "Acme") -> None:
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("create table orgs (id integer primary key, name text, seen text)")
        file.execute("insert into orgs (name, seen) values (?, '2025-06-13 02:00:00')", (name,))


def reason(answer: Answer) -> str:
    assert isinstance(answer, Unanswered), answer
    return answer.reason


def rows(answer: Answer) -> list[dict[str, object]]:
    assert isinstance(answer, Rows), answer
    return [dict(row) for row in answer.rows]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    fill(tmp_path / "sync.db")
    return tmp_path / "sync.db"


@pytest.fixture
async def source(path: Path) -> AsyncIterator[Source]:
    opened = open_source(declared(path), {})
    yield opened
    await opened.close()


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


async def test_a_question_is_answered_with_its_rows(source: Source) -> None:
    answer = await source.answer(ask("select id, name from orgs"))
    assert rows(answer) == [{"id": 1, "name": "Acme"}]
    assert isinstance(answer, Rows)
    assert not answer.truncated
    assert answer.took > timedelta()


async def test_numbered_parameters_are_bound_by_their_number(source: Source) -> None:
    text = "select $2 as second, $1 as first, $1 as again"
    assert rows(await source.answer(ask(text, "a", 2))) == [
        {"second": 2, "first": "a", "again": "a"}
    ]


async def test_a_text_finds_an_integer_column(source: Source) -> None:
    assert rows(await source.answer(ask("select name from orgs where id = $1", "1")))


async def test_a_list_is_bound_as_json(source: Source) -> None:
    text = "select name from orgs where name in (select value from json_each($1))"
    assert rows(await source.answer(ask(text, ("Acme", "Globex")))) == [{"name": "Acme"}]


async def test_an_instant_is_bound_as_text_that_compares(source: Source) -> None:
    at = datetime(2025, 6, 13, 3, tzinfo=UTC)
    assert rows(await source.answer(ask("select name from orgs where seen < $1", at)))


async def test_more_rows_than_wanted_are_cut_and_told(source: Source) -> None:
    text = "with recursive n(i) as (select 1 union all select i + 1 from n limit 1000000) select i from n"
    answer = await source.answer(ask(text, rows_max=3))
    assert [row["i"] for row in rows(answer)] == [1, 2, 3]
    assert isinstance(answer, Rows)
    assert answer.truncated


async def test_a_missing_table_fails_only_its_question(source: Source) -> None:
    first, second = await source.answer_all([ask("select 1 from ordrs"), ask("select 1 as n")])
    assert first == Unanswered('table "ordrs" does not exist')
    assert rows(second) == [{"n": 1}]


async def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    source = open_source(declared(tmp_path / "gone.db"), {})
    answer = await source.answer(ask("select 1"))
    assert answer == Unanswered("the file does not exist", whole_source=True)
    assert not (tmp_path / "gone.db").exists()
    await source.close()


async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see here\n" * 100)
    source = open_source(declared(tmp_path / "notes.txt"), {})
    answers = await source.answer_all([ask("select 1 from a"), ask("select 1 from b")])
    assert answers == [Unanswered("the file is not an SQLite database", whole_source=True)] * 2
    await source.close()


async def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    source = open_source(declared(tmp_path), {})
    answer = await source.answer(ask("select 1"))
    assert reason(answer).startswith("the file cannot be ")
    assert isinstance(answer, Unanswered)
    assert answer.whole_source
    await source.close()


async def test_a_damaged_file_is_told(source: Source, path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(4000))
    answer = await source.answer(ask("select count(*) from orgs"))
    assert answer == Unanswered("the file is damaged", whole_source=True)


async def test_a_locked_file_is_told_within_the_time_out(
    path: Path, writer: sqlite3.Connection
) -> None:
    source = open_source(declared(path, 0.3), {})
    writer.execute("begin exclusive")
    started = asyncio.get_running_loop().time()
    answer = await source.answer(ask("select * from orgs"))
    assert answer == Unanswered("the file is locked by another program", whole_source=True)
    assert asyncio.get_running_loop().time() - started < 1
    writer.execute("rollback")
    assert rows(await source.answer(ask("select name from orgs")))
    await source.close()


async def test_a_query_without_end_is_stopped_and_the_next_one_is_answered(path: Path) -> None:
    source = open_source(declared(path, 0.2), {})
    started = asyncio.get_running_loop().time()
    assert reason(await source.answer(ask(FOREVER))) == "no answer within 0.2 s"
    assert asyncio.get_running_loop().time() - started < 1
    assert rows(await source.answer(ask("select name from orgs")))
    await source.close()


async def test_a_batch_ends_although_every_query_hangs(path: Path) -> None:
    source = open_source(declared(path, 0.2), {})
    answers = await source.answer_all([ask(FOREVER)] * 10)
    assert reason(answers[0]) == "no answer within 0.2 s"
    assert reason(answers[-1]).startswith("its turn did not come within 0.2 s")
    await source.close()


async def test_questions_of_two_callers_wait_for_their_turn(path: Path) -> None:
    source = open_source(declared(path, 0.2), {})
    slow, late = await asyncio.gather(source.answer(ask(FOREVER)), source.answer(ask("select 1")))
    assert reason(slow) == "no answer within 0.2 s"
    assert isinstance(late, Rows) or late.reason.startswith("its turn did not come")  # type: ignore[union-attr]
    await source.close()


async def test_a_file_that_was_replaced_is_opened_again(source: Source, path: Path) -> None:
    assert rows(await source.answer(ask("select name from orgs"))) == [{"name": "Acme"}]
    path.rename(path.with_suffix(".old"))
    assert reason(await source.answer(ask("select name from orgs"))) == "the file does not exist"
    fill(path, "Globex")
    assert rows(await source.answer(ask("select name from orgs"))) == [{"name": "Globex"}]


async def test_a_file_that_took_the_place_of_another_is_asked_at_once(
    source: Source, path: Path
) -> None:
    assert rows(await source.answer(ask("select name from orgs"))) == [{"name": "Acme"}]
    other = path.with_suffix(".new")
    fill(other, "Globex")
    other.replace(path)
    assert rows(await source.answer(ask("select name from orgs"))) == [{"name": "Globex"}]


async def test_rows_written_meanwhile_are_seen(source: Source, writer: sqlite3.Connection) -> None:
    assert len(rows(await source.answer(ask("select name from orgs")))) == 1
    writer.execute("pragma journal_mode = wal")
    writer.execute("insert into orgs (name) values ('Globex')")
    assert len(rows(await source.answer(ask("select name from orgs")))) == 2


@pytest.mark.parametrize(
    "text",
    [
        "delete from orgs",
        "insert into orgs (name) values ('x')",
        "update orgs set name = 'x'",
        "create table more (a)",
        "create temp table more (a)",
        "drop table orgs",
        "update sqlite_master set sql = ''",
        "pragma query_only = off",
        "pragma writable_schema = on",
        "attach database ':memory:' as other",
        "vacuum into '/tmp/never.db'",
        "begin exclusive",
        "select 1; delete from orgs",
        "delete from orgs returning id",
        "select load_extension('x')",
        "",
        "-- nothing",
        "select 'zero\x00byte'",
    ],
)
async def test_only_a_query_is_asked(source: Source, path: Path, text: str) -> None:
    before = path.read_bytes()
    answer = await source.answer(ask(text))
    assert isinstance(answer, Unanswered)
    assert not answer.whole_source
    assert path.read_bytes() == before


async def test_a_value_beyond_all_bounds_is_refused(source: Source) -> None:
    answer = await source.answer(ask("select zeroblob(1000000000) as cell"))
    assert reason(answer) == "a value in its answer is too large"


async def test_too_few_parameters_are_told_without_their_values(source: Source) -> None:
    answer = await source.answer(ask("select $1, $2", "secret"))
    assert "secret" not in reason(answer)


async def test_an_integer_too_great_for_sqlite_is_told(source: Source) -> None:
    assert reason(await source.answer(ask("select $1", 2**70)))


async def test_a_file_is_not_asked_by_url(source: Source) -> None:
    assert "SQL" in reason(await source.answer(HttpQuestion("sync", "/health")))


async def test_a_path_with_signs_of_its_own_in_a_uri_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "odd ?mode=rwc&name#1%20.db"
    fill(path)
    source = open_source(declared(path), {})
    assert rows(await source.answer(ask("select name from orgs"))) == [{"name": "Acme"}]
    await source.close()


async def test_the_file_of_the_demo_is_found_by_its_name(path: Path) -> None:
    spec = SourceSpec("sync", "sqlite", SecretStr("demo://web_sync"), "ops")
    source = open_source(spec, {"web_sync": str(path)})
    assert rows(await source.answer(ask("select name from orgs"))) == [{"name": "Acme"}]
    await source.close()


async def test_without_the_demo_its_sources_say_so() -> None:
    spec = SourceSpec("sync", "sqlite", SecretStr("demo://web_sync"), "ops")
    source = open_source(spec, {})
    words = 'the demo is not running, so there is no "web_sync" to ask'
    assert await source.answer(ask("select 1")) == Unanswered(words, whole_source=True)
    assert (
        await source.answer_all([ask("select 1")] * 2) == [Unanswered(words, whole_source=True)] * 2
    )
    await source.close()


def test_an_unknown_type_is_an_error() -> None:
    with pytest.raises(ValueError, match="type gopher is not known"):
        open_source(SourceSpec("hole", "gopher", SecretStr("x"), "ops"), {})
