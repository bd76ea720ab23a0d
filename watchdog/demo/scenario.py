"""What a scenario of the demo is: a story of failures, each at its time, and what is to be seen of it.

A scenario is data. The service plays it (`playing.py`); a command begins it and tells what happens.
"""

from dataclasses import dataclass
from datetime import timedelta

from watchdog.demo.failure import Expected, in_words


@dataclass(frozen=True, slots=True)
class Turn:
    """What happens at one moment of a scenario.

    Attributes:
        after: How long after the beginning.
        says: What is to be seen of it and why, in a sentence or two.
        breaks, mends: Ids of failures.
        opens: The incidents that it opens, in their order.
        holds: Rules that turn bad too and are held under one of these.
    """

    after: timedelta
    says: str
    breaks: tuple[str, ...] = ()
    mends: tuple[str, ...] = ()
    opens: tuple[Expected, ...] = ()
    holds: tuple[str, ...] = ()

    @property
    def expect(self) -> str:
        """Return in words what is to be heard of what breaks; empty when nothing does."""
        return in_words(self.opens, self.holds) if self.breaks else ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story in turns, in the order of their time; the last one ends it with nothing broken."""

    id: str
    title: str
    turns: tuple[Turn, ...]

    @property
    def lasts(self) -> timedelta:
        """Return how long it is played."""
        return self.turns[-1].after

    @property
    def failures(self) -> tuple[str, ...]:
        """Return the ids of all that it breaks, each once."""
        return tuple(dict.fromkeys(name for turn in self.turns for name in turn.breaks))

    @property
    def opens(self) -> tuple[Expected, ...]:
        """Return all incidents that it opens, in their order."""
        return tuple(expected for turn in self.turns for expected in turn.opens)

    def mark(self, number: int) -> str:
        """Return what the demo notes when a turn was played."""
        return f"{self.id}/{number}"
