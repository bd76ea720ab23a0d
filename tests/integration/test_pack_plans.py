"""What the statements of the packs read, where the tables of their users are large."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing

import pytest
import pytest_asyncio

from bench.large_tables import NOW, LargeTables, large_tables
from bench.packs import reads_of, statements, whole_reads
from bench.plans import postgres_later_reads
from tests.postgres import Server
from watchdog.config.model import Rule
from watchdog.engine.rehearsal import rehearse

pytestmark = pytest.mark.asyncio(loop_scope="module")  # that of the connections

ROWS = 30_000

OF_ALL_ROWS = {
    # Each of these rows may count, so no index would spare reading one; they are asked rarely.
    "workspace_issues-api-budget": "workspace_tracked_repositories",
    "workspace_issues-frequency-invalid": "workspace_tracked_repositories",
    "workspace_issues-frequency-doubled": "workspace_tracked_repositories",
    "workspace_issues-repositories-halved": "workspace_tracked_repositories",
    "workspace_issues-success-rate": "workspace_tracked_repositories",
    "workspace_issues-success-rate evidence errors": "workspace_tracked_repositories",
    "support_desk-mail-log-large evidence by_month": "email_delivery_logs",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tables(
    postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LargeTables]:
    """Give them once; whoever drops an index makes what stands for it."""
    async with (
        postgres_server.database() as database,
        large_tables(database.dsn, tmp_path_factory.mktemp("large"), ROWS) as made,
    ):
        yield made


async def test_no_large_table_is_read_as_a_whole_where_an_index_helps(tables: LargeTables) -> None:
    found, too_often = {}, []
    async for one in statements(tables):
        name = one.name.removesuffix(" look while bad")
        if whole := whole_reads(tables, await reads_of(tables, one.question)):
            found[name] = ", ".join(sorted(whole))
            too_often += [name] * one.is_frequent
    assert {name: table for name, table in found.items() if name not in OF_ALL_ROWS} == {}
    assert too_often == []


async def test_what_is_asked_each_minute_reads_by_index_also_when_planned_for_any_parameters(
    tables: LargeTables,
) -> None:
    found = {}
    async for one in statements(tables):
        if one.is_frequent and one.question.source == "crm":
            reads = await postgres_later_reads(tables.crm, one.question)
            known = [read for read in reads if read.table in tables.counts]
            if whole := whole_reads(tables, known):
                found[one.name] = ", ".join(sorted(whole))
    assert found == {}


MISSING = [
    ("zendesk_tickets", "updated_at"),
    ("contacts", "updated_at"),
    ("workspace_tracked_repositories", "next_sync_at"),
    ("workspace_tracked_repositories", "workspace_id"),  # of what is bad
    ("workspace_issues_cache", "expires_at"),
    ("support_tokens", "expires_at"),
]


async def test_a_missing_index_is_named_for_each_rule_that_wants_it(tables: LargeTables) -> None:
    rules = [one for one in tables.rules if one.kind.source == "crm"]
    complete = {text for one in rules for text in (await _indexes(one, tables))}
    for table, column in MISSING:
        await tables.crm.execute(f"drop index {table}_{column}_idx")
    found = {text for one in rules for text in (await _indexes(one, tables))}
    assert found - complete == {
        f"create index concurrently on public.{table} ({column});" for table, column in MISSING
    }
    for text in found:
        await tables.crm.execute(text)
    await tables.crm.execute("analyze")
    assert [text for one in rules for text in (await _indexes(one, tables))] == []


async def test_a_missing_index_of_sqlite_is_named_and_made_by_what_is_said(
    tables: LargeTables,
) -> None:
    rules = [one for one in tables.rules if one.kind.source == "web"]
    assert [text for one in rules for text in (await _indexes(one, tables))] == []
    with closing(sqlite3.connect(tables.path)) as file, file:
        file.execute("drop index sync_logs_by_time")
    found = {one.name: (await _indexes(one, tables)) for one in rules}
    text = "create index sync_logs_by_synced_at on sync_logs (synced_at);"
    wanting = ("runs-failing", "runs-slow", "records-collapse")
    assert {name: texts for name, texts in found.items() if texts} == {
        f"background_sync-{name}": [text] for name in wanting
    }
    with closing(sqlite3.connect(tables.path)) as file, file:
        file.execute(text)
    assert [text for one in rules for text in (await _indexes(one, tables))] == []


async def _indexes(rule: Rule, tables: LargeTables) -> list[str]:
    return (await rehearse(rule, NOW, tables.sources)).indexes
