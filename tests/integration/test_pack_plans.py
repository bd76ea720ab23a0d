"""What the statements of the packs read, where the tables of their users are large."""

from pathlib import Path

from bench.large_tables import large_tables
from bench.packs import reads_of, statements, whole_reads
from tests.postgres import Database

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


async def test_no_large_table_is_read_as_a_whole_where_an_index_helps(
    database: Database, tmp_path: Path
) -> None:
    found, too_often = {}, []
    async with large_tables(database.dsn, tmp_path, ROWS) as tables:
        async for one in statements(tables):
            name = one.name.removesuffix(" look while bad")
            if whole := whole_reads(tables, await reads_of(tables, one.question)):
                found[name] = ", ".join(sorted(whole))
                too_often += [name] * one.is_frequent
    assert {name: table for name, table in found.items() if name not in OF_ALL_ROWS} == {}
    assert too_often == []
