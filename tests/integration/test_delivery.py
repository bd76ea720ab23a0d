"""The delivery worker against receivers that refuse, vanish, lie and hang."""

import asyncio
import itertools
import logging
from datetime import timedelta

import asyncpg
import pytest

from notifiers.base import Event, Notifier, Part
from tests.incidents import Story, end_leases, facts, states
from tests.post_office import (
    ALERTS,
    ANA_MAIL,
    ANA_SLACK,
    BROKEN,
    RAJ_MAIL,
    SUPPORT,
    PostOffice,
)
from tests.postgres import NIGHT
from tests.promises import broken_promises
from tests.receivers import Mood, Receiver
from tests.rows import Incidents
from watchdog.clock import MovedClock
from watchdog.delivery.flights import Limits
from watchdog.delivery.retries import Patience
from watchdog.domain.notices import Notice
from watchdog.domain.people import Directory
from watchdog.store import intents, outbox
from watchdog.store.pool import StoreDown, open_pool, transaction

ROOT, PAGE, EDIT, THREAD = Part.ROOT, Part.PAGE, Part.EDIT, Part.THREAD
SECOND = timedelta(seconds=1)


@pytest.fixture
def office(store: asyncpg.Pool, clock: MovedClock) -> PostOffice:
    return PostOffice(store, clock)


async def test_a_receiver_hears_of_events_in_their_order(office: PostOffice) -> None:
    story = Story(office.store)
    await story.tell(Event.OPENED, NIGHT, (ALERTS, ROOT), (ANA_SLACK, PAGE))
    for event in (Event.TAKEN, Event.RECOVERED, Event.RESOLVED):
        await story.tell(event, NIGHT, (ALERTS, THREAD), (ANA_SLACK, EDIT))

    counts = await office.delivery.drain()

    assert office.slack.heard("#alerts") == [
        "root:opened",
        "thread:taken",
        "thread:recovered",
        "thread:resolved",
    ]
    assert office.slack.heard("@U01ANA") == ["page:opened", "edit:resolved"]
    assert counts == {"sent": 6}
    assert await broken_promises(office.store, office.everything) == []


async def test_later_messages_say_where_the_first_one_is(office: PostOffice) -> None:
    story = Story(office.store)
    await story.tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    await story.tell(Event.TAKEN, NIGHT, (ALERTS, EDIT), (ALERTS, THREAD))

    await office.delivery.drain()

    assert [one.remote for one in office.everything] == [
        {},
        {"channel": "#alerts", "ts": "1"},
        {"channel": "#alerts", "ts": "2"},
    ]


async def test_an_opening_not_yet_sent_is_sent_though_it_is_over(office: PostOffice) -> None:
    story = Story(office.store)
    for event in (Event.OPENED, Event.RECOVERED):
        await story.tell(event, NIGHT, (ANA_MAIL, PAGE))

    await office.delivery.drain()

    assert office.email.heard("ana@example.com") == ["page:opened", "page:recovered"]


