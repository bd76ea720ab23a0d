"""Looks of one kind, one after the other: each is told what the earlier ones remembered."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from rules.base import Classifier, Context, Dialect, Entity, Judgement, Kind, Past, Rows
from tests.postgres import NIGHT

MINUTE = timedelta(minutes=1)


class Looks:
    """A kind, what it remembers, and the clock.

    Attributes:
        written: How many values it has asked to remember or forget.
    """

    def __init__(self, kind: Kind, *, classifier: Classifier | None = None, **dialect: str) -> None:
        self.kind = kind
        self.classifier = classifier
        self.dialect = Dialect(**dialect)
        self.now = NIGHT
        self.past: tuple[Past, ...] = ()
        self.remembered: dict[str, str] = {}
        self.written = 0

    def see(
        self,
        *rows: Mapping[str, Any],
        after: timedelta = MINUTE,
        watched: Sequence[Entity] = ((),),
        truncated: bool = False,
    ) -> Judgement:
        """Judge rows some time after the last look."""
        self.now += after
        return self.judge(((Rows(rows, truncated),),), watched)

    def context(self, watched: Sequence[Entity] = ((),)) -> Context:
        return Context(
            self.now,
            tuple(watched),
            self.dialect,
            classifier=self.classifier,
            remembered=dict(self.remembered),
            past=self.past,
        )

    def judge(
        self, answers: tuple[tuple[Rows, ...], ...], watched: Sequence[Entity] = ((),)
    ) -> Judgement:
        """Judge answers, and remember what is to be remembered."""
        judgement = self.kind.judge(self.context(watched), answers)
        self.written += len(judgement.remember)
        for key, text in judgement.remember.items():
            self.remembered.pop(key, None)
            if text is not None:
                self.remembered[key] = text
        return judgement

    def facts(self, *values: object, after: timedelta = MINUTE) -> list[str]:
        """Return the facts of all findings, looking at the values in turn."""
        each = [self.see({"value": value}, after=after) for value in values]
        return [one.fact for judgement in each for one in judgement.findings]
