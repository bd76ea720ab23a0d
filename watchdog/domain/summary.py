"""The weekly summary, computed from what is known of two weeks. Pure."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import date, datetime, timedelta

from notifiers.summary import (
    ActionLine,
    BackLine,
    Counted,
    DayLine,
    GapLine,
    LoadLine,
    OpenLine,
    StatisticsPart,
    Summary,
    UnseenLine,
)
from notifiers.summary_sections import count_of
from notifiers.times import said_span
from rules.values import dataclass
from watchdog.domain.closing import NOT_GIVEN, WITHDRAWN
from watchdog.domain.fallback import people_at
from watchdog.domain.figures import CameBack, History, Record, Thing, Weekly, own_of, weekly
from watchdog.domain.incident import Incident
from watchdog.domain.noise import noisy_rules
from watchdog.domain.oncall import gaps, shifts
from watchdog.domain.pages import pages
from watchdog.domain.people import Directory
from watchdog.domain.weeks import Week

LISTED_MAX = 50
"""Rows of a section that are kept; a message shows fewer."""

SILENT_AFTER = timedelta(days=120)
_BLIND = {"source:": "Source", "rule:": "Rule", "no_data:": "Data of"}
_UNEXPLAINED = {NOT_GIVEN, WITHDRAWN, ""}
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a week, beside its record and that of the week before.

    Attributes:
        live: Open and taken incidents that opened before the week's end, at most `LISTED_MAX`.
        live_total: How many of them there are.
        actions: Incidents whose preventive action is not done, the first due first.
        undelivered: Pages that were given up in the week, by receiver.
        silent_rules: Rules that have been watched for `SILENT_AFTER` and never fired in it.
        unlooked: Checks without an answer, by rule; None: nobody knows.
    """

    record: Record
    before: Record
    live: Sequence[Incident] = ()
    live_total: int = 0
    actions: Sequence[Incident] = ()
    undelivered: Mapping[str, int] = field(default_factory=dict)
    silent_rules: Sequence[str] = ()
    unlooked: Mapping[str, int] | None = None
    statistics: Sequence[StatisticsPart] = ()


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched: for how long each rule must be bad, and how often the slowest is looked at.

    Attributes:
        waits: By rule; None: its `for` changes nothing.
    """

    waits: Mapping[str, timedelta | None] = field(default_factory=dict)
    slowest_every: timedelta = timedelta(minutes=1)


_NOTHING = Watched()


def summary_of(
    week: Week,
    known: Known,
    directory: Directory,
    now: datetime,
    watched: Watched = _NOTHING,
    report: str = "weekly",
) -> Summary:
    """Return the summary of a week as far as it has gone by `now`."""
    own = own_of(known.record)
    found = weekly(week, known.record, directory, now)
    earlier = weekly(week.before, known.before, directory, now)
    year, number, _ = week.monday.isocalendar()
    return Summary(
        report=report,
        teams=tuple(sorted(directory.teams)),
        year=year,
        week=number,
        monday=week.monday,
        at=now,
        zone=week.zone.key,
        counted=_counted(found),
        before=_counted(earlier),
        is_over=now >= week.until,
        rules=len(watched.waits),
        slowest_every=watched.slowest_every,
        unlooked=None if known.unlooked is None else sum(known.unlooked.values()),
        not_taken=found.not_taken,
        worst_day=_worst_day(week, own, found.time_not_taken, now),
        still_open=tuple(_open_line(one, now) for one in known.live[:LISTED_MAX]),
        open_total=known.live_total,
        came_back=_came_back(found, own, known.record, now)[:LISTED_MAX],
        noisy=noisy_rules(own, pages(known.record.pushes, directory), watched.waits)[:LISTED_MAX],
        days=_days(found, earlier),
        people=_people(week, found, (*own_of(known.before), *own), directory, now)[:LISTED_MAX],
        actions=_actions(known.actions, now.astimezone(week.zone).date()),
        gaps=tuple(_gaps(directory, max(week.until, now), week.until + WEEK))[:LISTED_MAX],
        unseen=tuple(_unseen(week, known, own, directory, now))[:LISTED_MAX],
        statistics=tuple(known.statistics),
        url=directory.url,
        title=f"Week {number}",
    )


def risen(then: Mapping[str, float | None], now: Mapping[str, float | None]) -> dict[str, int]:
    """Return by how much counts have risen; what is new, or has begun anew, from zero."""
    counted = {name: int(count or 0) for name, count in now.items()}
    before = {name: int(count or 0) for name, count in then.items()}
    return {
        name: count - before.get(name, 0) if count >= before.get(name, 0) else count
        for name, count in counted.items()
    }


def _counted(found: Weekly) -> Counted:
    return Counted(
        incidents=found.incidents,
        mtta=found.mtta,
        slowest_takes=found.slowest_takes,
        mttr=found.mttr,
        time_not_taken=found.time_not_taken,
        night_pages=found.night_pages,
    )


def _worst_day(week: Week, own: Iterable[History], total: timedelta, now: datetime) -> date | None:
    """Return the day whose incidents waited for more than half of all the time; None if none did."""
    waited: dict[date, timedelta] = {}
    for one in own:
        day = one.opening.opened_at.astimezone(week.zone).date()
        spans = (until - since for since, until in one.waits(now))
        waited[day] = sum(spans, waited.get(day, timedelta()))
    return next((day for day, span in waited.items() if 2 * span > total), None)


def _open_line(one: Incident, now: datetime) -> OpenLine:
    return OpenLine(
        one.id, one.title, one.severity.value, one.state.value, one.owner, now - one.opened_at
    )


def _came_back(
    found: Weekly, own: Sequence[History], record: Record, now: datetime
) -> tuple[BackLine, ...]:
    earlier = Counter(one.thing for one in record.earlier)
    opened: dict[Thing, list[History]] = {}
    for one in own:
        opened.setdefault(one.opening.thing, []).append(one)
    return tuple(
        _back_line(back, opened[back.thing], earlier[back.thing], now) for back in found.came_back
    )


def _back_line(back: CameBack, of_it: Iterable[History], before: int, now: datetime) -> BackLine:
    causes = Counter(one.cause for one in of_it if one.cause_kind not in _UNEXPLAINED)
    return BackLine(
        rule=back.rule,
        entity=", ".join(f"{name} {value}" for name, value in back.entity),
        times=back.times,
        before=before,
        bad_for=sum((one.bad_for(now) for one in of_it), timedelta()),
        causes=tuple(causes.most_common(2)),
    )


def _days(found: Weekly, earlier: Weekly) -> tuple[DayLine, ...]:
    before = {one.day + WEEK: one.incidents for one in earlier.days}
    return tuple(
        DayLine(one.day, one.incidents, one.at_night, before.get(one.day, 0)) for one in found.days
    )


def _people(
    week: Week, found: Weekly, both: Iterable[History], directory: Directory, now: datetime
) -> tuple[LoadLine, ...]:
    """Return everybody's load, with the shift of each that had the most incidents.

    Args:
        both: What opened in the week and in the one before: a shift may have begun in that.
    """
    fullest = _fullest_shifts(week, both, directory, now)
    lines = [
        LoadLine(
            one.person,
            one.taken,
            one.off_hours_pages,
            one.night_pages,
            *fullest.get(one.person, (0, None)),
        )
        for one in found.people
    ]
    return tuple(sorted(lines, key=lambda one: (-one.taken, -one.night_pages, one.person)))


def _fullest_shifts(
    week: Week, both: Iterable[History], directory: Directory, now: datetime
) -> dict[str, tuple[int, datetime]]:
    fullest: dict[str, tuple[int, datetime]] = {}
    opened: dict[str, list[datetime]] = {}
    for one in both:
        opened.setdefault(one.opening.team, []).append(one.opening.opened_at)
    for team, instants in opened.items():
        if team not in directory.teams or not directory.teams[team].oncall:
            continue
        of_team = list(shifts(directory, team, week.before.since, min(week.until, now)))
        begins = [one.starts_at for one in of_team]
        counted = Counter(bisect_right(begins, at) - 1 for at in instants)
        for number, count in sorted(counted.items()):
            shift = of_team[number]
            if (
                shift.ends_at > week.since
                and count > fullest.get(shift.person, (0, shift.starts_at))[0]
            ):
                fullest[shift.person] = (count, shift.starts_at)
    return fullest


def _actions(found: Iterable[Incident], today: date) -> tuple[ActionLine, ...]:
    lines = [
        ActionLine(one.id, answer.words, answer.owner, answer.due_on, answer.days_late(today))
        for one in found
        if (answer := one.answer) and answer.due_on
    ]
    return tuple(sorted(lines, key=lambda one: (one.due_on, one.id)))[:LISTED_MAX]


def _gaps(directory: Directory, since: datetime, until: datetime) -> Iterator[GapLine]:
    for name, team in sorted(directory.teams.items()):
        for one in gaps(directory, name, since, until):
            yield GapLine(name, team.lead, one.starts_at, one.ends_at)


def _unseen(
    week: Week, known: Known, own: Iterable[History], directory: Directory, now: datetime
) -> Iterator[UnseenLine]:
    """Yield what nobody could see, and what nobody heard."""
    yield from _blind_spots(own, now)
    yield from _unanswered(known.unlooked or {})
    yield from _unheard(known.undelivered, directory)
    yield from _unguarded(directory, week.since, min(week.until, now))
    yield from _never_fired(known.silent_rules)


def _unanswered(unlooked: Mapping[str, int]) -> Iterator[UnseenLine]:
    for rule, count in sorted(unlooked.items(), key=lambda one: (-one[1], one[0])):
        if count:
            yield UnseenLine(f"Rule {rule}", f"{count:,} checks were not made or gave no answer")


def _unheard(undelivered: Mapping[str, int], directory: Directory) -> Iterator[UnseenLine]:
    if undelivered:
        total = sum(undelivered.values())
        names: Counter[str] = Counter()
        for receiver, count in undelivered.items():
            names[next(iter(people_at(receiver, directory)), receiver)] += count
        to = ", ".join(f"{one} {count}×" for one, count in names.most_common(3))
        yield UnseenLine(count_of(total, "undelivered page"), f"to {to}")


def _unguarded(directory: Directory, since: datetime, until: datetime) -> Iterator[UnseenLine]:
    for name, team in sorted(directory.teams.items()):
        spans = [one.ends_at - one.starts_at for one in gaps(directory, name, since, until)]
        if spans:
            lasted = said_span(sum(spans, timedelta()))
            yield UnseenLine(f"Nobody on call for {name}", f"{lasted}; only the lead, {team.lead}")


def _never_fired(rules: Sequence[str]) -> Iterator[UnseenLine]:
    if rules:
        what = f"{count_of(len(rules), 'rule')} never fired in {SILENT_AFTER.days} days"
        yield UnseenLine(what, ", ".join(rules[:5]))


def _blind_spots(own: Iterable[History], now: datetime) -> Iterator[UnseenLine]:
    """Yield what incidents of the week say could not be looked at."""
    blind: dict[str, list[timedelta]] = {}
    for one in own:
        prefix, colon, name = one.opening.rule.partition(":")
        if (word := _BLIND.get(prefix + colon)) is not None:
            blind.setdefault(f"{word} {name}", []).append(one.bad_for(now))
    for what, spans in sorted(blind.items()):
        lasted = said_span(sum(spans, timedelta()))
        times = "" if len(spans) == 1 else f", {len(spans)} times"
        yield UnseenLine(what, f"could not be looked at for {lasted}{times}")
