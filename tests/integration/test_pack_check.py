"""`packs check --live`: what the packs would ask of real databases, and what is missing there."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from tests.command_line import say
from tests.demo_world import drop, living
from tests.postgres import NIGHT, Database, Server
from watchdog.cli import main
from watchdog.clock import MovedClock
from watchdog.demo.scripts import read
from watchdog.engine.postgres_indexes import LARGE_ROWS
from watchdog.engine.rehearsal import rehearse

TABLES = """
create table zendesk_sync_runs (
    id bigint generated always as identity primary key,
    started_at timestamptz, finished_at timestamptz, status text,
    tickets_fetched integer, tickets_upserted integer, error_message text);
create table zendesk_tickets (id bigint, status text, created_at timestamptz, updated_at timestamptz);
insert into zendesk_sync_runs (started_at, status)
select timestamptz '2025-06-01' - n * interval '15 minutes', 'success' from generate_series(1, 20000) n;
insert into zendesk_tickets
select n, 'open', timestamptz '2025-06-01', timestamptz '2025-06-01' - n * interval '1 minute'
from generate_series(1, 20000) n;
analyze;
"""
RULES = """\
version: 1
people: {{ ana: {{ email: ana@example.com }} }}
teams: {{ data: {{ lead: ana }} }}
sources: {{ crm: {{ postgres: "{dsn}", team: data }} }}
defaults: {{ team: data }}
packs: {{ zendesk_sync: {{ source: crm }} }}
"""
WEB_RULES = """\
version: 1
people: {{ ana: {{ email: ana@example.com }} }}
teams: {{ data: {{ lead: ana }} }}
sources: {{ web: {{ sqlite: "{path}", team: data }} }}
defaults: {{ team: data }}
packs: {{ background_sync: {{ source: web, without: [status-endpoint] }} }}
"""
LOGS = """
insert into sync_logs (organization_id, system_type, status, records_processed, duration_ms, synced_at)
with recursive n (i) as (select 1 union all select i + 1 from n where i < ?)
select 'acme', 'zendesk', 'success', 3, 700, '2025-06-01T00:00:00Z' from n
"""


@pytest.fixture
async def crm(database: Database, tmp_path: Path) -> asyncpg.Connection:
    (tmp_path / "rules.yaml").write_text(RULES.format(dsn=database.reader_dsn))
    connection = await asyncpg.connect(database.dsn, timeout=10)
    await connection.execute(TABLES)
    return connection


VIEWS = """
alter table zendesk_tickets rename to "Tickets";
alter table "Tickets" rename updated_at to changed;
create schema seen;
create view seen.zendesk_tickets as select id, status, created_at, changed as updated_at from "Tickets";
create view seen.zendesk_sync_runs as select * from zendesk_sync_runs;
"""


WRITER = 'writer: {{ postgres: "{dsn}", writes: true, team: data }}'
DESK = """\
packs:
  support_desk: { source: crm, api: api, writer: writer, without: [certificate-ends] }
