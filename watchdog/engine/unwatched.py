"""What no rule watches any more after a change of the configuration. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rules.base import Entity
from watchdog.config.model import Config
from watchdog.domain.incident import Incident
from watchdog.domain.storms import Member
from watchdog.engine.memory import Memory
from watchdog.store import members
from watchdog.store.members import Settled


@dataclass(frozen=True, slots=True)
class Unwatched:
    """What is to end, or to be forgotten, because no rule watches it.

    Attributes:
        reasons: Why, by incident.
        members: Those of storms, each with its reason.
        forgotten: Tracks, by rule.
    """

    reasons: Mapping[int, str]
    members: Sequence[Settled]
    forgotten: Mapping[str, Sequence[Entity]]


def found(
    config: Config,
    memory: Memory,
    identities: Mapping[str, str],
    live: Iterable[Incident],
    bad: Iterable[Member],
) -> Unwatched:
    """Return what of all that is open, bad or counted no rule watches any more.

    A rule that is broken now is no such one: what is known of it stays until it is mended.
    """
    broken = {one.name for one in config.broken}
    forgotten = {
        name: left
        for name, known in memory.tracks.items()
        if name not in broken and (left := _entities(config, memory, identities, name, known))
    }
    return Unwatched(
        {one.id: said for one in live if (said := _reason(config, identities, one))},
        [members.gone(one, said) for one in bad if (said := _reason(config, identities, one))],
        forgotten,
    )


def _entities(
    config: Config,
    memory: Memory,
    identities: Mapping[str, str],
    rule: str,
    known: Iterable[Entity],
) -> list[Entity]:
    """Return those of a rule's tracked entities that are to be forgotten."""
    if identities.get(rule) != memory.identities.get(rule):
        return list(known)
    watching = config.rules.get(rule)
    return [one for one in known if watching and watching.is_off(one)]


def _reason(config: Config, identities: Mapping[str, str], one: Incident | Member) -> str:
    """Return why nobody watches what an incident, or a member, is about; empty where somebody does.

    Of a rule that is broken now nobody can tell. A storm is about its members. What a person has
    reopened is theirs to end, whatever is watched.
    """
    if any(broken.name == one.rule for broken in config.broken):
        return ""
    if isinstance(one, Incident) and (one.is_storm or one.ends_by_hand):
        return ""
    if one.rule not in identities:
        return f"rule {one.rule} was removed from the configuration"
    if identities[one.rule] != one.identity:
        return f"rule {one.rule} watches something else now"
    watching = config.rules.get(one.rule)
    if watching and watching.is_off(one.entity):
        named = ", ".join(f"{column} {value}" for column, value in one.entity)
        return f"rule {one.rule} does not watch {named} any more"
    return ""
