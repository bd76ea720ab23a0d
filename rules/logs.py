"""Log lines that say something come too often, stopped, or tell too large a number."""

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from rules import jsonpath
from rules.base import Answers, Context, Entity, Finding, Judgement, Question, Reading, Severity
from rules.conditions import Condition, FieldCondition, FieldPath
from rules.fields import Count, Limits, Most, Number, PositiveDuration, one_or_many
from rules.file_questions import Lines, LogGroup, LogQuestion, LogReply
from rules.paths import Patterns, listed
from rules.settings import (
    CommonSettings,
    Zone,
    age_at,
    crossed,
    good,
    mildest,
    ordered,
    ordered_readings,
    unanswered,
)
from rules.spans import short_span
from rules.values import dataclass
from rules.wording import clipped, long_span, number

EARLIER_MIN = 3
"""Fewer windows before this one say nothing about what is usual."""

EARLIER_MAX = 300
"""Most windows that are compared with."""

KNOWN_FOR = 4
"""An entity is known for so many times `silent_for`, the longest of them."""

IGNORE_BELOW = 20
SAMPLE = 1000
_LINE_MAX = 300


def _percentile(given: float) -> float:
    if not 0 < given <= 100:
        raise PydanticCustomError("bad_percentile", "is not between 0 and 100", {})
    return given


def _distinct(paths: tuple[str, ...]) -> tuple[str, ...]:
    names = [_name(path) for path in paths]
    if len(set(names)) < len(names):
        raise PydanticCustomError("same_field", "names a field twice", {})
    return paths


def _name(path: str) -> str:
    return _steps(path)[-1]


def _steps(path: str | None) -> tuple[str, ...]:
    return (jsonpath.steps(path) or ()) if path else ()


EntityPaths = Annotated[
    tuple[FieldPath, ...], AfterValidator(_distinct), BeforeValidator(one_or_many)
]
Percentile = Annotated[Number, AfterValidator(_percentile)]


@dataclass(frozen=True, slots=True)
class _Measure:
    """Something that was measured, and how bad it is.

    Attributes:
        severity: None when it is good.
    """

    severity: Severity | None
    value: float | None
    limit: float | None
    fact: str
    detail: str
    since: datetime | None = None


