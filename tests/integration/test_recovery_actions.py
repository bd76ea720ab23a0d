"""Recovery actions on a real store, a real database and an endpoint that misbehaves."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from tests.lock_waits import held_up
from tests.page import recover
from tests.postgres import Database
from tests.yard import DIRECTORY, WHY, Yard, a_yard, change
from watchdog import action_offers, recovery_actions, verbs
from watchdog.clock import MovedClock
from watchdog.config.model import Source
from watchdog.domain import life
from watchdog.domain.acting import Guard, Run, Standing
from watchdog.domain.incident import State
from watchdog.domain.notices import with_notices
from watchdog.moving import Deed
from watchdog.store import incidents
from watchdog.store.pool import transaction
from watchdog.verbs import NotAllowed, Refused, UnknownIncident

Prepare = Callable[[Yard], Awaitable[object]]


@pytest.fixture
async def yard(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[Yard]:
    async with a_yard(store, database, clock) as yard:
        yield yard


async def nothing(yard: Yard) -> None:
    """Leave everything as it is."""


async def tried(yard: Yard) -> None:
    """Let an action have been run that the endpoint refused."""
    yard.add(yard.call("/failed"))
    await yard.act()
    yard.add(change())


async def unknown(yard: Yard) -> None:
    """Let an action have been run whose outcome nobody knows."""
    yard.add(yard.call("/reset"))
    await yard.act()
    yard.add(change())


async def tried_twice(yard: Yard) -> None:
    await tried(yard)
    yard.add(yard.call("/failed"))
    await yard.act(mitigation="the first other thing")
    yard.add(change(), at_most=2)


async def of_raj(yard: Yard) -> None:
    await verbs.take(yard.store, DIRECTORY, Deed(1042, "raj", yard.clock.now()), over=True)


async def given_back(yard: Yard) -> None:
    await verbs.give_back(yard.store, DIRECTORY, Deed(1042, "ana", yard.clock.now()), "")


async def recovered(yard: Yard) -> None:
    await recover(yard.store, yard.clock, await yard.incident())


async def withdrawn(yard: Yard) -> None:
    one = life.withdrawn(await yard.incident(), yard.clock.now(), "its rule is gone")
    async with transaction(yard.store) as conn:
        await incidents.commit(conn, [with_notices(one, DIRECTORY)])


async def good(yard: Yard) -> None:
    yard.add(change(), guard=Guard.STILL_BAD)
    await yard.store.execute("update incident set bad_now = false, fact = '2m old'")


async def asked(yard: Yard) -> None:
    yard.add(change(), two_people=True)
    await yard.act()


async def with_wrong_source(yard: Yard) -> None:
    yard.add(change(source="gone"))


async def about_something_else(yard: Yard) -> None:
    yard.add(change("delete from job where id = {{ entity.job_id }}"))


REFUSED: list[tuple[str, Prepare, dict[str, Any], str]] = [
    ("no hypothesis", nothing, {"why": "  "}, "say what you think is wrong before you run"),
    ("a viewer", nothing, {"person": "mei"}, "mei is a viewer"),
    ("a stranger", nothing, {"person": "zoe"}, "nobody is called zoe"),
    ("not the owner", of_raj, {}, "#1042 belongs to raj; only its owner acts on it"),
    ("not taken", given_back, {}, "#1042 is not taken; take it first"),
    ("no such action", nothing, {"name": "unstuck"}, "has no action `unstuck`; it has unstick"),
    ("recovered", recovered, {}, "#1042 has recovered"),
    ("withdrawn", withdrawn, {}, "#1042 is resolved"),
    ("guard false", good, {}, "the latest check of #1042 was good (2m old)"),
    ("nothing new", tried, {}, "to run it again, say what is different this time"),
    ("said before", tried, {"mitigation": "the  worker DIED"}, "this was said before on #1042"),
    ("over the cap", tried_twice, {"mitigation": "a third"}, "and 2 per incident is the most"),
    ("unknown before", unknown, {}, "nobody knows whether the last run of `unstick` took effect"),
    ("waits for another", asked, {"mitigation": "x"}, "has been waiting for a second person"),
    ("a source that is gone", with_wrong_source, {}, "the source gone of `unstick` is wrong"),
    ("about no single one", about_something_else, {}, "`unstick` is for one job_id alone"),
]


@pytest.mark.parametrize(
    ("prepare", "given", "words"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED]
)
async def test_what_is_refused_says_why_and_changes_nothing(
    yard: Yard, prepare: Prepare, given: dict[str, Any], words: str
) -> None:
    yard.add(change())
    await prepare(yard)
    before = (await yard.incident(), await yard.runs(), len(yard.server.heads))
    with pytest.raises((Refused, NotAllowed)) as refused:
        await yard.act(**given)
    assert words in str(refused.value)
    assert (await yard.incident(), await yard.runs(), len(yard.server.heads)) == before
    assert await yard.statuses() == ["running"]


async def test_an_incident_that_is_not_there_is_said_so(yard: Yard) -> None:
    with pytest.raises(UnknownIncident):
        await recovery_actions.act(yard.hands, 7, "unstick", "ana", WHY, "")


OUTCOMES: list[tuple[str, Standing, str, int]] = [
    ("/accepted", Standing.DONE, "the answer was 202", 1),
    ("/ok", Standing.DONE, "the answer was 200", 1),
    ("/busy", Standing.BUSY, "the answer was 409: it is being done already; wait for it to end", 1),
    ("/failed", Standing.FAILED, "the answer was 500", 1),
    ("/redirect", Standing.FAILED, "the answer was 302", 1),
    ("/silent", Standing.UNKNOWN, "no complete answer within 0.2 s; it may have taken effect", 1),
    ("/reset", Standing.UNKNOWN, "the connection was reset; it may have taken effect or not", 1),
    ("/empty", Standing.UNKNOWN, "the connection was closed without an answer; it may have", 1),
    ("/garbage", Standing.UNKNOWN, "the answer is not proper HTTP; it may have", 1),
]


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(("path", "standing", "words", "sent"), OUTCOMES)
async def test_a_request_is_sent_once_and_its_answer_decides(
    yard: Yard, path: str, standing: Standing, words: str, sent: int, method: str
) -> None:
    yard.add(replace(yard.call(path), method=method))
    run = await yard.act()
    assert (run.standing, run.words[: len(words)]) == (standing, words)
    assert len(yard.server.heads) == sent
    assert yard.server.bodies == [b'{"queue": "mail"}']
    assert yard.server.heads[0].startswith(f"{method} {path} HTTP/1.1")
    assert "Idempotency-Key: watchdog-1042-1\r\n" in yard.server.heads[0]
    assert await yard.runs() == [run]
    assert await yard.entries() == [
        ("action_begun", "ana", f"Set it back: {WHY}"),
        ("action_ran", "ana", f"Set it back: {standing}, {run.words}"),
    ]
    assert (await yard.incident()).acted_at == yard.clock.now()


async def test_where_nobody_listens_nothing_was_sent(yard: Yard) -> None:
    yard.add(replace(yard.call("/ok"), url="http://127.0.0.1:1/ok"))
    run = await yard.act()
    assert (run.standing, run.words) == (
        Standing.FAILED,
        "nothing was sent: the connection was refused",
    )


async def test_a_value_of_the_data_never_leaves_its_place(yard: Yard) -> None:
    hostile = '..\n/x"?a=b&c'
    await yard.store.execute("update incident set entity = $1", [["queue", hostile]])
    yard.add(yard.call("/{{ entity.queue }}"))
    assert (await yard.act()).words == "the answer was 404"
    assert yard.server.heads[0].startswith("POST /..%0A%2Fx%22%3Fa=b&c HTTP/1.1\r\n")
    assert json.loads(yard.server.bodies[0]) == {"queue": hostile}


async def test_a_try_after_an_unknown_outcome_carries_the_same_key(yard: Yard) -> None:
    yard.add(yard.call("/reset"))
    await yard.act()
    await yard.act(mitigation="its log shows nothing of it")
    yard.add(yard.call("/ok"))
    done = await yard.act(mitigation="it was restarted")
    keys = [line for head in yard.server.heads for line in head.splitlines() if "Idem" in line]
    assert keys == ["Idempotency-Key: watchdog-1042-1"] * 3
    assert (done.number, done.standing) == (3, Standing.DONE)


async def test_a_change_of_rows_is_made_bound_and_told_below_the_message(yard: Yard) -> None:
    yard.add(change())
    run = await yard.act()
    assert (run.standing, run.words, run.rows) == (Standing.DONE, "1 row changed", 1)
    assert await yard.statuses() == ["idle"]
    told = await yard.store.fetch(
        "select part, e.event from notification n join event e using (incident_id, version) "
        "where version > 2"
    )
    assert [tuple(row.values()) for row in told] == [("thread", "action_ran")]


async def test_more_rows_than_allowed_are_left_as_they_are(yard: Yard) -> None:
    await yard.add_jobs(16)
    yard.add(change())
    run = await yard.act()
    assert (run.standing, run.words) == (
        Standing.REFUSED,
        "would change 17 rows, allowed is 1; nothing was changed",
    )
    assert set(await yard.statuses()) == {"running"}


async def test_where_no_row_fits_any_more_that_is_said(yard: Yard) -> None:
    await yard.db.execute("update job set status = 'idle'")
    yard.add(change())
    run = await yard.act()
    assert (run.standing, run.words) == (
        Standing.REFUSED,
        "no row fits any more; nothing was changed",
    )


FAILING: list[tuple[str, str, str]] = [
    ("writer", "update jobb set a = 1 where true", 'nothing was changed: table "jobb" does not'),
    ("writer", "update job set status = 'never' where true", "refused it (SQLSTATE 23514)"),
    ("writer", "update job set id = 1 / 0 where true", "nothing was changed"),
    ("reader", "update job set status = 'idle' where true", "permission denied for table job"),
    ("refuser", "update job set status = 'idle' where true", "cannot connect: no server listens"),
]


@pytest.mark.parametrize(("source", "statement", "words"), FAILING)
async def test_what_the_database_refuses_has_failed_and_changed_nothing(
    yard: Yard, database: Database, source: str, statement: str, words: str
) -> None:
    for name, dsn in {
        "reader": database.reader_dsn,
        "refuser": "postgres://x@/x?host=/nowhere",
    }.items():
        yard.sources[name] = Source(name, "postgres", SecretStr(dsn), "data", writes=True)
    yard.add(change(statement, source=source))
    run = await yard.act()
    assert (run.standing, words in run.words) == (Standing.FAILED, True), run.words
    assert await yard.statuses() == ["running"]


async def test_rows_that_somebody_else_holds_are_not_waited_for_for_long(yard: Yard) -> None:
    yard.sources["writer"] = Source(
        "writer", "postgres", SecretStr(yard.dsn), "data", timedelta(seconds=0.5), writes=True
    )
    yard.add(change())
    async with yard.db.transaction():
        await yard.db.execute("update job set status = 'running'")
        run = await yard.act()
    assert (run.standing, run.words) == (
        Standing.FAILED,
        "nothing was changed: a table it reads is locked",
    )


async def stopped(yard: Yard) -> None:
    await recovery_actions.stop_all(yard.store, yard.config, "raj", "oops", yard.clock.now())


@pytest.mark.parametrize("meanwhile", [recovered, withdrawn, stopped])
async def test_what_ends_while_the_statement_runs_keeps_the_change_from_taking_place(
    yard: Yard, meanwhile: Prepare
) -> None:
    yard.add(change())
    async with yard.db.transaction():
        await yard.db.execute("update job set status = 'running'")  # the statement waits for this
        acting = asyncio.ensure_future(yard.act())
        assert await held_up(yard.store, acting)
        await meanwhile(yard)
    run = await acting
    assert run.standing is Standing.REFUSED
    assert run.words.startswith(("#1042 is re", "raj stopped all actions 0s ago: oops"))
    assert run.words.endswith("; nothing was changed")
    assert await yard.statuses() == ["running"]
    is_over = (await yard.incident()).state is not State.TAKEN
    assert is_over is (meanwhile is not stopped)


async def test_of_two_who_press_at_once_one_runs(yard: Yard) -> None:
    yard.add(yard.call("/late"))
    results = await asyncio.gather(yard.act(), yard.act(), return_exceptions=True)
    [ran] = [one for one in results if isinstance(one, Run)]
    [refused] = [one for one in results if isinstance(one, Refused)]
    assert ran.standing is Standing.DONE
    assert "`unstick` of #1042 has been running for 0s; wait for its end" in str(refused)
    assert len(yard.server.heads) == 1


async def test_a_hundred_presses_at_once_are_one_call(yard: Yard) -> None:
    yard.add(yard.call("/accepted"), at_most=1)
    await asyncio.gather(*(yard.act(mitigation=f"{n}") for n in range(100)), return_exceptions=True)
    assert len(yard.server.heads) == len(await yard.runs()) == 1


async def test_what_needs_two_people_runs_when_the_second_approves(yard: Yard) -> None:
    yard.add(change(), two_people=True)
    waiting = await yard.act()
    assert (waiting.standing, await yard.statuses()) == (Standing.WAITING, ["running"])
    for person, words in (("ana", "you asked for `unstick` yourself"), ("mei", "mei is a viewer")):
        with pytest.raises((Refused, NotAllowed), match=words):
            await yard.approve(person)
    run = await yard.approve("raj")
    assert (run.standing, run.person, run.approved_by) == (Standing.DONE, "ana", "raj")
    assert await yard.statuses() == ["idle"]
    with pytest.raises(Refused, match="no run of `unstick` waits"):
        await yard.approve("raj")
    assert [event for event, *_ in await yard.entries()] == [
        "action_asked",
        "action_begun",
        "action_ran",
    ]


async def test_who_approves_approves_what_was_asked_for(yard: Yard) -> None:
    asked, other = change(), change("delete from job where true")
    yard.add(asked, two_people=True, what=asked.digest)
    await yard.act()
    yard.add(other, two_people=True, what=other.digest)
    with pytest.raises(Refused, match="does something else now than when ana asked for it"):
        await yard.approve()
    assert await yard.statuses() == ["running"]
    yard.add(asked, two_people=True, what=asked.digest)
    assert (await yard.approve()).standing is Standing.DONE


async def test_of_two_who_approve_at_once_one_runs_it(yard: Yard) -> None:
    yard.add(yard.call("/late"), two_people=True)
    await yard.act()
    await asyncio.gather(yard.approve(), yard.approve(), return_exceptions=True)
    assert len(yard.server.heads) == 1


async def test_a_cap_of_the_day_counts_over_all_incidents_of_the_rule(yard: Yard) -> None:
    yard.add(yard.call("/ok"), is_daily=True, at_most=1)
    await yard.act()
    with pytest.raises(Refused, match="was run once within a day, and 1 per day is the most"):
        await yard.act(mitigation="again")
    await yard.clock.advance(timedelta(hours=25))
    assert (await yard.act(mitigation="again")).standing is Standing.DONE


async def test_what_can_be_done_is_listed_with_what_hinders_it(yard: Yard) -> None:
    yard.add(change())
    yard.add(yard.call("/failed"), "resync")
    await yard.act("resync")
    async with transaction(yard.store) as conn:
        found = await action_offers.offers(
            conn, yard.config, await yard.incident(), "ana", yard.clock.now()
        )
        others = await action_offers.offers(
            conn, yard.config, await yard.incident(), "raj", yard.clock.now()
        )
    assert [(one.terms.name, one.hindrance, one.tries) for one in found] == [
        ("unstick", "", 0),
        ("resync", "", 1),
    ]
    assert [one.needs_mitigation for one in found] == [False, True]
    assert all("belongs to ana" in one.hindrance for one in others)
