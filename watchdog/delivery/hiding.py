"""Which claimed messages are not sent, by a silence or by their reader: decided as they are sent. Pure."""

from collections.abc import Iterable

from notifiers.base import Part
from notifiers.times import time_of_day, zone_word
from watchdog.domain.incident import WATCHDOG
from watchdog.domain.silences import is_hideable
from watchdog.store.outbox import Claimed
from watchdog.store.withholding import Withheld

_HEADLESS = "its first message was withheld"
_STOPPED = "its reader has stopped it"


def may_be_hidden(row: Claimed) -> bool:
    """Return whether a silence would hide this message; never one that may have arrived already."""
    if row.incident_id is None or row.unknowns:
        return False
    event, actor = str(row.facts.get("event", "")), str(row.facts.get("actor", WATCHDOG))
    return is_hideable(event, actor, row.part, row.receiver, was_told=row.was_told)


def withheld(rows: Iterable[Claimed]) -> list[Withheld]:
    """Return those that are not sent, with the reason that people read."""
    return [
        Withheld(row, _reason(row), not row.is_silenced, _is_first(row) and not row.was_told)
        for row in rows
        if row.is_stopped or ((row.is_silenced or _is_headless(row)) and may_be_hidden(row))
    ]


def _is_first(row: Claimed) -> bool:
    return row.part in {Part.PAGE, Part.ROOT}


def _is_headless(row: Claimed) -> bool:
    return row.was_withheld and not row.was_told and not _is_first(row)


def _reason(row: Claimed) -> str:
    if row.is_stopped:
        return _STOPPED
    if not row.is_silenced or row.silenced_until is None:
        return _HEADLESS
    if row.waits_for is not None:
        return f"held under #{row.waits_for}, which explains it"
    zone = str(row.facts.get("zone", "UTC"))
    until = f"{time_of_day(row.silenced_until, zone, row.due_at)} {zone_word(zone)}"
    return f"silenced by {row.silenced_by} until {until}: {row.silenced_for}"
