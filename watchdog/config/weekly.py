"""The weekly summary among the reports: what a team wrote to values, every mistake at its place."""

from datetime import time
from typing import Annotated, Literal

from pydantic import Field

from rules.cron import parse_cron
from rules.values import dataclass
from watchdog.config.gather import Gathered
from watchdog.config.model import WeeklyReport
from watchdog.config.nodes import Entry, Spot, Table, find
from watchdog.config.sections import SectionReader, Settings, check_name, item_span, written
from watchdog.config.shapes import Shape
from watchdog.config.types import DAYS, Names, TimeOfDay, Weekday, Zone, is_email
from watchdog.domain.people import Directory
from watchdog.domain.weeks import zone_of_weeks

HALF_PAST_EIGHT = time(8, 30)


class WeeklyShape(Shape):
    """The weekly summary of all incidents, by mail."""

    kind: Literal["weekly"] = Field(description="Tells it from reports that ask queries.")
    at: TimeOfDay = Field(default=HALF_PAST_EIGHT, description="Time of the day, `08:30`.")
    day: Weekday = Field(default=0, description="Day on which the week before is told.")
    timezone: Zone | None = Field(
        default=None,
        description="By whose clock, and whose weeks; by default what all teams share, else UTC.",
    )
    to: Annotated[Names, Field(min_length=1)] | None = Field(
        default=None,
        description="People and mail addresses; by default the leads of all teams.",
    )


def is_weekly(entry: Entry) -> bool:
    """Return whether a report is a weekly summary, or says that it is something else."""
    return isinstance(entry.value, Table) and "kind" in entry.value.entries


@dataclass(slots=True)
class WeeklyReader(SectionReader):
    """Reads one weekly summary after the other."""

    def __init__(self, gathered: Gathered, into: Settings) -> None:
        self.gathered = gathered
        self.into = into

    def read(self, entry: Entry) -> WeeklyReport | None:
        """Return a weekly summary, or None after having said what is wrong with it."""
        said_before = len(self.into.problems)
        if problem := check_name(entry):
            self.into.problems.append(problem)
        shape = self.shape(WeeklyShape, entry, "a weekly summary")
        if shape is None:
            return None
        to = self._receivers(shape, entry)
        if any(one.is_error for one in self.into.problems[said_before:]) or not to:
            return None
        cron = parse_cron(f"{shape.at.minute} {shape.at.hour} * * {DAYS[shape.day]}")
        zone = shape.timezone or zone_of_weeks(Directory(teams=self.into.teams))
        return WeeklyReport(entry.key.text, cron, zone, to, entry.key.span.place)

    def _receivers(self, shape: WeeklyShape, entry: Entry) -> tuple[str, ...]:
        """Return the addresses, each once however written; complain about whom no mail reaches."""
        if shape.to is None:
            leads = [self.into.people.get(team.lead) for team in self.into.teams.values()]
            found = [one.email for one in leads if one and one.email]
        else:
            spot = find(entry.value, ("to",), entry.key)
            found = [address for name in shape.to if (address := self._address(name, spot))]
        assert isinstance(entry.value, Table)  # it has a `kind`
        if not found and "to" not in entry.value.entries and self.gathered.is_whole:
            words = f"nobody gets the weekly summary `{entry.key.text}`: no lead of a team has a mail address"
            self.add("no-receiver", words, entry.key.span, "write `to:` with addresses or people")
        once: dict[str, str] = {}
        for one in found:
            once.setdefault(one.lower(), one)
        return tuple(once.values())

    def _address(self, name: str, spot: Spot) -> str:
        if "@" in name:
            if not is_email(name):
                span = item_span(spot, name)
                words = f"`{written(spot, name)}` is not a mail address"
                self.add("bad-email", words, span, "write it like `ana@example.com`")
                return ""
            return name
        if not self.known("people", name, spot):
            return ""
        person = self.into.people.get(name)
        if person and not person.email:
            words = f"`{name}` has no mail address, so the weekly summary does not get there"
            self.add("no-receiver", words, item_span(spot, name), "write `email:` under `people:`")
        return person.email if person else ""