async def test_a_refused_message_is_tried_again_later(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    office.slack.moods["#alerts"] = [Mood.REFUSE]

    assert await office.delivery.drain() == {"failed": 1}
    await office.deliver_all()

    assert office.slack.heard("#alerts") == ["root:opened"]
    assert office.delivery.figures.attempts == {"failed": 1, "sent": 1}


async def test_a_receiver_that_asks_for_30_seconds_gets_exactly_them(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    office.slack.moods["#alerts"] = [Mood.ASK_TO_WAIT]
    await office.delivery.drain()

    await office.clock.advance(29 * SECOND)
    assert await office.delivery.drain() == {}
    await office.clock.advance(SECOND)
    assert await office.delivery.drain() == {"sent": 1}


async def test_a_receiver_that_asks_for_time_is_left_alone_and_others_are_not(
    office: PostOffice,
) -> None:
    office.limits = Limits(batch=1)
    worker = office.worker()
    for receiver in (ALERTS, ALERTS, ALERTS, BROKEN):
        await Story(office.store).tell(Event.OPENED, NIGHT, (receiver, ROOT))
    office.slack.usual["#alerts"] = Mood.ASK_TO_WAIT

    await worker.drain()

    assert office.slack.sends == 2
    assert office.slack.heard("#broken") == ["root:opened"]


async def test_what_arrived_though_the_reply_was_lost_is_found_and_not_sent_twice(
    office: PostOffice,
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    office.slack.moods["#alerts"] = [Mood.LOSE_REPLY]

    await office.deliver_all()

    assert office.slack.heard("#alerts") == ["root:opened"]
    assert office.delivery.figures.attempts == {"unknown": 1, "found": 1}
    assert await office.store.fetchval("select remote from thread") == {
        "channel": "#alerts",
        "ts": "1",
    }


async def test_what_did_not_arrive_is_looked_for_and_sent_again(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    office.slack.moods["#alerts"] = [Mood.DROP]

    await office.deliver_all()

    assert office.slack.heard("#alerts") == ["root:opened"]
    assert office.slack.looked_up.total() == 1


async def test_nothing_is_looked_for_while_every_outcome_is_known(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    office.slack.moods["#alerts"] = [Mood.REFUSE]

    await office.deliver_all()

    assert office.slack.looked_up.total() == 0


async def test_where_nobody_can_look_a_message_doubles_only_after_an_unknown_outcome(
    office: PostOffice,
) -> None:
    office.directory = Directory()  # nobody is told by another channel meanwhile
    for receiver in (ANA_MAIL, RAJ_MAIL):
        await Story(office.store).tell(Event.OPENED, NIGHT, (receiver, PAGE))
    office.email.can_look = False
    office.email.moods["ana@example.com"] = [Mood.LOSE_REPLY]

    await office.deliver_all()

    assert len(office.email.heard("ana@example.com")) == 2
    assert len(office.email.heard("raj@example.com")) == 1
    assert len({one.key for one in office.everything}) == 2
    assert await broken_promises(office.store, office.everything, can_look=False) == []


async def test_a_page_that_can_never_arrive_goes_to_the_same_person_by_mail(
    office: PostOffice,
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    office.slack.usual["@U01ANA"] = Mood.REFUSE_FOR_EVER

    await office.delivery.drain()

    assert await states(office.store) == [(ANA_SLACK, "page", "dead"), (ANA_MAIL, "page", "sent")]
    dead, instead = await office.store.fetch("select * from notification order by id")
    assert dead["last_error"] == "channel_not_found"
    assert instead["fallback_of"] == dead["id"]


async def test_a_page_is_given_up_only_after_every_road_was_tried(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    for place in ("@U01ANA", "@U02RAJ", "#alerts"):
        office.slack.usual[place] = Mood.REFUSE_FOR_EVER
    for place in ("ana@example.com", "raj@example.com", "support@example.com"):
        office.email.usual[place] = Mood.REFUSE

    await office.deliver_all()

    assert {state for _, _, state in await states(office.store)} == {"dead"}
    assert len(await states(office.store)) == 6
    assert office.delivery.figures.dead == 6


async def test_a_message_dies_after_twelve_tries(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    office.slack.usual["#alerts"] = Mood.REFUSE

    await office.deliver_all()

    assert (await states(office.store))[0] == (ALERTS, "root", "dead")
    assert office.slack.sends == 12
    assert office.email.heard("support@example.com") == ["page:opened"]


async def test_a_message_whose_outcomes_stay_unknown_dies_too(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    office.slack.usual["#alerts"] = Mood.DROP

    await office.deliver_all()

    assert await states(office.store) == [(ALERTS, "root", "dead"), (SUPPORT, "page", "sent")]


async def test_a_message_outlasts_an_outage_in_which_every_outcome_stays_unknown(
    office: PostOffice,
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_MAIL, PAGE))
    office.email.can_look = False
    office.email.moods["ana@example.com"] = [Mood.BREAK] * 20

    await office.deliver_all()

    assert office.email.sends == 21
    assert (await states(office.store))[0] == (ANA_MAIL, "page", "sent")


async def test_a_message_that_ends_each_worker_dies_too(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (BROKEN, ROOT))
    for _ in range(office.patience.tries):
        async with transaction(office.store) as conn:
            [row] = await outbox.claim(conn, NIGHT, limit=1, lease=timedelta(seconds=1))
            assert await intents.write_intents(conn, [row], NIGHT)
        await end_leases(office.store)

    await office.delivery.drain()

    assert office.slack.sends == 0
    error = await office.store.fetchval("select last_error from notification where id = 1")
    assert error == "whoever sent it went away 12 times"


async def test_a_channel_that_is_not_configured_is_no_road(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))

    await office.worker(notifiers={"email": office.email}).drain()

    assert await states(office.store) == [(ALERTS, "root", "dead"), (SUPPORT, "page", "sent")]
    error = await office.store.fetchval("select last_error from notification where id = 1")
    assert error == "no channel `slack` is configured"


async def test_lines_below_a_message_that_died_die_quietly(office: PostOffice) -> None:
    story = Story(office.store)
    await story.tell(Event.OPENED, NIGHT, (BROKEN, ROOT))
    await story.tell(Event.TAKEN, NIGHT, (BROKEN, THREAD))
    office.slack.usual["#broken"] = Mood.REFUSE_FOR_EVER

    await office.delivery.drain()

    assert await states(office.store) == [
        (BROKEN, "root", "dead"),
        (BROKEN, "thread", "dead"),
        (SUPPORT, "page", "sent"),
    ]
    error = await office.store.fetchval("select last_error from notification where part = 'thread'")
    assert error == "its first message is dead"
    assert office.slack.sends == 1


async def test_who_hears_by_a_fallback_hears_how_it_stands_now_and_how_it_goes_on(
    office: PostOffice,
) -> None:
    story = Story(office.store)
    await story.tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    office.slack.usual["@U01ANA"] = Mood.REFUSE
    await office.delivery.drain()
    for event in (Event.TAKEN, Event.RECOVERED):
        await story.tell(event, NIGHT, (ANA_SLACK, EDIT))

    await office.deliver_all()

    assert office.email.heard("ana@example.com") == ["page:opened", "page:recovered"]
    assert await office.store.fetchval("select audience from incident") == [ANA_SLACK, ANA_MAIL]


async def test_a_mistake_in_a_notifier_is_a_failed_attempt_and_others_go_on(
    office: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    for receiver in (ALERTS, BROKEN):
        await Story(office.store).tell(Event.OPENED, NIGHT, (receiver, ROOT))
    office.slack.moods["#broken"] = [Mood.CRASH]

    await office.deliver_all()

    assert office.slack.heard("#broken") == ["root:opened"]
    assert office.delivery.figures.attempts == {"sent": 1, "unknown": 1, "found": 1}
    [record] = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert record.exc_info


async def test_facts_that_cannot_be_read_are_a_failed_attempt(
    office: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    async with transaction(office.store) as conn:
        await Incidents(conn).open(1)  # its event says nothing
        said = facts(1, Event.OPENED, NIGHT, "open")
        await outbox.insert(conn, [(said, 1, Notice(ALERTS, ROOT, NIGHT))])

    assert await office.delivery.drain() == {"failed": 1}
    assert "ValueError" in caplog.text


async def test_a_receiver_that_hangs_is_left_after_the_deadline(office: PostOffice) -> None:
    office.limits = Limits(send_within=timedelta(milliseconds=50))
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    office.slack.moods["#alerts"] = [Mood.HANG]

    assert await office.worker().drain() == {"unknown": 1}


async def test_a_channel_that_hangs_holds_back_no_other(office: PostOffice) -> None:
    office.limits = Limits(batch=2, at_once=2, grace=timedelta(milliseconds=20))
    for _ in range(5):
        await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT), (ANA_MAIL, PAGE))
    office.slack.usual["#alerts"] = Mood.HANG

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(office.worker().run(), name="delivery")
        async with asyncio.timeout(10):
            while len(office.email.heard("ana@example.com")) < 5:  # noqa: ASYNC110 (real I/O)
                await asyncio.sleep(0)
        office.slack.usual.clear()
        running.cancel()


async def test_no_more_than_so_many_are_on_their_way_at_once(office: PostOffice) -> None:
    office.limits = Limits(at_once=3)
    for _ in range(12):
        await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))

    async def pause(_name: str) -> None:
        await asyncio.sleep(0)

    office.slack.gate = pause
    await office.worker().drain()

    assert office.slack.most_on_their_way == 3


async def test_a_message_that_waited_too_long_in_line_is_given_back_unsent(
    office: PostOffice,
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    instants = itertools.chain([0.0], itertools.repeat(11.0))
    worker = office.worker(monotonic=lambda: next(instants))

    assert await worker.drain() == {"sent": 1}

    assert worker.figures.withdrawn == 1
    assert await office.store.fetchval("select count(*) from attempt") == 1


async def test_leases_of_what_is_on_its_way_are_prolonged(office: PostOffice) -> None:
    office.limits = Limits(renew_every=timedelta(milliseconds=1), send_within=timedelta(seconds=30))
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    ended: list[bool] = []

    async def take_long(name: str) -> None:
        query = "select leased_until < clock_timestamp() from notification"
        if name.startswith("before"):
            await end_leases(office.store)
            async with asyncio.timeout(10):
                while not ended or ended[-1]:
                    ended.append(await office.store.fetchval(query))

    office.slack.gate = take_long

    assert await office.worker().drain() == {"sent": 1}
    assert ended[-1] is False


async def test_a_notifier_may_say_how_many_messages_it_sends_at_once(office: PostOffice) -> None:
    for _ in range(5):
        await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))

    async def pause(_name: str) -> None:
        await asyncio.sleep(0)

    shy = Receiver(gate=pause, at_once=1)
    await office.worker(notifiers={"slack": shy}).drain()

    assert len(shy.delivered) == 5
    assert shy.most_on_their_way == 1


async def test_channels_may_come_and_go_with_the_configuration(office: PostOffice) -> None:
    notifiers: dict[str, Notifier] = {"email": office.email}
    worker = office.worker(notifiers=notifiers)
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_MAIL, PAGE))
    await worker.drain()

    notifiers |= {"slack": office.slack}
    del notifiers["email"]
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    await worker.drain()

    assert [one.address for one in office.everything] == ["ana@example.com", "#alerts"]


async def test_the_line_is_kept_and_the_body_only_where_a_page_shows_it(
    office: PostOffice,
) -> None:
    office.email.keeps_rendered = True
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT), (ANA_MAIL, PAGE))

    await office.delivery.drain()

    async with transaction(office.store) as conn:
        to_slack, by_mail = await outbox.for_incident(conn, 1001)
    assert (to_slack.line, to_slack.rendered) == ("opened #1001", None)
    assert by_mail.rendered == {"text": "opened #1001", "to": "ana@example.com"}


