"""Storms: many incidents of one team and source at once are one incident, with members. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum

from notifiers.times import time_of_day, zone_word
from rules.base import Entity, Severity
from rules.values import dataclass
from rules.wording import clipped
from watchdog.domain.fingerprint import fingerprint
from watchdog.domain.incident import Incident
from watchdog.domain.life import within_reopen_window
from watchdog.domain.naming import named
from watchdog.domain.people import Directory, Storms
from watchdog.domain.routing import is_silent, route_for

REOPEN_WITHIN = timedelta(hours=1)
"""A new burst within this span after its recovery is the same storm."""

NAMES_MAX = 7
"""Members that a storm's sentence names at most."""

_NAME_MAX = 30
_OURS = ("source:", "rule:")
"""Incidents that say what cannot be looked at: they explain a storm, and must stand beside it."""


class Grouped(StrEnum):
    """What becomes of the openings of one team and source."""

    APART = "apart"
    """Each is an incident."""
    BEGIN = "begin"
    """They are a storm, together with what waits."""
    AGAIN = "again"
    """The same, but it is the storm that has just recovered."""
    JOIN = "join"
    """They join the storm there is."""


def grouped(
    storms: Storms | None, openings: int, waiting: int, known: Incident | None, now: datetime
) -> Grouped:
    """Return what becomes of the openings of one team and source in one commit.

    A storm that lives takes them in though it is silenced: what joins a storm pages nobody anyway, and
    what makes it worse is told as a change of its level.

    Args:
        storms: None: nothing is ever grouped anew.
        openings: How many may join, among them those of before that nobody was told of until now.
        waiting: Incidents of before that opened within the span, are open, and may join.
        known: The team's and source's storm that lives, or the latest that has recovered.
    """
    if storms is None or not openings:
        return Grouped.APART
    if known is not None and known.is_live:
        return Grouped.JOIN
    if openings + waiting <= storms.more_than:
        return Grouped.APART
    if known is not None and within_reopen_window(known, now, REOPEN_WITHIN, ""):
        return Grouped.AGAIN
    return Grouped.BEGIN


def may_join(directory: Directory, rule: str, severity: Severity, team: str) -> bool:
    """Return whether an incident may be part of a storm.

    What nobody is told of must neither make a page nor hide in one; what says that we cannot look
    is never one of many symptoms.
    """
    return not rule.startswith(_OURS) and not is_silent(route_for(directory, severity, team, rule))


class MemberState(StrEnum):
    """How a member of a storm is."""

    BAD = "bad"
    GOOD = "good"
    SPLIT = "split"
    """It is an incident of its own now."""
    GONE = "gone"
    """Nobody watches it any more."""


@dataclass(frozen=True, slots=True)
class Member:
    """One watched thing of a storm: what would be an incident else.

    Attributes:
        storm: Number of the storm's incident.
        number: Its place in the storm's list, from 1.
        identity: What its rule watched when it joined.
        joined_at: When it joined, or was bad again in it for the last time.
        reason: Why nobody watches it any more; only where it is gone.
        split: The incident that it became; only where it was split out.
    """

    storm: int
    number: int
    fingerprint: bytes
    rule: str
    identity: str
    entity: Entity
    title: str
    severity: Severity
    joined_at: datetime
    first_bad_at: datetime
    failure_class: str = ""
    state: MemberState = MemberState.BAD
    value: float | None = None
    limit: float | None = None
    fact: str = ""
    detail: str = ""
    first_good_at: datetime | None = None
    reason: str = ""
    split: int | None = None

    @property
    def name(self) -> str:
        """Return how it is named where its number is not known: rule and entity."""
        return named(self.rule, self.entity)


def member_of(storm: int, number: int, one: Incident) -> Member:
    """Return the member that an incident becomes by joining a storm."""
    return Member(
        storm=storm,
        number=number,
        fingerprint=one.fingerprint,
        rule=one.rule,
        identity=one.identity,
        entity=one.entity,
        title=one.title,
        severity=one.severity,
        joined_at=one.opened_at,
        first_bad_at=one.first_bad_at or one.opened_at,
        failure_class=one.failure_class,
        value=one.value,
        limit=one.limit,
        fact=one.fact,
        detail=one.detail,
    )


