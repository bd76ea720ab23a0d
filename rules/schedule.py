"""A run that was due did not happen."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from rules.base import (
    Answers,
    Context,
    Entity,
    Finding,
    Judgement,
    Question,
    Reading,
    Rows,
    Severity,
)
from rules.durations import format_duration
from rules.fields import Column, Duration, Limits, Most, PositiveCount, PositiveDuration
from rules.instants import before, from_epoch
from rules.schedule_statement import ScheduleStatement
from rules.settings import (
    TableSettings,
    age_at,
    crossed,
    folded,
    good,
    known_class,
    mildest,
    ordered,
    ordered_readings,
    rows_of,
    unanswered,
)
from rules.spans import short_span
from rules.timetable import (
    SLOTS_MAX,
    CronOrColumn,
    Interval,
    Pace,
    Slots,
    Told,
    Unreadable,
    ZoneOrColumn,
    local_words,
    pace_of,
)
from rules.wording import long_span, rows

GRACE = timedelta(minutes=10)


def _few(count: int) -> int:
    if count > SLOTS_MAX:
        raise PydanticCustomError("bad_count", "must be at most 100", {})
    return count


class Schedule(TableSettings):
    """Finds what has not run although it was due, by a cron line, an interval or the data itself.

    With a cron line or a zone from a column, each row is judged by itself; a row whose line or zone
    cannot be read is a finding of the class `data_logic`. Otherwise the newest run of each entity
    counts, and of what is due the one that is due longest. A `last_run` in the future has just been.
    With `all_missed_for` there is one finding for all: nothing at all has run for so long, though
    something was due within that span.
    """

    LIMITS: ClassVar[frozenset[str]] = TableSettings.LIMITS | {
        "grace",
        "in_a_row",
        "if_never",
        "all_missed_for",
    }

    last_run: Column | None = Field(default=None, description="When the last run was.")
    due: Column | None = Field(
        default=None,
        description="When the next run is due, where the data says it; null is not judged.",
    )
    cron: CronOrColumn | None = Field(
        default=None, description="When runs are due: a line for all, or each row's own."
    )
    timezone: ZoneOrColumn = Field(
        default="UTC", description="Zone of the cron line: one for all, or each row's own."
    )
    interval: PositiveDuration | None = Field(
        default=None, description="A run is due so long after the one before."
    )
    grace: Most[Duration] = Field(
        default=Limits(plain=GRACE), description="How much later than due a run may be."
    )
    in_a_row: Annotated[PositiveCount, AfterValidator(_few)] = Field(
        default=1, description="How many runs in a row must be missing, at most 100."
    )
    created: Column | None = Field(
        default=None, description="When a row was made; one that never ran is judged from then on."
    )
    if_never: Literal["bad", "ok"] = Field(
        default="ok", description="What it means that a row never ran; `ok`: it is not judged."
    )
    all_missed_for: Most[PositiveDuration] | None = Field(
        default=None, description="Judge all rows as one: for how long nothing may have run."
    )
    failure_class: str | None = Field(
        default="scheduler", alias="class", description="Class of every finding, or `none`."
    )

    @model_validator(mode="after")
    def _one_way(self) -> "Schedule":
        if sum(one is not None for one in (self.cron, self.interval, self.due)) != 1:
            raise PydanticCustomError("one_of", "needs one of `cron`, `interval` and `due`", {})
        if self.last_run is None and (self.due is None or self.all_missed_for is not None):
            key = "interval" if self.interval else "cron" if self.cron else "all_missed_for"
            words = {"key": key, "hint": "name the column that says when the last run was"}
            raise PydanticCustomError("needs", "`{key}` needs `last_run`", words)
        return self

    @model_validator(mode="after")
    def _nothing_idle(self) -> "Schedule":
        """Refuse what would change nothing."""
        given = self.model_fields_set
        for_all = self.all_missed_for is not None
        idle = {
            "timezone": self.cron is None,
            "last_run": self.due is not None and not for_all,
            "in_a_row": self.due is not None or for_all,
            "created": self.due is not None or for_all,
            "if_never": self.due is not None or for_all,
            "entity_columns": for_all and bool(self.entity_columns),
        }
        for name in (name for name, is_idle in idle.items() if is_idle and name in given):
            key = type(self).model_fields[name].alias or name
            other = "all_missed_for" if for_all else "due"
            if name == "timezone":
                other = "interval" if self.interval else "due"
            words = {"key": key, "other": other, "hint": f"leave out `{key}`"}
            raise PydanticCustomError("idle_key", "`{key}` means nothing beside `{other}`", words)
        return self

    @model_validator(mode="after")
    def _longer_than_grace(self) -> "Schedule":
        if self.all_missed_for and mildest(self.all_missed_for) <= mildest(self.grace):
            words = {"grace": format_duration(mildest(self.grace))}
            message = "`all_missed_for` must be longer than the grace of {grace}"
            raise PydanticCustomError("within_grace", message, words)
        return self

    @property
    def is_by_row(self) -> bool:
        """Return whether rows bring a cron line or a zone of their own."""
        own = (self.cron, self.timezone)
        return self.cron is not None and not all(isinstance(one, str) for one in own)

    @property
    def pace(self) -> Pace | None:
        """Return when runs are due, where it is the same for all."""
        if self.interval is not None:
            return Interval(self.interval)
        if isinstance(self.cron, str) and isinstance(self.timezone, str):
            found = pace_of(self.cron, self.timezone)
            assert isinstance(found, Slots)
            return found
        return None if self.is_by_row else Told()

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        """Ask for what is late or watched; before that for the lines and zones that rows bring."""
        statement = ScheduleStatement(self, context)
        if not answers:
            is_first = self.is_by_row or self.all_missed_for is not None
            return (statement.paces() if is_first else statement.newest(),)
        found = rows_of(answers)
        if len(answers) > 1 or self.all_missed_for or not self.is_by_row or not found:
            return ()
        at = before(context.now, mildest(self.grace))
        paces = {
            (row["cron"], row["zone"]): pace_of(row["cron"], row["zone"]) for row in found.rows
        }
        slots = {
            pair: pace.missed_before(at, self.in_a_row) if isinstance(pace, Slots) else None
            for pair, pace in paces.items()
        }
        return (statement.late(slots),) if slots else ()

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge each entity by the worst of what is told of it, or all rows as one."""
        first = rows_of(answers)
        if first is None:
            return unanswered(context)
        if self.all_missed_for is not None:
            return self._judge_all(context, first, self.all_missed_for)
        told = first
        if self.is_by_row:
            second = rows_of(answers[1:]) if first.rows else Rows(())
            if second is None:
                return unanswered(context)
            told = second
        found = self._judge_entities(context, told)
        watched = set(context.watched)
        return Judgement(
            findings=ordered(one for one in found if isinstance(one, Finding)),
            readings=ordered_readings(
                one for one in found if isinstance(one, Reading) and one.entity in watched
            ),
            has_data=any(row["n"] for row in first.rows),
            truncated=first.truncated or told.truncated,
        )

    def _judge_entities(self, context: Context, told: Rows) -> list[Finding | Reading]:
        groups = folded((row for row in told.rows if not self.is_marker(row)), self.entity_of)
        each = [self._judge_entity(context, entity, group) for entity, group in groups]
        return [one for one in each if one is not None]

    def _judge_entity(
        self, context: Context, entity: Entity, group: list[Mapping[str, Any]]
    ) -> Finding | Reading | None:
        """Return the worst of an entity's rows; those of one cron line and zone come as one."""
        paces = [self.pace or pace_of(row["cron"], row["zone"]) for row in group]
        told = list(zip(paces, group, strict=True))
        late = sum(int(row["n"]) for pace, row in told if not isinstance(pace, Unreadable))
        each = (self._judge_row(context, entity, pace, row, late) for pace, row in told)
        return max((one for one in each if one is not None), key=_badness, default=None)

    def _judge_row(
        self,
        context: Context,
        entity: Entity,
        pace: Pace | Unreadable,
        row: Mapping[str, Any],
        late: int,
    ) -> Finding | Reading | None:
        if isinstance(pace, Unreadable):
            return self._unreadable(context, entity, pace)
        at = from_epoch(row["at"])
        never = row["nevers"] if self.is_by_row else row["n"] and at is None
        if never and self.if_never == "bad":
            return self._never(context, entity)
        if at is None:
            return None
        return self._judge_run(context, entity, pace, at, late if self.is_by_row else 1)

    def _unreadable(self, context: Context, entity: Entity, pace: Unreadable) -> Finding:
        return self.finding(
            context,
            self.grace.levels(context.severity)[-1][0],
            recognised=known_class(context, "data_logic", ""),
            entity=entity,
            value=None,
            limit=None,
            fact="schedule cannot be read",
            detail=pace.reason,
        )

    def _never(self, context: Context, entity: Entity) -> Finding:
        severity, limit = self.grace.levels(context.severity)[0]
        return self.finding(
            context,
            severity,
            entity=entity,
            value=None,
            limit=limit.total_seconds(),
            fact="never ran",
            detail="There has never been a run.",
        )

    def _judge_run(
        self, context: Context, entity: Entity, pace: Pace, at: datetime, count: int
    ) -> Finding | Reading:
        due_at = pace.deadline(at, self.in_a_row)
        late = timedelta() if due_at is None else age_at(context.now, due_at)
        over = crossed(self.grace, late, context.severity)
        severity, limit = over or (context.severity, mildest(self.grace))
        words = f"{self._due_words(pace, due_at, late)}, limit {long_span(limit)}."
        if self.due is None:
            words += f" The last run was on {local_words(at, pace.zone)}."
        if over is None or due_at is None:
            fact = f"{short_span(late)} late" if late else "in time"
            good_at = min(at, context.now) if self.due is None else None
            said = f"{fact} (max {short_span(limit)})"
            return good(entity, late.total_seconds(), said, words, good_at)
        many = f"{count:,} late, {short_span(late)}" if count > 1 else f"{short_span(late)} late"
        return self.finding(
            context,
            severity,
            entity=entity,
            value=late.total_seconds(),
            limit=limit.total_seconds(),
            fact=f"{many} (max {short_span(limit)})",
            detail=f"{words} {rows(count)} are late, this one most." if count > 1 else words,
            first_bad_at=due_at + mildest(self.grace),
        )

    def _due_words(self, pace: Pace, due_at: datetime | None, late: timedelta) -> str:
        if due_at is None:
            return "No further run is ever due"
        due = f"due on {local_words(due_at, pace.zone)} ({pace.zone.key})"
        how = f"is {long_span(late)} late" if late else "is not late"
        if self.in_a_row == 1:
            return f"The run {due} {how}"
        return f"The last of {self.in_a_row} runs in a row, {due}, {how}"

    def _judge_all(self, context: Context, told: Rows, limits: Limits[timedelta]) -> Judgement:
        newest = max((at for row in told.rows if (at := from_epoch(row["at"]))), default=None)
        silence = age_at(context.now, newest) if newest else timedelta.max
        for severity, limit in limits.levels(context.severity):
            count = sum(self._due_within(context, row, limit) for row in told.rows)
            if silence > limit and count:
                return Judgement(
                    findings=(self._silent(context, severity, newest, limit, count),),
                    truncated=told.truncated,
                )
        limit = mildest(limits)
        if newest is None or silence > limit:
            return Judgement(has_data=False, truncated=told.truncated)
        fact = f"last run {short_span(silence)} ago (max {short_span(limit)})"
        detail = f"The last run of all was {long_span(silence)} ago, limit {long_span(limit)}."
        reading = good((), silence.total_seconds(), fact, detail, min(newest, context.now))
        return Judgement(
            readings=(reading,) if () in context.watched else (), truncated=told.truncated
        )

    def _due_within(self, context: Context, row: Mapping[str, Any], span: timedelta) -> int:
        """Return how many of a row's rows were due within a span, their grace over by now."""
        at = before(context.now, mildest(self.grace))
        pace = self.pace or pace_of(row["cron"], row["zone"])
        if isinstance(pace, Unreadable):
            return 0
        told = from_epoch(row["due"] if self.due else row["at"])
        due_at = pace.latest_due(told, at)
        is_within = due_at is not None and before(context.now, span) < due_at < at
        return int(row["n"] or 0) if is_within else 0

    def _silent(
        self,
        context: Context,
        severity: Severity,
        newest: datetime | None,
        limit: timedelta,
        count: int,
    ) -> Finding:
        silence = None if newest is None else age_at(context.now, newest)
        brief, long = ("ever", "ever")
        if silence is not None:
            brief, long = f"for {short_span(silence)}", f"for {long_span(silence)}"
        were = "was" if count == 1 else "were"
        span = long_span(limit)
        return self.finding(
            context,
            severity,
            entity=(),
            value=silence.total_seconds() if silence else None,
            limit=limit.total_seconds(),
            fact=f"no run {brief}, {count:,} due (max {short_span(limit)})",
            detail=f"{rows(count)} {were} due within the last {span}, and nothing has run {long}.",
            first_bad_at=newest + limit if newest else None,
        )


def _badness(one: Finding | Reading) -> tuple[int, float, str]:
    """Return what is greatest for the worst of an entity's rows, whatever their order."""
    rank = one.severity.rank if isinstance(one, Finding) else -1
    return rank, -1.0 if one.value is None else one.value, one.detail
