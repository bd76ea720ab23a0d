"""Nights: failures that have nothing to do with each other break together, once for all tests."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.acceptance.running import Program, Receivers
from watchdog.demo.failure import Failure
from watchdog.demo.failures import FAILURES

SECONDS_TO_OPEN = 45
"""Three slots of the slowest rules, every 15 s: two open an incident."""

SECONDS_TO_RECOVER = 45
"""Three slots of them, as many as end an incident."""

SETTLED = timedelta(minutes=1)
"""Until then all that an act does is seen, recovery included."""

SHORTLY = timedelta(seconds=15)
LEAP = timedelta(seconds=90)
_REPORT = "REPORT"
_WEEK = "Week "
DAY = timedelta(days=1)
REPEAT_WINDOW = timedelta(hours=25)
"""Past every reopen window and every `repeat`: what was broken before is not told again."""

REOPEN_WINDOW = timedelta(seconds=3700)

_SEEN = """
    select id, rule, team, entity, severity, failure_class, owner, state, opened_at, evidence,
        fact, detail, repeat_of,
        (select owner from event where incident_id = id and event.version = 1) as first_owner
    from incident where id > $1 order by id
"""


_HELD = "select distinct rule from track where incident_id is null"
"""What is bad, or was just now, and has no incident: it is held, or was not bad for long enough."""

SOON = timedelta(minutes=5)
"""What rightly opens only when a failure lasts has not opened by then."""


@dataclass(frozen=True, eq=False)
class Night:
    """Failures of different systems that break, and are mended, together."""

    failures: tuple[Failure, ...]

    @property
    def moments(self) -> list[timedelta]:
        """Return when something happens while they are broken, and when that is over, since the break."""
        acts = {act.after for one in self.failures for act in one.acts}
        return sorted({*acts, *(one.takes for one in self.failures)} - {timedelta()})

    @property
    def days_before(self) -> int:
        """Return for how many days the systems must have been watched."""
        return max(one.needs for one in self.failures) // DAY

    def next_at(self, earliest: datetime) -> datetime:
        """Return when all of it can be seen next."""
        return max(one.next_at(earliest) for one in self.failures)


def nights(failures: Iterable[Failure]) -> list[Night]:
    """Return the failures in as few nights as their systems, hours and spans allow.

    What is seen at any hour, and soon, joins whatever night has room and is over soon.
    """
    made: list[tuple[_Time, dict[str, Failure]]] = []
    for one in sorted(failures, key=lambda one: _time(one) == _ANY):
        own = _time(one)
        rooms = (
            night
            for time, night in made
            if one.id[0] not in night and (time == own or (own == _ANY and time.is_soon_over))
        )
        night = next(rooms, None)
        if night is None:
            night = {}
            made.append((own, night))
        night[one.id[0]] = one
    return [Night(tuple(night.values())) for _, night in made]


@dataclass(frozen=True, slots=True)
class _Time:
    """At which hour something must be broken, and for how long if that is not over soon."""

    when: str
    lasts: timedelta

    @property
    def is_soon_over(self) -> bool:
        return not self.lasts


_ANY = _Time("", timedelta())


def _time(one: Failure) -> _Time:
    lasts = max((one.takes, *(act.after for act in one.acts)))
    return _Time(one.when, lasts if lasts > SOON else timedelta())


def rules_of(system: str) -> set[str]:
    """Return the rules that watch a system, as far as any of its failures names them."""
    return {
        rule
        for one in FAILURES.values()
        if one.id[0] == system
        for rule in (*(expected.rule for expected in one.opens), *one.holds, *one.later)
    }


@dataclass
class Played:
    """What a night brought: incidents while it was broken, and after it was mended, and messages.

    `held` are the rules that were bad without an incident just before it was mended.
    Reports come in any night, and so do the ends of recoveries that nobody has explained for three
    days: they tell of no incident of it, and are left out.
    """

    opened: list[dict[str, Any]]
    held: frozenset[str]
    ended: list[dict[str, Any]]
    posts: Sequence[dict[str, Any]]
    mails: Sequence[dict[str, Any]]

    def of(self, system: str, incidents: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return a system's incidents, and with them all that no system answers for."""
        others = {rule for other in "ZBSWE" if other != system for rule in rules_of(other)}
        return [one for one in incidents if one["rule"] not in others]


@dataclass
class Player:
    """Plays each night once, on a running program."""

    program: Program
    receivers: Receivers
    played: dict[Night, Played] = field(default_factory=dict)

    async def play(self, night: Night) -> Played:
        """Return what the night brought."""
        if night not in self.played:
            self.played[night] = await self._play(night)
        return self.played[night]

    async def _play(self, night: Night) -> Played:
        program, now = self.program, self.program.now()
        program.jump((night.next_at(now + REPEAT_WINDOW) - now).total_seconds())
        for _ in range(night.days_before):
            program.advance(SHORTLY.total_seconds())
            program.jump((DAY - SHORTLY).total_seconds())
        program.advance(15)
        newest = await newest_incident(program)
        posts, mails = len(self.receivers.slack()), len(self.receivers.mails())
        ids = [one.id for one in night.failures]
        program.say("demo", "break", *ids)
        self._let_pass(night)
        opened = await incidents_after(program, newest)
        held = frozenset(row["rule"] for row in await program.fetch(_HELD))
        program.say("demo", "mend", *ids)
        program.advance(SECONDS_TO_RECOVER)
        if fades := max(one.fades for one in night.failures):
            program.jump(fades.total_seconds())
            program.advance(SECONDS_TO_RECOVER)
        return Played(
            opened,
            held,
            await incidents_after(program, newest),
            [one for one in self.receivers.slack()[posts:] if not _is_of_another_day(one["text"])],
            [
                one
                for one in self.receivers.mails()[mails:]
                if not _is_of_another_day(one["headers"]["Subject"])
            ],
        )

    def _let_pass(self, night: Night) -> None:
        """Let the night pass: what takes hours is leapt over once rules have seen what was before."""
        elapsed = timedelta()
        for moment in night.moments:
            gap = moment - elapsed
            if gap > LEAP:
                # Not quite: what was missed on the way happens as it did before the moment.
                self.program.advance(SETTLED.total_seconds())
                self.program.jump((gap - SETTLED - SHORTLY).total_seconds())
                self.program.advance(SHORTLY.total_seconds())
            else:
                self.program.advance(gap.total_seconds())
            elapsed = moment
        self.program.advance(SECONDS_TO_OPEN)


def _is_of_another_day(words: str) -> bool:
    return _REPORT in words or "RESOLVED" in words or words.startswith(_WEEK)


async def newest_incident(program: Program) -> int:
    """Return the number of the latest incident, 0 for none."""
    [newest] = await program.fetch("select coalesce(max(id), 0) as id from incident")
    return int(newest["id"])


async def incidents_after(program: Program, number: int) -> list[dict[str, Any]]:
    """Return the incidents after one, as they are now."""
    rows = await program.fetch(_SEEN, number)
    read = ("entity", "evidence")
    return [{**dict(row), **{name: json.loads(row[name]) for name in read}} for row in rows]
