"""Recovery actions, with one meaning on every surface: asked for, approved, run once, and ended.

The intent is committed before anything leaves, and the outcome after; what lies between may be cut
off at any instant. Nothing here ever runs an action a second time by itself.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from rules.base import HttpQuestion, SqlQuestion
from watchdog.config.model import Config, Source
from watchdog.config.recovery import Action, HttpCall, SqlChange
from watchdog.domain import acting, stopping
from watchdog.domain.acting import Moved, Outcome, Run, Standing, Terms
from watchdog.domain.incident import Incident, Refused
from watchdog.domain.notices import with_notices
from watchdog.domain.people import Role
from watchdog.moving import (
    NotAllowed,
    UnknownIncident,
    done_before,
    keep_deed,
    require_responder,
)
from watchdog.sources.writers import COMMIT_SECONDS, Held, NotChanged, Unsure, changed
from watchdog.store import incidents, runs
from watchdog.store.pool import TROUBLE, transaction

logger = logging.getLogger(__name__)

_SPARE = timedelta(seconds=30)
"""What a run has beyond its deadline to write down what came of it, before it counts as unknown."""

_WRITES_MAX = 4
_WRITE_PAUSE_S = 1.0
"""Between tries to write an outcome; each takes 5 s at most, so that all of them lie within `_SPARE`."""


class NotWritten(Exception):  # noqa: N818 (an outcome)
    """An action was run, and what came of it could not be written: the text is all that tells of it."""

    def __init__(self, run: Run, outcome: Outcome) -> None:
        super().__init__(
            f"{run.label}: {outcome.standing}, {outcome.words}. But that could not be written, so the run "
            "will count as unknown; write it into a note, and do not run it again"
        )


@dataclass(frozen=True, slots=True)
class Hands:
    """What it takes to act.

    Attributes:
        addresses: Address of each running part of the demo, by its name without `demo://`.
        now: The service's time.
    """

    pool: asyncpg.Pool
    config: Config
    addresses: Mapping[str, str]
    now: Callable[[], datetime]


async def act(
    hands: Hands,
    number: int,
    name: str,
    person: str,
    hypothesis: str,
    mitigation: str,
    *,
    action_id: str = "",
) -> Run:
    """Run an action of an incident once, or let it wait for a second person where it needs one.

    Args:
        hypothesis: What is wrong, in a sentence; what was said last by default.
        mitigation: What is different this time.
        action_id: What is asked for once more under the same id is answered, and not run.

    Returns:
        The run, ended or waiting.

    Raises:
        Refused: It may not be run now; nothing has changed.
        UnknownIncident, NotAllowed: See their texts.
    """

    def ask(incident: Incident, terms: Terms, history: acting.History, lasts: timedelta) -> Moved:
        return acting.ask(
            incident, terms, history, person, hypothesis, mitigation, hands.now(), lasts
        )

    return await _begin(hands, number, name, person, ask, action_id)


async def approve(hands: Hands, number: int, name: str, person: str, *, action_id: str = "") -> Run:
    """Approve the run that waits for a second person, and run it once.

    Raises:
        Refused: Nothing waits, it was asked for by the same person, or it may not be run any more.
        UnknownIncident, NotAllowed: See their texts.
    """

    def agree(incident: Incident, terms: Terms, history: acting.History, lasts: timedelta) -> Moved:
        return acting.approve(incident, terms, history, person, hands.now(), lasts)

    return await _begin(hands, number, name, person, agree, action_id)


async def stop_all(
    pool: asyncpg.Pool, config: Config, person: str, words: str, now: datetime
) -> None:
    """Stop all actions of all incidents, until somebody lets them run again.

    Raises:
        Refused: They are stopped already, or there are no words.
        NotAllowed: See its text.
    """
    require_responder(config.directory, person)
    wanted = stopping.Stop(person, stopping.stop_words(words), now)
    async with transaction(pool) as conn:
        if not await runs.stop(conn, wanted):
            raise Refused(
                stopping.stopped(await runs.stopped(conn), now) or "somebody just lifted it"
            )


async def lift_stop(pool: asyncpg.Pool, config: Config, person: str, now: datetime) -> None:
    """Let actions run again.

    Raises:
        Refused: They are not stopped.
        NotAllowed: The person is neither an admin nor who stopped them.
    """
    require_responder(config.directory, person)
    is_admin = config.directory.people[person].role is Role.ADMIN
    async with transaction(pool) as conn:
        stop = await runs.stopped(conn)
        may = stop is not None and (is_admin or person == stop.person)
        if may:
            await runs.lift_stop(conn, person, now)
    if stop is None:
        raise Refused("no actions are stopped")
    if not may:
        raise NotAllowed(f"{stop.person} stopped all actions; {stop.person} or an admin lifts it")


async def _begin(
    hands: Hands,
    number: int,
    name: str,
    person: str,
    decide: Callable[[Incident, Terms, acting.History, timedelta], Moved],
    action_id: str,
) -> Run:
    """Commit the intent under the incident's lock; then, and only then, run."""
    config = hands.config
    require_responder(config.directory, person)
    async with transaction(hands.pool) as conn:
        held = await incidents.lock(conn, [number])
        if number not in held:
            raise UnknownIncident(number)
        incident = held[number]
        action = _action(config, incident, name)
        if action.terms.is_daily:
            await runs.lock_rule(conn, incident.rule)
        history = await runs.history(conn, incident, name, hands.now())
        if await done_before(conn, action_id, number):
            return next(one for one in reversed(history.runs) if one.action == name)
        place = _place(config, action)
        moved = decide(incident, action.terms, history, _lasts(action, place))
        is_new = all(one.number != moved.run.number for one in history.runs)
        await (runs.insert(conn, incident, moved.run) if is_new else _update(conn, number, moved))
        step = with_notices(moved.transition, config.directory)
        await incidents.commit(conn, [step])
        await keep_deed(conn, action_id, moved.transition)
    if moved.run.standing is Standing.WAITING:
        return moved.run
    return await _run(hands, incident, moved.run, action, place)


