"""`watchdog outbox`: what was sent to whom, what its reader sees, and sending it again."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from watchdog.cli.ending import WRONG_USE, Ended
from watchdog.cli.printing import Format, Table, ago, chosen, format_option, print_table
from watchdog.cli.session import NUMBER, Place, placed, run, session

if TYPE_CHECKING:
    import asyncpg

    from watchdog.store.outbox import Entry

_COLUMNS = ("id", "when", "state", "to", "line", "error")
_LATEST_MAX = 50


@click.command("outbox")
@click.argument("number", metavar="[MESSAGE]", type=NUMBER, required=False)
@click.option("--incident", type=NUMBER, default=None, help="All messages of this incident.")
@click.option(
    "--resend", is_flag=True, help="Send MESSAGE again, or at once if it waits for another try."
)
@format_option
@placed
def outbox_command(
    number: int | None, incident: int | None, resend: bool, form: Format | None, place: Place
) -> int:
    """List the latest messages, or show one as its reader sees it."""
    if resend and number is None:
        raise click.UsageError("say which message to send again: watchdog outbox MESSAGE --resend")
    if incident is not None and number is not None:
        raise click.UsageError("say either MESSAGE or --incident")

    async def work() -> None:
        from watchdog.store.pool import transaction

        async with session(place) as here, transaction(here.pool) as conn:
            if number is None:
                print_table(await _listed(conn, incident, here.now), chosen(form))
            elif resend:
                click.echo(await _resent(conn, number, here.now), err=True)
            else:
                click.echo(await _read(conn, number))

    return run(work())


async def _listed(conn: "asyncpg.Connection", incident: int | None, now: datetime) -> Table:
    from watchdog.store import outbox

    if incident is None:
        entries = await outbox.recent(conn, _LATEST_MAX)
    else:
        entries = await outbox.for_incident(conn, incident)
    rows = [
        {
            "id": entry.id,
            "when": ago(entry.settled_at or entry.created_at, now),
            "state": entry.state,
            "to": entry.receiver,
            "line": entry.line,
            "error": entry.last_error,
            "incident": entry.incident_id,
            "report": entry.report,
            "part": entry.part,
        }
        for entry in entries
    ]
    return Table(_COLUMNS, rows, hidden=("incident", "report", "part"), ending=_ending(rows))


def _ending(rows: list[dict[str, Any]]) -> str:
    dead = [row for row in rows if row["state"] == "dead"]
    if dead:
        first, again = dead[0], f"watchdog outbox {dead[0]['id']} --resend"
        return f"{len(dead)} could not be delivered; the first to {first['to']}: {again}"
    return "See one as its reader does: watchdog outbox MESSAGE" if rows else "No message yet."


async def _read(conn: "asyncpg.Connection", number: int) -> str:
    from watchdog.store import outbox

    found = await outbox.by_number(conn, number)
    if found is None:
        raise Ended(WRONG_USE, f"there is no message {number}")
    return _as_read(found)


def _as_read(entry: "Entry") -> str:
    body = entry.rendered or {}
    text = body.get("text") or entry.line
    subject = body.get("subject")
    return f"Subject: {subject}\n\n{text}" if subject else str(text)


async def _resent(conn: "asyncpg.Connection", number: int, now: datetime) -> str:
    from watchdog.store import outbox

    try:
        written = await outbox.resend(conn, number, now)
    except LookupError as error:
        raise Ended(WRONG_USE, str(error)) from error
    if written == number:
        return f"Message {number} is tried at once; see watchdog outbox."
    return f"Message {number} is sent again as {written}; see watchdog outbox."
