"""People and teams: who owns incidents, and who is on call."""

from dataclasses import replace

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
from watchdog.config.turns import handover_trouble
from watchdog.domain.people import FIRST_MONDAY, UTC_ZONE, Person, Role, Rotation, Team


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
        self._check_reachable(shape.lead, lead_spot, order, order_spot)
        there = [person for person in order if person in self.into.people]
        lead = next((one for one in (shape.lead, *there) if one in self.into.people), None)
        if lead is None:
            return
        self.into.teams[name] = _team(name, shape, lead, tuple(there))
        self.into.maintenance += [maintenance_of(one, team=name) for one in shape.maintenance]

    def _check_handover(self, oncall: OncallShape, entry: Entry) -> None:
        trouble = handover_trouble(oncall.rotate, oncall.handover) if oncall.handover else None
        if trouble:
            spot = find(entry.value, ("oncall", "handover"), entry.key)
            self.add("bad-time", trouble[0], spot.span, trouble[1])

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


def _team(name: str, shape: TeamShape, lead: str, order: tuple[str, ...]) -> Team:
    return Team(
        name,
        lead,
        shape.slack or "",
        shape.email or "",
        shape.timezone or UTC_ZONE,
        shape.working_hours,
        _rotation(shape.oncall, order) if shape.oncall and order else None,
    )


def _rotation(shape: OncallShape, order: tuple[str, ...]) -> Rotation:
    rotation = Rotation(shape.rotate, order, since=shape.since or FIRST_MONDAY)
    if shape.handover is None:
        return rotation
    handover = shape.handover
    return replace(
        rotation,
        at=handover.at,
        weekday=handover.weekday or rotation.weekday,
        day=handover.day or rotation.day,
    )
