"""Settings that kinds share, and what they make of answers."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from rules.base import (
    Answers,
    Context,
    Dialect,
    Entity,
    FailureClass,
    Finding,
    Judgement,
    Reading,
    Rows,
    Severity,
)
from rules.fields import Column, Limits, Share, SqlFragment, Table, column_name, one_or_many
from rules.wording import DETAIL_MAX, clipped, error_line, fact

T = TypeVar("T", int, float, Share, timedelta)


def _distinct(columns: tuple[str, ...]) -> tuple[str, ...]:
    names = [column_name(column) for column in columns]
    if len(set(names)) < len(names):
        raise PydanticCustomError("same_column", "names a column twice", {})
    return columns


EntityColumns = Annotated[
    tuple[Column, ...], AfterValidator(_distinct), BeforeValidator(one_or_many)
]


def _zone(given: str) -> str:
    try:
        ZoneInfo(given)
    except (KeyError, ValueError, OSError):
        hint = "write it like `Europe/Berlin`"
        raise PydanticCustomError(
            "bad_zone", "`{given}` is not a time zone", {"given": given, "hint": hint}
        ) from None
    return given


Zone = Annotated[str, AfterValidator(_zone)]


NO_CLASS = "none"


class CommonSettings(BaseModel):
    """Settings of every kind, also of those that ask a built-in source, which nobody declares.

    Such a kind names it itself: `source: ClassVar[str] = "@name"`.

    Attributes:
        LIMITS: Fields that may change while it still watches the same thing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    LIMITS: ClassVar[frozenset[str]] = frozenset({"failure_class"})

    failure_class: str | None = Field(
        default=None,
        alias="class",
        description="Class of every finding, or `none`; without it the words of the error decide.",
    )

    @property
    def entity(self) -> tuple[str, ...]:
        """Return the names of what tells one watched thing from another: nothing, there is one."""
        return ()

    @property
    def opens_at_once(self) -> bool:
        """Return whether one bad check is enough, whatever its rule says."""
        return False

    @property
    def past_within(self) -> timedelta:
        """Return how far back it must be told of its rule's incidents: not at all."""
        return timedelta()

    def identity(self) -> str:
        """Return a digest of everything but the limits; equal in every process."""
        watched = self.model_dump(mode="json", exclude=set(self.LIMITS), exclude_defaults=True)
        canonical = json.dumps(watched, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:32]

    def finding(
        self,
        context: Context,
        severity: Severity,
        *,
        error: object = None,
        recognised: FailureClass | None = None,
        **facts: Any,
    ) -> Finding:
        """Return a finding whose class, and what that class says, comes from its error text.

        Args:
            severity: Where the class names none.
            recognised: Its class, where that is known already.
            facts: The other fields of the finding.
        """
        text = error_line(error)
        found = recognised or known_class(context, self.failure_class, text)
        facts["fact"] = fact(facts["fact"])
        facts["detail"] = clipped(facts["detail"], DETAIL_MAX)
        made = Finding(severity=severity, error_text=text, **facts)
        if found is None:
            return made
        opens = made.open_after if found.open_after is None else found.open_after
        return replace(
            made,
            failure_class=found.name,
            severity=found.severity or severity,
            open_after=opens,
        )


class Settings(CommonSettings):
    """Settings of the kinds that ask a declared source."""

    source: str = Field(description="What is asked, by its name under `sources:`.")
    entity_columns: EntityColumns = Field(
        default=(),
        alias="entity",
        description="Columns that tell one watched thing from another; each has its own incident.",
    )

    @property
    def entity(self) -> tuple[str, ...]:
        """Return the names of the columns that tell one watched thing from another."""
        return tuple(column_name(column) for column in self.entity_columns)

    def entity_of(self, row: Mapping[str, Any]) -> Entity:
        """Return the entity in the columns `e0`, `e1`, … of a row."""
        return tuple((name, str(row[f"e{i}"])) for i, name in enumerate(self.entity))

    def is_marker(self, row: Mapping[str, Any]) -> bool:
        """Return whether a row is about no entity; its `n` says whether there is any row at all."""
        return bool(self.entity_columns) and row["e0"] is None


