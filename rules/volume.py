"""Far more or fewer rows than usual."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from rules import samples, volume_statement
from rules.base import (
    Answers,
    Context,
    Entity,
    Finding,
    Judgement,
    Question,
    Reading,
    Rows,
)
from rules.baseline import BUCKETS_MIN, Bounds, usual_of
from rules.buckets import DAY, Bucket, Compared, before, bucket, is_regular, last_complete
from rules.fields import Column, Most, Number, PositiveDuration, Ranges
from rules.instants import from_epoch
from rules.memory import entity_of, key_of
from rules.numbers import from_sql
from rules.settings import (
    TableSettings,
    Zone,
    good,
    mildest,
    ordered,
    ordered_readings,
    rows_of,
    unanswered,
)
from rules.sql_text import Statement
from rules.volume_statement import Counting
from rules.volume_words import parsed_counts, run_of_ids, second_rows, sentence
from rules.wording import number


def _part_of_a_day(per: timedelta) -> timedelta:
    if per < timedelta(minutes=1) or DAY % per:
        hint = "write `15m`, `1h` or `1d`"
        raise PydanticCustomError("bad_duration", "must divide a day", {"hint": hint})
    return per


def _not_negative(given: float) -> float:
    if given < 0:
        raise PydanticCustomError("bad_number", "must not be below 0", {})
    return given


class Volume(TableSettings):
    """Finds entities with far more or fewer rows than usual in the last complete hour or day.

    Usual is the median of the same hour or day in the past weeks. To be found, a value must be
    outside of `allow`, at least `ignore_below` away from the median, and farther than three times
    the spread of the past values. Times in which the entity had an incident do not count as past.
    With fewer than three past values, from its first row in these weeks on, only `max` is judged.
    An hour in which the clock is turned is left out; a day of 23 or 25 hours is not.

    `history: samples` is for columns that are overwritten: each hour is counted once, when it has
    just ended (a look must come before half of `per` has passed), and compared with what was
    counted before. Without `column` it counts the rows that there are. It remembers a number for
    each entity and each hour of these weeks: 1,000 entities in quarters of an hour are some 25 MB.
    """

    LIMITS: ClassVar[frozenset[str]] = TableSettings.LIMITS | {
        "allow",
        "most",
        "ignore_below",
        "accept_after",
        "sequence",
    }

    column: Column | None = Field(
        default=None,
        description="The instant of a row; without it all rows there are count, from `samples`.",
    )
    per: Annotated[PositiveDuration, AfterValidator(_part_of_a_day)] = Field(
        description="How long it counts: a part of a day, or `1d`."
    )
    compare_to: Compared = Field(
        description="`same hour of the last 4 weeks` (every day at that time), "
        "or `same weekday of the last 4 weeks`."
    )
    allow: Ranges = Field(description="Which part of what is usual is still right.")
    most: Most[Number] | None = Field(
        default=None,
        alias="max",
        description="What is bad in any case, also from the first day on: a value above it.",
    )
    ignore_below: Annotated[Number, AfterValidator(_not_negative)] = Field(
        default=10, description="Differences below this are never found."
    )
    sum_of: Column | None = Field(
        default=None, alias="sum", description="Adds up this column instead of counting rows."
    )
    average_of: Column | None = Field(
        default=None, alias="average", description="Takes the average of this column instead."
    )
    if_empty: Literal["zero", "no_data"] = Field(
        default="zero", description="What it means that there is no row in an hour or day."
    )
    history: Literal["table", "samples"] = Field(
        default="table", description="Where the past is counted: in the table, or by ourselves."
    )
    timezone: Zone | None = Field(
        default=None, description="Where hours and days begin; by default in the zone of instants."
    )
    sequence: Column | None = Field(
        default=None, description="Ids of which the finding says when they run in sequence."
    )
    accept_after: PositiveDuration = Field(
        default=timedelta(days=7),
        description="How long something is unusual; what lasts longer counts as past again.",
    )

    @model_validator(mode="after")
    def _counts_one_thing(self) -> "Volume":
        if self.sum_of and self.average_of:
            raise PydanticCustomError("one_of", "needs either `sum` or `average`", {})
        if self.column is None and self.history == "table":
            hint = "name the instant of a row, or write `history: samples` to count what there is"
            raise PydanticCustomError("needs", "`history: table` needs `column`", {"hint": hint})
        return self

    @property
    def past_within(self) -> timedelta:
        """Return how far back its incidents count: as far as it compares."""
        return self.compare_to.reach + 2 * DAY

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        """Ask for the unusual, then for what tells more of it; for samples once in each bucket."""
        judged = self._judged(context)
        if judged is None:
            return ()
        if not answers:
            return self._first(context, judged)
        asks_age = self.history == "table" and bool(self.entity_columns)
        if len(answers) > 1 or not (asks_age or self.sequence):
            return ()
        found = list(self._suspects(context, judged, answers))
        if not found:
            return ()
        says = Statement(self.dialect(context), context.now)
        oldest = self._past(context)[-1] if asks_age else None
        text = volume_statement.of_found(says, self._counting, oldest, judged, self.sequence, found)
        return (says.question(self.source, text),)

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge each entity's bucket by what is usual."""
        judged = self._judged(context)
        if judged is None:
            return unanswered(context)
        judge = self._judge_samples if self.history == "samples" else self._judge_table
        return judge(context, judged, answers)

    # What is counted, and when.

    @property
    def _counting(self) -> Counting:
        measure: Literal["count", "sum", "average"] = "sum" if self.sum_of else "count"
        return Counting(
            self.relation,
            self.where,
            self.entity_columns,
            self.column,
            "average" if self.average_of else measure,
            self.sum_of or self.average_of,
            self._missing is not None,
        )

    @property
    def _bounds(self) -> Bounds:
        return Bounds(self.allow, self.ignore_below, self.most)

    @property
    def _missing(self) -> float | None:
        """Return the value of a bucket without rows."""
        return None if self.average_of or self.if_empty == "no_data" else 0.0

    def _zone(self, context: Context) -> ZoneInfo:
        return ZoneInfo(self.timezone or self.dialect(context).zone)

    def _judged(self, context: Context) -> Bucket | None:
        """Return the last complete bucket, unless a clock was turned in it."""
        zone = self._zone(context)
        one = bucket(*last_complete(context.now, self.per, zone), self.per, zone)
        return one if is_regular(one, self.per) else None

    def _past(self, context: Context) -> list[Bucket]:
        """Return the buckets that the judged one is compared with, the latest first."""
        zone = self._zone(context)
        day, place = last_complete(context.now, self.per, zone)
        return list(before(day, place, self.per, zone, self.compare_to))

    def _first(self, context: Context, judged: Bucket) -> tuple[Question, ...]:
        says = Statement(self.dialect(context), context.now)
        if self.history == "table":
            past = self._past(context)
            wanted = sorted({*context.watched, *(one.entity for one in context.past)})
            buckets = [judged, *past]
            text = volume_statement.with_past(says, self._counting, buckets, self._bounds, wanted)
            return (says.question(self.source, text),)
        is_late = context.now - judged.until > self.per / 2
        if is_late or samples.latest(context.remembered, judged):
            return ()
        text = volume_statement.of_one(says, self._counting, judged)
        return (says.question(self.source, text),)

    def _suspects(self, context: Context, judged: Bucket, answers: Answers) -> Iterator[Entity]:
        """Yield the entities of which more is asked."""
        answer = rows_of(answers)
        if answer is None:
            return
        if self.history == "samples":
            known, counts = self._samples(context, judged), self._counts(answer)
            for key in counts:
                past = [value for _, value in known.of(key)]
                if self._bounds.crossed(counts[key], past, context.severity):
                    yield entity_of(key, self.entity) or ()
            return
        for row in answer.rows:
            if row["counts"] is not None:
                yield self.entity_of(row)

    # The table is its own history.

    def _judge_table(self, context: Context, judged: Bucket, answers: Answers) -> Judgement:
        answer = rows_of(answers)
        if answer is None:
            return unanswered(context)
        past = self._past(context)
        table_at = next((from_epoch(row["first_at"]) for row in answer.rows), None)
        more = {self.entity_of(row): row for row in second_rows(answers).rows}
        found: list[Finding | Reading] = []
        for row in answer.rows:
            if row["counts"] is None:
                continue
            entity = self.entity_of(row)
            told = more.get(entity, {})
            first_at = from_epoch(told.get("first_at")) if self.entity_columns else table_at
            values = parsed_counts(row["counts"])
            now = values.get(0, (0, self._missing))
            known = self._known(context, entity, past, values, first_at)
            found += self._judge_value(
                context, entity, judged, now[1], known, run_of_ids(told, now[0])
            )
        whole = sum(1 for one in past if table_at is not None and table_at <= one.since)
        has_data = bool(found) if not self.entity_columns else whole >= BUCKETS_MIN
        return self._judgement(context, found, answer, has_data=has_data or self.most is not None)

    def _known(
        self,
        context: Context,
        entity: Entity,
        past: Sequence[Bucket],
        values: Mapping[int, tuple[int, float]],
        first_at: datetime | None,
    ) -> list[float]:
        """Return the values of the buckets in which an entity was there and had no incident."""
        windows = list(self._windows(context, entity))
        known = []
        for place, one in enumerate(past, start=1):
            _, value = values.get(place, (0, self._missing))
            is_there = first_at is not None and first_at <= one.since
            if is_there and value is not None and not any(one.meets(*span) for span in windows):
                known.append(value)
        return known

    def _windows(self, context: Context, entity: Entity) -> Iterator[tuple[datetime, datetime]]:
        for one in context.past:
            if one.entity == entity:
                ended = one.until or context.now
                yield one.since, min(ended, one.since + self.accept_after)

    # Our own samples are its history.

    def _samples(self, context: Context, judged: Bucket) -> samples.Samples:
        return samples.recalled(context.remembered, judged, self.compare_to, self._missing)

    def _counts(self, answer: Rows) -> dict[str, float]:
        each = ((key_of(self.entity_of(row)), from_sql(row["n"])) for row in answer.rows)
        return {key: value for key, value in each if value is not None}

    def _judge_samples(self, context: Context, judged: Bucket, answers: Answers) -> Judgement:
        known = samples.latest(context.remembered, judged)
        if known is not None:
            found = [one for each in known.found for one in self._told(context, judged, each)]
            return self._judgement(context, found, None, has_data=known.has_usual)
        answer = rows_of(answers)
        if answer is None:
            return unanswered(context)
        earlier, counts = self._samples(context, judged), self._counts(answer)
        more = {key_of(self.entity_of(row)): row for row in second_rows(answers).rows}
        seen_rows = {key_of(self.entity_of(row)): int(row["seen"]) for row in answer.rows}
        watched = {key_of(entity) for entity in context.watched}
        bad, told = set(), []
        for key in sorted({*counts, *earlier.values, *watched}):
            value = counts.get(key, self._missing)
            if value is None:
                continue
            past = tuple(one for _, one in earlier.of(key))
            is_bad = self._bounds.crossed(value, past, context.severity) is not None
            if is_bad:
                bad.add(key)
            if is_bad or key in watched:
                note = run_of_ids(more.get(key, {}), seen_rows.get(key, 0))
                told.append(samples.Sampled(key, value, past, note))
        has_usual = len(earlier.starts) >= BUCKETS_MIN or self.most is not None
        seen = samples.Latest(judged.since, tuple(told), has_usual)
        later = earlier.with_one(judged, counts, bad - set(self._accepted(context, judged)))
        found = [one for each in told for one in self._told(context, judged, each)]
        remember = {
            samples.place_of(judged, self.compare_to): later.text(),
            samples.LATEST: seen.text(),
            samples.FIRST_SEEN: later.entities(),
        }
        return self._judgement(context, found, answer, has_data=has_usual, remember=remember)

    def _told(
        self, context: Context, judged: Bucket, one: samples.Sampled
    ) -> list[Finding | Reading]:
        entity = entity_of(one.key, self.entity)
        if entity is None:
            return []
        return self._judge_value(context, entity, judged, one.value, one.past, one.note)

    def _accepted(self, context: Context, judged: Bucket) -> Iterator[str]:
        """Yield the entities that have been bad for so long that it counts as usual."""
        for one in context.past:
            if one.until is None and one.since + self.accept_after <= judged.since:
                yield key_of(one.entity)

    # What the numbers mean.

    def _judge_value(
        self,
        context: Context,
        entity: Entity,
        judged: Bucket,
        value: float | None,
        past: Sequence[float],
        note: str,
    ) -> list[Finding | Reading]:
        """Return what a value means; nothing when there is nothing to compare, or to compare with."""
        usual = usual_of(past) if len(past) >= BUCKETS_MIN else None
        if value is None or (usual is None and self.most is None):
            return []
        over = self._bounds.crossed(value, past, context.severity)
        detail = sentence(self._counting, judged, self._zone(context), value, usual)
        known = f"usually {number(usual.median)}" if usual else ""
        if over is None:
            limit = f"max {number(mildest(self.most))}" if self.most else ""
            fact = f"{number(value)} ({known or limit})"
            return [good(entity, value, fact, detail, judged.since)]
        of_it = " of it" if over.share is not None else ""
        said = over.words.replace("%", " %")
        return [
            self.finding(
                context,
                over.severity,
                entity=entity,
                value=value,
                limit=over.limit,
                fact=f"{number(value)} ({', '.join(filter(None, (known, over.words)))})",
                detail=f"{detail} Allowed is {said}{of_it}.{note}",
                first_bad_at=judged.since,
            )
        ]

    def _judgement(
        self,
        context: Context,
        found: Sequence[Finding | Reading],
        answer: Rows | None,
        *,
        has_data: bool,
        remember: Mapping[str, str | None] | None = None,
    ) -> Judgement:
        watched = set(context.watched)
        changed = {
            key: text
            for key, text in (remember or {}).items()
            if context.remembered.get(key) != text
        }
        return Judgement(
            findings=ordered(one for one in found if isinstance(one, Finding)),
            readings=ordered_readings(
                one for one in found if isinstance(one, Reading) and one.entity in watched
            ),
            has_data=has_data,
            truncated=answer is not None and answer.truncated,
            remember=changed,
        )