async def _update(conn: asyncpg.Connection, number: int, moved: Moved) -> None:
    written = await runs.update(conn, number, moved.run)
    assert written, "the incident is locked, so nobody else has ended it"


def _action(config: Config, incident: Incident, name: str) -> Action:
    """Return an action of an incident's rule.

    Raises:
        Refused: There is none of that name, or it needs what the incident does not say.
    """
    rule = config.rules.get(incident.rule)
    known = rule.actions if rule else {}
    if name not in known:
        has = f"it has {', '.join(known)}" if known else f"its rule {incident.rule} has none"
        raise Refused(f"#{incident.id} has no action `{name}`; {has}")
    missing = known[name].does.columns - {column for column, _ in incident.entity}
    if missing:
        raise Refused(
            f"`{name}` is for one {min(missing)} alone, and #{incident.id} does not say which"
        )
    return known[name]


def _place(config: Config, action: Action) -> Source:
    does = action.does
    declared = config.sources.get(does.source)
    if declared is None and does.source:
        raise Refused(f"the source {does.source} of `{action.terms.name}` is wrong: watchdog check")
    if isinstance(does, HttpCall):
        return does.place(declared)
    assert declared is not None, "a change of rows names its source"
    return declared


def _lasts(action: Action, place: Source) -> timedelta:
    within = action.does.within if isinstance(action.does, HttpCall) else place.timeout
    return within + timedelta(seconds=COMMIT_SECONDS) + _SPARE


async def _run(hands: Hands, incident: Incident, run: Run, action: Action, place: Source) -> Run:
    """Run what was committed as intended, once, and write down what came of it."""
    does = action.does
    if isinstance(does, HttpCall):
        question = does.question(incident.entity, run.key)
        ended = await _called(hands, incident.id, run, does, question, place)
    else:
        now = run.started_at or run.asked_at
        change = does.question(incident.entity, now, incident.opened_at)
        ended = await _changed(hands, incident.id, run, action.terms, does, change, place)
    logger.info(
        "action run",
        extra={
            "incident": incident.id,
            "action": run.action,
            "person": run.person,
            "outcome": ended.standing.value,
            "words": ended.words,
        },
    )
    return ended


async def _called(
    hands: Hands, number: int, run: Run, does: HttpCall, question: HttpQuestion, place: Source
) -> Run:
    from watchdog.sources.calling import call

    outcome = await call(does, question, place, hands.addresses)
    return await _end_anyway(hands, number, run, outcome)


