"""The newest file is too old or too small."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from rules.ages import Ages
from rules.base import Answers, Context, Finding, Judgement, Question, Severity
from rules.fields import Duration, Least, Limits, Most, Percent, PositiveDuration
from rules.file_questions import FileQuestion
from rules.instants import from_epoch
from rules.parsing import ParsedBy
from rules.paths import Patterns, listed
from rules.settings import CommonSettings, crossed, good, mildest, rows_of, unanswered
from rules.sizes import parse_size, short_size
from rules.spans import short_span
from rules.values import dataclass
from rules.wording import long_span

USUAL_MIN = 3
"""Fewer other files than this say nothing about what is usual."""

USUAL_MAX = 30
"""The newest of the others say what is usual."""

_SCHEMA = {"type": ["string", "integer"]}
Size = Annotated[int, ParsedBy(parse_size, _SCHEMA)]


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    at: datetime
    size: int


@dataclass(frozen=True, slots=True)
class _Fault:
    severity: Severity
    value: float
    limit: float
    fact: str
    detail: str
    first_bad_at: datetime | None = None


class Files(CommonSettings):
    """Finds that the newest file of a kind, such as a backup, is too old or too small.

    No file at all is bad. A file that is still being written is not measured yet.
    """

    LIMITS: ClassVar[frozenset[str]] = CommonSettings.LIMITS | {
        "max_age", "min_size", "min_share", "settled"
    }  # fmt: skip
    source: ClassVar[str] = "@files"

    path: Patterns = Field(description="Where the files are.")
    max_age: Most[PositiveDuration] | None = Field(
        default=None, description="How long ago the newest file may have changed."
    )
    min_size: Least[Size] | None = Field(
        default=None, description="How large the newest file must be."
    )
    min_share: Least[Percent] | None = Field(
        default=None,
        description="How large it must be beside the median of up to 30 files before it; "
        "judged when there are 3.",
    )
    settled: Duration = Field(
        default=timedelta(minutes=5),
        description="How long a file must not have changed before it is measured.",
    )

    @model_validator(mode="after")
    def _some_limit(self) -> "Files":
        if not any((self.max_age, self.min_size, self.min_share)):
            raise PydanticCustomError(
                "one_of", "needs one of `max_age`, `min_size`, `min_share`", {}
            )
        return self

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:  # noqa: ARG002
        """Ask once which files there are."""
        return () if answers else (FileQuestion(self.source, self.path),)

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge age and size of the newest file."""
        answer = rows_of(answers)
        if answer is None:
            return unanswered(context)
        files = [_file(row) for row in answer.rows]
        if not files:
            return Judgement(findings=(self._no_file(context),))
        files.sort(key=lambda one: (one.at, one.path), reverse=True)
        faults = [*self._too_old(context, files[0]), *self._too_small(context, files)]
        if faults:
            return Judgement(findings=(self._finding(context, faults),))
        newest, ages = files[0], Ages(context.now, context.active)
        age = ages.age(newest.at, {})
        fact = f"{short_span(age)} old, {short_size(newest.size)}"
        old = f"{long_span(age)} old{ages.words}"
        detail = f"{newest.path} is {old} and has {short_size(newest.size)}."
        reading = good((), age.total_seconds(), fact, detail, min(newest.at, context.now))
        return Judgement(readings=(reading,) if context.watched else ())

    def _no_file(self, context: Context) -> Finding:
        limits = self.max_age or self.min_size or self.min_share
        assert limits is not None
        severity = limits.levels(context.severity)[0][0]
        return self.finding(
            context,
            severity,
            entity=(),
            value=None,
            limit=None,
            fact="no file",
            detail=f"No file matches {listed(self.path)}.",
        )

    def _finding(self, context: Context, faults: Sequence[_Fault]) -> Finding:
        worst = max(faults, key=lambda fault: fault.severity.rank)  # the first of equals
        return self.finding(
            context,
            worst.severity,
            entity=(),
            value=worst.value,
            limit=worst.limit,
            fact=worst.fact,
            detail=" ".join(fault.detail for fault in faults),
            first_bad_at=worst.first_bad_at,
        )

    def _too_old(self, context: Context, newest: _File) -> Iterator[_Fault]:
        ages = Ages(context.now, context.active)
        age = ages.age(newest.at, {})
        over = crossed(self.max_age, age, context.severity) if self.max_age else None
        if self.max_age and over:
            severity, limit = over
            yield _Fault(
                severity,
                age.total_seconds(),
                limit.total_seconds(),
                f"{short_span(age)} old (max {short_span(limit)})",
                f"The newest file, {newest.path}, is {long_span(age)} old{ages.words}, limit "
                f"{long_span(limit)}.",
                ages.reached(newest.at, mildest(self.max_age), {}),
            )

    def _too_small(self, context: Context, files: Sequence[_File]) -> Iterator[_Fault]:
        settled = [one for one in files if context.now - one.at >= self.settled]
        if not settled:
            return
        newest, others = settled[0], settled[1 : 1 + USUAL_MAX]
        least: list[tuple[Limits[Any], float, str]] = []
        if self.min_size:
            least.append((self.min_size, 1, ""))
        if self.min_share and len(others) >= USUAL_MIN:
            usual = median(one.size for one in others)
            least.append((self.min_share, usual, f"; usual is {short_size(usual)}"))
        for limits, unit, words in least:
            share = newest.size / unit if unit else 1
            over = crossed(limits, share, context.severity, falling=True)
            if over:
                yield _small(newest, over[0], over[1] * unit, words)


def _small(newest: _File, severity: Severity, limit: float, words: str) -> _Fault:
    size, least = short_size(newest.size), short_size(limit)
    fact = f"{size} (min {least})"
    detail = f"The newest file, {newest.path}, has {size}, limit {least}{words}."
    return _Fault(severity, float(newest.size), float(limit), fact, detail)


def _file(row: Mapping[str, Any]) -> _File:
    at = from_epoch(row["at"])
    assert at is not None
    return _File(row["path"], at, row["size"])
