# ruff: noqa: S608 - numbers of our own.
"""The tables of the packs' users with many rows, all healthy, and the indexes that the demo has."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from watchdog.config.load import load_text
from watchdog.config.model import Config, Rule
from watchdog.demo.scripts import read
from watchdog.sources.base import Source
from watchdog.sources.open import open_source

NOW = datetime(2026, 11, 2, 9, 2, tzinfo=UTC)
"""A Monday morning, so soon after a full hour that samples are taken."""

_RULES = """\
version: 1
people: {{ ana: {{ email: ana@example.com }} }}
teams: {{ data: {{ lead: ana }} }}
sources:
  crm: {{ postgres: "{dsn}", team: data, timeout: 30s }}
  web: {{ sqlite: "{path}", team: data, timeout: 30s }}
  api: {{ http: "https://127.0.0.1:9", team: data }}
defaults: {{ team: data }}
packs:
  zendesk_sync: {{ source: crm }}
  background_sync: {{ source: web, api: api }}
  servicetitan_sync: {{ source: crm, api: api }}
  workspace_issues: {{ source: crm }}
  support_desk: {{ source: crm, api: api }}
"""

_ROWS_A_WORKSPACE = 89
"""As many days of daily figures as are kept."""

_CRM = {
    "workspaces": "id, 'Workspace ' || n, 'Europe/Berlin', 'pro', 2 * {each}, {each}, 90 from {ids}",
    "servicetitan_sync_state": (
        "id, n, true, 'completed', id || '-0', $1 - interval '16 minutes', 2, 7, 0, null,"
        " $1 - interval '16 minutes' from {ids}"
    ),
    "zendesk_sync_runs (started_at, finished_at, status, tickets_fetched, tickets_upserted)": (
        "$1 - n * interval '3 minutes', $1 - n * interval '3 minutes' + interval '40 seconds',"
        " case when n % 97 = 96 then 'failed' else 'success' end, 5, 5"
        " from generate_series({rows}, 1, -1) n"
    ),
    "zendesk_tickets (id, subject, status, created_at, updated_at)": (
        "n, 'Where is my order', 'solved', $1 - ({rows} + 1 - n) * interval '30 seconds',"
        " $1 - ({rows} + 1 - n) * interval '29 seconds' from generate_series(1, {rows}) n"
    ),
    "contacts (workspace_id, crm_id, firstname, lastname, created_at, updated_at)": (
        "'w' || 1 + n % {workspaces}, n / {workspaces}, 'Ada', 'Berg', $1 - interval '400 days',"
        " $1 - n * interval '30 seconds' from generate_series(1, {rows}) n"
    ),
    "repositories": "md5('r' || n)::uuid, 'owner/' || n from generate_series(1, {rows}) n",
    "tracked_repositories": "md5('t' || full_name)::uuid, id from repositories",
    "workspace_tracked_repositories": (
        "md5('w' || n)::uuid, 'w' || 1 + n % {workspaces}, t.id, n % 20 <> 0,"
        " case when n % 50 = 0 then 'failed' else 'success' end,"
        " $1 - n % 1000 / 1000.0 * interval '12 hours',"
        " $1 + (1 - n % 1000 / 1000.0) * interval '12 hours', case when n % 50 = 0 then 1 else 0 end,"
        " case when n % 50 = 0 then 'HTTP 502 from the code host' end, 12, 50, 40"
        " from generate_series(1, {rows}) n"
        " join tracked_repositories t on t.id = md5('towner/' || n)::uuid"
    ),
    "workspace_issues_cache (workspace_id, payload, expires_at)": (
        "'w' || 1 + n % {workspaces}, '{{}}', $1 + interval '1 hour' - n * interval '7 days' / {rows}"
        " from generate_series(1, {rows}) n"
    ),
    "daily_activity_metrics": (
        "($1 at time zone 'UTC')::date - day, id, 2 from {ids}, generate_series(1, {each}) day"
    ),
}
_DESK = {
    "support_threads (subject, status, created_at)": (
        "'Conversation ' || n, case when n % 100 = 0 then 'open' else 'closed' end,"
        " $1 - ({rows} - n) * interval '30 seconds' from generate_series(1, {rows}) n"
    ),
    "support_messages (thread_id, body, created_at)": (
        "1 + n % {rows}, 'Message ' || n, $1 - ({rows} - n) * interval '30 seconds'"
        " from generate_series(1, {rows}) n"
    ),
    "support_tokens (token_hash, assignment_id, thread_id, expires_at, use_count)": (
        "md5(n::text), n, n, $1 + interval '1 day' + n * interval '2 seconds', 1"
        " from generate_series(1, {rows}) n"
    ),
    "email_delivery_logs (event_type, to_email, status, attempts, last_error, idempotency_key, created_at)": (
        "'reply', 'customer' || n || '@example.com', case when n > {rows} - 20 then 'QUEUED'"
        " when n % 400 = 0 and n < {rows} * 0.98 then 'FAILED' else 'SENT' end,"
        " case when n % 400 = 0 then 5 else 1 end, case when n % 400 = 0 then 'SMTP 421' end,"
        " 'mail-' || n, $1 - ({rows} - n) * interval '85 days' / {rows} from generate_series(1, {rows}) n"
    ),
}
_SYNC_LOGS = """
with recursive numbers (n) as materialized (
    select ?2 union all select n - 1 from numbers where n > 1
)
insert into sync_logs
    (organization_id, system_type, status, records_processed, error, duration_ms, synced_at)
