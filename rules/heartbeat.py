"""Something that should report did not, or reported failure, or started and never finished."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from rules.base import Answers, Context, Finding, Judgement, PingQuestion, Question
from rules.cron import next_slots, parse_cron
from rules.fields import Limits, Most, PositiveDuration
from rules.instants import from_column
from rules.settings import (
    CommonSettings,
    Zone,
    age_at,
    crossed,
    good,
    mildest,
    rows_of,
    unanswered,
)
from rules.spans import short_span
from rules.timetable import EARLY, CronLine
from rules.wording import long_span

TOLD_FOR = timedelta(days=1)
"""How long it is told that a run never ended."""

_FIRST_LOOK = "first look"
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_KEY_HINT = "write 8 to 100 letters, digits, `-` and `_`, or `${BACKUP_PING_KEY}`"

Ping = Mapping[str, Any]


def _key(given: str) -> str:
    if not 8 <= len(given) <= 100 or not given.replace("-", "").replace("_", "").isalnum():
        raise PydanticCustomError("bad_key", "is not the key of a heartbeat", {"hint": _KEY_HINT})
    return given


def _daily(given: str) -> str:
    if not _TIME.fullmatch(given):
        hint = {"given": given, "hint": 'write `"03:00"`'}
        raise PydanticCustomError("bad_time", "`{given}` is not a time of the day", hint)
    return given


class Expect(BaseModel):
    """When a report is due: so long after the one before, or at the slots of a schedule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    every: PositiveDuration | None = Field(
        default=None, description="At most so long after the report before."
    )
    cron: CronLine | None = Field(default=None, description="At the slots of a cron line.")
    daily: Annotated[str, AfterValidator(_daily)] | None = Field(
        default=None, description="Once a day at this time."
    )
    timezone: Zone = Field(default="UTC", description="Zone of `cron` and `daily`.")

    @model_validator(mode="after")
    def _one_of_three(self) -> "Expect":
        if sum(one is not None for one in (self.every, self.cron, self.daily)) != 1:
            hint = {"hint": "write `expect: { every: 1d }`"}
            raise PydanticCustomError("one_of", "needs one of `every`, `cron`, `daily`", hint)
        return self

    def due_at(self, last_at: datetime, now: datetime) -> datetime | None:
        """Return since when a report is due that has not come; None while none is.

        Args:
            last_at: When the report before came.
        """
        if self.every is not None:
            return last_at + self.every if last_at + self.every <= now else None
        after = last_at + EARLY  # a report a little before its slot is the slot's
        slot_at = next(next_slots(parse_cron(self.line), ZoneInfo(self.timezone), after), None)
        return slot_at if slot_at and slot_at < now else None

    @property
    def line(self) -> str:
        """Return the schedule as a cron line."""
        if self.daily is None:
            return self.cron or ""
        hour, minute = self.daily.split(":")
        return f"{int(minute)} {int(hour)} * * *"