class TableSettings(Settings):
    """Settings of the kinds that read one table.

    Attributes:
        relation: Stands behind `from`: the table, or a `from:` with joins.
    """

    table: Table | None = Field(default=None, description="The table that is read.")
    joined: SqlFragment | None = Field(
        default=None,
        alias="from",
        description="Several tables instead of `table`, as they stand behind `from` in SQL.",
    )
    where: SqlFragment | None = Field(default=None, description="Which rows count.")
    time: Literal["native", "iso", "epoch_s", "epoch_ms"] | None = Field(
        default=None, description="How this table holds instants, if not as its source says."
    )
    zone: Zone | None = Field(
        default=None,
        description="Zone of instants without an offset in this table, if not its source's.",
    )

    @model_validator(mode="after")
    def _one_relation(self) -> "TableSettings":
        if (self.table is None) == (self.joined is None):
            raise PydanticCustomError("one_of", "needs either `table` or `from`", {})
        return self

    @property
    def relation(self) -> str:
        """Return what stands behind `from`."""
        return self.table or self.joined or ""

    def dialect(self, context: Context) -> Dialect:
        """Return how this table holds instants."""
        base = context.dialect
        return replace(base, time=self.time or base.time, zone=self.zone or base.zone)


def rows_of(answers: Answers) -> Rows | None:
    """Return the rows that the first question brought, or None when it brought none."""
    first = answers[0][0] if answers and answers[0] else None
    return first if isinstance(first, Rows) else None


def unanswered(context: Context) -> Judgement:
    """Return that nothing was learnt."""
    return Judgement(unknown=context.watched, has_data=False)


def crossed(
    limits: Limits[T], value: T, severity: Severity, *, falling: bool = False
) -> tuple[Severity, T] | None:
    """Return the most severe limit that `value` is beyond, with its severity; equal is not beyond."""
    for level, limit in limits.levels(severity):
        if (value < limit) if falling else (value > limit):
            return level, limit
    return None


def mildest(limits: Limits[T]) -> T:
    """Return the limit that is crossed first."""
    return limits.levels(Severity.INFO)[-1][1]


def age_at(now: datetime, at: datetime) -> timedelta:
    """Return how long ago `at` was; a clock that runs ahead of ours makes no negative age."""
    return max(now - at, timedelta())


def known_class(context: Context, name: str | None, text: str) -> FailureClass | None:
    """Return the class that a rule names, else the one that its error text is recognised as.

    `none` names that there is none: a 503 says that something fails, not why.
    """
    if name == NO_CLASS:
        return None
    if name is not None:
        classes = context.classifier.classes if context.classifier else ()
        return next((one for one in classes if one.name == name), FailureClass(name))
    if not text or context.classifier is None:
        return None
    return context.classifier.classify(text)


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in an order that does not depend on the order of rows."""
    return tuple(sorted(findings, key=lambda one: (-one.severity.rank, one.entity)))


def good(
    entity: Entity, value: float | None, said: str, detail: str, since: datetime | None = None
) -> Reading:
    """Return a reading whose words fit where they are shown."""
    return Reading(entity, value, fact(said), clipped(detail, DETAIL_MAX), since)


def ordered_readings(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Return readings in an order that does not depend on the order of rows."""
    return tuple(sorted(readings, key=lambda one: one.entity))


def folded(
    rows: Iterable[Mapping[str, Any]], entity_of: Callable[[Mapping[str, Any]], Entity]
) -> list[tuple[Entity, list[Mapping[str, Any]]]]:
    """Return the rows of each entity together."""
    groups: dict[Entity, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(entity_of(row), []).append(row)
    return list(groups.items())
