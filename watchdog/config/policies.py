"""What a rule says of time: when findings count, and when they are an incident."""

from datetime import timedelta
from typing import Any

from rules.hours import ActiveHours, first_instant
from watchdog.config.model import UnlessOpen
from watchdog.config.shapes import DefaultsShape, MaintenanceShape, RuleShape
from watchdog.config.windows import RowZone, weekly
from watchdog.domain.maintenance import Maintenance
from watchdog.domain.people import Policy, Repeat


def active_of(shape: RuleShape) -> ActiveHours | None:
    """Return the hours of a rule; None where it has none."""
    active = shape.active
    if active is None:
        return None
    hours = weekly(active.days, active.hours)
    if isinstance(active.zone, RowZone):
        return ActiveHours(hours, column=active.zone.column)
    return ActiveHours(hours, active.zone.key)


def maintenance_of(
    shape: MaintenanceShape, *, rule: str = "", source: str = "", team: str = ""
) -> Maintenance:
    """Return a maintenance; it is announced for everything where nothing is named."""
    if shape.begins is None or shape.ends is None:
        hours = weekly(shape.days, shape.hours)
        return Maintenance(shape.reason, shape.zone.key, rule, source, team, hours=hours)
    begins_at = first_instant(shape.begins, shape.zone)
    ends_at = first_instant(shape.ends, shape.zone)
    return Maintenance(shape.reason, shape.zone.key, rule, source, team, begins_at, ends_at)


def unless_open_of(shape: RuleShape) -> UnlessOpen | None:
    """Return the rule whose incident excuses this one's findings; None for none."""
    unless = shape.unless
    if unless is None or unless.open_rule is None:
        return None
    return UnlessOpen(unless.open_rule, unless.or_within or timedelta())


def policy_of(shape: RuleShape, defaults: DefaultsShape) -> Policy:
    """Return when findings of a rule become an incident, its own words before the defaults."""
    given: dict[str, Any] = {
        **(_opens(shape) or _opens(defaults)),
        "no_data": shape.no_data,
        "recover_after": shape.recover_after or defaults.recover_after,
        "reopen_within": (
            shape.reopen_within if shape.reopen_within is not None else defaults.reopen_within
        ),
        "unless_at_most": shape.unless.at_most if shape.unless else None,
        "repeat": Repeat(shape.repeat.within, shape.repeat.escalate_to) if shape.repeat else None,
    }
    return Policy(**{key: value for key, value in given.items() if value is not None})


def _opens(shape: DefaultsShape) -> dict[str, Any]:
    """Return how long something must be bad: by checks or by time, whichever was written."""
    if shape.open_for is not None:
        return {"open_after": 1, "open_for": shape.open_for}
    return {"open_after": shape.open_after, "open_for": timedelta()} if shape.open_after else {}
