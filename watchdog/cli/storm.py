"""`watchdog members|split`: what a storm is made of, and making a member an incident of its own."""

from typing import TYPE_CHECKING, Any

import click

from notifiers.clean import one_line
from watchdog.cli.ending import WRONG_USE, Ended
from watchdog.cli.printing import Table, chosen, format_option, print_table
from watchdog.cli.session import NUMBER, Place, acting_person, person_option, placed, run, session

if TYPE_CHECKING:
    import asyncpg

    from watchdog.domain.incident import Incident
    from watchdog.domain.storms import Member

LISTED_MAX = 10_000
"""Members that are listed at most: a rule finds no more than that at once."""

_COLUMNS = ("member", "state", "level", "what", "fact", "rule", "entity")


@click.command("members")
@click.argument("number", metavar="ID", type=NUMBER)
@click.option("--limit", type=click.IntRange(1, LISTED_MAX), default=50, help="How many; 50.")
@format_option
@placed
def members_command(number: int, limit: int, form: str | None, place: Place) -> int:
    """List the members of a storm, what is bad before others and the worst first."""

    async def work() -> None:
        from watchdog.store import incidents
        from watchdog.store.pool import transaction
        from watchdog.verbs import UnknownIncident

        async with session(place) as here, transaction(here.pool) as conn:
            storm = await incidents.by_id(conn, number)
            if storm is None:
                raise UnknownIncident(number)
            if not storm.is_storm:
                raise Ended(WRONG_USE, f"#{number} is no storm; `watchdog show {number}` shows it")
            print_table(await member_table(conn, storm, limit), chosen(form))

    return run(work())


async def member_table(conn: "asyncpg.Connection", storm: "Incident", limit: int) -> Table:
    """Return the first members of a storm as rows, and how many more there are."""
    from watchdog.store import members

    found = await members.listed(conn, storm.id, limit=limit)
    tally = await members.tally(conn, storm.id)
    more = tally.total - len(found)
    listed = f"{more:,} more: watchdog members {storm.id} --limit {LISTED_MAX}. " if more else ""
    ending = f"{listed}Make one an incident of its own: watchdog split {storm.id} MEMBER"
    return Table(
        _COLUMNS,
        [_row(one) for one in found],
        hidden=("since", "joined", "good_since", "incident", "detail"),
        ending=ending,
    )


def _row(one: "Member") -> dict[str, Any]:
    split = f"#{one.split}" if one.split else ""
    return {
        "member": one.number,
        "state": one.state.value,
        "level": one.severity.value,
        "what": one.title,
        "fact": one.reason or split or one.fact,
        "rule": one.rule,
        "entity": " ".join(f"{column}={value}" for column, value in one.entity),
        "since": one.first_bad_at,
        "joined": one.joined_at,
        "good_since": one.first_good_at,
        "incident": one.split,
        "detail": one.detail,
    }


@click.command("split")
@click.argument("number", metavar="ID", type=NUMBER)
@click.argument("member", metavar="MEMBER...", nargs=-1, required=True)
@person_option
@placed
def split_command(number: int, member: tuple[str, ...], person: str, place: Place) -> int:
    """Make a MEMBER of a storm an incident of its own: whoever is on call is paged for it.

    MEMBER is its number in the list, or its rule and entity: `orders-stale shop=eu`.
    """

    async def work() -> None:
        from watchdog import splitting

        async with session(place) as here:
            who = acting_person(here.config, person)
            own = await splitting.split(
                here.pool, here.config, number, splitting.which(member), who, here.now
            )
            zone = here.config.directory.people[who].zone.key
            click.echo(one_line(splitting.said_of(own, zone, here.now)))

    return run(work())