async def test_keys_differ_between_stores_though_numbers_do_not(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    await Story(office.store).tell(Event.OPENED, NIGHT + SECOND, (ALERTS, ROOT))
    await office.clock.advance(SECOND)
    await office.delivery.drain()

    first, second = office.everything

    assert first.key.partition("-")[2] != second.key.partition("-")[2]


async def test_people_may_send_a_dead_message_again(office: PostOffice) -> None:
    office.directory = Directory()
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    office.slack.moods["#alerts"] = [Mood.REFUSE_FOR_EVER]
    await office.delivery.drain()

    async with transaction(office.store) as conn:
        await outbox.resend(conn, 1, NIGHT)
    await office.delivery.drain()

    assert await states(office.store) == [(ALERTS, "root", "dead"), (ALERTS, "root", "sent")]


async def test_a_first_message_that_is_sent_again_shows_how_the_incident_stands_now(
    office: PostOffice,
) -> None:
    story = Story(office.store)
    await story.tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    await story.tell(Event.TAKEN, NIGHT, (ALERTS, EDIT))
    await story.tell(Event.RECOVERED, NIGHT, (ALERTS, EDIT), (ALERTS, THREAD))
    await office.delivery.drain()
    before = len(office.slack.delivered)

    async with transaction(office.store) as conn:
        await outbox.resend(conn, 1, NIGHT)
    await office.delivery.drain()

    root, edit = office.slack.delivered[before:]
    assert (root.part, root.event) == (ROOT, "opened")
    assert (edit.part, edit.event) == (EDIT, "recovered")
    assert edit.remote["ts"] == str(before + 1)


async def test_patience_is_counted_from_the_first_try_and_not_from_the_writing(
    office: PostOffice,
) -> None:
    office.patience = Patience(age=timedelta(hours=1))
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    office.slack.moods["#alerts"] = [Mood.REFUSE]
    await office.clock.advance(timedelta(days=3))

    await office.deliver_all(office.worker())

    assert office.slack.heard("#alerts") == ["root:opened"]


async def test_a_full_outbox_is_emptied(office: PostOffice) -> None:
    story = Story(office.store)
    await story.tell(Event.OPENED, NIGHT)
    await office.store.execute(
        """
        insert into notification (
            incident_id, version, receiver, part, priority, due_at, created_at
        )
        select 1001, 1, 'slack:@U' || n, 'page', n % 3, $1, $1
        from generate_series(1, 10000) n
        """,
        NIGHT,
    )

    assert await office.delivery.drain() == {"sent": 10000}
    assert len({one.key for one in office.everything}) == 10000


async def test_a_store_that_is_gone_is_waited_for(
    office: PostOffice, store_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    gone = await open_pool(store_dsn, size=1)
    worker = office.worker(pool=gone)
    await gone.close()

    with pytest.raises(ExceptionGroup) as stopped:
        await worker.drain()
    assert stopped.group_contains(StoreDown)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(worker.run(), name="delivery")
        while worker.figures.store_troubles < 3:
            await office.clock.advance(SECOND)
        running.cancel()

    assert caplog.text.count("the outbox cannot be read") == 1
    assert not office.everything


async def test_results_are_kept_while_the_store_is_away(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))

    async def lock_out(name: str) -> None:
        if name.startswith("after"):
            await office.store.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )

    office.slack.gate = lock_out
    worker = office.worker()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(worker.run(), name="delivery")
        async with asyncio.timeout(10):
            while await office.waiting():
                await office.clock.advance(SECOND)
        running.cancel()

    assert worker.figures.attempts == {"sent": 1}
    assert await broken_promises(office.store, office.everything) == []


