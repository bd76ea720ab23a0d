"""`watchdog report …`: what is sent when and to whom, and what it would say now."""

import contextlib
import os
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from watchdog.cli.ending import UNREACHABLE, WRONG_USE, Ended
from watchdog.cli.printing import Table, chosen, format_option, json_text, print_table
from watchdog.cli.readers import report_readers, report_resume
from watchdog.cli.session import Place, placed, read_config, run, session
from watchdog.cli.weekly import report_weekly

if TYPE_CHECKING:
    from datetime import datetime

    from notifiers.base import Report as Made
    from notifiers.base import ReportPart
    from watchdog.config.model import Config, Report, WeeklyReport
    from watchdog.sources.base import Source


@click.group("report")
def report_command() -> None:
    """List reports and their readers, or make one now."""


for _one in (report_weekly, report_readers, report_resume):
    report_command.add_command(_one)


@report_command.command("list")
@format_option
@placed
def report_list(form: str | None, place: Place) -> int:
    """List the reports: when they are due, and who gets them."""

    async def work() -> None:
        from watchdog.domain.due import next_due
        from watchdog.moved_time import asked_now

        config = read_config(place)
        now = await asked_now(os.environ)
        rows = []
        for one in config.reports.values():
            due = next_due(one.cron, one.zone, now)
            rows.append(
                {
                    "name": one.name,
                    "title": one.title,
                    "team": one.team,
                    "when": f"{one.cron.text} {one.zone.key}",
                    "next": due.at if due else None,
                    "send": ", ".join(one.send),
                }
            )
        rows += [_weekly_row(one, now) for one in config.weeklies.values()]
        ending = (
            "See one as it is now: watchdog report show NAME" if rows else "There is no report."
        )
        columns = ("name", "team", "when", "next", "send")
        print_table(Table(columns, rows, hidden=("title",), ending=ending), chosen(form))

    return run(work())


def _weekly_row(one: "WeeklyReport", now: "datetime") -> "dict[str, str | datetime | None]":
    from watchdog.domain.due import next_due

    due = next_due(one.cron, one.zone, now)
    return {
        "name": one.name,
        "title": "The week",
        "team": "",
        "when": f"{one.cron.text} {one.zone.key}",
        "next": due.at if due else None,
        "send": ", ".join(one.to),
    }


@report_command.command("show")
@click.argument("name", metavar="NAME")
@click.option("-o", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="Form of the output.")  # fmt: skip
@placed
def report_show(name: str, form: str, place: Place) -> int:
    """Ask now what the report NAME asks, and print it; send nothing, store nothing.

    Exit 3: a part of it could not be asked.
    """

    async def work() -> int:
        config = read_config(place)
        made = await _made(config, _report(config, name), place)
        if form == "json":
            click.echo(json_text(asdict(made)))
        else:
            from notifiers.report import tidy_report
            from notifiers.report_mail import text_part

            click.echo(text_part(tidy_report(made)), nl=False)
        return UNREACHABLE if any(part.trouble for part in made.parts) else 0

    return run(work())


def _report(config: "Config", name: str) -> "Report":
    if name in config.reports:
        return config.reports[name]
    if name in config.weeklies:
        raise Ended(WRONG_USE, f"{name} is a weekly summary: watchdog report weekly --out text")
    import difflib

    near = difflib.get_close_matches(name, config.reports, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise Ended(WRONG_USE, f"there is no report {name}{hint}")


async def _made(config: "Config", report: "Report", place: Place) -> "Made":
    from watchdog.moved_time import asked_now
    from watchdog.reports.make import make

    async with contextlib.AsyncExitStack() as stack:
        sources = _open_sources(config, report, place)
        for source in sources.values():
            stack.push_async_callback(source.close)
        now = await asked_now(os.environ)
        more = await _open_info(config, report, place, now) if report.open_info else ()
        return await make(report, now, now, sources, config.service.url, more)


async def _open_info(
    config: "Config", report: "Report", place: Place, now: "datetime"
) -> "tuple[ReportPart, ...]":
    """Return what is open of severity info; where no service runs, that it could not be asked."""
    from notifiers.base import ReportPart
    from watchdog.reports.listed import TITLE, open_info
    from watchdog.store.pool import StoreDown, transaction

    try:
        async with session(place) as here, transaction(here.pool) as conn:
            return await open_info(conn, config, report, now)
    except (Ended, StoreDown) as error:
        return (ReportPart(TITLE, trouble=str(error)),)


def _open_sources(config: "Config", report: "Report", place: Place) -> "dict[str, Source]":
    from watchdog.demo.whereabouts import find
    from watchdog.sources.open import open_source

    addresses = find(place.data).addresses
    names = {part.query.source for part in report.parts}
    return {name: open_source(config.sources[name], addresses) for name in names}
