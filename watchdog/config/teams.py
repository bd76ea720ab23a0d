"""People and teams: who owns incidents, and who is on call."""

from collections.abc import Sequence
from datetime import timedelta

from rules.spans import short_span
from watchdog.config.layers import gap_trouble, layers_of, rotation_of
from watchdog.config.nodes import (
    Entry,
    Spot,
    Table,
    find,
)
from watchdog.config.policies import maintenance_of
from watchdog.config.problems import Level
from watchdog.config.sections import SectionReader, item_span, said, written
from watchdog.config.team_shapes import LayerShape, PersonShape, TeamShape
from watchdog.config.turns import handover_trouble
from watchdog.domain.people import (
    LEAD,
    ONCALL_NEXT,
    UTC_ZONE,
    Person,
    Role,
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
        layers = layers_of(shape.oncall, entry)
        self.known("people", shape.lead, lead_spot)
        named = [(shape.lead, lead_spot)]
        for layer, spot in layers:
            self._check_handover(layer, spot)
            order_spot = find(spot.value, ("order",), spot.key)
            for person in layer.order:
                self.known("people", person, order_spot)
                named.append((person, order_spot))
        rungs = self._rungs(shape, entry)
        self._check_reachable(named)
        lead = next((one for one, _ in named if one in self.into.people), None)
        if lead is None:
            return
        found = [rotation_of(layer, self.into.people) for layer, _ in layers]
        rotations = tuple(one for one in found if one)
        self._check_gap(rotations, entry)
        self.into.teams[name] = _team(name, shape, lead, rotations, rungs)
        self.into.maintenance += [maintenance_of(one, team=name) for one in shape.maintenance]

    def _check_handover(self, layer: LayerShape, spot: Spot) -> None:
        trouble = handover_trouble(layer.rotate, layer.handover) if layer.handover else None
        if trouble:
            span = find(spot.value, ("handover",), spot.key).span
            self.add("bad-time", trouble[0], span, trouble[1])

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

    def _check_gap(self, rotations: tuple[Rotation, ...], entry: Entry) -> None:
        trouble = gap_trouble(rotations, said(entry.key))
        if trouble:
            span = find(entry.value, ("oncall",), entry.key).key_span
            self.add("oncall-gap", trouble[0], span, trouble[1], level=Level.WARNING)

    def _check_reachable(self, named: list[tuple[str, Spot]]) -> None:
        for name, spot in named:
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
    name: str,
    shape: TeamShape,
    lead: str,
    rotations: tuple[Rotation, ...],
    rungs: tuple[Rung, ...],
) -> Team:
    return Team(
        name,
        lead,
        shape.slack or "",
        shape.email or "",
        shape.timezone or UTC_ZONE,
        shape.working_hours,
        rotations,
        rungs,
        shape.take_lasts,
        shape.shift_messages,
    )
