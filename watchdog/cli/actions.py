"""`watchdog actions list|late|done`: what stops incidents next time, and whether somebody did it."""

from datetime import date
from typing import TYPE_CHECKING

import click

from notifiers.clean import one_line
from watchdog.cli.ending import BAD_ANSWER
from watchdog.cli.printing import Table, chosen, format_option, print_table
from watchdog.cli.session import NUMBER, Place, moved, person_option, placed, run, session

if TYPE_CHECKING:
    from watchdog.domain.incident import Incident


@click.group("actions")
def actions_command() -> None:
    """List preventive actions, or say that one is done."""


@actions_command.command("list")
@click.option("--all", "with_done", is_flag=True, help="Those that are done, too.")
@format_option
@placed
def actions_list(with_done: bool, form: str | None, place: Place) -> int:
    """List preventive actions, the first due first."""

    async def work() -> None:
        found, today = await _read(place, with_done=with_done)
        print_table(_table(found, today), chosen(form))

    return run(work())


@actions_command.command("late")
@format_option
@placed
def actions_late(form: str | None, place: Place) -> int:
    """List preventive actions that are late; exit 1 if there are any."""

    async def work() -> int:
        found, today = await _read(place, with_done=False)
        late = [one for one in found if one.answer and one.answer.days_late(today)]
        print_table(_table(late, today), chosen(form))
        return BAD_ANSWER if late else 0

    return run(work())


@actions_command.command("done")
@click.argument("number", metavar="ID", type=NUMBER)
@click.option("-m", "words", default="", help="What was done, if it is not what was meant.")
@person_option
@placed
def actions_done(number: int, words: str, person: str, place: Place) -> int:
    """Say that the preventive action of incident ID is done."""

    async def work() -> None:
        from watchdog import verbs

        done = await moved(place, person, verbs.finish_action, number, words)
        assert done.answer is not None
        click.echo(one_line(f"#{number} done: {done.answer.words}"))

    return run(work())


async def _read(place: Place, *, with_done: bool) -> "tuple[list[Incident], date]":
    from watchdog.store import incidents
    from watchdog.store.pool import transaction

    async with session(place) as here, transaction(here.pool) as conn:
        return await incidents.actions(conn, with_done=with_done), here.now.date()


def _table(found: "list[Incident]", today: date) -> Table:
    rows = [
        {
            "id": one.id,
            "action": answer.words,
            "owner": answer.owner,
            "due": "done" if answer.is_done else answer.due_on,
            "late": f"{late}d" if (late := answer.days_late(today)) else "",
            "kind": answer.prevention.value,
            "incident": one.title,
            "cause": one.cause,
        }
        for one in found
        if (answer := one.answer)
    ]
    late = sum(bool(row["late"]) for row in rows)
    first = next((row["id"] for row in rows if row["due"] != "done"), "ID")
    ending = (
        f"{len(rows)} shown, {late} late. Done with one? watchdog actions done {first}"
        if rows
        else "No preventive action is open."
    )
    columns = ("id", "action", "owner", "due", "late")
    return Table(columns, rows, hidden=("kind", "incident", "cause"), ending=ending)
