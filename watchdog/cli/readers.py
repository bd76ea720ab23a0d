"""Who reads the weekly summary: send it now, list its readers, let mails come again."""

from typing import TYPE_CHECKING

import click

from watchdog.cli.ending import WRONG_USE, Ended
from watchdog.cli.printing import Table, chosen, format_option, print_table
from watchdog.cli.session import Place, Session, placed, run, session

if TYPE_CHECKING:
    from watchdog.config.model import Config, WeeklyReport
    from watchdog.domain.weeks import Week


async def send_week(here: Session, name: str | None) -> None:
    """Send the summary of a week that is over to every reader who has not had it.

    Raises:
        TooMany: More has happened than is counted.
    """
    from watchdog.domain.due import Due
    from watchdog.reports.weekly import make_week, tell_week
    from watchdog.store.pool import transaction

    for weekly in _weeklies(here.config):
        week = _week_that_is_over(weekly, name, here)
        async with transaction(here.pool) as conn:
            summary = await make_week(conn, here.config, week, here.now, weekly.name)
            told = await tell_week(conn, summary, Due(week.monday, here.now), weekly)
        left = len(weekly.to) - len(told)
        to = f"is on its way to {', '.join(told)}" if told else "goes to nobody"
        others = f"; {left} had it before, or have stopped it" if left else ""
        click.echo(f"Week {week} {to}{others}.")


def _weeklies(config: "Config") -> "list[WeeklyReport]":
    if not config.weeklies:
        raise Ended(
            WRONG_USE,
            "there is no weekly summary: write `weekly: { kind: weekly, to: [ana] }` under `reports:`",
        )
    return list(config.weeklies.values())


def _week_that_is_over(weekly: "WeeklyReport", name: str | None, here: Session) -> "Week":
    from watchdog.domain.weeks import week_at, week_named

    latest = week_at(here.now, weekly.zone).before
    if name is None:
        return latest
    try:
        week = week_named(name, here.now, weekly.zone)
    except ValueError as error:
        raise Ended(WRONG_USE, f"--week {name}: {error}") from error
    if week.until > here.now:
        raise Ended(WRONG_USE, f"--week {name}: it is not over; the last one that is, is {latest}")
    return week


@click.command("readers")
@format_option
@placed
def report_readers(form: str | None, place: Place) -> int:
    """List who gets the weekly summary, and who has stopped it."""

    async def work() -> None:
        from watchdog.store import subscriptions
        from watchdog.store.pool import transaction

        rows = []
        async with session(place) as here:
            for weekly in _weeklies(here.config):
                async with transaction(here.pool) as conn:
                    known = await subscriptions.readers(conn, weekly.name)
                for address in weekly.to:
                    reader = known.get(address.lower())
                    stopped_at = reader[0].stopped_at if reader else None
                    rows.append(
                        {
                            "report": weekly.name,
                            "reader": address,
                            "state": "stopped" if stopped_at else "gets it",
                            "stopped": stopped_at,
                        }
                    )
        ending = "Somebody wants it again? watchdog report resume ADDRESS"
        print_table(
            Table(("report", "reader", "state", "stopped"), rows, ending=ending), chosen(form)
        )

    return run(work())


@click.command("resume")
@click.argument("address")
@placed
def report_resume(address: str, place: Place) -> int:
    """Let the weekly summary come again to ADDRESS, which has stopped it."""

    async def work() -> None:
        from watchdog.store import subscriptions
        from watchdog.store.pool import transaction

        resumed = 0
        async with session(place) as here, transaction(here.pool) as conn:
            for weekly in _weeklies(here.config):
                known = await subscriptions.readers(conn, weekly.name)
                if (found := known.get(address.lower())) and found[0].stopped_at:
                    await subscriptions.start(conn, found[1])
                    resumed += 1
        if not resumed:
            raise Ended(
                WRONG_USE, f"{address} has not stopped it; `watchdog report readers` shows who has"
            )
        click.echo(f"{address} gets it again.")

    return run(work())
