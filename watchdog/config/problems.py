"""Mistakes in a configuration: what is wrong, where, and what would be right."""

import re
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from rules.values import dataclass

if TYPE_CHECKING:
    from watchdog.config.model import Place

PROBLEMS_MAX = 200
"""Most problems one file reports before it is given up."""


class Level(StrEnum):
    """Whether the configuration can be used in spite of the problem."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake.

    Attributes:
        code: Stable name of the kind of mistake, such as `unknown-key`.
        place: Where it is; line 0 stands for the file as a whole.
        end_column: Column behind the last marked character, on the line of `place`.
        label: What would be right, said under the mark.
        notes: Further lines, such as `allowed: table, column`.
        related: Another place that has to do with it, with its words.
    """

    code: str
    message: str
    place: "Place"
    end_column: int = 0
    label: str = ""
    notes: tuple[str, ...] = ()
    related: "tuple[Place, str] | None" = None
    level: Level = Level.ERROR

    @property
    def is_error(self) -> bool:
        """Return whether it keeps the configuration from being used."""
        return self.level is Level.ERROR


def used_at(problems: Iterable[Problem], place: "Place") -> list[Problem]:
    """Return problems of something used at `place`: those in another file, as of a pack, name it."""
    return [
        one
        if one.related or one.place.file == place.file
        else replace(one, related=(place, "it is used here"))
        for one in problems
    ]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` was most likely meant to be, if one is near."""
    names = list(known)
    folded = {name.lower().replace("-", "_"): name for name in names}
    wanted = word.lower().replace("-", "_")[:100]
    if wanted in folded:
        return folded[wanted]
    from difflib import get_close_matches  # takes longer than most checks need

    found = get_close_matches(wanted, list(folded), n=1, cutoff=0.75)
    return folded[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question with the nearest known word, or nothing."""
    near = nearest(word, known)
    return f"did you mean `{near}`?" if near else ""


def listed(words: Iterable[str], most: int = 40) -> str:
    """Return the words with commas between them, cut after `most`."""
    found = list(words)
    rest = len(found) - most
    return ", ".join(found[:most]) + (f" and {rest} more" if rest > 0 else "")


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Return `text` on one line, with what a terminal would obey spelled out in hexadecimal."""
    return _CONTROL.sub(lambda match: ascii(match.group())[1:-1], text)


def shown(text: str, most: int = 60) -> str:
    """Return what was written, short and harmless enough for a message."""
    return visible(text if len(text) <= most else f"{text[: most - 1]}…")
