"""How turns of on-call, their hand-overs and their first day are written."""

import re
from datetime import date, time
from typing import Annotated

from rules.parsing import ParsedBy
from rules.values import dataclass
from watchdog.config.problems import did_you_mean, shown
from watchdog.config.types import parse_day, parse_time, refusal, text_of
from watchdog.domain.people import DAILY, HOURLY, MONTHLY, WEEKLY, Turn, Unit

_WORDS = {"hourly": HOURLY, "daily": DAILY, "weekly": WEEKLY, "monthly": MONTHLY}
_MOST = {Unit.HOURS: 168, Unit.DAYS: 90, Unit.WEEKS: 26, Unit.MONTHS: 6}
"""A turn lasts at most half a year, so that a look ahead of one year sees every hand-over."""

_LOOSE_UNITS = {
    **dict.fromkeys(("h", "hr", "hrs", "hour"), Unit.HOURS),
    **dict.fromkeys(("d", "day"), Unit.DAYS),
    **dict.fromkeys(("w", "wk", "wks", "week"), Unit.WEEKS),
    **dict.fromkeys(("mo", "month"), Unit.MONTHS),
    **{unit.value: unit for unit in Unit},
}
_TURN = re.compile(r"([1-9][0-9]{0,2}) (hours|days|weeks|months)")
_LOOSE_TURN = re.compile(r"(?:every )?([0-9]{0,3}) *([a-z]+)", re.IGNORECASE)
_DAY_OF_MONTH = re.compile(r"([0-9]{1,2})(st|nd|rd|th)?\.?")
_DAY_MAX = 28


def parse_turn(given: object) -> Turn:
    """Return the turn that `hourly`, `daily`, `weekly`, `monthly`, `12 hours` or `2 weeks` stand for."""
    text = text_of(given, "bad_turn", "how long a turn lasts", _turn_hint(str(given)))
    if text in _WORDS:
        return _WORDS[text]
    match = _TURN.fullmatch(text)
    if match is None or match[1] == "1" or int(match[1]) > _MOST[Unit(match[2])]:
        hint = _turn_hint(text)
        raise refusal("bad_turn", "`{given}` is not how long a turn lasts", hint, given=shown(text))
    return Turn(int(match[1]), Unit(match[2]))


def _turn_hint(text: str) -> str:
    match = _LOOSE_TURN.fullmatch(text.strip())
    if match and (unit := _LOOSE_UNITS.get(match[2].lower())):
        count = min(max(1, int(match[1] or 1)), _MOST[unit])
        alone = next(word for word, turn in _WORDS.items() if turn.unit is unit)
        return f"write `{alone}`" if count == 1 else f"write `{count} {unit.value}`"
    return did_you_mean(text, _WORDS) or "write it like `weekly`, `12 hours` or `2 weeks`"


@dataclass(frozen=True, slots=True)
class Handover:
    """When on-call passes on: `10:00` of each day, `mon 10:00` of each week, `1st 10:00` of each month."""

    at: time
    weekday: int | None = None
    day: int | None = None


def parse_handover(given: object) -> Handover:
    """Return the hand-over that `10:00`, `mon 10:00` or `1st 10:00` stand for."""
    hint = "write it like `mon 10:00`, `1st 10:00`, or `10:00` for every day"
    text = text_of(given, "bad_time", "a time to hand over", hint)
    day, space, at = text.rpartition(" ")
    if match := _DAY_OF_MONTH.fullmatch(day):
        return Handover(parse_time(at), day=_day_of_month(day, int(match[1])))
    return Handover(parse_time(at), parse_day(day, hint) if space else None)


def _day_of_month(text: str, day: int) -> int:
    right = ordinal(min(max(1, day), _DAY_MAX))
    if text != right:
        hint = f"write `{right}`" + (": not every month has a later day" if day > _DAY_MAX else "")
        raise refusal("bad_day", "`{given}` is not a day of every month", hint, given=shown(text))
    return day


def ordinal(day: int) -> str:
    """Return `1st` for 1, `22nd` for 22."""
    ending = "th" if day in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def handover_trouble(turn: Turn, handover: Handover) -> tuple[str, str] | None:
    """Return what is wrong with the day of a hand-over, and what would be right; None if it fits."""
    has_weekday, has_day = handover.weekday is not None, handover.day is not None
    if turn.unit is Unit.WEEKS and not has_weekday:
        return "a weekly hand-over needs its day", "write it like `mon 10:00`"
    if turn.unit is Unit.MONTHS and not has_day:
        return "a monthly hand-over needs its day", "write it like `1st 10:00`"
    if turn.unit in {Unit.HOURS, Unit.DAYS} and (has_weekday or has_day):
        words = (
            "a daily hand-over has no day"
            if turn.unit is Unit.DAYS
            else "turns of hours have no day"
        )
        return words, "write it like `10:00`"
    return None


def parse_first_day(given: object) -> date:
    """Return the day that `2026-06-15` stands for; from 1970 to 2100."""
    hint = "write it like `2026-06-15`"
    text = text_of(given, "bad_date", "a day", hint)
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else None
    except ValueError:
        day = None
    if day is None or not 1970 <= day.year <= 2100:
        raise refusal("bad_date", "`{given}` is not a day", hint, given=shown(text))
    return day


_TEXT = {"type": "string"}
TurnLength = Annotated[Turn, ParsedBy(parse_turn, _TEXT)]
HandoverTime = Annotated[Handover, ParsedBy(parse_handover, _TEXT)]
FirstDay = Annotated[date, ParsedBy(parse_first_day, _TEXT)]
