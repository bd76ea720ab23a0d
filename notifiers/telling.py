"""The parts that a message is told in."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Row:
    """A label with its text.

    Attributes:
        at: An instant said after the text, in the reader's own time where the receiver knows it.
    """

    label: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """What a message says: what broke, how bad, who has it, what is next, what to do first.

    Attributes:
        lead: One or two sentences.
        quote: What a person wrote, word by word.
        who: Who has it and what is next.
        guide: What it means and what to do first.
        facts_line: What else is worth knowing, in short pieces.
    """

    glyph: str
    word: str
    title: str
    lead: str
    quote: str
    who: tuple[Row, ...]
    guide: tuple[Row, ...]
    facts_line: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Telling:
    """What an event adds to the story."""

    lead: str
    quote: str = ""
    next_row: Row | None = None
    short: tuple[str, ...] = ()
    with_guide: bool = False
