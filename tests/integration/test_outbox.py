"""The outbox's rows: written, claimed in turn, settled under a token, shown to people."""

from datetime import datetime, timedelta

import asyncpg
import pytest

from notifiers.base import Event, Part
from tests.incidents import Story, end_leases, states
from tests.postgres import NIGHT
from watchdog.delivery.sending import message_of
from watchdog.store import backlog, intents, outbox
from watchdog.store.outbox import Claimed, Result, Settled, Tried
from watchdog.store.pool import transaction

ROOT, PAGE, EDIT, THREAD = Part.ROOT, Part.PAGE, Part.EDIT, Part.THREAD
SECOND = timedelta(seconds=1)
LEASE = timedelta(seconds=30)
ALERTS, OTHERS, ANA = "slack:#alerts", "slack:#others", "slack:@U01ANA"


async def claim(
    store: asyncpg.Pool, now: datetime = NIGHT, limit: int = 100, paced: tuple[str, ...] = ()
) -> list[Claimed]:
    async with transaction(store) as conn:
        return await outbox.claim(conn, now, limit=limit, lease=LEASE, paced_channels=paced)


async def begin(store: asyncpg.Pool, *rows: Claimed) -> set[int]:
    async with transaction(store) as conn:
        return set(await intents.write_intents(conn, rows, NIGHT))


async def settle(store: asyncpg.Pool, *results: Result) -> set[int]:
    async with transaction(store) as conn:
        return await outbox.settle(conn, results, NIGHT)


def sent(row: Claimed, **more: object) -> Result:
    return Result(row.id, row.token, Settled.SENT, Tried.SENT, **more)  # type: ignore[arg-type]


def again(row: Claimed, due_at: datetime) -> Result:
    return Result(row.id, row.token, Settled.AGAIN, Tried.FAILED, "mailbox full", due_at)


async def test_only_the_first_message_of_a_queue_can_be_claimed(store: asyncpg.Pool) -> None:
    story = Story(store)
    await story.tell(Event.OPENED, NIGHT, (ALERTS, ROOT), (ANA, PAGE))
    await story.tell(Event.TAKEN, NIGHT, (ALERTS, EDIT), (ALERTS, THREAD))

    claimed = await claim(store)

    assert [(one.receiver, one.part) for one in claimed] == [(ANA, PAGE), (ALERTS, ROOT)]
    assert await claim(store) == []


async def test_the_next_message_can_be_claimed_once_the_first_is_settled(
    store: asyncpg.Pool,
) -> None:
    story = Story(store)
    await story.tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    await story.tell(Event.TAKEN, NIGHT, (ALERTS, EDIT))
    [root] = await claim(store)
    await begin(store, root)
    await settle(store, sent(root))

    assert [one.part for one in await claim(store)] == [EDIT]


async def test_a_message_is_not_claimed_before_its_time(store: asyncpg.Pool) -> None:
    await Story(store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT, NIGHT + SECOND))

    assert await claim(store, NIGHT) == []
    assert len(await claim(store, NIGHT + SECOND)) == 1


async def test_a_held_opening_goes_out_before_an_urgent_message_behind_it(
    store: asyncpg.Pool,
) -> None:
    story = Story(store)
    await story.tell(Event.OPENED, NIGHT, (ANA, PAGE, NIGHT + timedelta(hours=7)))
    await story.tell(Event.BACK_AGAIN, NIGHT, (ANA, THREAD))

    assert [one.part for one in await claim(store)] == [PAGE]


async def test_a_message_that_failed_waits_for_its_own_time_whatever_is_due_behind_it(
    store: asyncpg.Pool,
) -> None:
    story = Story(store)
    await story.tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    await story.tell(Event.TAKEN, NIGHT, (ALERTS, EDIT))
    [root] = await claim(store)
    await begin(store, root)
    await settle(store, again(root, NIGHT + SECOND))

    assert await claim(store, NIGHT) == []
    assert [one.part for one in await claim(store, NIGHT + SECOND)] == [ROOT]


