"""What a person does takes effect once an action id, by whatever road and however often it arrives."""

import asyncio
import secrets
from datetime import timedelta

import asyncpg
import pytest

from tests.integration.test_verbs import DIRECTORY, an_open_incident, number, stored
from tests.unit.test_incident import NOW, closing
from watchdog import verbs
from watchdog.domain.incident import Incident, State
from watchdog.moving import Deed
from watchdog.store import deeds
from watchdog.store.pool import transaction
from watchdog.verbs import Refused

__all__ = ["number"]

LATER = NOW + timedelta(minutes=5)


async def events(store: asyncpg.Pool, number: int) -> list[str]:
    rows = await store.fetch(
        "select event from event where incident_id = $1 order by version", number
    )
    return [row["event"] for row in rows]


async def test_the_same_action_twice_moves_once_and_is_told_what_it_did(
    store: asyncpg.Pool, number: int
) -> None:
    first = await verbs.take(store, DIRECTORY, Deed(number, "ana", NOW, "one"))
    await verbs.note(store, DIRECTORY, Deed(number, "ana", NOW), "on it")
    again = await verbs.take(store, DIRECTORY, Deed(number, "ana", LATER, "one"))
    assert (again.version, again.state, again.owner) == (first.version, State.TAKEN, "ana")
    assert await events(store, number) == ["opened", "taken", "noted"]


async def test_the_same_action_at_once_moves_once_and_both_are_told_the_same(
    store: asyncpg.Pool,
) -> None:
    for one in range(2001, 2051):
        await an_open_incident(store, one)
        action_id = secrets.token_hex(16)
        done = await asyncio.gather(
            *(
                verbs.note(store, DIRECTORY, Deed(one, "ana", NOW, action_id), "on it")
                for _ in range(4)
            )
        )
        assert {(each.version, each.state) for each in done} == {(2, State.OPEN)}
        assert await events(store, one) == ["opened", "noted"]


async def test_an_old_action_that_comes_again_answers_as_it_was_then(
    store: asyncpg.Pool, number: int
) -> None:
    await verbs.take(store, DIRECTORY, Deed(number, "ana", NOW, "take"))
    await verbs.give_back(store, DIRECTORY, Deed(number, "ana", NOW), "no")
    again = await verbs.take(store, DIRECTORY, Deed(number, "ana", LATER, "take"))
    assert (again.version, again.state) == (2, State.TAKEN)
    assert (await stored(store, number)).state is State.OPEN


async def test_a_refused_action_leaves_nothing_and_may_be_tried_again(
    store: asyncpg.Pool, number: int
) -> None:
    with pytest.raises(Refused):
        await verbs.resolve(store, DIRECTORY, Deed(number, "ana", NOW, "end"), closing())
    assert await store.fetchval("select count(*) from deed") == 0


async def test_an_action_of_another_incident_is_refused_and_changes_nothing(
    store: asyncpg.Pool, number: int
) -> None:
    await an_open_incident(store, 2001)
    await verbs.note(store, DIRECTORY, Deed(number, "ana", NOW, "one"), "seen")
    with pytest.raises(Refused, match="another incident than #2001; load the page again"):
        await verbs.note(store, DIRECTORY, Deed(2001, "ana", NOW, "one"), "seen")
    assert await events(store, 2001) == ["opened"]


async def test_one_action_for_two_incidents_at_once_takes_effect_on_one(
    store: asyncpg.Pool,
) -> None:
    numbers = (3001, 3002)
    for one in numbers:
        await an_open_incident(store, one)
    results = await asyncio.gather(
        *(verbs.take(store, DIRECTORY, Deed(one, "ana", NOW, "both")) for one in numbers),
        return_exceptions=True,
    )
    assert [type(one) for one in sorted(results, key=str)] in (
        [Incident, Refused],
        [Refused, Incident],
    )
    taken = await store.fetchval("select count(*) from event where event = 'taken'")
    assert taken == 1


async def test_an_id_that_no_form_of_ours_carries_is_refused(
    store: asyncpg.Pool, number: int
) -> None:
    with pytest.raises(Refused, match="has at most 100 characters, not 101"):
        await verbs.take(store, DIRECTORY, Deed(number, "ana", NOW, "x" * 101))


async def test_each_action_without_an_id_is_one_of_its_own(
    store: asyncpg.Pool, number: int
) -> None:
    for _ in range(2):
        await verbs.note(store, DIRECTORY, Deed(number, "ana", NOW), "on it")
    assert await events(store, number) == ["opened", "noted", "noted"]
    assert await store.fetchval("select count(*) from deed") == 0


async def test_actions_are_forgotten_when_nothing_that_carries_them_can_be_left(
    store: asyncpg.Pool, number: int
) -> None:
    await verbs.note(store, DIRECTORY, Deed(number, "ana", NOW, "old"), "old")
    late = NOW + deeds.KEPT_FOR + timedelta(seconds=1)
    await verbs.note(store, DIRECTORY, Deed(number, "ana", late, "new"), "new")
    async with transaction(store) as conn:
        assert await deeds.find(conn, "old") is None
        assert await deeds.find(conn, "new") is not None
