"""By which other road somebody hears of an incident when the first is closed. Pure."""

from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import replace

from notifiers.base import Part
from rules.values import dataclass
from watchdog.domain.people import Directory, Person, Team
from watchdog.domain.routing import BESIDE


@dataclass(frozen=True, slots=True)
class Unreached:
    """A push or root message of an incident, or of a report, that was given up or is overdue.

    Attributes:
        subject: What tells its incident or report from others.
        receiver: Who should have got it.
        team, owner: The incident's team, and its owner now; a report has no owner.
        is_personal: It is told by another channel to whoever should have got it, and to nobody else.
        told: Others that were or will be told of this event, or of a later one.
        tried: Others that have a message of this event or a later one, whatever came of it.
    """

    subject: Hashable
    receiver: str
    team: str
    owner: str
    told: frozenset[str] = frozenset()
    tried: frozenset[str] = frozenset()
    is_personal: bool = False


def channel_of(receiver: str) -> str:
    """Return `slack` for `slack:#alerts`."""
    return receiver.partition(":")[0]


def first_part(receiver: str) -> Part:
    """Return what the first message about an incident is to this receiver."""
    is_shared = receiver.startswith("slack:#") or receiver in BESIDE
    return Part.ROOT if is_shared else Part.PAGE


def later_part(receiver: str) -> Part:
    """Return what news of an incident is to a receiver who knows of it: a mail cannot be edited."""
    return Part.PAGE if channel_of(receiver) == "email" else Part.EDIT


def next_receivers(
    given_up: Mapping[int, Unreached],
    directory: Directory,
    channels: Collection[str],
    *,
    only_same_reader: bool = False,
) -> dict[int, str]:
    """Return who is told instead, by number of the message; nobody is chosen twice for an incident.

    Args:
        only_same_reader: Whoever should have got it, by another channel; nobody else.
    """
    chosen: dict[int, str] = {}
    by_subject: dict[Hashable, set[str]] = {}
    for number, unreached in sorted(given_up.items()):
        already = by_subject.setdefault(unreached.subject, set())
        known = replace(unreached, tried=unreached.tried | already)
        if receiver := next_receiver(known, directory, channels, only_same_reader=only_same_reader):
            chosen[number] = receiver
            already.add(receiver)
    return chosen


def unheard_owners(
    given_up: Mapping[int, Unreached], chosen: Mapping[int, str], directory: Directory
) -> dict[int, str]:
    """Return the owners to whom no road is left, by number of the page that was given up.

    Args:
        chosen: Who is told instead.
    """
    unheard = {}
    for number, one in given_up.items():
        owner = directory.people.get(one.owner)
        ways = set(_ways_to(owner, one.receiver)) if owner else set()
        others = ways - {one.receiver}
        if one.receiver in ways and not others & {*one.told, chosen.get(number)}:
            unheard[number] = one.owner
    return unheard


def people_at(receiver: str, directory: Directory) -> list[str]:
    """Return who is reached there."""
    people = directory.people.values()
    return [one.name for one in people if receiver in _ways_to(one, receiver)]


def reader_at(receiver: str, directory: Directory) -> str:
    """Return the one person who reads there; empty: a team or several do, or nobody knows who."""
    people = people_at(receiver, directory)
    is_shared = any(receiver in _ways_to_team(one, receiver) for one in directory.teams.values())
    return people[0] if len(people) == 1 and not is_shared else ""


def next_receiver(
    unreached: Unreached,
    directory: Directory,
    channels: Collection[str],
    *,
    only_same_reader: bool = False,
) -> str | None:
    """Return who is told instead, or None: every road is closed, or its reader hears of it anyway.

    A person is tried over their other channels first, then the team, then its lead; while a webhook
    is broken its team hears of each incident, but no person is paged for it. Nobody who got or failed
    this event is chosen, nor anybody who knows of a later one: news stays in order.

    Args:
        channels: Those that are configured.
    """
    closed = unreached.receiver
    reader = _person_at(closed, directory)
    others = set(_ways_to(reader, closed)) - {closed} if reader else set()
    if others & unreached.told:
        return None
    tried = unreached.told | unreached.tried | {closed}
    same = _ways_of_same(unreached, reader, directory)
    is_same = only_same_reader or unreached.is_personal
    for road in same if is_same else _roads(unreached, reader, directory):
        if road not in tried and channel_of(road) in channels:
            return road
    return None


def _roads(unreached: Unreached, reader: Person | None, directory: Directory) -> Iterator[str]:
    """Yield everybody who could be told, best first; the closed channel comes last for each."""
    closed, team = unreached.receiver, directory.teams.get(unreached.team)
    is_shared = first_part(closed) is Part.ROOT or (
        team is not None and closed in _ways_to_team(team, closed)
    )
    person = reader or (None if is_shared else directory.people.get(unreached.owner))
    if person:
        yield from _ways_to(person, closed)
    if team is not None:
        yield from _ways_to_team(team, closed)
        lead = directory.people.get(team.lead)
        if lead and closed not in BESIDE:
            yield from _ways_to(lead, closed)


def _ways_of_same(
    unreached: Unreached, reader: Person | None, directory: Directory
) -> tuple[str, ...]:
    """Return the other channels of whoever reads at the closed one: a person, or a team."""
    closed, team = unreached.receiver, directory.teams.get(unreached.team)
    ways_to_team = _ways_to_team(team, closed) if team else ()
    ways = _ways_to(reader, closed) if reader else ways_to_team
    if closed not in ways:
        return ()
    return tuple(one for one in ways if channel_of(one) != channel_of(closed))


def _person_at(receiver: str, directory: Directory) -> Person | None:
    for person in directory.people.values():
        if receiver in _ways_to(person, receiver):
            return person
    return None


def _ways_to(person: Person, closed: str) -> tuple[str, ...]:
    ways = []
    if person.slack:
        ways.append(f"slack:@{person.slack}")
    if person.email:
        ways.append(f"email:{person.email}")
    return _other_channel_first(ways, closed)


def _ways_to_team(team: Team, closed: str) -> tuple[str, ...]:
    ways = []
    if team.email:
        ways.append(f"email:{team.email}")
    if team.slack:
        ways.append(f"slack:#{team.slack}")
    return _other_channel_first(ways, closed)


def _other_channel_first(ways: list[str], closed: str) -> tuple[str, ...]:
    return tuple(sorted(ways, key=lambda one: channel_of(one) == channel_of(closed)))
