"""People, teams and routes, as the configuration declares them."""

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from rules.base import Severity
from rules.hours import WeeklyHours
from rules.values import dataclass

UTC_ZONE = ZoneInfo("UTC")


class Role(StrEnum):
    """What a person may do."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can own an incident. `slack` is a member id such as `U01ANA`."""

    name: str
    email: str = ""
    slack: str = ""
    zone: ZoneInfo = UTC_ZONE
    role: Role = Role.RESPONDER


class Unit(StrEnum):
    """What turns of on-call are counted in, by the wall clock."""

    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"


@dataclass(frozen=True, slots=True)
class Turn:
    """How long each person is on call at a time: so many hours, days, weeks or months."""

    count: int
    unit: Unit


HOURLY, DAILY, WEEKLY, MONTHLY = (Turn(1, unit) for unit in Unit)
FIRST_MONDAY = date(1970, 1, 5)


@dataclass(frozen=True, slots=True)
class Rotation:
    """Who is on call: each of `order` for one turn, handing over at `at` in the team's zone.

    Attributes:
        order: Names of people, at least one.
        weekday: Day of the hand-over where turns are weeks; 0 is Monday.
        day: Day of the hand-over where turns are months; 1 to 28, so that every month has it.
        since: The first of `order` begins with the first hand-over on this day or after it, and
            turns are counted from there in both directions. So everybody computes the same person
            without stored state.
        hours: When it counts, in the team's zone; None: always.
    """

    turn: Turn
    order: tuple[str, ...]
    at: time = time(10, 0)
    weekday: int = 0
    day: int = 1
    since: date = FIRST_MONDAY
    hours: WeeklyHours | None = None


ONCALL_NEXT, LEAD = "oncall_next", "lead"


@dataclass(frozen=True, slots=True)
class Rung:
    """A rung of a team's escalation: who becomes owner of what nobody has taken.

    Attributes:
        after: How long after the first page; rungs come in this order.
        to: `oncall_next`, `lead` or a person.
    """

    after: timedelta
    to: str


@dataclass(frozen=True, slots=True)
class Team:
    """Owners of rules. `slack` is a channel without the hash.

    Attributes:
        lead: Who answers when none of the layers covers an instant.
        oncall: Rotations as layers; the upper one that covers an instant decides.
        escalate: What happens while nobody takes an incident; empty: it stays with its owner.
        take_lasts: After so long without a sign of life a critical incident counts as not taken.
        tells_shifts: Its channel, and whoever follows, hear of each hand-over.
    """

    name: str
    lead: str
    slack: str = ""
    email: str = ""
    zone: ZoneInfo = UTC_ZONE
    working_hours: WeeklyHours | None = None
    oncall: tuple[Rotation, ...] = ()
    escalate: tuple[Rung, ...] = ()
    take_lasts: timedelta = timedelta(minutes=30)
    tells_shifts: bool = True


@dataclass(frozen=True, slots=True)
class Route:
    """Where incidents of a kind go; the first route that matches wins.

    Attributes:
        severities, teams: What it matches; empty matches everything.
        rules: Shell-style patterns of rule names; empty matches everything.
        send: `slack`, `email` and `weekly`, in the team's order of preference.
        hold_until_working_hours: Messages wait for the team's working hours.
    """

    send: tuple[str, ...]
    severities: frozenset[Severity] = frozenset()
    teams: frozenset[str] = frozenset()
    rules: tuple[str, ...] = ()
    hold_until_working_hours: bool = False


@dataclass(frozen=True, slots=True)
class Repeat:
    """What a fault is that comes back after its recovery: a new incident of another team.

    Attributes:
        within: How soon after the recovery it must come back, with the same failure class.
        escalate_to: The team that owns it then; empty for the rule's own.
    """

    within: timedelta
    escalate_to: str = ""


class NoData(StrEnum):
    """What it means that a look found nothing to judge; it never closes an open incident."""

    KEEP = "keep"
    """Nothing changes."""
    ALERT = "alert"
    """An incident of its own says that there is no data."""
    OK = "ok"
    """It is fine, and counted so."""


@dataclass(frozen=True, slots=True)
class Policy:
    """When findings of a rule become an incident, and when it has recovered.

    Attributes:
        open_after: Bad checks in a row before an incident opens, at least 1.
        open_for: It must also have been bad for this long; zero for none. A failure class that
            says how many checks it needs is not held to it.
        recover_after: Good checks in a row before it recovers, at least 1.
        reopen_within: Bad again within this span after a recovery, with the same failure class:
            the same incident.
        unless_at_most: How long an `unless` may excuse a finding; None for ever.
        no_data: What it means that there is nothing to judge.
        repeat: What happens when it is bad again after the reopen window; None: nothing special.
    """

    open_after: int = 2
    open_for: timedelta = timedelta()
    recover_after: int = 3
    reopen_within: timedelta = timedelta(hours=1)
    unless_at_most: timedelta | None = None
    repeat: Repeat | None = None
    no_data: NoData = NoData.KEEP

    def opens_after(self, every: timedelta) -> timedelta:
        """Return how long after its first bad check, made every so often, something opens."""
        return max((self.open_after - 1) * every, self.open_for)


@dataclass(frozen=True, slots=True)
class Storms:
    """How many incidents are too many to be told one by one.

    Attributes:
        more_than: So many new ones of a team and source still are; at least 1.
        within: The span in which they open.
    """

    more_than: int = 5
    within: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Cover:
    """Somebody who answers for a team for a while, whatever its rotations say.

    Of one team no two overlap; the store sees to it.

    Attributes:
        ends_at: The first instant that is not covered any more.
        made_by: Who arranged it.
        number: By which it is ended early; 0 until it is kept.
    """

    team: str
    person: str
    starts_at: datetime
    ends_at: datetime
    made_by: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Directory:
    """Everybody and every way to reach them. Names are the keys of the configuration.

    Attributes:
        covers: Those that matter now or later, as far as somebody has read them from the store.
    """

    people: Mapping[str, Person] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    url: str = ""
    covers: tuple[Cover, ...] = ()

    @property
    def responders(self) -> list[str]:
        """Return the names of those who may own incidents, in order."""
        people = self.people.values()
        return sorted(one.name for one in people if one.role is not Role.VIEWER)

    def zone_of(self, team: str) -> str:
        """Return the name of a team's zone, for instants in its sentences; UTC of one that is gone."""
        return self.teams[team].zone.key if team in self.teams else UTC_ZONE.key
