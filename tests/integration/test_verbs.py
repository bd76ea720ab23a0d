"""What people do to incidents, on a real PostgreSQL."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from tests.unit.test_incident import ACTION, NOW, an_incident, closing
from watchdog import verbs
from watchdog.domain import life
from watchdog.domain.incident import Incident, State
from watchdog.domain.notices import with_notices
from watchdog.domain.people import Directory, Person, Role, Team
from watchdog.moving import Deed
from watchdog.store import incidents
from watchdog.store.pool import transaction
from watchdog.verbs import NotAllowed, Refused, UnknownIncident

DIRECTORY = Directory(
    {
        "ana": Person("ana", "ana@example.com", "U01ANA"),
        "raj": Person("raj", "raj@example.com", "U02RAJ"),
        "mei": Person("mei", "mei@example.com", role=Role.VIEWER),
    },
    {"data": Team("data", lead="ana", slack="data-alerts")},
)


async def an_open_incident(store: asyncpg.Pool, number: int = 1042) -> Incident:
    fresh = replace(an_incident(), id=number, fingerprint=number.to_bytes(32, "big"))
    step = with_notices(life.opened(fresh, {}), DIRECTORY)
    async with transaction(store) as conn:
        await incidents.commit(conn, [step])
    return step.transition.after


@pytest.fixture
async def number(store: asyncpg.Pool) -> int:
    return (await an_open_incident(store)).id


async def stored(store: asyncpg.Pool, number: int) -> Incident:
    async with transaction(store) as conn:
        found = await incidents.by_id(conn, number)
    assert found is not None
    return found


async def test_taking_is_written_with_its_event_and_messages(
    store: asyncpg.Pool, number: int
) -> None:
    await verbs.take(store, DIRECTORY, Deed(number, "raj", NOW))
    taken = await stored(store, number)
    assert (taken.state, taken.owner, taken.version) == (State.TAKEN, "raj", 2)
    told = await store.fetch("select receiver, part from notification where version = 2")
    assert ("slack:@U02RAJ", "page") in {(row["receiver"], row["part"]) for row in told}


async def test_of_two_takers_at_the_same_instant_one_wins_and_the_other_is_told_who(
    store: asyncpg.Pool,
) -> None:
    for number in range(2001, 2201):
        await an_open_incident(store, number)
        results = await asyncio.gather(
            verbs.take(store, DIRECTORY, Deed(number, "ana", NOW)),
            verbs.take(store, DIRECTORY, Deed(number, "raj", NOW)),
            return_exceptions=True,
        )
        [winner] = [one for one in results if isinstance(one, Incident)]
        [loser] = [one for one in results if isinstance(one, Refused)]
        assert str(loser).startswith(f"{winner.owner} took #{number} 0s ago")
        assert (await stored(store, number)).owner == winner.owner


async def test_a_handed_over_incident_has_one_owner_all_the_time(
    store: asyncpg.Pool, number: int
) -> None:
    await verbs.take(store, DIRECTORY, Deed(number, "ana", NOW))
    await verbs.hand_over(store, DIRECTORY, Deed(number, "ana", NOW), "raj", "key rotated")
    assert (await stored(store, number)).owner == "ana"
    await verbs.take(store, DIRECTORY, Deed(number, "raj", NOW))
    owners = await store.fetch("select owner, event from event order by version")
    assert [tuple(row.values()) for row in owners] == [
        ("ana", "opened"),
        ("ana", "taken"),
        ("ana", "offered"),
        ("raj", "handed_over"),
    ]


async def test_a_viewer_neither_takes_nor_receives(store: asyncpg.Pool, number: int) -> None:
    with pytest.raises(NotAllowed, match="mei is a viewer"):
        await verbs.take(store, DIRECTORY, Deed(number, "mei", NOW))
    with pytest.raises(NotAllowed, match="mei is a viewer"):
        await verbs.hand_over(store, DIRECTORY, Deed(number, "ana", NOW), "mei", "")


async def test_a_stranger_is_told_how_to_become_known(store: asyncpg.Pool, number: int) -> None:
    with pytest.raises(NotAllowed, match="nobody is called zoe; known are ana, mei, raj"):
        await verbs.note(store, DIRECTORY, Deed(number, "zoe", NOW), "hello")


async def test_an_unknown_number_says_how_to_list_the_known_ones(store: asyncpg.Pool) -> None:
    with pytest.raises(UnknownIncident, match="there is no incident #7"):
        await verbs.take(store, DIRECTORY, Deed(7, "ana", NOW))


async def test_a_refusal_writes_nothing(store: asyncpg.Pool, number: int) -> None:
    with pytest.raises(Refused):
        await verbs.resolve(store, DIRECTORY, Deed(number, "ana", NOW), closing())
    assert (await stored(store, number)).version == 1
    assert await store.fetchval("select count(*) from event") == 1


async def test_a_recovered_incident_is_resolved_with_its_cause(
    store: asyncpg.Pool, number: int
) -> None:
    recovery = life.recovered(await stored(store, number), NOW, NOW, "good again")
    async with transaction(store) as conn:
        await incidents.commit(conn, [with_notices(recovery, DIRECTORY)])
    await verbs.resolve(store, DIRECTORY, Deed(number, "ana", NOW), closing(answer=ACTION))
    ended = await stored(store, number)
    assert (ended.state, ended.cause, ended.cause_kind) == (State.RESOLVED, "key", "config")
    assert ended.answer == ACTION


async def test_a_preventive_action_is_listed_until_it_is_done(
    store: asyncpg.Pool, number: int
) -> None:
    recovery = life.recovered(await stored(store, number), NOW, NOW, "good again")
    async with transaction(store) as conn:
        await incidents.commit(conn, [with_notices(recovery, DIRECTORY)])
    await verbs.resolve(store, DIRECTORY, Deed(number, "ana", NOW), closing(answer=ACTION))
    async with transaction(store) as conn:
        assert [one.id for one in await incidents.actions(conn, with_done=False)] == [number]
    await verbs.finish_action(store, DIRECTORY, Deed(number, "raj", NOW), "")
    async with transaction(store) as conn:
        assert await incidents.actions(conn, with_done=False) == []
        [done] = await incidents.actions(conn, with_done=True)
    assert done.answer == replace(ACTION, is_done=True)


async def test_a_preventive_action_is_for_somebody_who_is_known(
    store: asyncpg.Pool, number: int
) -> None:
    unknown = closing(answer=replace(ACTION, owner="zoe"))
    with pytest.raises(NotAllowed, match="nobody is called zoe"):
        await verbs.resolve(store, DIRECTORY, Deed(number, "ana", NOW), unknown)


async def test_the_timeline_replays_to_the_present_row(store: asyncpg.Pool, number: int) -> None:
    await verbs.take(store, DIRECTORY, Deed(number, "raj", NOW))
    await verbs.note(store, DIRECTORY, Deed(number, "ana", NOW), "I look, too")
    async with transaction(store) as conn:
        entries = await incidents.timeline(conn, number)
    events = [entry for entry in entries if not entry.receiver]
    assert [entry.what for entry in events] == ["opened", "taken", "noted"]
    assert (events[-1].state, events[-1].owner) == ("taken", "raj")


async def test_a_step_from_an_outdated_version_is_refused(store: asyncpg.Pool, number: int) -> None:
    outdated = await stored(store, number)
    await verbs.take(store, DIRECTORY, Deed(number, "raj", NOW))
    late = with_notices(life.recovered(outdated, NOW, NOW, "good"), DIRECTORY)
    with pytest.raises(incidents.Conflict):
        async with transaction(store) as conn:
            await incidents.commit(conn, [late])


async def test_text_that_postgresql_cannot_hold_is_cleaned_and_nothing_is_lost(
    store: asyncpg.Pool,
) -> None:
    texts = dict.fromkeys(
        ("title", "fact", "detail", "impact", "do_first", "runbook"), "a\0b \ud800"
    )
    odd = replace(an_incident(), **texts, entity=(("id", "x\0y"),))  # type: ignore[arg-type]
    step = with_notices(life.opened(odd, {"rows": [{"text": "d\0"}]}), DIRECTORY)
    async with transaction(store) as conn:
        await incidents.commit(conn, [step])
    assert (await stored(store, odd.id)).title == "ab ?"