"""


async def shown(folder: Path) -> str:
    """Return what a terminal shows."""
    command = ["packs", "check", "--live", "-o", "table", "--config", str(folder / "rules.yaml")]
    return (await asyncio.to_thread(say, *command)).out


async def checked(
    folder: Path, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, dict[str, dict[str, str]]]:
    """Return exit code and rows by rule, without the name of the pack before it."""

    def call() -> int:
        with pytest.raises(SystemExit) as ended:
            main(["packs", "check", *words, "-o", "json", "--config", str(folder / "rules.yaml")])
        return int(ended.value.code or 0)

    code = await asyncio.to_thread(call)
    rows = json.loads(capsys.readouterr().out)
    return code, {row["rule"].partition("-")[2]: row for row in rows}


async def test_every_rule_runs_and_what_has_no_index_is_told(
    crm: asyncpg.Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, rows = await checked(tmp_path, capsys, "--live")
    assert (code, {row["state"] for row in rows.values()}) == (0, {"runs"})
    assert (
        "create index concurrently on public.zendesk_tickets (updated_at);"
        in rows["tickets-stale"]["index"]
    )
    assert "public.zendesk_sync_runs (status, started_at);" in rows["run-hangs"]["index"]
    await crm.close()


async def test_an_index_makes_a_rule_cheap_and_is_not_asked_for(
    crm: asyncpg.Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, before = await checked(tmp_path, capsys, "--live")
    await crm.execute("create index on zendesk_tickets (updated_at)")
    _, after = await checked(tmp_path, capsys, "--live")
    assert "zendesk_tickets" not in after["tickets-stale"]["index"]
    assert float(after["tickets-stale"]["cost"]) < float(before["tickets-stale"]["cost"])
    await crm.close()


async def test_an_index_that_a_large_sqlite_table_misses_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "web.db"
    (tmp_path / "rules.yaml").write_text(WEB_RULES.format(path=path))
    with closing(sqlite3.connect(path)) as file, file:
        file.executescript(read("web_sync_tables"))
        file.execute(LOGS, (LARGE_ROWS - 1,))
    _, before = await checked(tmp_path, capsys, "--live")
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(LOGS, (1,))
    code, rows = await checked(tmp_path, capsys, "--live")
    assert (code, before["runs-failing"]["index"], rows["never-synced"]["index"]) == (0, "", "")
    text = "create index sync_logs_by_synced_at on sync_logs (synced_at);"
    assert rows["runs-failing"]["index"] == text


async def test_a_column_that_is_missing_is_named(
    crm: asyncpg.Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await crm.execute("alter table zendesk_sync_runs rename tickets_upserted to upserted")
    code, rows = await checked(tmp_path, capsys, "zendesk_sync", "--live")
    assert code == 1
    assert rows["writes-nothing"]["state"] == "fails"
    assert "tickets_upserted" in rows["writes-nothing"]["trouble"]
    assert "evidence latest_runs" in rows["run-hangs"]["trouble"]
    await crm.close()


async def test_a_table_that_is_missing_is_named(
    crm: asyncpg.Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await crm.execute("drop table zendesk_tickets")
    code, rows = await checked(tmp_path, capsys, "--live")
    assert (code, rows["tickets-stale"]["state"]) == (1, "fails")
    assert "zendesk_tickets" in rows["tickets-stale"]["trouble"]
    await crm.close()


async def test_nothing_is_asked_unless_told(
    crm: asyncpg.Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await crm.execute("drop table zendesk_tickets")
    code, rows = await checked(tmp_path, capsys)
    assert (code, "cost" in rows["tickets-stale"]) == (0, False)
    await crm.close()


async def test_every_statement_of_every_pack_fits_the_tables_of_its_users(
    postgres_server: Server, tmp_path: Path
) -> None:
    dsn, clock = postgres_server.dsn("postgres"), MovedClock(NIGHT)
    async with living(dsn, tmp_path, clock, "packs") as world:
        asked = [one for one in world.rules.values() if one.kind.source in world.sources]
        found = {one.name: await rehearse(one, NIGHT, world.sources) for one in asked}
    await drop(dsn, "packs")
    assert {name: one.troubles for name, one in found.items() if one.troubles} == {}


async def test_the_statements_run_as_they_are_and_views_are_looked_through(
    crm: asyncpg.Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await crm.execute(VIEWS)
    rules = tmp_path / "rules.yaml"
    rules.write_text(rules.read_text().replace("source: crm }", "source: crm, prefix: seen. }"))
    _, before = await checked(tmp_path, capsys, "--live")
    assert 'on public."Tickets" (changed);' in before["tickets-stale"]["index"]
    for row in before.values():
        for statement in filter(None, row.get("index", "").split(";")):
            await crm.execute(statement)
    _, after = await checked(tmp_path, capsys, "--live")
    assert after["tickets-stale"]["index"] == after["run-hangs"]["index"] == ""
    assert float(after["tickets-stale"]["cost"]) < float(before["tickets-stale"]["cost"]) / 100
    await crm.close()


async def test_each_reason_is_told_once_with_all_that_it_keeps_from_being_asked(
    crm: asyncpg.Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await crm.execute("alter table zendesk_sync_runs alter tickets_fetched type text")
    await crm.execute("drop table zendesk_tickets")
    _, rows = await checked(tmp_path, capsys, "--live")
    lost = 'table "public.zendesk_tickets" does not exist'
    assert rows["tickets-stale"]["trouble"].split("; ")[0] == lost
    assert rows["run-hangs"]["trouble"].split("; ")[0] == f"verify fresh_tickets: {lost}"
    assert "text > integer at `where tickets_fetched > 0" in rows["writes-nothing"]["trouble"]
    assert rows["morning"]["trouble"] == f"Tickets: {lost}"
    assert (await shown(tmp_path)).count(f"  {lost}\n") == 1
    await crm.close()


async def test_what_answers_nothing_at_all_and_what_may_not_be_written_is_told(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = RULES.format(dsn=database.reader_dsn).partition("packs:")[0]
    others = f'api: {{ http: "http://127.0.0.1:9", team: data }}, {WRITER.format(dsn=database.reader_dsn)}'
    rules = rules.replace("} }\ndefaults", f"}}, {others} }}\ndefaults")
    (tmp_path / "rules.yaml").write_text(rules + DESK)
    connection = await asyncpg.connect(database.dsn, timeout=10)
    await connection.execute(read("desk_tables"))
    await connection.close()
    code, rows = await checked(tmp_path, capsys, "--live")
    assert (code, rows["mails-waiting"]["state"]) == (1, "runs")
    assert rows["api-down"]["trouble"] == "The connection was refused."
    assert rows["worker-silent"]["trouble"].startswith("no file matches `/var/log/support-desk/")
    assert rows["backup-old"]["trouble"].startswith("no file matches")
    refused = "action requeue: permission denied for table email_delivery_logs"
    assert refused in rows["degraded"]["trouble"]