async def test_a_woken_worker_sends_at_once_and_an_idle_one_looks_every_two_seconds(
    office: PostOffice,
) -> None:
    worker = office.worker(wake=office.wake)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(worker.run(), name="delivery")
        await office.clock.rest()
        await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
        await office.clock.rest()
        assert office.everything == []
        office.wake.set()
        await office.clock.rest()
        assert len(office.everything) == 1
        await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
        await office.clock.advance(2 * SECOND)
        assert len(office.everything) == 2
        running.cancel()


async def stop_while(office: PostOffice, on_its_way: int, limits: Limits) -> None:
    """Run a worker, and stop it once so many messages are on their way."""
    office.limits = limits
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(office.worker().run(), name="delivery")
        async with asyncio.timeout(10):
            while office.slack.on_their_way < on_its_way:  # noqa: ASYNC110 (real I/O)
                await asyncio.sleep(0)
        running.cancel()


async def test_a_stop_waits_for_what_is_on_its_way(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    turns = 0

    async def slowly(_name: str) -> None:
        nonlocal turns
        while turns < 100:
            turns += 1
            await asyncio.sleep(0)

    office.slack.gate = slowly
    await stop_while(office, 1, Limits())

    assert turns == 100
    assert await states(office.store) == [(ALERTS, "root", "sent")]


async def test_a_stop_gives_back_what_it_cannot_finish(office: PostOffice) -> None:
    for _ in range(3):
        await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    office.slack.usual["#alerts"] = Mood.HANG

    await stop_while(office, 2, Limits(at_once=2, grace=timedelta(milliseconds=20)))

    rows = await office.store.fetch(
        "select n.state, a.outcome from notification n "
        "left join attempt a on a.notification_id = n.id order by n.id"
    )
    assert [tuple(row) for row in rows] == [
        ("pending", "unknown"),
        ("pending", "unknown"),
        ("pending", None),
    ]


async def test_what_a_stop_gave_back_is_looked_for_before_it_is_sent(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    accepted_first = Receiver(delivered=office.everything)

    async def hang_after(name: str) -> None:
        if name.startswith("after"):
            await asyncio.Event().wait()

    office.slack.gate = hang_after
    await stop_while(office, 1, Limits(grace=timedelta(milliseconds=20)))
    office.slack = accepted_first
    await office.deliver_all(office.worker())

    assert len(office.everything) == 1
    assert await states(office.store) == [(ALERTS, "root", "sent")]