async def test_pages_go_first_and_critical_ones_before_all(store: asyncpg.Pool) -> None:
    for severity, part in [("info", PAGE), ("critical", EDIT), ("critical", PAGE), ("info", ROOT)]:
        await Story(store, severity=severity).tell(Event.OPENED, NIGHT, (ANA, part))

    order = [(await claim(store, limit=1))[0] for _ in range(4)]

    said = [(one.facts["severity"], one.part) for one in order]
    assert said == [("critical", PAGE), ("info", PAGE), ("info", ROOT), ("critical", EDIT)]


async def test_a_queue_is_as_urgent_as_the_most_urgent_message_in_it(store: asyncpg.Pool) -> None:
    await Story(store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    story = Story(store)
    await story.tell(Event.NOTED, NIGHT, (ANA, THREAD))
    await story.tell(Event.BACK_AGAIN, NIGHT, (ANA, PAGE))

    assert [one.receiver for one in await claim(store, limit=1)] == [ANA]


async def test_two_workers_never_hold_the_same_message(store: asyncpg.Pool) -> None:
    for _ in range(10):
        await Story(store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    async with transaction(store) as one, transaction(store) as other:
        first = await outbox.claim(one, NIGHT, limit=4, lease=LEASE)
        second = await outbox.claim(other, NIGHT, limit=10, lease=LEASE)

    assert len(first) == 4
    assert len(second) == 6
    assert not {row.id for row in first} & {row.id for row in second}


async def test_what_is_due_behind_many_that_must_wait_is_found_by_looking_far(
    store: asyncpg.Pool,
) -> None:
    stuck = Story(store)
    await stuck.tell(Event.OPENED, NIGHT, (ALERTS, PAGE))
    [first] = await claim(store)
    await begin(store, first)
    await settle(store, again(first, NIGHT + SECOND))
    for _ in range(5):
        await stuck.tell(Event.NOTED, NIGHT, (ALERTS, THREAD))
    await Story(store).tell(Event.OPENED, NIGHT, (OTHERS, THREAD))

    assert await claim(store, limit=1) == []
    async with transaction(store) as conn:
        found = await outbox.claim(conn, NIGHT, limit=1, lease=LEASE, look_far=True)
    assert [one.receiver for one in found] == [OTHERS]


async def test_a_channel_can_be_left_alone(store: asyncpg.Pool) -> None:
    mail = "email:ana@example.com"
    await Story(store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT), (ANA, PAGE), (mail, PAGE))

    async with transaction(store) as conn:
        rest = await outbox.claim(conn, NIGHT, limit=9, lease=LEASE, but_channels=["slack"])

    assert [one.receiver for one in rest] == [mail]


async def test_a_message_whose_lease_has_ended_is_claimed_again_and_its_attempt_is_unknown(
    store: asyncpg.Pool,
) -> None:
    await Story(store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    [first] = await claim(store)
    await begin(store, first)
    await end_leases(store)

    [second] = await claim(store)

    assert (second.id, second.token) == (first.id, first.token + 1)
    assert (second.attempts, second.unknowns) == (1, 1)
    assert await store.fetchval("select outcome from attempt") == "unknown"


async def test_a_message_that_was_claimed_but_not_begun_has_no_unknown_attempt(
    store: asyncpg.Pool,
) -> None:
    await Story(store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    await claim(store)
    await end_leases(store)

    [second] = await claim(store)

    assert (second.attempts, second.unknowns) == (0, 0)


async def test_a_worker_that_was_too_slow_neither_begins_nor_settles(store: asyncpg.Pool) -> None:
    await Story(store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    [slow] = await claim(store)
    await end_leases(store)
    [quick] = await claim(store)

    assert await begin(store, slow) == set()
    assert await settle(store, sent(slow)) == set()
    assert await begin(store, quick) == {quick.id}
    assert await settle(store, sent(quick)) == {quick.id}


async def test_a_worker_whose_lease_has_ended_does_not_begin(store: asyncpg.Pool) -> None:
    await Story(store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    [slow] = await claim(store)
    await end_leases(store)

    assert await begin(store, slow) == set()


async def test_to_settle_twice_changes_nothing(store: asyncpg.Pool) -> None:
    await Story(store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    [row] = await claim(store)
    await begin(store, row)

    assert await settle(store, sent(row)) == {row.id}
    assert await settle(store, again(row, NIGHT)) == set()
    assert await states(store) == [(ALERTS, "root", "sent")]


async def test_a_withdrawn_intent_leaves_no_attempt(store: asyncpg.Pool) -> None:
    await Story(store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    [row] = await claim(store)
    await begin(store, row)

    await settle(store, Result(row.id, row.token, Settled.AGAIN, None))

    assert await store.fetchval("select count(*) from attempt") == 0
    [row] = await claim(store)
    assert row.attempts == 0


async def test_edits_collapse_into_the_newest(store: asyncpg.Pool) -> None:
    story = Story(store)
    for event in (Event.OPENED, Event.TAKEN, Event.RECOVERED, Event.RESOLVED):
        await story.tell(event, NIGHT, (ALERTS, EDIT), (ALERTS, THREAD))
    [first] = await claim(store)

    async with transaction(store) as conn:
        dropped = await outbox.supersede_edits(conn, [first], NIGHT)

    assert len(dropped) == 3
    async with transaction(store) as conn:
        edits = [one for one in await outbox.for_incident(conn, story.number) if one.part is EDIT]
    assert [one.state for one in edits] == ["superseded"] * 3 + ["pending"]
    assert {one.superseded_by for one in edits[:3]} == {edits[3].id}


async def test_an_edit_is_not_replaced_by_one_that_is_held(store: asyncpg.Pool) -> None:
    story = Story(store)
    await story.tell(Event.OPENED, NIGHT, (ALERTS, EDIT))
    await story.tell(Event.TAKEN, NIGHT, (ALERTS, EDIT, NIGHT + SECOND))
    claimed = await claim(store)

    async with transaction(store) as conn:
        assert await outbox.supersede_edits(conn, claimed, NIGHT) == set()


async def test_a_thread_line_of_a_root_that_died_is_headless(store: asyncpg.Pool) -> None:
    story = Story(store)
    await story.tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    await story.tell(Event.TAKEN, NIGHT, (ALERTS, THREAD))
    [root] = await claim(store)
    await settle(store, Result(root.id, root.token, Settled.DEAD, None, "channel_not_found"))

    [line] = await claim(store)

    assert line.is_headless


async def test_a_thread_line_knows_where_its_root_is(store: asyncpg.Pool) -> None:
    story = Story(store)
    await story.tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    await story.tell(Event.TAKEN, NIGHT, (ALERTS, THREAD))
    [root] = await claim(store)
    await begin(store, root)
    await settle(store, sent(root, remote={"channel": "C1", "ts": "17.5"}))

    [line] = await claim(store)

    assert line.remote == {"channel": "C1", "ts": "17.5"}
    assert not line.is_headless


async def test_a_root_that_was_posted_anew_is_where_later_messages_go(store: asyncpg.Pool) -> None:
    story = Story(store)
    for event, part in [(Event.OPENED, ROOT), (Event.TAKEN, EDIT), (Event.NOTED, THREAD)]:
        await story.tell(event, NIGHT, (ALERTS, part))
    for place in ("1", "2", "3"):
        [row] = await claim(store)
        await begin(store, row)
        await settle(store, sent(row, remote={"ts": place}))

    assert await store.fetchval("select remote from thread") == {"ts": "2"}


async def test_texts_that_postgresql_cannot_hold_are_cleaned(store: asyncpg.Pool) -> None:
    await Story(store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    [row] = await claim(store)
    await begin(store, row)

    await settle(store, sent(row, line="a\0b\ud800", body={"text": "c\0\ud800", "blocks": ["\0"]}))

    async with transaction(store) as conn:
        [entry] = await outbox.recent(conn)
    assert entry.line == "ab?"
    assert entry.rendered == {"text": "c?", "blocks": [""]}


async def test_people_see_each_attempt(store: asyncpg.Pool) -> None:
    story = Story(store)
    await story.tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    for _ in range(2):
        [row] = await claim(store)
        await begin(store, row)
        await settle(store, again(row, NIGHT))

    async with transaction(store) as conn:
        [entry] = await outbox.for_incident(conn, story.number)

    assert (entry.event, entry.title) == ("opened", "Orders stopped syncing")
    assert (entry.state, entry.attempts, entry.last_error) == ("pending", 2, "mailbox full")
    assert [(one.number, one.outcome) for one in entry.tries] == [(1, "failed"), (2, "failed")]
    assert entry.tries[0].started_at == NIGHT


async def test_recent_messages_come_newest_first_and_no_more_than_asked_for(
    store: asyncpg.Pool,
) -> None:
    for minute in range(3):
        at = NIGHT + timedelta(minutes=minute)
        await Story(store).tell(Event.OPENED, at, (ALERTS, ROOT))

    async with transaction(store) as conn:
        shown = await outbox.recent(conn, 2)

    assert [one.created_at.minute for one in shown] == [17, 16]


async def test_what_was_sent_is_sent_again_as_a_new_message(store: asyncpg.Pool) -> None:
    await Story(store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    [row] = await claim(store)
    await begin(store, row)
    await settle(store, sent(row))

    async with transaction(store) as conn:
        number = await outbox.resend(conn, row.id, NIGHT)

    assert number != row.id
    assert [one.id for one in await claim(store)] == [number]


async def test_what_waits_for_another_try_is_tried_at_once(store: asyncpg.Pool) -> None:
    await Story(store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    [row] = await claim(store)
    await begin(store, row)
    await settle(store, again(row, NIGHT + timedelta(minutes=5)))

    async with transaction(store) as conn:
        assert await outbox.resend(conn, row.id, NIGHT) == row.id

    assert [one.id for one in await claim(store)] == [row.id]


async def test_what_must_arrive_before_it_is_tried_at_once_too(store: asyncpg.Pool) -> None:
    story = Story(store)
    await story.tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    await story.tell(Event.NOTED, NIGHT, (ALERTS, THREAD))
    [root] = await claim(store)
    await begin(store, root)
    await settle(store, again(root, NIGHT + timedelta(minutes=5)))

    async with transaction(store) as conn:
        assert await outbox.resend(conn, root.id + 1, NIGHT) == root.id + 1

    assert [one.id for one in await claim(store)] == [root.id]


async def test_what_is_being_sent_or_is_unknown_is_not_sent_again(store: asyncpg.Pool) -> None:
    await Story(store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    [row] = await claim(store)

    async with transaction(store) as conn:
        with pytest.raises(LookupError, match=f"message {row.id} is being sent now"):
            await outbox.resend(conn, row.id, NIGHT)
        with pytest.raises(LookupError, match="there is no message 7777"):
            await outbox.resend(conn, 7777, NIGHT)


async def test_an_edit_is_not_sent_again_over_a_newer_one(store: asyncpg.Pool) -> None:
    story = Story(store)
    for event, part in [(Event.OPENED, ROOT), (Event.TAKEN, EDIT), (Event.RECOVERED, EDIT)]:
        await story.tell(event, NIGHT, (ALERTS, part))
        [row] = await claim(store)
        await begin(store, row)
        await settle(store, sent(row))

    async with transaction(store) as conn:
        with pytest.raises(LookupError, match="message 2 was replaced by 3; send that one"):
            await outbox.resend(conn, 2, NIGHT)
        again = await outbox.resend(conn, 3, NIGHT)

    assert [(one.id, one.version) for one in await claim(store)] == [(again, 3)]


async def test_the_outbox_says_how_full_it_is(store: asyncpg.Pool) -> None:
    held = NIGHT + timedelta(hours=7)
    for due_at in (NIGHT, NIGHT - SECOND, held):
        await Story(store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT, due_at))
    [row] = await claim(store, limit=1)

    async with transaction(store) as conn:
        await outbox.settle(conn, [Result(row.id, row.token, Settled.DEAD, None)], NIGHT)
        waiting = await backlog.waiting(conn, NIGHT, NIGHT - timedelta(days=1))

    assert waiting == backlog.Waiting(due=1, held=1, sending=0, oldest_due_at=NIGHT, dead=1)


async def test_a_message_knows_when_it_was_first_due(store: asyncpg.Pool) -> None:
    later = NIGHT + timedelta(hours=8)
    await Story(store).tell(Event.OPENED, NIGHT, (ANA, PAGE, later))
    [first] = await claim(store, later)
    await begin(store, first)
    await settle(store, again(first, later + SECOND))

    [second] = await claim(store, later + SECOND)

    assert (second.due_since, second.due_at) == (later, later + SECOND)
    assert message_of(second).due_at == later