select 'org-' || (n % ?3), 'zendesk', case when n % 97 = 96 then 'failed' else 'success' end, 3 + n % 11,
       case when n % 97 = 96 then 'HTTP 503 from Zendesk' end, 600 + n * 37 % 900,
       strftime('%Y-%m-%dT%H:%M:%SZ', ?1 - n * 28.0 * 86400 / ?2, 'unixepoch')
from numbers
"""
_INTEGRATIONS = """
insert into integrations
    (organization_id, system_type, is_active, interval_cron, timezone, last_sync_at)
select distinct organization_id, system_type, 1, '*/15 * * * *', 'UTC', max(synced_at)
from sync_logs group by 1, 2
"""
_COUNTS = """
select relname, reltuples::bigint as n from pg_class
where relkind = 'r' and relnamespace = 'public'::regnamespace
"""
_RUNS_AN_ORGANISATION = 2500
"""One each quarter of an hour, for four weeks."""


@dataclass(frozen=True, slots=True)
class LargeTables:
    """The tables, and all packs with their default settings on them.

    Attributes:
        crm: A connection to the database of all tables but those of `background_sync`.
        path: The SQLite file with those.
        counts: How many rows each table has, about.
    """

    config: Config
    sources: dict[str, Source]
    crm: asyncpg.Connection
    path: Path
    counts: dict[str, int]

    @property
    def rules(self) -> list[Rule]:
        """Return the rules of all packs."""
        return list(self.config.rules.values())


@contextlib.asynccontextmanager
async def large_tables(dsn: str, folder: Path, rows: int) -> AsyncIterator[LargeTables]:
    """Make tables of about `rows` rows each in an empty database and in a file."""
    path = folder / "web.db"
    _fill_sqlite(path, rows)
    loaded = load_text({"rules.yaml": _RULES.format(dsn=dsn, path=path)}, "rules.yaml", {})
    assert loaded.config is not None, loaded.problems
    assert not loaded.problems, loaded.problems
    crm = await asyncpg.connect(dsn, timeout=10)
    sources = {name: open_source(one, {}) for name, one in loaded.config.sources.items()}
    try:
        await _fill_postgres(crm, rows)
        counts = {row["relname"]: row["n"] for row in await crm.fetch(_COUNTS)}
        counts |= {"sync_logs": rows, "integrations": _organisations(rows)}
        yield LargeTables(loaded.config, sources, crm, path, counts)
    finally:
        for source in sources.values():
            await source.close()
        await crm.close()


async def _fill_postgres(crm: asyncpg.Connection, rows: int) -> None:
    workspaces = max(1, rows // _ROWS_A_WORKSPACE)
    numbers = {
        "rows": rows,
        "workspaces": workspaces,
        "each": _ROWS_A_WORKSPACE,
        "ids": f"(select n, 'w' || n as id from generate_series(1, {workspaces}) n) ids",
    }
    for part, tables in (("crm", _CRM), ("desk", _DESK)):
        await crm.execute(read(f"{part}_tables"))
        for table, selected in tables.items():
            text = f"insert into {table} select {selected.format_map(numbers)}"
            given = (NOW,) if "$1" in text else ()
            await crm.execute(text.replace("$1", "$1::timestamptz"), *given, timeout=300)
        await crm.execute(read(f"{part}_indexes"), timeout=300)
    await crm.execute("vacuum analyze", timeout=300)


def _organisations(rows: int) -> int:
    return max(1, rows // _RUNS_AN_ORGANISATION)


def _fill_sqlite(path: Path, rows: int) -> None:
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        file.executescript(read("web_sync_tables"))
        file.execute(_SYNC_LOGS, (NOW.timestamp(), rows, _organisations(rows)))
        file.execute(_INTEGRATIONS)
        file.executescript(read("web_sync_indexes"))
