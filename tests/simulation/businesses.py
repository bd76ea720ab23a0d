"""Who lives in a simulated year: a small town of those that failures are about, and of odd clocks.

The demo has five hundred businesses, and a look at all of them is seven hundred requests, twenty
thousand times over. Here are those that a failure names, so that each can be broken, and in some zones
whose clocks are turned in their own ways a workspace, or an organisation. All the others are looked
at by the other tests of the demo.
"""

import json
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import asyncpg

from watchdog.demo.failure import Failure
from watchdog.demo.places import ORGANISATIONS, WORKSPACES, Place

CLOCKS = {
    "America/New_York": ORGANISATIONS,
    "Africa/Casablanca": WORKSPACES,
    "Australia/Lord_Howe": ORGANISATIONS,
    "Pacific/Chatham": WORKSPACES,
}
"""The packs' usual zone; one that knows Ramadan; one that moves by half an hour; one that lies
quarters of an hour off and has its summer in winter."""

_LEAVE_CONTACTS = (
    "delete from contacts where workspace_id <> all ($1)",
    "delete from servicetitan_sync_state where workspace_id <> all ($1)",
)
_LEAVE_CRM = (
    "delete from daily_activity_metrics where workspace_id <> all ($1)",
    "delete from workspace_issues_cache where workspace_id <> all ($1)",
    "delete from workspace_tracked_repositories where workspace_id <> all ($1)",
    "delete from workspaces where id <> all ($1)",
)
_LEAVE_WEB_SYNC = (
    "delete from flow_records where organization_id not in (select value from json_each(?))",
    "delete from sync_logs where organization_id not in (select value from json_each(?))",
    "delete from integrations where organization_id not in (select value from json_each(?))",
)


def dwellers(failures: Iterable[Failure]) -> frozenset[str]:
    """Return the ids of the workspaces and organisations that stay, so that these can be broken."""
    words = repr([one for one in failures if not one.is_twin])
    named = set(re.findall(r"'([a-z-]+)(?:/[a-z]+)?'", words))  # or a repository of theirs
    found = {one.id for one in (*WORKSPACES, *ORGANISATIONS)} & named
    return frozenset(found | {_first_in(zone, everybody) for zone, everybody in CLOCKS.items()})


def _first_in(zone: str, everybody: Iterable[Place]) -> str:
    return next(one.id for one in everybody if one.zone == zone)


async def keep_only(
    ids: Iterable[str], with_contacts: Iterable[str], crm_dsn: str, web_sync: Path
) -> None:
    """Let all other workspaces and organisations of a demo that is not running leave.

    Args:
        with_contacts: Workspaces whose contacts are synced; each is probed twice at every look.
    """
    kept = sorted(ids)
    crm = await asyncpg.connect(crm_dsn, timeout=10)
    try:
        for statement in _LEAVE_CONTACTS:
            await crm.execute(statement, sorted(with_contacts))
        for statement in _LEAVE_CRM:
            await crm.execute(statement, kept)
        # Else hundreds of empty pages are read all year.
        await crm.execute("vacuum (full, analyze)")
    finally:
        await crm.close()
    with closing(sqlite3.connect(web_sync, isolation_level=None)) as file:
        for statement in _LEAVE_WEB_SYNC:
            file.execute(statement, (json.dumps(kept),))
        file.execute("vacuum")
