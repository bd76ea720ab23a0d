"""`watchdog oncall now|list|check|cover|swap|end|export`: who answers when, and who covers for whom."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from notifiers.clean import one_line
from watchdog.cli.ending import BAD_ANSWER, WRONG_USE, Ended
from watchdog.cli.printing import Table, chosen, format_option, print_table
from watchdog.cli.session import Place, Session, acting_person, person_option, placed, run, session

if TYPE_CHECKING:
    from watchdog.domain.oncall import Duty, Shift
    from watchdog.domain.people import Cover, Directory


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
            directory = await _with_covers(here)
        found = [one for one in duties(directory, here.now) if one.team in _teams(directory, team)]
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
            directory = await _with_covers(here)
        until = here.now + timedelta(weeks=weeks)
        rows = [
            _shift_row(one, directory)
            for name in _teams(directory, team)
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
@format_option
@placed
def oncall_check(form: str | None, place: Place) -> int:
    """Look for gaps in the next 52 weeks, for people without a way to be reached, for lost covers.

    Exit 1: there is one.
    """

    async def work() -> int:
        async with session(place) as here:
            directory = await _with_covers(here)
        rows = [*_gap_rows(directory, here.now), *_lost_rows(directory)]
        rows += _unreachable_rows(directory)
        ending = "No gap in the next 52 weeks, and everybody can be reached."
        if rows:
            ending = (
                "Close a gap: watchdog oncall cover TEAM --who NAME, or another layer in `oncall:`"
            )
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


@oncall_command.command("cover")
@click.argument("team")
@click.option("--who", required=True, help="Who answers for TEAM then.")
@click.option(
    "--from", "since", default="now", show_default=True, help="`now`, `18:00`, `fri 10:00` …"
)
@click.option("--until", default="", help="The same, or a span: `8h`. Default: the next hand-over.")
@person_option
@placed
def oncall_cover(team: str, who: str, since: str, until: str, person: str, place: Place) -> int:
    """Let somebody answer for TEAM for a while, whatever its rotations say.

    Times are those of the team's zone, unless they carry an offset. It counts at once.
    """

    async def work() -> None:
        from watchdog import covering
        from watchdog.domain.people import Cover

        async with session(place) as here:
            directory = await _with_covers(here)
            [name] = _teams(directory, team)
            starts_at, ends_at = _span(directory, name, since, until, here.now)
            by = acting_person(here.config, person)
            wanted = Cover(name, who, starts_at, ends_at, by)
            _say_cover(await covering.cover(here.pool, directory, wanted, here.now), directory)

    return run(work())


def _span(
    directory: "Directory", team: str, since: str, until: str, now: datetime
) -> tuple[datetime, datetime]:
    from watchdog.cli.instants import instant_of
    from watchdog.domain.oncall import next_handover

    zone = directory.teams[team].zone
    starts_at = instant_of(since, "--from", now, zone)
    if until:
        return starts_at, instant_of(until, "--until", starts_at, zone)
    following = next_handover(directory, team, starts_at)
    if following is None:
        raise Ended(WRONG_USE, f"nobody else follows in {team}: say with --until when it ends")
    return starts_at, following.starts_at


def _say_cover(cover: "Cover", directory: "Directory") -> None:
    from watchdog.cli.instants import said_at

    zone = directory.teams[cover.team].zone
    span = f"from {said_at(cover.starts_at, zone)} to {said_at(cover.ends_at, zone)}"
    click.echo(one_line(f"{cover.person} covers {cover.team} {span} (cover {cover.number})."))


@oncall_command.command("swap")
@click.argument("team")
@click.argument("one")
@click.argument("other")
@click.option(
    "--from", "since", default="now", show_default=True, help="Shifts that begin then or later."
)
@person_option
@placed
def oncall_swap(team: str, one: str, other: str, since: str, person: str, place: Place) -> int:
    """Let two people of TEAM swap their next shifts: OTHER answers in that of ONE, and ONE in that of OTHER.

    A shift that has begun is not swapped; `watchdog oncall cover` takes over the rest of it.
    """

    async def work() -> None:
        from watchdog import covering
        from watchdog.cli.instants import instant_of

        async with session(place) as here:
            directory = await _with_covers(here)
            [name] = _teams(directory, team)
            after = instant_of(since, "--from", here.now, directory.teams[name].zone)
            by = acting_person(here.config, person)
            pair = await covering.swap(
                here.pool, directory, name, (one, other), after, by, here.now
            )
        for cover in pair:
            _say_cover(cover, directory)

    return run(work())


@oncall_command.command("end")
@click.argument("cover", type=click.IntRange(1, 2**63 - 1))
@person_option
@placed
def oncall_end(cover: int, person: str, place: Place) -> int:
    """End the cover of that number now, or take it back before it begins."""

    async def work() -> None:
        from watchdog import covering

        async with session(place) as here:
            by = acting_person(here.config, person)
            ended = await covering.end(here.pool, here.config.directory, cover, by, here.now)
        click.echo(one_line(f"{ended.person} does not cover {ended.team} any more."))

    return run(work())


@oncall_command.command("export")
@click.argument("person")
@click.option(
    "--weeks", type=click.IntRange(1, 104), default=12, show_default=True, help="How far ahead."
)
@placed
def oncall_export(person: str, weeks: int, place: Place) -> int:
    """Print the shifts of PERSON as a calendar file (iCalendar), covers included.

    Whoever imports it again renews what is there: a shift keeps its identity.
    """

    async def work() -> None:
        from watchdog.domain.icalendar import calendar
        from watchdog.domain.oncall import By, shifts

        async with session(place) as here:
            # From a fixed day on, so that a shift that has begun has its own beginning each time.
            since = here.now.replace(here.now.year - 1, 1, 1, 0, 0, 0, 0)
            directory = await _with_covers(here, since)
        if person not in directory.people:
            known = ", ".join(sorted(directory.people)) or "nobody yet"
            raise Ended(WRONG_USE, f"nobody is called {person}: known under `people:` are {known}")
        theirs = [
            one
            for team in sorted(directory.teams)
            for one in shifts(directory, team, since, here.now + timedelta(weeks=weeks))
            if one.person == person and one.by is not By.LEAD and one.ends_at > here.now
        ]
        click.echo(calendar(person, theirs, here.now), nl=False)

    return run(work())


async def _with_covers(here: Session, since: datetime | None = None) -> "Directory":
    from watchdog.store import covers
    from watchdog.store.pool import transaction

    async with transaction(here.pool) as conn:
        return await covers.with_covers(conn, here.config.directory, since or here.now)


def _teams(directory: "Directory", team: str | None) -> list[str]:
    """Return the team that was named, or all.

    Raises:
        Ended: There is no such team.
    """
    if team is None:
        return sorted(directory.teams)
    if team in directory.teams:
        return [team]
    known = ", ".join(sorted(directory.teams)) or "none"
    raise Ended(WRONG_USE, f"there is no team {team}; there are: {known}")
