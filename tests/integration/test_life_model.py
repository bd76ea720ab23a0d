"""Whatever happens to incidents, in whatever order: service and model agree, and the invariants hold."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, TypeVar, cast

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rules.base import Entity, Finding, Judgement, Reading, Severity, Unanswered
from tests.invariants import violations
from tests.life_model import CHECKS, LEAD, MINUTE, ORDER, RUNG_AFTER, Case, Desk
from tests.postgres import NIGHT, Server
from tests.unit.test_incident import ACTION, closing
from tests.watching import config_of, leads, stuck_rule
from watchdog import verbs
from watchdog.clock import MovedClock
from watchdog.config.model import Config
from watchdog.domain import life
from watchdog.domain.incident import Incident, State, Transition
from watchdog.domain.people import (
    Directory,
    Person,
    Policy,
    Role,
    Rotation,
    Route,
    Rung,
    Team,
    Turn,
    Unit,
)
from watchdog.engine import reconcile
from watchdog.engine.deadlines import Deadlines
from watchdog.engine.engine import Engine
from watchdog.engine.leader import Leader
from watchdog.engine.look import Looked
from watchdog.engine.memory import Memory
from watchdog.moving import Deed
from watchdog.store import incidents
from watchdog.store.pool import open_pool
from watchdog.verbs import NotAllowed, Refused

T = TypeVar("T")

THINGS = ("mail", "sync")
PEOPLE = {name: Person(name, f"{name}@example.com", f"U{name.upper()}") for name in (*ORDER, LEAD)}
PEOPLE["eva"] = Person("eva", "eva@example.com", role=Role.VIEWER)
FOR_EVER = Rotation(Turn(400, Unit.WEEKS), ORDER, since=date(2025, 6, 2))
RUNGS = (Rung(RUNG_AFTER[0], "oncall_next"), Rung(RUNG_AFTER[0] + RUNG_AFTER[1], "lead"))
TEAM = Team("ops", LEAD, slack="ops-alerts", oncall=(FOR_EVER,), escalate=RUNGS)
DIRECTORY = Directory(PEOPLE, {"ops": TEAM}, (Route(send=("slack", "email")),))
RULE = stuck_rule(
    every=timedelta(days=9_999), policy=Policy(open_after=CHECKS, recover_after=CHECKS)
)
ROUNDS_MAX = 20
"""Things that may be due of one incident at the same instant."""

DUE = "select exists (select from incident where due_at <= $1)"
TABLES = "incident, event, notification, attempt, thread, track, rule_look, remembered, deed"


def config(*rules: Any) -> Config:
    return replace(config_of("postgresql://nowhere.invalid/db", rules), directory=DIRECTORY)


@dataclass
class Service:
    """A store, and the replica that leads on it; the machines of a test use it one after the other."""

    runner: asyncio.Runner
    pool: asyncpg.Pool
    leader: Leader

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)


@contextlib.contextmanager
def service(server: Server) -> Iterator[Service]:
    with asyncio.Runner() as runner:
        stack = runner.run(_entered(contextlib.AsyncExitStack()))
        database = runner.run(stack.enter_async_context(server.database("migrated")))
        pool = runner.run(open_pool(database.dsn))
        leader = Leader(pool, "one")
        leading = runner.get_loop().create_task(leader.run())
        yield Service(runner, pool, leader)
        leading.cancel()
        runner.run(_closed(pool, stack))


async def _entered(stack: contextlib.AsyncExitStack) -> contextlib.AsyncExitStack:
    return stack


async def _closed(pool: asyncpg.Pool, stack: contextlib.AsyncExitStack) -> None:
    await pool.close()
    await stack.aclose()


OWNER, ASKED = "its owner", "who is asked"
people = st.sampled_from((*ORDER, LEAD))
who = st.sampled_from((OWNER, OWNER, ASKED, *ORDER, LEAD))
things = st.sampled_from(THINGS)
severities = st.sampled_from(("warning", "critical"))
picks = st.sampled_from((0, 0, 0, 1, 1, 2, 3))
"""Which of the incidents there are; counted from the newest, around."""


class Lives(RuleBasedStateMachine):
    """Looks, people and time at one desk, in any order."""

    service: Service

    def __init__(self) -> None:
        super().__init__()
        self.model = Desk()
        self.clock = MovedClock(NIGHT)
        self.numbers: dict[int, int] = {}
        self.presses = 0
        self.service.run(self._begin())

    async def _begin(self) -> None:
        await self.service.pool.execute(f"truncate {TABLES} cascade")
        self.engine = Engine(self.service.pool, self.clock, self.service.leader, asyncio.Event())
        self.engining = asyncio.ensure_future(self.engine.run())
        self.deadlines = Deadlines(
            self.service.pool, self.clock, self.service.leader, lambda: DIRECTORY, asyncio.Event()
        )
        await self.engine.apply(config(RULE), {})
        self.service.leader.changed.set()
        await leads(self.engine)

    def teardown(self) -> None:
        async def stop() -> None:
            self.engining.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.engining

        self.service.run(stop())

    # --- what the checks see ---

    async def _settle(self, judgement: Judgement | None, error: Unanswered | None = None) -> None:
        now = self.clock.now()
        await self.engine.settle([Looked(RULE, now, judgement, error)], now)

    @precondition(lambda self: self.model.is_watched)
    @rule(bad=st.dictionaries(things, severities, min_size=1), good=st.sets(things))
    def look(self, bad: dict[str, str], good: set[str]) -> None:
        """Some things are bad, others are good again, of others nothing is known."""
        mended = sorted(good - set(bad))
        findings, readings = tuple(map(_finding, bad.items())), tuple(map(_reading, mended))
        self.service.run(self._settle(Judgement(findings, readings)))
        self.model.look(bad, mended, self.clock.now())

    @precondition(lambda self: self.model.is_watched)
    @rule(thing=things, severity=severities)
    def break_for_good(self, thing: str, severity: str) -> None:
        """It is bad as often as it takes."""
        for _ in range(CHECKS):
            self.look(bad={thing: severity}, good=set())

    @precondition(lambda self: self.model.is_watched)
    @rule(thing=things)
    def mend_for_good(self, thing: str) -> None:
        for _ in range(CHECKS):
            self.look(bad={}, good={thing})

    @precondition(lambda self: self.model.is_watched)
    @rule()
    def find_nothing(self) -> None:
        """No data is neither good nor bad."""
        self.service.run(self._settle(Judgement(has_data=False)))
        self.model.find_nothing(self.clock.now())

    @precondition(lambda self: self.model.is_watched)
    @rule(whole=st.booleans())
    def fail_to_look(self, whole: bool) -> None:
        """I10: our own trouble opens nothing and closes nothing."""
        self.service.run(self._settle(None, Unanswered("connection refused", whole_source=whole)))
        self.model.fail_to_look(self.clock.now())

    # --- time, restarts and new configurations ---

    @rule(minutes=st.sampled_from((1, 5, 10, 15, 31, 61)))
    def let_pass(self, minutes: int) -> None:
        self._let_pass(minutes * MINUTE)

    @rule()
    def let_days_pass(self) -> None:
        self._let_pass(timedelta(days=3))

    def _let_pass(self, span: timedelta) -> None:
        async def work() -> None:
            await self.clock.jump(span)  # nothing of the hours between is asked for
            for _ in range(ROUNDS_MAX):
                if not await self.service.pool.fetchval(DUE, self.clock.now()):
                    return
                await self.deadlines.act()
            raise AssertionError("what is due never comes to rest")

        self.service.run(work())
        self.model.let_pass(self.clock.now())

    @rule()
    def restart(self) -> None:
        """What is known is known after a restart, too: also how often something was bad."""
        self.teardown()

        async def start() -> None:
            self.engine = Engine(
                self.service.pool, self.clock, self.service.leader, asyncio.Event()
            )
            self.engining = asyncio.ensure_future(self.engine.run())
            await self.engine.apply(config(*([RULE] if self.model.is_watched else [])), {})
            self.service.leader.changed.set()
            await leads(self.engine)

        self.service.run(start())
        self.model.restart()

    @precondition(lambda self: self.model.is_watched)
    @rule()
    def reload(self) -> None:
        """I13: a configuration in which the rule is what it was changes nothing."""
        self.service.run(self.engine.apply(config(replace(RULE, title="Other words")), {}))
        self.service.run(self.engine.apply(config(RULE), {}))

    @rule()
    def drop_or_restore_the_rule(self) -> None:
        if self.model.is_watched:
            self.service.run(self.engine.apply(config(), {}))
            self.model.stop_watching(self.clock.now())
        else:
            self.service.run(self.engine.apply(config(RULE), {}))
            self.model.is_watched = True

    # --- people ---

    def _do(
        self,
        pick: int,
        who: str,
        told: Callable[[Case, str], bool],
        does: Callable[[int, str], Coroutine[Any, Any, Incident]],
    ) -> None:
        """Let a person do something: allowed and refused where the model says so."""
        cases = self.model.cases
        case = cases[-1 - pick % len(cases)]
        was = replace(case)
        person = {OWNER: case.owner, ASKED: case.offered_to or case.owner}.get(who, who)
        allowed = told(case, person)
        refusal = self.service.run(_refusal(does(self.numbers[case.number], person)))
        assert (refusal == "") == allowed, f"{refusal or 'not refused'}, of {was}"

    @precondition(lambda self: self.model.cases)
    @rule(pick=picks, who=who, over=st.booleans())
    def take(self, pick: int, who: str, over: bool) -> None:
        pool, now = self.service.pool, self.clock.now()
        self._do(
            pick,
            who,
            lambda one, person: self.model.take(one, person, now, over=over),
            lambda number, person: verbs.take(
                pool, DIRECTORY, Deed(number, person, now), over=over
            ),
        )

    @precondition(lambda self: self.model.cases)
    @rule(pick=picks, one=people, other=people)
    def take_at_once(self, pick: int, one: str, other: str) -> None:
        """Of two who take it at the same instant one wins, if it is to be had at all."""
        cases = self.model.cases
        case = cases[-1 - pick % len(cases)]
        now, number = self.clock.now(), self.numbers[case.number]
        is_free = any(self.model.take(replace(case), who, now, over=False) for who in (one, other))

        async def both() -> list[Incident | BaseException]:
            takes = [
                verbs.take(self.service.pool, DIRECTORY, Deed(number, who, now))
                for who in (one, other)
            ]
            return await asyncio.gather(*takes, return_exceptions=True)

        results = self.service.run(both())
        winners = [result.owner for result in results if isinstance(result, Incident)]
        assert len(winners) == is_free
        assert sum(isinstance(result, Refused) for result in results) == 2 - is_free
        for winner in winners:
            assert self.model.take(case, winner, now, over=False)

    @precondition(lambda self: self.model.cases)
    @rule(pick=picks, who=who, receiver=people)
    def hand_over(self, pick: int, who: str, receiver: str) -> None:
        pool, now = self.service.pool, self.clock.now()
        self._do(
            pick,
            who,
            lambda one, giver: self.model.offer(one, giver, receiver, now),
            lambda number, giver: verbs.hand_over(
                pool, DIRECTORY, Deed(number, giver, now), receiver, ""
            ),
        )

    @precondition(lambda self: self.model.cases)
    @rule(pick=picks, who=who)
    def give_back(self, pick: int, who: str) -> None:
        pool, now = self.service.pool, self.clock.now()
        self._do(
            pick,
            who,
            lambda one, person: self.model.give_back(one, person, now),
            lambda number, person: verbs.give_back(pool, DIRECTORY, Deed(number, person, now), ""),
        )

    @precondition(lambda self: self.model.cases)
    @rule(pick=picks, who=who)
    def escalate(self, pick: int, who: str) -> None:
        pool, now = self.service.pool, self.clock.now()
        self._do(
            pick,
            who,
            lambda one, _: self.model.escalate(one, now),
            lambda number, person: verbs.escalate(pool, DIRECTORY, Deed(number, person, now)),
        )

    @precondition(lambda self: self.model.cases)
    @rule(pick=picks, who=who)
    def note(self, pick: int, who: str) -> None:
        pool, now = self.service.pool, self.clock.now()
        self._do(
            pick,
            who,
            lambda one, _: self.model.note(one, now),
            lambda number, person: verbs.note(
                pool, DIRECTORY, Deed(number, person, now), "looking"
            ),
        )

    @precondition(lambda self: self.model.cases)
    @rule(pick=picks, who=who, has_answer=st.booleans())
    def resolve(self, pick: int, who: str, has_answer: bool) -> None:
        pool, now = self.service.pool, self.clock.now()
        said = closing(answer=ACTION if has_answer else replace(ACTION, words=" "))
        self._do(
            pick,
            who,
            lambda one, person: self.model.resolve(one, person, now, has_answer=has_answer),
            lambda number, person: verbs.resolve(pool, DIRECTORY, Deed(number, person, now), said),
        )

    @precondition(lambda self: self.model.cases)
    @rule(pick=picks, who=who)
    def decline(self, pick: int, who: str) -> None:
        pool, now = self.service.pool, self.clock.now()
        self._do(
            pick,
            who,
            lambda one, person: self.model.decline(one, person, now),
            lambda number, person: verbs.decline(pool, DIRECTORY, Deed(number, person, now), ""),
        )

    @precondition(lambda self: self.model.cases)
    @rule(pick=picks, who=who, hours=st.sampled_from((1, 4, 25)))
    def snooze(self, pick: int, who: str, hours: int) -> None:
        pool, now, span = self.service.pool, self.clock.now(), timedelta(hours=hours)
        self._do(
            pick,
            who,
            lambda one, person: self.model.snooze(one, person, span, now),
            lambda number, person: verbs.snooze(pool, DIRECTORY, Deed(number, person, now), span),
        )

    @precondition(lambda self: self.model.cases)
    @rule(pick=picks, who=who)
    def reopen(self, pick: int, who: str) -> None:
        pool, now = self.service.pool, self.clock.now()
        self._do(
            pick,
            who,
            lambda one, person: self.model.reopen(one, person, now),
            lambda number, person: verbs.reopen(pool, DIRECTORY, Deed(number, person, now), "slow"),
        )

    @precondition(lambda self: self.model.cases)
    @rule(pick=picks, who=who)
    def call_unneeded(self, pick: int, who: str) -> None:
        pool, now = self.service.pool, self.clock.now()
        self._do(
            pick,
            who,
            lambda one, _: self.model.call_unneeded(one, now),
            lambda number, person: verbs.not_actionable(
                pool, DIRECTORY, Deed(number, person, now), "false positive", ""
            ),
        )

    @precondition(lambda self: self.model.cases)
    @rule(pick=picks, who=who)
    def press_twice(self, pick: int, who: str) -> None:
        """I11: the same press, however often it comes, is done once and answered the same."""
        pool, now, key = self.service.pool, self.clock.now(), f"press {self.presses}"
        self.presses += 1

        async def does(number: int, person: str) -> Incident:
            first, again = await asyncio.gather(
                verbs.take(pool, DIRECTORY, Deed(number, person, now, key)),
                verbs.take(pool, DIRECTORY, Deed(number, person, now, key)),
                return_exceptions=True,
            )
            assert _answered(first) == _answered(again)
            if isinstance(first, BaseException):
                raise first
            return first

        self._do(pick, who, lambda one, person: self.model.take(one, person, now), does)

    @precondition(lambda self: self.model.cases)
    @rule(pick=picks)
    def meddle(self, pick: int) -> None:
        """Who only looks on owns nothing."""
        number = self.numbers[self.model.cases[-1 - pick % len(self.model.cases)].number]
        with pytest.raises(NotAllowed, match="viewer"):
            self.service.run(
                verbs.take(self.service.pool, DIRECTORY, Deed(number, "eva", self.clock.now()))
            )

    # --- after every step ---

    @invariant()
    def the_service_and_the_model_agree(self) -> None:
        self.service.run(self._compare())

    async def _compare(self) -> None:
        async with self.service.pool.acquire() as held:
            conn = cast("asyncpg.Connection", held)
            found = await incidents.listed(conn, rule=RULE.name, with_resolved=True)
            wrong = await violations(conn)
        stored = sorted(found, key=lambda one: one.id)
        self.numbers = {index: one.id for index, one in enumerate(stored, start=1)}
        assert [_seen(one) for one in stored] == [_told(one) for one in self.model.cases]
        assert wrong == []


async def _refusal(work: Coroutine[Any, Any, Incident]) -> str:
    """Return the sentence with which something is refused; empty where it is done."""
    try:
        await work
    except Refused as refused:
        return str(refused)
    return ""


def _answered(one: Incident | BaseException) -> tuple[object, ...]:
    if isinstance(one, BaseException):
        return type(one), str(one)
    return one.version, one.state, one.owner


def _entity(thing: str) -> Entity:
    return (("queue", thing),)


def _finding(pair: tuple[str, str]) -> Finding:
    thing, severity = pair
    return Finding(_entity(thing), Severity(severity), 1.0, 0.0, "hangs", "It hangs.")


def _reading(thing: str) -> Reading:
    return Reading(_entity(thing), 0.0, "runs", "It runs.")


def _seen(one: Incident) -> tuple[object, ...]:
    return (
        one.entity[0][1],
        one.state.value,
        one.owner,
        one.offered_to,
        one.severity.value,
        bool(one.answer),
    )


def _told(one: Case) -> tuple[object, ...]:
    return one.thing, one.state, one.owner, one.offered_to, one.severity, one.has_cause


def _play(server: Server, examples: int, steps: int, *, shrinks: bool = True) -> None:
    phases = [one for one in Phase if shrinks or one is not Phase.shrink]
    with service(server) as here:
        lives: type[RuleBasedStateMachine] = type("LivesHere", (Lives,), {"service": here})
        run_state_machine_as_test(
            lives,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=phases,
                print_blob=False,
                report_multiple_bugs=False,
            ),
        )


def test_the_service_and_the_model_agree_after_every_step(postgres_server: Server) -> None:
    _play(postgres_server, examples=200, steps=50)


@pytest.mark.long
def test_they_agree_in_thousands_of_lives(postgres_server: Server) -> None:
    _play(postgres_server, examples=5_000, steps=100)


Bug = Callable[[pytest.MonkeyPatch], None]


def _changed(module: Any, name: str, **changes: Any) -> Bug:
    """Return a bug: what a function of the domain returns, where `module` calls it, is not right."""
    right = getattr(module, name)

    def wrong(*args: Any, **kwargs: Any) -> Transition:
        found: Transition = right(*args, **kwargs)
        return replace(found, after=replace(found.after, **changes))

    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(module, name, wrong)

    return plant


def _forget_what_failed(patch: pytest.MonkeyPatch) -> None:
    def count(memory: Memory, _: Looked) -> None:
        memory.tracks.clear()

    patch.setattr(Memory, "count", count)


BUGS: dict[str, Bug] = {
    "a take is not confirmed": _changed(life, "take", state=State.OPEN),
    "an offer gives it away at once": _changed(life, "offer", owner="mei"),
    "what is given back stays whose it was": _changed(life, "give_back", owner="ana"),
    "an offer that lapsed still stands": _changed(life, "lapsed", offered_to="raj"),
    "an escalation is one rung short": _changed(life, "escalated", rung=0),
    "a taker's silence is forgiven": _changed(life, "expired", state=State.TAKEN),
    "what came back is not paged anew": _changed(reconcile, "back_again", rung=3),
    "what recovered may still be accepted": _changed(reconcile, "recovered", offered_to="mei"),
    "our own trouble makes us forget what is bad": _forget_what_failed,
}


@pytest.mark.long
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(
    bug: str, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    BUGS[bug](monkeypatch)
    with pytest.raises((AssertionError, asyncpg.PostgresError)):
        _play(postgres_server, examples=200, steps=50, shrinks=False)
