"""People and teams: who owns incidents, and who is on call."""

from collections.abc import Sequence
from datetime import timedelta

from rules.spans import short_span
from watchdog.config.nodes import (
    Entry,
    Spot,
    Table,
    find,
)
from watchdog.config.policies import maintenance_of
from watchdog.config.problems import Level
from watchdog.config.sections import SectionReader, item_span, written
from watchdog.config.shapes import (
    OncallShape,
    PersonShape,
    TeamShape,
)
from watchdog.config.types import Handover
from watchdog.domain.people import (
    LEAD,
    ONCALL_NEXT,
    UTC_ZONE,
    Person,
    Role,
    Rotate,
    Rotation,
    Rung,
    Team,
)

_ONCALL = "oncall"


class TeamReader(SectionReader):
    """Reads `people:` and then `teams:`."""

    def read_person(self, name: str, entry: Entry) -> None:
        """Read one person, as far as the entry is right."""
        shape = self.shape(PersonShape, entry, "a person")
        if shape:
            self.into.people[name] = Person(
                name,
                shape.email or "",
                shape.slack or "",
                shape.timezone or UTC_ZONE,
                Role(shape.role),
            )

    def read_team(self, name: str, entry: Entry) -> None:
        """Read one team; somebody who is there leads it, or it does not count."""
        shape = self.shape(TeamShape, entry, "a team")
        if shape is None:
            return
        lead_spot = find(entry.value, ("lead",), entry.key)
        order = shape.oncall.order if shape.oncall else ()
        order_spot = find(entry.value, ("oncall", "order"), entry.key)
        self.known("people", shape.lead, lead_spot)
        for person in order:
            self.known("people", person, order_spot)
        if shape.oncall:
            self._check_handover(shape.oncall, entry)
        rungs = self._rungs(shape, entry)
        self._check_reachable(shape.lead, lead_spot, order, order_spot)
        there = [person for person in order if person in self.into.people]
        lead = next((one for one in (shape.lead, *there) if one in self.into.people), None)
        if lead is None:
            return
        self.into.teams[name] = _team(name, shape, lead, tuple(there), rungs)
        self.into.maintenance += [maintenance_of(one, team=name) for one in shape.maintenance]

    def _check_handover(self, oncall: OncallShape, entry: Entry) -> None:
        spot = find(entry.value, ("oncall", "handover"), entry.key)
        if oncall.handover is None:
            return
        if oncall.rotate is Rotate.WEEKLY and oncall.handover.weekday is None:
            words, label = "a weekly hand-over needs its day", "write it like `mon 10:00`"
            self.add("bad-time", words, spot.span, label)
        elif oncall.rotate is Rotate.DAILY and oncall.handover.weekday is not None:
            words, label = "a daily hand-over has no day of the week", "write it like `10:00`"
            self.add("bad-time", words, spot.span, label)

    def _rungs(self, shape: TeamShape, entry: Entry) -> tuple[Rung, ...]:
        """Return the rungs above the first, which is whoever is on call at once."""
        rungs: list[Rung] = []
        for number, one in enumerate(shape.escalate):
            spot = find(entry.value, ("escalate", number, "to"), entry.key)
            if one.to == _ONCALL:
                if number or one.after:
                    words = "only the first step of an escalation is `oncall`, and at once"
                    label = "write `oncall_next`, or a person"
                    self.add("unreachable-step", words, spot.span, label)
                continue
            self._check_after(
                one.after, rungs, find(entry.value, ("escalate", number, "after"), entry.key)
            )
            if one.to not in {ONCALL_NEXT, LEAD}:
                self.known("people", one.to, spot)
            rungs.append(Rung(one.after, one.to))
        return tuple(rungs)

    def _check_after(self, after: timedelta, before: Sequence[Rung], spot: Spot) -> None:
        least = before[-1].after if before else timedelta()
        if after <= least:
            words = f"a step of an escalation comes after the one before, `{short_span(least)}`"
            self.add("unreachable-step", words, spot.span, "nobody would have time to take it")

    def _check_reachable(
        self, lead: str, lead_spot: Spot, order: tuple[str, ...], order_spot: Spot
    ) -> None:
        for name, spot in [(lead, lead_spot), *((one, order_spot) for one in order)]:
            person = self.into.people.get(name)
            if person and not self._has_ways(name):
                words = f"`{written(spot, name)}` has neither `email` nor `slack`"
                label = "nobody can be reached here"
                span = item_span(spot, name)
                self.add("nobody-reachable", words, span, label, level=Level.WARNING)

    def _has_ways(self, person: str) -> bool:
        """Return whether the file means to say how to reach somebody, rightly or not."""
        entry = self.gathered.named("people")[person]
        return isinstance(entry.value, Table) and not {"email", "slack"}.isdisjoint(
            entry.value.entries
        )


def _team(
    name: str, shape: TeamShape, lead: str, order: tuple[str, ...], rungs: tuple[Rung, ...]
) -> Team:
    rotation = None
    if shape.oncall and order:
        handover = shape.oncall.handover or Handover(Rotation(Rotate.DAILY, ()).at, 0)
        rotation = Rotation(shape.oncall.rotate, order, handover.at, handover.weekday or 0)
    return Team(
        name,
        lead,
        shape.slack or "",
        shape.email or "",
        shape.timezone or UTC_ZONE,
        shape.working_hours,
        rotation,
        rungs,
        shape.take_lasts,
    )
