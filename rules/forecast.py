"""A budget is used up before it is filled again."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from rules import jsonpath
from rules.base import Severity
from rules.durations import shown
from rules.fields import Least, Limits, Percent, PositiveDuration, Share
from rules.instants import from_column
from rules.numbers import as_float
from rules.parsing import ParsedBy
from rules.reply import PREFIX, BodyPath, Fault, body_path, named, value_at
from rules.settings import crossed, mildest
from rules.values import dataclass
from rules.wording import brief_span, long_span, number

WINDOW = timedelta(hours=1)
"""How long a budget lasts when its rule does not say."""

UNDER: Limits[Share] = Limits(plain=Share(0.1))
_SINCE_1970_FROM = 1e9
_MILLISECONDS_FROM = 1e11
_SHORTEST = timedelta(seconds=1)


def _limit(given: object) -> str | float:
    if isinstance(given, str):
        return body_path(given)
    found = as_float(given)
    if found is None or found <= 0:
        hint = {"given": shown(given), "hint": "write `5000`, or the path of it"}
        raise PydanticCustomError("bad_number", "`{given}` is not a number above 0", hint)
    return found


PathOrNumber: TypeAlias = Annotated[str | float, ParsedBy(_limit, {"type": ["string", "number"]})]


class Forecast(BaseModel):
    """A budget that must last until it is filled again, such as the requests that an API allows.

    It is bad when less than `under` of it remains and, at the pace since its window began, none
    will be left before `reset`. What is low but filled again soon enough is not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    remaining: BodyPath = Field(description="`body.PATH` of what is left.")
    limit: PathOrNumber = Field(description="How much the whole is: a number, or its `body.PATH`.")
    reset: BodyPath = Field(
        description="`body.PATH` of when it is filled again: seconds or milliseconds since 1970, "
        "seconds from now, or a time as text."
    )
    under: Least[Percent] = Field(
        default=UNDER,
        description="With as much of it left as this, nothing is bad.",
    )
    window: PositiveDuration = Field(
        default=WINDOW, description="How long it lasts: from one reset to the next."
    )

    @property
    def paths(self) -> Iterator[str]:
        """Yield the paths that are looked at."""
        yield from (self.remaining, self.reset)
        if isinstance(self.limit, str):
            yield self.limit

    def fault(self, document: Any, now: datetime, severity: Severity) -> Fault | None:
        """Return what is wrong with the budget, if anything.

        Args:
            severity: Of what is no number or no time, and of a plain `under`.
        """
        budget = self._budget(document, now, severity)
        if isinstance(budget, Fault):
            return budget
        under = crossed(self.under, budget.share, severity, falling=True)
        lasts = budget.lasts(now, self.window)
        if under is None or lasts is None:
            return None
        level, limit = under
        return Fault(
            level,
            f"{budget} left, 0 in {brief_span(lasts)}",
            f"{budget} left, limit {limit}; at this pace 0 in {long_span(lasts)},"
            f" the reset is in {long_span(budget.reset_at - now)}.",
            budget.remaining,
            limit * budget.limit,
            speaks=False,
        )

    def reading(self, document: Any, now: datetime) -> tuple[float, str, str]:
        """Return value, fact and detail of a budget with which nothing is wrong."""
        budget = self._budget(document, now, Severity.INFO)
        assert isinstance(budget, Budget)
        limit = mildest(self.under)
        return budget.remaining, f"{budget} left (min {limit})", f"{budget} left, limit {limit}."

    def _budget(self, document: Any, now: datetime, severity: Severity) -> "Budget | Fault":
        """Return the budget, or what keeps it from being read."""
        at_limit = self.limit if isinstance(self.limit, str) else ""
        given = value_at(document, at_limit) if at_limit else self.limit
        remaining, limit = as_float(value_at(document, self.remaining)), as_float(given)
        if remaining is None:
            return _unreadable(document, self.remaining, "number", severity)
        if limit is None or limit <= 0:
            return _unreadable(document, at_limit, "number above 0", severity)
        reset_at = _instant(value_at(document, self.reset), now)
        if reset_at is None:
            return _unreadable(document, self.reset, "time", severity)
        return Budget(max(0.0, remaining), limit, reset_at)


@dataclass(frozen=True, slots=True)
class Budget:
    """What an answer says of a budget."""

    remaining: float
    limit: float
    reset_at: datetime

    def __str__(self) -> str:
        return f"{number(self.remaining)} of {number(self.limit)}"

    @property
    def share(self) -> Share:
        """Return the part that is left."""
        return Share(self.remaining / self.limit)

    def lasts(self, now: datetime, window: timedelta) -> timedelta | None:
        """Return when nothing is left at the pace of this window; None when the reset comes first.

        A window that should not have begun yet, because clocks differ, began just now.
        """
        left = self.reset_at - now
        used = self.limit - self.remaining
        if left <= timedelta() or used <= 0:
            return None
        gone = max(window - left, _SHORTEST)
        lasts_s = min(self.remaining / used * gone.total_seconds(), left.total_seconds())
        lasts = timedelta(seconds=lasts_s)
        return lasts if lasts < left else None


def _unreadable(document: Any, path: str, wanted: str, severity: Severity) -> Fault:
    name, said = path.removeprefix(PREFIX), jsonpath.shown(value_at(document, path))
    detail = f"{name} is {said} where a {wanted} is expected."
    return Fault(severity, named(name, f"is {said}, no {wanted}"), detail)


def _instant(value: object, now: datetime) -> datetime | None:
    """Return when a budget is filled again; small numbers are seconds from now."""
    found = as_float(value)
    if found is not None and abs(found) < _SINCE_1970_FROM:
        return now + timedelta(seconds=found)
    is_large = found is not None and abs(found) >= _MILLISECONDS_FROM
    return from_column(value, zone="UTC", unit="epoch_ms" if is_large else "epoch_s")
