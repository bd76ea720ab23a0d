"""`watchdog oncall now|list|check`: who answers when; the group of all commands about it."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from watchdog.cli.covers import oncall_cover, oncall_end, oncall_export, oncall_import, oncall_swap
from watchdog.cli.duties import teams_of, with_covers_of
from watchdog.cli.ending import BAD_ANSWER
from watchdog.cli.printing import Table, chosen, format_option, print_table
from watchdog.cli.session import Place, placed, run, session

if TYPE_CHECKING:
    from watchdog.domain.oncall import Duty, Shift
    from watchdog.domain.people import Directory


class _Oncall(click.Group):
    """A group that says who is on call now when no other command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        if first not in self.commands and first not in ctx.help_option_names:
            args = ["now", *args]
        return super().parse_args(ctx, args)


@click.group("oncall", cls=_Oncall)
def oncall_command() -> None:
    """Say who is on call, and arrange who covers for whom.

    `watchdog oncall` and `watchdog oncall TEAM` are short for `watchdog oncall now`.
    """


for _one in (oncall_cover, oncall_swap, oncall_end, oncall_import, oncall_export):
    oncall_command.add_command(_one)


_weeks = click.option(
    "--weeks", type=click.IntRange(1, 104), default=4, show_default=True, help="How far ahead."
)


@oncall_command.command("now")
@click.argument("team", required=False)
@format_option
@placed
def oncall_now(team: str | None, form: str | None, place: Place) -> int:
    """Say who is on call now, until when, and who comes then; for TEAM alone, or for each team."""

    async def work() -> None:
        from watchdog.domain.oncall import duties

        async with session(place) as here:
            directory = await with_covers_of(here)
        found = [
            one for one in duties(directory, here.now) if one.team in teams_of(directory, team)
        ]
        rows = [_duty_row(one, directory) for one in found]
        gap = next((one for one in found if one.is_gap), None)
        ending = "See the next weeks: watchdog oncall list"
        if gap:
            ending = (
                f"{gap.team} has a gap now. Close it: watchdog oncall cover {gap.team} --who NAME"
            )
        columns = ("team", "on call", "until", "then", "note")
        print_table(Table(columns, rows, ("until_at", "by"), ending), chosen(form))

    return run(work())


def _duty_row(duty: "Duty", directory: "Directory") -> dict[str, Any]:
    from watchdog.cli.instants import said_for

    team, person = directory.teams[duty.team], directory.people.get(duty.person)
    until = ""
    if duty.until and person:
        until = said_for(duty.until, team.zone, person)
    return {
        "team": duty.team,
        "on_call": duty.person,
        "until": until,
        "then": duty.then,
        "note": _note(duty.by, is_gap=duty.is_gap),
        "until_at": duty.until,
        "by": duty.by.value,
    }


def _note(by: str, *, is_gap: bool) -> str:
    if is_gap:
        return "gap: only the lead answers"
    return {"cover": "covers", "lead": "the lead: no rotation"}.get(by, "")


@oncall_command.command("list")
@click.argument("team", required=False)
@_weeks
@format_option
@placed
def oncall_list(team: str | None, weeks: int, form: str | None, place: Place) -> int:
    """List the shifts of the next weeks, of TEAM or of all teams, with covers and gaps."""

    async def work() -> None:
        from watchdog.domain.oncall import shifts

        async with session(place) as here:
            directory = await with_covers_of(here)
        until = here.now + timedelta(weeks=weeks)
        rows = [
            _shift_row(one, directory)
            for name in teams_of(directory, team)
            for one in shifts(directory, name, here.now, until)
        ]
        covers = sum(bool(row["cover"]) for row in rows)
        ending = "Let somebody else answer: watchdog oncall cover TEAM --who NAME"
        if covers:
            ending = "End a cover early: watchdog oncall end COVER"
        columns = ("team", "person", "from", "to", "note", "cover")
        print_table(Table(columns, rows, ("from_at", "to_at", "by"), ending), chosen(form))

    return run(work())


def _shift_row(shift: "Shift", directory: "Directory") -> dict[str, Any]:
    from watchdog.cli.instants import said_at

    team = directory.teams[shift.team]
    is_gap = shift.by == "lead" and bool(team.oncall)
    return {
        "team": shift.team,
        "person": shift.person,
        "from": said_at(shift.starts_at, team.zone),
        "to": said_at(shift.ends_at, team.zone),
        "note": _note(shift.by, is_gap=is_gap),
        "cover": shift.cover or "",
        "from_at": shift.starts_at,
        "to_at": shift.ends_at,
        "by": shift.by.value,
    }


@oncall_command.command("check")
@click.option(
    "--live", "is_live", is_flag=True,
    help="Ask Slack, too, who is on call within a day and in Do Not Disturb.",
)  # fmt: skip
@format_option
@placed
def oncall_check(form: str | None, place: Place, *, is_live: bool) -> int:
    """Look for gaps in the next 52 weeks, for people without a way to be reached, for lost covers.

    Exit 1: there is one.

    Slack rings nobody who is in Do Not Disturb, which many are each night by its default: whoever is next
    is paged at once. With --live this is seen in daylight, of the day to come; let it run each morning.
    """

    async def work() -> int:
        async with session(place) as here:
            directory = await with_covers_of(here)
        rows = [*_gap_rows(directory, here.now), *_lost_rows(directory)]
        rows += _unreachable_rows(directory)
        ending = "No gap in the next 52 weeks, and everybody can be reached."
        if rows:
            ending = (
                "Close a gap: watchdog oncall cover TEAM --who NAME, or another layer in `oncall:`"
            )
        if is_live:
            from watchdog.cli.unheard import unheard_rows

            silent = await unheard_rows(here.config, directory, here.now)
            rows += silent
            if silent:
                ending = "Do Not Disturb is ended in Slack, under Preferences, Notifications."
        print_table(Table(("team", "person", "trouble"), rows, ending=ending), chosen(form))
        return BAD_ANSWER if rows else 0

    return run(work())


def _gap_rows(directory: "Directory", now: datetime) -> list[dict[str, Any]]:
    from rules.spans import short_span
    from watchdog.cli.instants import said_at
    from watchdog.domain.oncall import HORIZON, gaps

    rows = []
    for name, team in sorted(directory.teams.items()):
        found = list(gaps(directory, name, now, now + HORIZON))
        if found:
            first = found[0]
            words = (
                f"only the lead answers from {said_at(first.starts_at, team.zone)} "
                f"for {short_span(first.ends_at - first.starts_at)}"
            )
            more = f", and {len(found) - 1} times more within 52 weeks" if len(found) > 1 else ""
            rows.append({"team": name, "person": first.person, "trouble": words + more})
    return rows


def _lost_rows(directory: "Directory") -> list[dict[str, Any]]:
    return [
        {
            "team": one.team,
            "person": one.person,
            "trouble": f"cover {one.number} does not count: this {what} is not in the configuration",
        }
        for one in directory.covers
        for what, is_there in (
            ("team", one.team in directory.teams),
            ("person", one.person in directory.people),
        )
        if not is_there
    ]


def _unreachable_rows(directory: "Directory") -> list[dict[str, Any]]:
    covering = [(one.team, one.person) for one in directory.covers]
    named = {
        (team.name, person)
        for team in directory.teams.values()
        for person in (team.lead, *(one for layer in team.oncall for one in layer.order))
    }
    return [
        {"team": team, "person": name, "trouble": "has neither email nor slack"}
        for team, name in sorted({*named, *covering})
        if (person := directory.people.get(name)) and not person.email and not person.slack
    ]
