"""Everything that the weekly summary may say, as it was when it was counted. Plain values."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Counted:
    """The figures of a week that are compared with those of the week before.

    Attributes:
        mtta: Median from an opening to the first Take; None: nobody took anything.
        slowest_takes: The slowest tenth of the takes took so long or longer.
        mttr: Median from an opening to the first good check of the run that ended it.
    """

    incidents: int = 0
    mtta: timedelta | None = None
    slowest_takes: timedelta | None = None
    mttr: timedelta | None = None
    time_not_taken: timedelta = timedelta()
    night_pages: int = 0


@dataclass(frozen=True, slots=True)
class OpenLine:
    """An incident that is open or taken."""

    id: int
    title: str
    severity: str
    state: str
    owner: str
    open_for: timedelta


@dataclass(frozen=True, slots=True)
class BackLine:
    """Something that came back.

    Attributes:
        times: In the 28 days up to its latest opening; `before`: in the 28 days before the week.
        bad_for: Of those that opened in the week, summed.
        causes: As written, the most frequent first, each with how often.
    """

    rule: str
    entity: str
    times: int
    before: int
    bad_for: timedelta
    causes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class NoiseLine:
    """How a rule has earned its pages.

    Attributes:
        needed: How many of those that fired needed a person. `useful`: by the fixed definition.
        noise: Unneeded pushes, off hours twice, at night four times.
        advice: What to do about it; empty: it is no rule, so there is nothing to change.
    """

    rule: str
    fired: int
    needed: int
    useful: int
    noise: int
    advice: str


@dataclass(frozen=True, slots=True)
class DayLine:
    """What opened on a day, and how much of it by night; `before`: on the same day a week earlier."""

    day: date
    incidents: int
    at_night: int = 0
    before: int = 0


@dataclass(frozen=True, slots=True)
class LoadLine:
    """What a person had of the week.

    Attributes:
        taken: Incidents that this person was the first to take.
        fullest_shift: Incidents of the shift with the most; `shifted_at`: when it began.
    """

    person: str
    taken: int
    off_hours_pages: int
    night_pages: int
    fullest_shift: int = 0
    shifted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ActionLine:
    """A preventive action that is not done; `id` is its incident's."""

    id: int
    words: str
    owner: str
    due_on: date
    days_late: int


@dataclass(frozen=True, slots=True)
class GapLine:
    """When nobody of a team's rotations is on call: only its lead answers."""

    team: str
    lead: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class UnseenLine:
    """Something that could not be seen, or did not arrive: what, and how much of it."""

    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class StatisticsPart:
    """Figures that a report keeps, day by day.

    Attributes:
        rows: A day and its figures, in the order of `columns`; None: not kept.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[date, tuple[float | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """The weekly summary.

    Attributes:
        report: Its name under `reports:`.
        teams: Whose incidents these are.
        year, week: As ISO 8601 numbers them.
        monday: Its first day.
        at: When it was counted; `is_over`: the week was over then.
        rules: How many are watched, the slowest of them every `slowest_every`.
        unlooked: Checks of the week that were not made or gave no answer; None: nobody knows.
        not_taken: Incidents that nobody took. Those and what `people` took are all incidents.
        worst_day: The day whose incidents waited for more than half of all the time.
        still_open: What is open or taken, whichever week it opened in; there are `open_total`.
        gaps: Those of the week that follows. `gaps_before`: those of the week itself.
        url: Base of all links, or empty.
        title: What it is called in lists of messages.
    """

    report: str
    teams: tuple[str, ...]
    year: int
    week: int
    monday: date
    at: datetime
    zone: str
    counted: Counted
    before: Counted
    is_over: bool = True
    rules: int = 0
    slowest_every: timedelta = timedelta(minutes=1)
    unlooked: int | None = None
    not_taken: int = 0
    worst_day: date | None = None
    still_open: tuple[OpenLine, ...] = ()
    open_total: int = 0
    came_back: tuple[BackLine, ...] = ()
    noisy: tuple[NoiseLine, ...] = ()
    days: tuple[DayLine, ...] = ()
    people: tuple[LoadLine, ...] = ()
    actions: tuple[ActionLine, ...] = ()
    gaps: tuple[GapLine, ...] = ()
    unseen: tuple[UnseenLine, ...] = ()
    statistics: tuple[StatisticsPart, ...] = ()
    url: str = ""
    title: str = ""

    @property
    def name(self) -> str:
        """Return the week as links name it: `2025-23`."""
        return f"{self.year}-{self.week:02}"

    @property
    def name_before(self) -> str:
        """Return the week before as links name it."""
        year, week, _ = (self.monday - timedelta(days=7)).isocalendar()
        return f"{year}-{week:02}"

    @property
    def team(self) -> str:
        """Return in whose name it comes; empty where it is about several teams."""
        return self.teams[0] if len(self.teams) == 1 else ""
