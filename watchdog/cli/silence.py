"""`watchdog silence add|list|end`: what is not told for a while, who says so and why."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from notifiers.clean import one_line
from watchdog.cli.ending import WRONG_USE, Ended
from watchdog.cli.printing import Table, chosen, format_option, print_table
from watchdog.cli.session import Place, acting_person, person_option, placed, run, session

if TYPE_CHECKING:
    from watchdog.domain.people import Directory
    from watchdog.silencing import Hiding


@click.group("silence")
def silence_command() -> None:
    """Hide what is expected, for a while.

    Incidents open, have an owner and a timeline all the same; nobody is told of them until the silence
    ends, and nobody is escalated to. What is still bad then is told as if it opened then.
    """


@silence_command.command("add")
@click.argument("pattern")
@click.argument("until")
@click.option("-m", "reason", required=True, help="Why; everybody reads it.")
@click.option("--team", default="", help="Only incidents of this team.")
@click.option(
    "--entity",
    "entity",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Only incidents about this; as often as there are columns.",
)
@person_option
@placed
def silence_add(
    pattern: str,
    until: str,
    reason: str,
    team: str,
    entity: tuple[str, ...],
    person: str,
    place: Place,
) -> int:
    """Silence rules whose name is like PATTERN (`orders-stale`, `sync-*`) until UNTIL.

    UNTIL is a span (`2h`) or an instant (`18:00`, `fri 10:00`), at most 7 days from now. What is critical
    is hidden only if an admin says so.
    """

    async def work() -> None:
        from watchdog import silencing
        from watchdog.cli.instants import instant_of
        from watchdog.domain.silences import Silence

        async with session(place) as here:
            directory = here.config.directory
            by = acting_person(here.config, person)
            ends_at = instant_of(until, "UNTIL", here.now, _zone(directory, team, by))
            wanted = Silence(
                pattern, reason, by, here.now, ends_at, team=team, entity=_entity(entity)
            )
            names = silencing.names_of(here.config)
            kept = await silencing.add(here.pool, directory, wanted, names, here.now)
            _say_added(kept, _zone(directory, team, by))

    return run(work())


def _zone(directory: "Directory", team: str, person: str) -> ZoneInfo:
    """Return by whose clock UNTIL is typed: the team's, or else the person's."""
    known = directory.teams.get(team)
    return known.zone if known else directory.people[person].zone


def _entity(typed: Sequence[str]) -> tuple[tuple[str, str], ...]:
    from watchdog.domain.naming import entity_in

    try:
        return entity_in(typed)
    except ValueError as error:
        raise Ended(WRONG_USE, f"--entity {error}: write it COLUMN=VALUE") from error


def _say_added(kept: "Hiding", zone: ZoneInfo) -> None:
    from watchdog import silencing
    from watchdog.cli.instants import said_at

    silence = kept.silence
    click.echo(one_line(silencing.said_of(kept, said_at(silence.ends_at, zone))))
    if not silence.of_critical:
        click.echo("What is critical is told all the same; only an admin silences that.", err=True)


@silence_command.command("list")
@format_option
@placed
def silence_list(form: str | None, place: Place) -> int:
    """List the silences that hold now, the first that ends first, with what each of them hides."""

    async def work() -> None:
        from watchdog import silencing
        from watchdog.store.pool import transaction

        async with session(place) as here, transaction(here.pool) as conn:
            found = await silencing.in_force(conn, here.now)
        rows = [_row(one, here.now) for one in found]
        ending = "Nothing is silenced."
        if rows:
            number = sum(len(one.hidden) for one in found)
            ending = (
                f"{number} incident{'' if number == 1 else 's'} hidden. "
                f"End a silence early: watchdog silence end {rows[0]['id']}"
            )
        columns = ("id", "what", "ends in", "by", "hides", "why")
        hidden = ("critical", "made_at", "ends_at", "incidents")
        print_table(Table(columns, rows, hidden, ending), chosen(form))

    return run(work())


def _row(one: "Hiding", now: Any) -> dict[str, Any]:
    from rules.spans import short_span

    silence = one.silence
    return {
        "id": silence.number,
        "what": silence.scope,
        "ends_in": short_span(silence.ends_at - now),
        "by": silence.made_by,
        "hides": len(one.hidden),
        "why": silence.reason,
        "critical": silence.of_critical,
        "made_at": silence.made_at,
        "ends_at": silence.ends_at,
        "incidents": " ".join(map(str, one.hidden)),
    }


@silence_command.command("end")
@click.argument("number", metavar="SILENCE", type=click.IntRange(1, 2**63 - 1))
@person_option
@placed
def silence_end(number: int, person: str, place: Place) -> int:
    """End a silence now: what is still bad is told at once, unless another silence hides it."""

    async def work() -> None:
        from watchdog import silencing

        async with session(place) as here:
            by = acting_person(here.config, person)
            ended = await silencing.end(here.pool, here.config.directory, number, by, here.now)
        click.echo(one_line(silencing.said_of_end(ended)))

    return run(work())