@dataclass(frozen=True, slots=True)
class Name:
    """Bad members with the same title and severity.

    Attributes:
        count: How many they are.
    """

    title: str
    severity: Severity
    count: int = 1


@dataclass(frozen=True, slots=True)
class Tally:
    """How a storm's members are, in figures.

    Attributes:
        bad: How many are bad, by severity.
        names: The first of the bad ones, the worst before others; one more than are named, at most.
        first: Title of the member that was there first, and since when it is bad.
        first_bad_at, first_good_at: When the first was bad, and the last good.
        reason: Why one of those that are gone is not watched any more.
    """

    bad: Mapping[Severity, int] = field(default_factory=dict)
    good: int = 0
    split: int = 0
    gone: int = 0
    names: Sequence[Name] = ()
    first: tuple[str, datetime] | None = None
    first_bad_at: datetime | None = None
    first_good_at: datetime | None = None
    reason: str = ""

    @property
    def bad_count(self) -> int:
        """Return how many are bad."""
        return sum(self.bad.values())

    @property
    def count(self) -> int:
        """Return how many are its own: bad or good again."""
        return self.bad_count + self.good

    @property
    def total(self) -> int:
        """Return how many it has had."""
        return self.count + self.split + self.gone

    @property
    def worst(self) -> Severity:
        """Return the severity of the worst that is bad."""
        return max((one for one, count in self.bad.items() if count), key=lambda one: one.rank)


def storm_fingerprint(team: str, source: str) -> bytes:
    """Return what makes two storms the same: their team and source."""
    return fingerprint(f"storm:{team}/{source}", ())


def storm_title(source: str) -> str:
    """Return the title of a source's storm."""
    return {"@files": "watched files", "@pings": "heartbeats"}.get(source, f"source {source}")


def fact_of(tally: Tally, *, begins: bool = False) -> str:
    """Return a storm in figures: `14 incidents at once, 3 critical`."""
    bad, count = tally.bad_count, tally.count
    if not bad:
        return f"all {count:,} good again" if count > 1 else "good again"
    all_of_them = f"{_incidents(bad)} at once" if begins else _incidents(bad)
    what = f"{bad:,} of {count:,} bad" if bad < count else all_of_them
    critical = tally.bad.get(Severity.CRITICAL, 0)
    if not critical:
        return what
    return f"{what}, all critical" if critical == bad else f"{what}, {critical:,} critical"


def _incidents(count: int) -> str:
    return f"{count:,} incident{'' if count == 1 else 's'}"


def detail_of(tally: Tally, source: str, zone: str, now: datetime) -> str:
    """Return a storm in sentences: how many, why they are told together, names, and the first.

    Args:
        zone: In which it says since when the first is bad.
    """
    where = storm_title(source)
    if not tally.bad_count:
        return f"{fact_of(tally).capitalize()}, all of {where}."
    said = [f"{_counted(tally)}, all of {where}: likely one cause, told once.", *_named(tally)]
    if tally.first is not None:
        title, at = tally.first
        since = f"{time_of_day(at, zone, now)} {zone_word(zone)}"
        said.append(f"First: {clipped(title, _NAME_MAX)} ({since}).")
    return " ".join(said)


def _counted(tally: Tally) -> str:
    bad, count = tally.bad_count, tally.count
    return _incidents(bad) if bad == count else f"{bad:,} of {count:,} are bad"


def _named(tally: Tally) -> list[str]:
    """Return a sentence for each severity: the names of its first members, and how many more."""
    said, left = [], NAMES_MAX
    for severity in sorted(tally.bad, key=lambda one: -one.rank):
        count = tally.bad[severity]
        names = [one for one in tally.names if one.severity is severity][:left]
        if not count or not names:
            continue
        left -= len(names)
        more = count - sum(one.count for one in names)
        listed = ", ".join(map(_shown, names)) + (f" +{more:,} more" if more else "")
        said.append(f"{severity.capitalize()} {count:,}: {listed}.")
    return said


def _shown(name: Name) -> str:
    title = clipped(name.title, _NAME_MAX)
    return f"{title} ({name.count:,})" if name.count > 1 else title
