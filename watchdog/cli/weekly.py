"""`watchdog report weekly`: the figures of a week."""

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from watchdog.cli.ending import BAD_ANSWER, WRONG_USE, Ended
from watchdog.cli.printing import Format, Table, chosen, format_option, json_text, print_table
from watchdog.cli.readers import send_week
from watchdog.cli.session import Place, Session, placed, run, session

if TYPE_CHECKING:
    from notifiers.summary import Summary
    from watchdog.domain.figures import CameBack, Weekly
    from watchdog.domain.weeks import Week


@click.command("weekly")
@click.option("--week", "name", default=None, metavar="YEAR-WEEK",
              help="An ISO week, such as 2025-23; default: the present one, so far.")  # fmt: skip
@click.option("--out", type=click.Choice(["html", "text", "json"]), default=None,
              help="The summary as its readers get it by mail, or all of it as JSON.")  # fmt: skip
@click.option("--send", "is_sent", is_flag=True,
              help="Send a week that is over, by default the last, to whoever has not had it.")  # fmt: skip
@format_option
@placed
def report_weekly(
    name: str | None, out: str | None, is_sent: bool, form: str | None, place: Place
) -> int:
    """Show the figures of a week: what opened, how soon it was taken, whom it woke.

    A week begins on Monday at 00:00 in the zone of the weekly summary under `reports:`, or else the one that
    all teams share, or else in UTC. Of what opened in it everything counts that has happened to it by now.

    A storm is one incident, and what joined it is part of it; what was withdrawn counts. MTTA: median from
    opening to the first Take. Slowest 10 % of takes: so long or longer. Not taken: incidents that nobody
    took; MTTA is without them. MTTR: median from opening to the first good check of the run that ended it.

    Time not taken: while open and not taken, summed, around the clock; and of it in the working hours of
    the team (Monday to Friday, 9 to 18, where it has none). Night pages: sent to a person from 22:00 to
    08:00 in their own zone; within 60 seconds they count once. Useful: taken, with a cause other than a
    false alarm. Came back: the same team, rule and entity at least twice in 28 days.
    """

    async def work() -> None:
        from watchdog.store.figures import TooMany

        async with session(place) as here:
            try:
                if is_sent:
                    await send_week(here, name)
                elif out:
                    summary = await _summary(here, _week(here, name))
                    click.echo(_printed(summary, out), nl=out == "json")
                else:
                    _print_figures(await _figures(here, _week(here, name)), chosen(form))
            except TooMany as error:
                raise Ended(BAD_ANSWER, f"{error}; ask for another week with --week") from error

    return run(work())


async def _summary(here: Session, week: "Week") -> "Summary":
    from watchdog.reports.weekly import make_week, name_and_zone
    from watchdog.store.pool import transaction

    name, _ = name_and_zone(here.config)
    async with transaction(here.pool) as conn:
        return await make_week(conn, here.config, week, here.now, name)


def _printed(summary: "Summary", out: str) -> str:
    if out == "json":
        from watchdog.store.plain import encode

        return json_text(encode(summary))
    from notifiers.summary_mail import chart, html_part, text_part
    from notifiers.summary_words import subject, tidy_summary

    tidy = tidy_summary(summary)
    if out == "text":
        return f"Subject: {subject(tidy)}\n\n{text_part(tidy)}"
    picture = chart(tidy)
    return html_part(tidy, picture=f"data:image/png;base64,{picture}" if picture else "")


async def _figures(here: Session, week: "Week") -> "Weekly":
    from watchdog.domain.figures import weekly
    from watchdog.store import figures
    from watchdog.store.pool import transaction

    async with transaction(here.pool) as conn:
        record = await figures.record(conn, week, here.now)
    return weekly(week, record, here.config.directory, here.now)


def _print_figures(found: "Weekly", form: Format) -> None:
    if form is Format.JSON:
        click.echo(json_text(_keys(found)))
    else:
        print_table(_table(found), form)


def _week(here: Session, name: str | None) -> "Week":
    from watchdog.domain.weeks import week_at, week_named
    from watchdog.reports.weekly import name_and_zone

    _, zone = name_and_zone(here.config)
    if name is None:
        return week_at(here.now, zone)
    try:
        return week_named(name, here.now, zone)
    except ValueError as error:
        raise Ended(WRONG_USE, f"--week {name}: {error}") from error


def _keys(found: "Weekly") -> dict[str, Any]:
    """Return the figures as JSON has them: spans in seconds, named so."""
    named = asdict(found) | {
        "week": str(found.week),
        "zone": found.week.zone.key,
        "since": found.week.since,
        "until": found.week.until,
        "came_back": [asdict(one) | {"entity": dict(one.entity)} for one in found.came_back],
    }
    return dict(_in_seconds(name, value) for name, value in named.items())


_SPANS = {
    *("mtta", "mtta_mean", "slowest_takes", "mttr"),
    *("time_not_taken", "time_not_taken_at_work"),
}


def _in_seconds(name: str, value: Any) -> tuple[str, Any]:
    if name not in _SPANS:
        return name, value
    return f"{name}_seconds", None if value is None else value.total_seconds()


def _table(found: "Weekly") -> Table:
    figures = {
        "incidents": found.incidents,
        "of them withdrawn": found.withdrawn,
        "MTTA (median)": _span(found.mtta),
        "MTTA (mean)": _span(found.mtta_mean),
        "slowest 10 % of takes": _span(found.slowest_takes),
        "MTTR (median)": _span(found.mttr),
        "not taken": found.not_taken,
        "time not taken": _span(found.time_not_taken),
        "of it in working hours": _span(found.time_not_taken_at_work),
        "night pages": found.night_pages,
        "useful": found.useful,
        "came back": len(found.came_back),
        "still open": found.still_open,
        **{f"again: {_thing(one)}": f"{one.times} times" for one in found.came_back},
        **{
            f"person: {one.person}": f"taken: {one.taken}, night pages: {one.night_pages}"
            for one in found.people
        },
        **{f"day: {one.day:%a %d %b}": one.incidents for one in found.days},
    }
    rows = [{"figure": name, "value": value} for name, value in figures.items()]
    ending = (
        f"Week {found.week} in {found.week.zone.key}. "
        "What the figures mean: watchdog report weekly --help"
    )
    return Table(("figure", "value"), rows, ending=ending)


def _span(span: timedelta | None) -> str:
    from rules.spans import short_span

    return "" if span is None else short_span(span)


def _thing(one: "CameBack") -> str:
    entity = ", ".join(f"{name} {value}" for name, value in one.entity)
    return f"{one.rule}, {entity}" if entity else one.rule
