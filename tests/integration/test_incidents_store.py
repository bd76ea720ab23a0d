"""Incidents in the store: committed together or not at all, and found again."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from notifiers.base import Event
from rules.base import Severity
from tests.integration.test_verbs import DIRECTORY, an_open_incident, stored
from tests.unit.test_incident import ACTION, NOW, an_incident, closing
from watchdog import verbs
from watchdog.domain import flapping, life
from watchdog.domain import silences as silencing
from watchdog.domain.incident import Incident, State, Transition
from watchdog.domain.notices import with_notices
from watchdog.domain.opinions import bad_after_all, not_actionable, reopen
from watchdog.domain.reminders import reminders, snooze
from watchdog.domain.silences import Silence
from watchdog.moving import Deed
from watchdog.store import incidents, silences
from watchdog.store.incidents import Conflict, Figures
from watchdog.store.pool import transaction

MINUTE = timedelta(minutes=1)


def new(number: int, **changes: Any) -> Transition:
    values = {"id": number, "fingerprint": number.to_bytes(32, "big")} | changes
    return life.opened(an_incident(**values), {})


async def commit(store: asyncpg.Pool, *transitions: Transition) -> list[Incident]:
    steps = [with_notices(one, DIRECTORY) for one in transitions]
    async with transaction(store) as conn:
        await incidents.commit(conn, steps)
    return [one.transition.after for one in steps]


async def listed(store: asyncpg.Pool, **wanted: Any) -> list[int]:
    async with transaction(store) as conn:
        return [one.id for one in await incidents.listed(conn, **wanted)]


async def counts(store: asyncpg.Pool) -> Sequence[int]:
    tables = ("incident", "event", "notification")
    return [await store.fetchval(f"select count(*) from {one}") for one in tables]  # noqa: S608


async def test_an_incident_comes_back_as_it_was_written(store: asyncpg.Pool) -> None:
    [written] = await commit(store, new(7, entity=(("queue", "mail"), ("a", "1")), value=1.5))
    assert await stored(store, 7) == written


async def test_openings_moves_and_recoveries_are_one_commit(store: asyncpg.Pool) -> None:
    one, two = await commit(store, new(1), new(2))
    later = NOW + MINUTE
    taken = life.take(one, "raj", later)
    recovered = life.recovered(two, later, later, "good")
    await commit(store, taken, new(3), recovered)
    states = [(await stored(store, number)).state for number in (1, 2, 3)]
    assert states == [State.TAKEN, State.RECOVERED, State.OPEN]
    events = await store.fetch("select incident_id, version, event from event order by 1, 2")
    assert [tuple(row.values()) for row in events] == [
        (1, 1, "opened"),
        (1, 2, "taken"),
        (2, 1, "opened"),
        (2, 2, "recovered"),
        (3, 1, "opened"),
    ]


async def test_one_conflict_takes_back_everything_that_was_to_be_written_with_it(
    store: asyncpg.Pool,
) -> None:
    one, two = await commit(store, new(1), new(2))
    await verbs.take(store, DIRECTORY, Deed(1, "raj", NOW))
    before = await counts(store)
    late = life.recovered(one, NOW, NOW, "good"), life.recovered(two, NOW, NOW, "good")
    with pytest.raises(Conflict):
        await commit(store, new(3), *late)
    assert await counts(store) == before
    assert (await stored(store, 2)).state is State.OPEN


async def test_a_second_open_incident_of_the_same_thing_is_refused(store: asyncpg.Pool) -> None:
    await commit(store, new(1))
    same = new(2, fingerprint=(1).to_bytes(32, "big"))
    with pytest.raises(asyncpg.UniqueViolationError):
        await commit(store, new(3), same)
    assert await listed(store) == [1]


async def test_a_thousand_open_at_once_with_their_events_and_messages(
    store: asyncpg.Pool,
) -> None:
    async with transaction(store) as conn:
        numbers = await incidents.next_numbers(conn, 1000)
    assert numbers == list(range(1001, 2001))
    async with asyncio.timeout(10):
        await commit(store, *(new(number) for number in numbers))
    assert await counts(store) == [1000, 1000, 3000]


async def test_nothing_to_commit_announces_nothing(store: asyncpg.Pool) -> None:
    await commit(store)
    assert await counts(store) == [0, 0, 0]


async def three(store: asyncpg.Pool) -> None:
    """Write three incidents: a taken one, an open critical one, a resolved one."""
    warning = {"severity": Severity.WARNING, "rule": "queue"}
    await commit(
        store,
        new(1, opened_at=NOW - 2 * MINUTE, **warning),
        new(2, opened_at=NOW - MINUTE, owner="raj"),
        new(3, opened_at=NOW, rule="gone"),
        new(4, opened_at=NOW, **warning),
    )
    await verbs.take(store, DIRECTORY, Deed(1, "ana", NOW))
    await commit(store, life.withdrawn(await stored(store, 3), NOW, "its rule is gone"))


async def test_lists_are_newest_first_and_narrowed_by_each_wish(store: asyncpg.Pool) -> None:
    await three(store)
    assert await listed(store) == [4, 2, 1]
    assert await listed(store, with_resolved=True) == [4, 3, 2, 1]
    assert await listed(store, rule="queue") == [4, 1]
    assert await listed(store, owner="raj") == [2]
    assert await listed(store, since=NOW - MINUTE) == [4, 2]
    assert await listed(store, rule="gone") == []
    assert await listed(store, with_resolved=True, limit=2) == [4, 3]


async def test_what_needs_somebody_comes_first_where_nobody_is_yet_then_the_worst(
    store: asyncpg.Pool,
) -> None:
    await three(store)
    async with transaction(store) as conn:
        assert [one.id for one in await incidents.unresolved(conn)] == [2, 4, 1]
        assert [one.id for one in await incidents.live(conn)] == [1, 2, 4]


async def test_a_timeline_is_in_the_order_of_time_and_at_one_instant_in_that_of_events(
    store: asyncpg.Pool,
) -> None:
    number = (await an_open_incident(store)).id
    await verbs.take(store, DIRECTORY, Deed(number, "ana", NOW))
    await verbs.note(store, DIRECTORY, Deed(number, "raj", NOW), "first")
    await verbs.note(store, DIRECTORY, Deed(number, "raj", NOW), "second")
    async with transaction(store) as conn:
        entries = await incidents.timeline(conn, number)
    said = [(one.what, one.actor, one.words) for one in entries]
    assert [what for what, _, _ in said] == ["opened", "taken", "noted", "noted"]
    assert [words for _, _, words in said[2:]] == ["first", "second"]
    assert [one.at for one in entries] == [NOW] * 4


async def test_figures_change_what_is_shown_and_make_no_event(store: asyncpg.Pool) -> None:
    number = (await an_open_incident(store)).id
    seen = Figures(number, 9.0, 1.0, "9h old\0", "Nine.", True, NOW + MINUTE)
    async with transaction(store) as conn:
        await incidents.update_figures(conn, [seen])
    now = await stored(store, number)
    assert (now.value, now.fact, now.version) == (9.0, "9h old", 1)
    assert await store.fetchval("select count(*) from event") == 1


async def test_figures_that_come_after_the_recovery_change_nothing(store: asyncpg.Pool) -> None:
    one = await an_open_incident(store)
    await commit(store, life.recovered(one, NOW, NOW, "good"))
    before = await stored(store, one.id)
    async with transaction(store) as conn:
        await incidents.update_figures(conn, [Figures(one.id, 9, 1, "9h", "", True, NOW)])
        await incidents.update_figures(conn, [])
    assert await stored(store, one.id) == before


async def test_only_the_latest_recovery_within_the_window_can_come_back(
    store: asyncpg.Pool,
) -> None:
    print_ = (1).to_bytes(32, "big")
    for number, minute in ((1, 0), (2, 10)):
        at = NOW + minute * MINUTE
        [one] = await commit(store, new(number, fingerprint=print_, opened_at=at))
        await commit(store, life.recovered(one, at + MINUTE, at, "good"))
    async with transaction(store) as conn:
        found = await incidents.lock_recovered(conn, [print_], NOW)
        assert [one.id for one in found.values()] == [2]
        assert await incidents.lock_recovered(conn, [print_], NOW + 20 * MINUTE) == {}


async def test_evidence_comes_back_with_its_columns_in_order(store: asyncpg.Pool) -> None:
    rows = {"runs": [{"started_at": "x", "a": 1, "Status": None, "text": "a\0b"}], "none": []}
    await commit(store, replace(new(1), evidence=rows))
    async with transaction(store) as conn:
        found = await incidents.evidence(conn, 1)
        assert await incidents.evidence(conn, 999) == {}
    assert list(found["runs"][0].items()) == [
        ("started_at", "x"),
        ("a", 1),
        ("Status", None),
        ("text", "ab"),
    ]


STORMY = {"storm", "members", "joined", "split"}
ACTIVE = {"action_asked", "action_begun", "action_ran"}
"""What happens to storms, and by recovery actions, is stored by tests of theirs."""


def _reminder(one: Incident) -> Transition:
    """Return what somebody is reminded of next."""
    directory = replace(DIRECTORY, routes=())
    [first, *_] = reminders(one, directory, NOW)
    return first.act(NOW)


async def test_every_event_of_a_life_is_stored(store: asyncpg.Pool) -> None:
    one = await an_open_incident(store)
    async with transaction(store) as conn:
        wanted = Silence("*", "deploy", "raj", NOW, NOW + MINUTE, of_critical=True)
        silence = await silences.add(conn, wanted)
    moves: list[Callable[[Incident], Transition]] = [
        lambda it: life.level_changed(it, Severity.WARNING, "", NOW),
        lambda it: flapping.flapping(it, "6 times in 1h", NOW),
        lambda it: silencing.silenced(it, silence, "UTC", NOW),
        lambda it: silencing.ends_soon(it, silence, 1, NOW),
        lambda it: silencing.released(it, NOW),
        lambda it: life.escalated(it, "raj", 1, "ana silent 10m, now raj (2/2)", NOW),
        lambda it: life.missed(it, "ana", 2, "raj in Do Not Disturb, now ana", NOW),
        lambda it: life.exhausted(it, 2, NOW),
        lambda it: life.take(it, "raj", NOW),
        lambda it: life.expired(it, NOW),
        lambda it: life.take(it, "raj", NOW),
        lambda it: life.give_back(it, "raj", "ana", "my train", NOW),
        lambda it: life.take(it, "ana", NOW),
        lambda it: life.offer(it, "ana", "raj", "my shift ends", NOW),
        lambda it: life.lapsed(it, NOW),
        lambda it: life.offer(it, "ana", "raj", "my shift ends", NOW),
        lambda it: life.decline(it, "raj", "no access", NOW),
        lambda it: snooze(it, "ana", timedelta(hours=1), NOW),
        _reminder,
        lambda it: not_actionable(it, "ana", "poor details", "which shop?", NOW),
        lambda it: life.offer(it, "ana", "raj", "my shift ends", NOW),
        lambda it: life.take(it, "raj", NOW),
        lambda it: life.note(it, "ana", "good luck", NOW),
        lambda it: life.recovered(it, NOW, NOW, "good"),
        lambda it: life.back_again(it, NOW, Severity.CRITICAL),
        lambda it: life.recovered(it, NOW, NOW, "good"),
        lambda it: reopen(it, "raj", "still broken", NOW),
        lambda it: bad_after_all(it, NOW, Severity.WARNING),
        lambda it: life.recovered(it, NOW, NOW, "good"),
        lambda it: _reminder(replace(it, unneeded="")),
        lambda it: life.resolve(it, "raj", closing(answer=ACTION), NOW),
        _reminder,
        lambda it: life.action_done(it, "raj", "", NOW),
    ]
    for move in moves:
        [one] = await commit(store, move(await stored(store, one.id)))
        assert await stored(store, one.id) == one
    told = {row["event"] for row in await store.fetch("select event from event")}
    assert told == {event.value for event in Event} - {"withdrawn", "test", *STORMY, *ACTIVE}


async def test_an_unknown_number_is_nobody(store: asyncpg.Pool) -> None:
    async with transaction(store) as conn:
        assert await incidents.by_id(conn, 7) is None
        assert await incidents.lock(conn, [7]) == {}
        assert await incidents.timeline(conn, 7) == []
