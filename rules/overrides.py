"""Exceptions for some entities: limits, severity and team of their own, or none at all."""

from collections.abc import Mapping, Sequence

from rules.base import Entity, Kind, Severity
from rules.values import dataclass


@dataclass(frozen=True)
class Override:
    """What holds for the entities that match, the first one for each of them.

    Attributes:
        match: Allowed values by column, as text; columns that are not named may hold anything.
        kind: The rule's kind with these entities' limits.
        team: Whose their incidents are; empty: the rule's.
        is_off: They are not watched.
    """

    match: Mapping[str, tuple[str, ...]]
    kind: Kind
    severity: Severity | None = None
    team: str = ""
    is_off: bool = False

    def is_for(self, entity: Entity) -> bool:
        """Return whether it holds for an entity."""
        named = dict(entity)
        return all(named.get(column) in values for column, values in self.match.items())


def override_of(overrides: Sequence[Override], entity: Entity) -> Override | None:
    """Return what holds for an entity besides its rule; None for nothing."""
    return next((one for one in overrides if one.is_for(entity)), None)
