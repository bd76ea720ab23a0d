"""`watchdog oncall cover|swap|end|import|export`: who covers for whom, and calendars."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from notifiers.clean import one_line
from watchdog.cli.duties import say_cover, teams_of, with_covers_of
from watchdog.cli.ending import BAD_ANSWER, UNREACHABLE, WRONG_USE, Ended
from watchdog.cli.session import Place, acting_person, person_option, placed, run, session

if TYPE_CHECKING:
    from watchdog.domain.people import Directory


@click.command("cover")
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
            directory = await with_covers_of(here)
            [name] = teams_of(directory, team)
            starts_at, ends_at = _span(directory, name, since, until, here.now)
            by = acting_person(here.config, person)
            wanted = Cover(name, who, starts_at, ends_at, by)
            say_cover(await covering.cover(here.pool, directory, wanted, here.now), directory)

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


@click.command("swap")
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
            directory = await with_covers_of(here)
            [name] = teams_of(directory, team)
            after = instant_of(since, "--from", here.now, directory.teams[name].zone)
            by = acting_person(here.config, person)
            pair = await covering.swap(
                here.pool, directory, name, (one, other), after, by, here.now
            )
        for cover in pair:
            say_cover(cover, directory)

    return run(work())


@click.command("end")
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


@click.command("import")
@click.argument("team")
@click.argument("calendar", metavar="CALENDAR")
@person_option
@placed
def oncall_import(team: str, calendar: str, person: str, place: Place) -> int:
    """Take over the events of a calendar (iCalendar) as covers of TEAM.

    CALENDAR is a file, an address (`https://…`), or `-` for a pipe. Each event of the next 52 weeks
    must name one person, as the only attendee that is known or in its title; repeated ones count
    each time. All are taken over or none; what is there already stays as it is.
    """

    async def work() -> None:
        from watchdog import covering
        from watchdog.domain.ical_reading import CalendarRefused, covers_of
        from watchdog.domain.oncall import HORIZON

        text = await _calendar_at(calendar)
        async with session(place) as here:
            directory = here.config.directory
            [name] = teams_of(directory, team)
            by = acting_person(here.config, person)
            span = here.now, here.now + HORIZON
            try:
                zone = directory.teams[name].zone
                wanted = covers_of(text, name, zone, directory.people, by, span)
            except CalendarRefused as error:
                raise Ended(BAD_ANSWER, f"the calendar: {error}") from error
            kept = await covering.take_over(here.pool, directory, wanted, by, here.now)
        for cover in kept:
            say_cover(cover, directory)
        click.echo(f"{len(kept)} of {len(wanted)} events are new covers.", err=True)

    return run(work())


async def _calendar_at(place: str) -> str:
    """Return the text of a calendar in a file, at an address, or from a pipe."""
    from watchdog import calendars

    if calendars.is_address(place):
        try:
            return await calendars.fetch(place)
        except calendars.CalendarUnreachable as error:
            raise Ended(UNREACHABLE, str(error)) from error
    try:
        with click.open_file(place, encoding="utf-8-sig") as file:
            text: str = file.read(calendars.BYTES_MAX + 1)
    except OSError as error:
        raise Ended(WRONG_USE, f"{place} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Ended(BAD_ANSWER, f"{place} is no text in UTF-8") from error
    if len(text) > calendars.BYTES_MAX:
        raise Ended(BAD_ANSWER, f"{place} is larger than {calendars.BYTES_MAX:,} bytes")
    return text


@click.command("export")
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
            directory = await with_covers_of(here, since)
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
