"""What a simulated year has shown: which failures were found, how soon, and what else opened. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tests.simulation.year import Planted
from watchdog.demo.failure import Expected
from watchdog.domain.incident import Incident, State


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the incidents of a year compare with what was planted in it.

    Attributes:
        delays: How long after its break each failure had opened everything, of those that did.
        missed: Failures of which something did not open in time.
        false: Incidents that nothing planted explains.
        lasting: Incidents that have not ended.
    """

    delays: Sequence[timedelta]
    missed: Sequence[str]
    false: Sequence[str]
    lasting: Sequence[str]

    def __str__(self) -> str:
        """Say it in a line."""
        said = f"{len(self.delays)} of {len(self.delays) + len(self.missed)} found"
        if self.delays:
            worst, usual = max(self.delays), sorted(self.delays)[len(self.delays) // 2]
            said += f", half of them within {usual}, all within {worst}"
        return f"{said}; {len(self.false)} false"


def verdict(incidents: Sequence[Incident], planted: Sequence[Planted]) -> Verdict:
    """Compare what opened with what should have."""
    delays, missed = [], []
    for one in planted:
        opened = [_opened(incidents, one, expected) for expected in one.failure.opens]
        times = [found.opened_at for found in opened if found]
        if len(times) == len(opened) and max(times) <= one.promised_at:
            delays.append(max(times) - one.broken_at)
        else:
            missed.append(f"{one.failure.id} at {one.broken_at}: {', '.join(map(str, times))}")
    return Verdict(
        delays,
        missed,
        [_line(one) for one in incidents if not any(_explains(two, one) for two in planted)],
        [_line(one) for one in incidents if one.state in {State.OPEN, State.TAKEN}],
    )


def _opened(incidents: Sequence[Incident], one: Planted, expected: Expected) -> Incident | None:
    """Return the incident that was expected, if it opened at all."""
    found = (incident for incident in incidents if _is_of(incident, one, expected))
    return next(found, None)


def _is_of(incident: Incident, one: Planted, expected: Expected) -> bool:
    named = (incident.rule, incident.entity, incident.failure_class)
    in_time = one.broken_at <= incident.opened_at < one.over_at
    return in_time and named == (expected.rule, expected.entity, expected.failure_class)


def _explains(one: Planted, incident: Incident) -> bool:
    """Return whether an incident is one that a failure brings, at once or when it lasts."""
    in_time = one.broken_at <= incident.opened_at < one.over_at
    later = incident.rule in one.failure.later
    return in_time and (later or any(_is_of(incident, one, two) for two in one.failure.opens))


def _line(one: Incident) -> str:
    return f"{one.opened_at} {one.severity} {one.rule} {dict(one.entity)}: {one.fact}. {one.detail}"
