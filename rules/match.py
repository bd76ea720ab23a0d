"""Two databases do not say the same."""

from collections import defaultdict
from typing import ClassVar

from pydantic import Field

from rules.base import Answers, Context, Entity, Finding, Judgement, Question, Reading, Rows
from rules.cells import cell, text_of
from rules.fields import Column, Limits, Most, Number
from rules.numbers import GREATEST, from_sql
from rules.placeholders import bind
from rules.settings import Settings, crossed, good, mildest, ordered, ordered_readings, unanswered
from rules.sql import FixedQuery
from rules.wording import number as said


class Match(Settings):
    """Finds entities of which two queries do not return the same number.

    Who is in one answer only has 0 in the other, as has null; several rows of an entity add up.
    Leave out of both what may still be on its way. Of more than 10,000 rows nothing is judged.
    """

    LIMITS: ClassVar[frozenset[str]] = Settings.LIMITS | {"most"}

    query: FixedQuery = Field(description="One SELECT with the value and the columns of `entity`.")
    other: str = Field(alias="with", description="The other database, or the same.")
    other_query: FixedQuery = Field(alias="with_query", description="What must return the same.")
    value: Column = Field(description="Column of the number, in both answers.")
    most: Most[Number] = Field(Limits(plain=0), alias="max", description="Most they may be apart.")

    @property
    def databases(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        """Return the name of the other database, and where in the settings it stands."""
        return ((("with",), self.other),)

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        """Ask both at once."""
        asked = () if answers else ((self.source, self.query), (self.other, self.other_query))
        return tuple(bind(*one, context.dialect, now=context.now) for one in asked)

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge how far apart the two values of each entity are."""
        sides = [one for one in answers[0] if isinstance(one, Rows) and not one.truncated]
        if len(sides) < len(answers[0]):
            return unanswered(context)
        each: dict[Entity, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for side, answer in enumerate(sides):
            for row in answer.rows:
                entity = tuple((name, text_of(cell(row, name))) for name in self.entity)
                total = each[entity][side] + (from_sql(cell(row, self.value)) or 0.0)
                each[entity][side] = max(-GREATEST, min(GREATEST, total))
        found = [self._judge(context, entity, *values) for entity, values in each.items()]
        bad = ordered(one for one in found if isinstance(one, Finding))
        known = [one for one in found if isinstance(one, Reading) and one.entity in context.watched]
        return Judgement(bad, ordered_readings(known), has_data=bool(each))

    def _judge(self, at: Context, entity: Entity, ours: float, theirs: float) -> Finding | Reading:
        apart = round(min(GREATEST, abs(ours - theirs)), 6)
        severity, limit = crossed(self.most, apart, at.severity) or (None, mildest(self.most))
        fact = f"{said(ours)} against {said(theirs)} (max {said(limit)} apart)"
        detail = f"{self.source} has {said(ours)}, {self.other} has {said(theirs)}."
        if severity is None:
            return good(entity, apart, fact, detail)
        return self.finding(
            at, severity, entity=entity, value=apart, limit=limit, fact=fact, detail=detail
        )