class Logs(CommonSettings):
    """Finds in JSON log files that lines of a kind come too often, or stopped, or say too much.

    Lines are read once as they come, also those that a container's runtime has wrapped, and cut
    where they are long. Files may be rotated, emptied, or grow fast. A line that is no JSON object
    is left out; one without a time is as old as the line before it. No file at all is bad only
    with `silent_for`.
    """

    LIMITS: ClassVar[frozenset[str]] = CommonSettings.LIMITS | {
        "most", "silent_for", "factor", "compare_to", "ignore_below"
    }  # fmt: skip
    source: ClassVar[str] = "@files"

    files: Patterns = Field(
        description="Where the logs are; what `name.1` or `name-20250613` holds is read, too."
    )
    where: dict[FieldPath, Condition] = Field(
        default_factory=dict, description="Which lines count, by their fields; without it all do."
    )
    entity_paths: EntityPaths = Field(
        default=(),
        alias="entity",
        description="Fields that tell one watched thing from another; each has its own incident.",
    )
    window: PositiveDuration = Field(
        default=timedelta(minutes=5), description="The span up to now in which lines are counted."
    )
    most: Most[Number] | None = Field(
        default=None, alias="max", description="How many lines there may be; or of `field`."
    )
    silent_for: Most[PositiveDuration] | None = Field(
        default=None, description="How long no line may come."
    )
    factor: Most[Number] | None = Field(
        default=None,
        description="How many times as many lines there may be as in the median of the windows "
        "before; judged when there are 3.",
    )
    compare_to: PositiveDuration | None = Field(
        default=None, description="How far back `factor` looks, at most 300 windows."
    )
    field: FieldPath | None = Field(
        default=None, description="A number in each line, which `max` is about."
    )
    percentile: Percentile = Field(default=95, description="Which of the numbers is judged.")
    ignore_below: Count = Field(
        default=IGNORE_BELOW,
        description="Fewer lines than this are not judged by `factor`, nor by `field`.",
    )
    error: FieldPath | None = Field(
        default=None, description="A field whose words decide the failure class."
    )
    time: FieldPath | None = Field(
        default=None,
        description="When a line was written, in ISO form or epoch seconds or milliseconds; "
        "without it `timestamp`, `time`, `ts` or `@timestamp`.",
    )
    zone: Zone = Field(default="UTC", description="Zone of times without an offset.")

    @model_validator(mode="after")
    def _limits_fit(self) -> "Logs":
        if not any((self.most, self.silent_for, self.factor)):
            raise PydanticCustomError("one_of", "needs one of `max`, `silent_for`, `factor`", {})
        given = {
            "factor": self.factor,
            "compare_to": self.compare_to,
            "field": self.field,
            "max": self.most,
        }
        for one, other in (("factor", "compare_to"), ("compare_to", "factor"), ("field", "max")):
            if given[one] is not None and given[other] is None:
                names = {"one": one, "other": other}
                raise PydanticCustomError("needs", "`{one}` needs `{other}`", names)
        if self.compare_to and not EARLIER_MIN <= self.compare_to / self.window <= EARLIER_MAX:
            about = {"least": EARLIER_MIN, "most": EARLIER_MAX}
            raise PydanticCustomError(
                "bad_span", "`compare_to` must hold {least} to {most} windows", about
            )
        return self

    @property
    def entity(self) -> tuple[str, ...]:
        """Return the last names of the paths that tell one watched thing from another."""
        return tuple(_name(path) for path in self.entity_paths)

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        """Ask once for all entities."""
        if answers:
            return ()
        enough = mildest(self.most) if self.most and not self.field else None
        return (LogQuestion(self.source, self.lines, context.now, enough),)

    @property
    def lines(self) -> Lines:
        """Return which lines count, and what is taken from them."""
        where = tuple(FieldCondition(_steps(path), one) for path, one in self.where.items())
        return Lines(
            self.files,
            where,
            self.window,
            kept=self._kept,
            entity=tuple(_steps(path) for path in self.entity_paths),
            value=_steps(self.field),
            error=_steps(self.error),
            time=_steps(self.time),
            zone=self.zone,
        )

    @property
    def _kept(self) -> timedelta:
        silence = timedelta()
        if self.silent_for:
            longest = self.silent_for.levels(Severity.INFO)[0][1]
            silence = longest * KNOWN_FOR if self.entity_paths else longest
        return max(silence, self.window + (self.compare_to or timedelta()))

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge each entity; one that is watched and not in the logs any more has no lines."""
        reply = answers[0][0]
        if not isinstance(reply, LogReply):
            return unanswered(context)
        if not reply.files:
            return self._without_files(context)
        if reply.skipped and not reply.is_understood and not self.silent_for:
            return unanswered(context)  # there is no line that we understand
        groups = {self._entity_of(one): one for one in reply.groups}
        nobody = [] if self.entity_paths else [()]
        for entity in (*context.watched, *nobody):
            if len(entity) == len(self.entity_paths):
                groups.setdefault(entity, LogGroup(tuple(value for _, value in entity)))
        found = [self._judge_one(context, reply, *one) for one in groups.items()]
        has_data = any(found) or bool(self.entity_paths and not self.field)
        if self.entity_paths:
            found.append(good((), None, "files again", "There are log files again."))
        watched = set(context.watched)
        return Judgement(
            findings=ordered(one for one in found if isinstance(one, Finding)),
            readings=ordered_readings(
                one for one in found if isinstance(one, Reading) and one.entity in watched
            ),
            has_data=has_data,
            truncated=reply.truncated,
        )

    def _entity_of(self, group: LogGroup) -> Entity:
        return tuple(zip(self.entity, group.entity, strict=True))

    def _without_files(self, context: Context) -> Judgement:
        if not self.silent_for:
            return Judgement(has_data=False)
        severity = self.silent_for.levels(context.severity)[0][0]
        found = self.finding(
            context,
            severity,
            entity=(),
            value=None,
            limit=None,
            fact="no log file",
            detail=f"No file matches {listed(self.files)}.",
        )
        return Judgement(findings=(found,))

    def _judge_one(
        self, context: Context, reply: LogReply, entity: Entity, group: LogGroup
    ) -> Finding | Reading | None:
        """Return what is true of one entity; None where too little is known to tell."""
        measures = [*self._measures(context, reply, group)]
        bad = [one for one in measures if one.severity is not None]
        if not bad:
            if reply.unread_bytes or len(measures) < self._limits_given:
                return None
            first = measures[0]
            return good(entity, first.value, first.fact, first.detail, first.since)
        worst = max(bad, key=lambda one: one.severity.rank if one.severity else -1)
        assert worst.severity is not None
        said = clipped(f" Latest line: {group.line}", _LINE_MAX) if group.line else ""
        return self.finding(
            context,
            worst.severity,
            error=group.error or None,
            entity=entity,
            value=worst.value,
            limit=worst.limit,
            fact=worst.fact,
            detail=" ".join(one.detail for one in bad) + (f" {said}" if said else ""),
            first_bad_at=worst.since,
        )

    @property
    def _limits_given(self) -> int:
        return sum(one is not None for one in (self.most, self.silent_for, self.factor))

    def _measures(self, context: Context, reply: LogReply, group: LogGroup) -> Iterator[_Measure]:
        """Yield what can be measured."""
        if self.silent_for and not reply.unread_bytes:
            yield self._silence(context, self.silent_for, group)
        if self.most and not self.field:
            yield self._count(context, self.most, group)
        if self.most and self.field and len(group.values) >= self._values_min:
            yield self._number(context, self.most, group)
        if self.factor and len(group.earlier) >= EARLIER_MIN:
            yield self._compared(context, self.factor, group)

    @property
    def _values_min(self) -> int:
        # Of thousands there is only a sample, which is enough.
        return min(max(1, self.ignore_below), SAMPLE)

    def _silence(self, context: Context, limits: Limits[timedelta], group: LogGroup) -> _Measure:
        last_at = group.last_at
        if last_at is None:
            severity, limit = limits.levels(context.severity)[0]
            seconds = limit.total_seconds()
            fact = f"no line (max {short_span(limit)})"
            detail = f"There is no such line, limit {long_span(limit)}."
            return _Measure(severity, None, seconds, fact, detail)
        age = age_at(context.now, last_at)
        over = crossed(limits, age, context.severity)
        limit = over[1] if over else mildest(limits)
        return _Measure(
            over[0] if over else None,
            age.total_seconds(),
            limit.total_seconds(),
            f"silent for {short_span(age)} (max {short_span(limit)})",
            f"The latest such line is {long_span(age)} old, limit {long_span(limit)}.",
            last_at + mildest(limits) if over else min(last_at, context.now),
        )

    def _count(self, context: Context, limits: Limits[float], group: LogGroup) -> _Measure:
        over = crossed(limits, group.count, context.severity)
        limit = over[1] if over else mildest(limits)
        return _Measure(
            over[0] if over else None,
            float(group.count),
            limit,
            f"{group.count:,} in {short_span(self.window)} (max {number(limit)})",
            f"{_lines(group.count)} in {long_span(self.window)}, limit {number(limit)}.",
        )

    def _number(self, context: Context, limits: Limits[float], group: LogGroup) -> _Measure:
        # The nearest rank: a value that really was in a line.
        place = max(1, math.ceil(len(group.values) * self.percentile / 100))
        value = group.values[place - 1]
        over = crossed(limits, value, context.severity)
        limit = over[1] if over else mildest(limits)
        name = f"p{self.percentile:g}"
        return _Measure(
            over[0] if over else None,
            value,
            limit,
            f"{name} {number(value)} (max {number(limit)})",
            f"The {name} of {self.field} is {number(value)} over {long_span(self.window)}, "
            f"limit {number(limit)}.",
        )

    def _compared(self, context: Context, limits: Limits[float], group: LogGroup) -> _Measure:
        usual = median(group.earlier)
        over = None
        if group.count >= self.ignore_below:
            scaled = [(level, factor * usual) for level, factor in limits.levels(context.severity)]
            over = next((one for one in scaled if group.count > one[1]), None)
        limit = over[1] if over else mildest(limits) * usual
        return _Measure(
            over[0] if over else None,
            float(group.count),
            limit,
            f"{group.count:,} in {short_span(self.window)} (usual {number(usual)})",
            f"{_lines(group.count)} in {long_span(self.window)}, usual is {number(usual)}.",
        )


def _lines(count: int) -> str:
    return f"{count:,} line" if count == 1 else f"{count:,} lines"