async def _changed(
    hands: Hands,
    number: int,
    run: Run,
    terms: Terms,
    does: SqlChange,
    question: SqlQuestion,
    place: Source,
) -> Run:
    """Change rows, and let that take place only while the guard holds and cannot change.

    Once it is known what came of it, trouble of ours changes nothing of that.
    """
    outcome: Outcome | None = None
    try:
        async with (
            changed(place, question, hands.addresses) as held,
            transaction(hands.pool) as conn,
        ):
            incident = (await incidents.lock(conn, [number]))[number]
            outcome = _of_rows(held.rows, does)
            outcome = outcome or await _committed(conn, incident, run, terms, held)
            return await _end(hands, conn, incident, run, outcome)
    except NotChanged as error:
        outcome = Outcome(Standing.FAILED, f"nothing was changed: {error}")
    except TROUBLE as error:
        words = f"nothing was changed: the guard could not be asked: {error}"
        outcome = outcome or Outcome(Standing.FAILED, words)
    return await _end_anyway(hands, number, run, outcome)


async def _end_anyway(hands: Hands, number: int, run: Run, outcome: Outcome) -> Run:
    """Write what came of a run, also where the store is away for a moment: it is known only here.

    Trying again does no harm: a run ends once, whether the last commit took place or not.

    Raises:
        NotWritten: The store stays away.
    """
    for tries_left in reversed(range(_WRITES_MAX)):
        try:
            async with transaction(hands.pool) as conn:
                held = await incidents.lock(conn, [number])
                return await _end(hands, conn, held[number], run, outcome)
        except TROUBLE as error:
            if not tries_left:
                raise NotWritten(run, outcome) from error
            logger.warning("outcome not stored yet", extra={"reason": str(error)})
            await asyncio.sleep(_WRITE_PAUSE_S)
    raise AssertionError("the last try returns or raises")


def _of_rows(rows: int, does: SqlChange) -> Outcome | None:
    """Return why a change of so many rows must not take place; None: it may."""
    if rows > does.max_rows:
        words = f"would change {rows:,} rows, allowed is {does.max_rows:,}; nothing was changed"
        return Outcome(Standing.REFUSED, words)
    if rows == 0:
        return Outcome(Standing.REFUSED, "no row fits any more; nothing was changed")
    return None


async def _committed(
    conn: asyncpg.Connection, incident: Incident, run: Run, terms: Terms, held: Held
) -> Outcome:
    """Let a change take place; the incident is locked, so what the guard says holds meanwhile."""
    stop = await runs.stopped(conn)
    if words := stopping.stopped(stop, run.started_at or run.asked_at):
        return Outcome(Standing.REFUSED, f"{words}; nothing was changed")
    if words := acting.guarded(incident, terms):
        return Outcome(Standing.REFUSED, f"{words}; nothing was changed")
    if not await _is_running(conn, incident.id, run):
        return Outcome(Standing.REFUSED, "it took too long to begin; nothing was changed")
    try:
        await held.commit()
    except NotChanged as error:
        return Outcome(Standing.FAILED, f"nothing was changed: {error}")
    except Unsure as error:
        return Outcome(Standing.UNKNOWN, f"{error}; it may have taken effect or not")
    rows = f"{held.rows:,} row{'' if held.rows == 1 else 's'} changed"
    return Outcome(Standing.DONE, rows, held.rows)


async def _is_running(conn: asyncpg.Connection, number: int, run: Run) -> bool:
    known = await runs.of_incident(conn, number)
    return any(one.number == run.number and one.standing is Standing.RUNNING for one in known)


async def _end(
    hands: Hands, conn: asyncpg.Connection, incident: Incident, run: Run, outcome: Outcome
) -> Run:
    """Write what came of a run; if it counts as unknown already, it stays so."""
    moved = acting.ended(incident, run, outcome, hands.now(), run.person)
    if not await runs.update(conn, incident.id, moved.run):
        found = await runs.of_incident(conn, incident.id)
        return next(one for one in found if one.number == run.number)
    await incidents.commit(conn, [with_notices(moved.transition, hands.config.directory)])
    return moved.run