class Heartbeat(CommonSettings):
    """Finds a job that did not report in time, reported failure, or started and did not end.

    The job calls `/ping/KEY` at our address when it has succeeded; what else it may call stands
    below, under heartbeats. A reported failure has the rule's severity.
    """

    LIMITS: ClassVar[frozenset[str]] = CommonSettings.LIMITS | {"expect", "grace", "max_run"}

    source: ClassVar[str] = "@pings"
    key: Annotated[str, AfterValidator(_key)] = Field(
        repr=False, description="What the job's address ends in; who knows it can report."
    )
    expect: Expect = Field(description="When a report is due.")
    grace: Most[PositiveDuration] = Field(
        default=Limits(plain=timedelta(minutes=5)), description="How much later it may come."
    )
    max_run: Most[PositiveDuration] | None = Field(
        default=None, description="How long a run may take that said that it started."
    )

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:  # noqa: ARG002
        """Ask once what the job has said."""
        return () if answers else (PingQuestion(self.source, self.key),)

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge the latest report, the runs that have not ended, and what is due."""
        answer = rows_of(answers)
        if answer is None:
            return unanswered(context)
        pings = sorted(answer.rows, key=lambda one: one["at"], reverse=True)
        first_at = _first_look(context)
        remember = {_FIRST_LOOK: first_at.isoformat()}
        checks = (
            self._failure(context, pings),
            self._endless(context, pings),
            self._missing(context, pings, first_at),
        )
        found = next((one for one in checks if one), None)
        if found:
            return Judgement(findings=(found,), remember=remember)
        last = _latest(pings, "success")
        if last is None:
            return Judgement(has_data=False, remember=remember)
        ago = short_span(age_at(context.now, last["at"]))
        detail = f"It last reported success {ago} ago."
        value = age_at(context.now, last["at"]).total_seconds()
        reading = good((), value, f"reported {ago} ago", detail, last["at"])
        return Judgement(readings=(reading,) if context.watched else (), remember=remember)

    def _failure(self, context: Context, pings: Sequence[Ping]) -> Finding | None:
        last = _latest(pings, "success", "fail")
        if last is None or last["what"] != "fail":
            return None
        status = last["exit_status"]
        how = "failure" if status is None else f"failure (exit {status})"
        ago = long_span(age_at(context.now, last["at"]))
        return self.finding(
            context,
            context.severity,
            error=last["body"],
            entity=(),
            value=None,
            limit=None,
            fact=f"reported {how}",
            detail=f"It reported {how} {ago} ago{_of_run(last)}.",
            first_bad_at=last["at"],
        )

    def _endless(self, context: Context, pings: Sequence[Ping]) -> Finding | None:
        if self.max_run is None:
            return None
        least, most = mildest(self.max_run), self.max_run.levels(context.severity)[0][1]
        overdue = [
            one for one in _open_runs(pings) if least < context.now - one["at"] <= most + TOLD_FOR
        ]
        if not overdue:
            return None
        oldest = min(overdue, key=lambda one: one["at"])
        age = age_at(context.now, oldest["at"])
        severity, limit = crossed(self.max_run, age, context.severity) or (context.severity, least)
        more = f"; {len(overdue) - 1} more" if len(overdue) > 1 else ""
        return self.finding(
            context,
            severity,
            entity=(),
            value=age.total_seconds(),
            limit=limit.total_seconds(),
            fact=f"running for {short_span(age)} (max {short_span(limit)})",
            detail=f"It started {long_span(age)} ago{_of_run(oldest)} and has not ended, limit "
            f"{long_span(limit)}{more}.",
            first_bad_at=oldest["at"] + least,
        )

    def _missing(
        self, context: Context, pings: Sequence[Ping], first_at: datetime
    ) -> Finding | None:
        last = _latest(pings, "success")
        last_at = last["at"] if last else first_at
        due_at = self.expect.due_at(last_at, context.now - mildest(self.grace))
        if due_at is None or self._is_under_way(context, pings, last_at):
            return None
        age = age_at(context.now, last_at)
        said = f"It last reported success {long_span(age)} ago" if last else "It never reported"
        late, least = age_at(context.now, due_at), mildest(self.grace)
        severity, limit = crossed(self.grace, late, context.severity) or (context.severity, least)
        return self.finding(
            context,
            severity,
            entity=(),
            value=late.total_seconds(),
            limit=limit.total_seconds(),
            fact=f"{short_span(late)} late (max {short_span(limit)})",
            detail=f"{said}; the next was due {long_span(late)} ago, grace {long_span(limit)}.",
            first_bad_at=due_at + least,
        )

    def _is_under_way(self, context: Context, pings: Sequence[Ping], last_at: datetime) -> bool:
        """Return whether a run since the last success may still end in time."""
        if self.max_run is None:
            return False
        least = mildest(self.max_run)
        runs = [one for one in _open_runs(pings) if one["at"] >= last_at]
        return any(context.now - one["at"] <= least for one in runs)


def _first_look(context: Context) -> datetime:
    """Return since when we listen: before that nothing was due."""
    known = context.remembered.get(_FIRST_LOOK)
    return from_column(known, zone="UTC", unit="native") or context.now


def _latest(pings: Sequence[Ping], *what: str) -> Ping | None:
    return next((one for one in pings if one["what"] in what), None)


def _open_runs(pings: Sequence[Ping]) -> Iterator[Ping]:
    """Yield the starts that no end has followed; a job that names no runs has one at a time."""
    ended: set[str] = set()
    for one in pings:
        if one["what"] == "start" and one["run"] not in ended:
            yield one
        if one["what"] != "log":
            ended.add(one["run"])


def _of_run(ping: Ping) -> str:
    return f" (run {ping['run']})" if ping["run"] else ""
