"""What a source is: something outside that is asked questions and always gives an answer."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from rules.base import Answer, Question, Unanswered

DEMO_SCHEME = "demo://"
ROOTS = "roots"
"""Part of the demo: the file with the authority whose certificates its endpoints show."""


class Source(Protocol):
    """Something that can be asked.

    Answers never raise for the outside's trouble: that is an `Unanswered`, or an `HttpFailure` where
    the trouble is what the rule watches. Each answer comes within the source's time-out, counted
    from the moment the question had its turn; a turn is waited for at most as long again.
    """

    async def answer(self, question: Question) -> Answer:
        """Return what the source says to one question."""
        ...

    async def answer_all(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the answers to questions that are due at the same moment, in their order.

        Cheaper than asking one by one; a question that fails does not spoil its neighbours.
        """
        ...

    async def close(self) -> None:
        """Give back every connection. The source is not asked again."""
        ...


class Silent:
    """A source that cannot be asked at all, for a reason that is known beforehand."""

    def __init__(self, reason: str) -> None:
        self._answer = Unanswered(reason, whole_source=True)

    async def answer(self, question: Question) -> Answer:  # noqa: ARG002 (every question is alike)
        """Return the reason."""
        return self._answer

    async def answer_all(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the reason, once a question."""
        return [self._answer for _ in questions]

    async def close(self) -> None:
        """Do nothing: there is nothing to give back."""


def real_address(address: str, address_of_demo: Mapping[str, str]) -> str | None:
    """Return where `address` leads; None for a part of the demo that is not running.

    `demo://desk/api` is the demo's `desk` with `/api` behind its address.
    """
    if not address.startswith(DEMO_SCHEME):
        return address
    part, slash, rest = address.removeprefix(DEMO_SCHEME).partition("/")
    found = address_of_demo.get(part)
    return None if found is None else found.rstrip("/") + slash + rest if rest else found


def seconds_in_words(seconds: float) -> str:
    """Return a number of seconds for people: `5 s`, `0.2 s`."""
    return f"{seconds:g} s"
