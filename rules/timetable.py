"""When the next run is due: at the slots of a cron line, so long after the run before, or as told."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Annotated, Any, Protocol
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
)
from pydantic_core import PydanticCustomError

from rules.cron import Cron, CronError, next_slots, parse_cron, previous_slots
from rules.durations import shown
from rules.fields import Column
from rules.instants import after, before
from rules.parsing import ParsedBy
from rules.settings import Zone
from rules.values import dataclass

EARLY = timedelta(minutes=1)
"""How long before its slot a run still counts for it: clocks differ."""

SLOTS_MAX = 100
"""Most slots in a row that are looked at."""


def _cron_line(given: object) -> str:
    try:
        return parse_cron(given if isinstance(given, str) else f"{given}").text
    except CronError as error:
        words = {"given": shown(given), "why": f"{error}"}
        hint = {"hint": "write it like `*/15 9-17 * * mon-fri`, or `@hourly`"}
        message = "`{given}` is not a cron line: {why}"
        raise PydanticCustomError("bad_cron", message, words | hint) from None


CronLine = Annotated[str, ParsedBy(_cron_line, {"type": "string"})]


class CronColumn(BaseModel):
    """A cron line that each row brings itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: Column = Field(description="Column with the row's own cron line.")
    default: CronLine | None = Field(
        default=None, description="Line of a row without one; else it is not judged."
    )


class ZoneColumn(BaseModel):
    """A zone that each row brings itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: Column = Field(description="Column with the row's own zone, by name.")
    default: Zone = Field(default="UTC", description="Zone of a row without one.")


_LOOKS = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {"column": {"type": "string"}, "default": {"type": "string"}},
            "required": ["column"],
            "additionalProperties": False,
        },
    ]
}


def _or_column(literal: Any, from_row: type[BaseModel]) -> ParsedBy:
    of_literal = TypeAdapter(literal)

    def validate(given: object) -> object:
        if isinstance(given, Mapping | BaseModel):
            return from_row.model_validate(given)
        return of_literal.validate_python(given)

    return ParsedBy(validate, _LOOKS)


def _written(one: object) -> object:
    return one.model_dump(exclude_defaults=True) if isinstance(one, BaseModel) else one


CronOrColumn = Annotated[
    str | CronColumn, _or_column(CronLine, CronColumn), PlainSerializer(_written)
]
ZoneOrColumn = Annotated[str | ZoneColumn, _or_column(Zone, ZoneColumn), PlainSerializer(_written)]


class Pace(Protocol):
    """When runs are due."""

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone in which instants are told."""
        ...

    def missed_before(self, at: datetime, count: int) -> datetime:
        """Return the instant before which the last run must have been for `count` to be missed.

        Args:
            at: Only what was due before this instant can be missed.
        """
        ...

    def deadline(self, last_at: datetime, count: int) -> datetime | None:
        """Return when the run number `count` after that at `last_at` is due, if ever."""
        ...

    def latest_due(self, last_at: datetime | None, at: datetime) -> datetime | None:
        """Return when something was due last before `at`; after a last run, where it counts."""
        ...


@dataclass(frozen=True, slots=True)
class Slots:
    """Runs are due at the slots of a cron line."""

    cron: Cron
    zone: ZoneInfo

    def missed_before(self, at: datetime, count: int) -> datetime:
        """Return the slot number `count` before `at`; a run a little early counts for it."""
        slots = list(islice(previous_slots(self.cron, self.zone, at), count))
        return before(slots[-1], EARLY) if len(slots) == count else before(at, timedelta.max)

    def deadline(self, last_at: datetime, count: int) -> datetime | None:
        """Return the slot number `count` after a run."""
        slots = list(islice(next_slots(self.cron, self.zone, after(last_at, EARLY)), count))
        return slots[-1] if len(slots) == count else None

    def latest_due(self, last_at: datetime | None, at: datetime) -> datetime | None:  # noqa: ARG002
        """Return the slot before `at`, whenever a run was."""
        return next(previous_slots(self.cron, self.zone, at), None)


@dataclass(frozen=True, slots=True)
class Interval:
    """Each run is due so long after the one before."""

    span: timedelta
    zone: ZoneInfo = ZoneInfo("UTC")

    def missed_before(self, at: datetime, count: int) -> datetime:
        """Return `count` spans before `at`."""
        return before(at, count * self.span)

    def deadline(self, last_at: datetime, count: int) -> datetime:
        """Return `count` spans after a run."""
        return after(last_at, count * self.span)

    def latest_due(self, last_at: datetime | None, at: datetime) -> datetime | None:
        """Return the last whole number of spans after a run."""
        if last_at is None or after(last_at, self.span) >= at:
            return None
        return last_at + self.span * (-(-(at - last_at) // self.span) - 1)


@dataclass(frozen=True, slots=True)
class Told:
    """The data itself says when the next run is due."""

    zone: ZoneInfo = ZoneInfo("UTC")

    def missed_before(self, at: datetime, count: int) -> datetime:  # noqa: ARG002
        """Return `at`: what was due before it is missed."""
        return at

    def deadline(self, last_at: datetime, count: int) -> datetime:  # noqa: ARG002
        """Return the instant that was told."""
        return last_at

    def latest_due(self, last_at: datetime | None, at: datetime) -> datetime | None:  # noqa: ARG002
        """Return the instant that was told."""
        return last_at


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row's own cron line or zone is none; `reason` is a sentence that says so."""

    reason: str


@lru_cache(maxsize=4096)
def pace_of(line: str, zone: str) -> Slots | Unreadable:
    """Return the slots of a row by its own words."""
    try:
        cron = parse_cron(line)
    except CronError as error:
        return Unreadable(f"The cron line `{shown(line)}` cannot be read: {error}.")
    try:
        return Slots(cron, ZoneInfo(zone))
    except (KeyError, ValueError, OSError):
        return Unreadable(f"There is no time zone `{shown(zone)}`.")


def local_words(at: datetime, zone: ZoneInfo) -> str:
    """Return an instant as the clock on the wall shows it: `2025-06-13 09:00`."""
    return at.astimezone(zone).isoformat(" ", "minutes")[:16]
