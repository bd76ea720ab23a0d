"""The kinds of rules, by the key under which teams write them.

Each is imported when it is used: a file pays for the kinds that stand in it, not for all.
"""

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rules.settings import CommonSettings


class Kinds(Mapping[str, "type[CommonSettings]"]):
    """Kinds by name; to ask for names, or whether one is there, imports nothing."""

    def __init__(self, places: Mapping[str, str]) -> None:
        """Keep where each kind is: `module:Class` by name."""
        self._places = places
        self._found: dict[str, type[CommonSettings]] = {}

    def __getitem__(self, name: str) -> "type[CommonSettings]":
        """Import a kind, once."""
        if name not in self._found:
            module, _, kind = self._places[name].partition(":")
            self._found[name] = getattr(importlib.import_module(module), kind)
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        """Return whether there is such a kind."""
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        """Return the names."""
        return iter(self._places)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._places)


KINDS: Final = Kinds(
    {
        "stale": "rules.stale:Stale",
        "failures": "rules.failures:Failures",
        "queue": "rules.queue:Queue",
        "stuck": "rules.stuck:Stuck",
        "http": "rules.http:Http",
        "sql": "rules.sql:Sql",
        "duration": "rules.duration:Duration",
        "ratio": "rules.ratio:Ratio",
        "duplicates": "rules.duplicates:Duplicates",
        "heartbeat": "rules.heartbeat:Heartbeat",
        "files": "rules.files:Files",
        "logs": "rules.logs:Logs",
        "cursor": "rules.cursor:Cursor",
        "schedule": "rules.schedule:Schedule",
        "volume": "rules.volume:Volume",
        "match": "rules.match:Match",
    }
)
