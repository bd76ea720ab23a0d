"""Which storms there are, as far as the engine knows, and where tracks of what joined or left them point."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from rules.base import Entity
from watchdog.domain.incident import Transition
from watchdog.domain.track import Track
from watchdog.store.incidents import Figures
from watchdog.store.members import Split

Key = tuple[int, str, Entity]
"""A storm, and what of it: a rule and its entity."""


class KnownStorms:
    """What the engine must know of storms between its commits.

    Attributes:
        live: Numbers of those that are open or taken.
    """

    def __init__(self) -> None:
        self.live: set[int] = set()
        self._joined: dict[int, int] = {}
        self._split: dict[Key, int] = {}

    def learn(
        self,
        transitions: Iterable[Transition],
        joined: Mapping[int, int],
        members: Iterable[Key],
    ) -> None:
        """Take over what a commit has written.

        Args:
            joined: Incidents that are part of a storm now, with its number.
            members: What has joined a storm; some of it may have been split out of it before.
        """
        for one in transitions:
            if one.after.is_storm and one.after.is_live:
                self.live.add(one.after.id)
            elif one.after.is_storm:
                self._forget(one.after.id)
        self._joined |= joined
        for key in members:
            self._split.pop(key, None)

    def _forget(self, storm: int) -> None:
        """Forget a storm that is over; what still points to it is followed in the store."""
        self.live.discard(storm)
        self._joined = {one: into for one, into in self._joined.items() if into != storm}
        self._split = {key: own for key, own in self._split.items() if key[0] != storm}

    def follow(self, splits: Iterable[Split]) -> bool:
        """Take over what people have split out of the storms that live; return whether there is news."""
        known, self._split = (
            self._split,
            {(one.storm, one.rule, one.entity): one.incident for one in splits},
        )
        return not self._split.items() <= known.items()

    def pointed(self, tracks: dict[Entity, Track]) -> dict[Entity, Track]:
        """Return tracks of a rule, each with the incident that it counts for by now."""
        if not self._joined and not self._split:
            return tracks
        return {entity: self._pointed(track) for entity, track in tracks.items()}

    def _pointed(self, track: Track) -> Track:
        if track.incident_id is None:
            return track
        number = self._joined.get(track.incident_id, track.incident_id)
        number = self._split.get((number, track.rule, track.entity), number)
        return track if number == track.incident_id else replace(track, incident_id=number)

    def parted(self, figures: Iterable[Figures]) -> tuple[list[Figures], list[Figures]]:
        """Return the figures that are those of members, and all others."""
        of_members: list[Figures] = []
        others: list[Figures] = []
        for one in figures:
            (of_members if one.incident_id in self.live else others).append(one)
        return of_members, others
