"""A page that takes too long goes out by mail, too; what takes much longer goes on to others."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from notifiers.base import Event, Pace, Part
from tests.gates import GatedPool
from tests.incidents import Story, states
from tests.post_office import ALERTS, ANA_MAIL, ANA_SLACK, RAJ_MAIL, SUPPORT, PostOffice
from tests.postgres import NIGHT
from tests.promises import broken_promises
from tests.receivers import Mood
from watchdog.clock import MovedClock
from watchdog.delivery import overdue
from watchdog.delivery.overdue import PAGE_WAITS
from watchdog.delivery.roads import ALL_WAIT
from watchdog.domain.people import Directory, Person
from watchdog.store import outbox
from watchdog.store.pool import transaction

ROOT, PAGE, EDIT, THREAD = Part.ROOT, Part.PAGE, Part.EDIT, Part.THREAD
SECOND = timedelta(seconds=1)


@pytest.fixture
def office(store: asyncpg.Pool, clock: MovedClock) -> PostOffice:
    return PostOffice(store, clock)


async def advance(office: PostOffice, *spans: timedelta) -> None:
    """Let time pass while a worker runs, and let it finish."""
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(office.delivery.run(), name="delivery")
        for span in spans:
            await office.clock.advance(span)
        running.cancel()


@pytest.mark.parametrize("mood", [Mood.REFUSE, Mood.ASK_TO_WAIT, Mood.DROP])
async def test_a_page_that_did_not_arrive_for_a_minute_goes_out_by_mail_too(
    office: PostOffice, mood: Mood
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    office.slack.usual["@U01ANA"] = mood

    await advance(office, PAGE_WAITS - SECOND)
    assert office.email.heard("ana@example.com") == []
    await advance(office, SECOND)

    assert office.email.heard("ana@example.com") == ["page:opened"]
    assert (await states(office.store))[0] == (ANA_SLACK, "page", "pending")


async def test_it_is_still_tried_and_arrives_once_slack_takes_it(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    office.slack.usual["@U01ANA"] = Mood.ASK_TO_WAIT
    await advance(office, 2 * PAGE_WAITS)
    office.slack.usual.clear()

    await advance(office, PAGE_WAITS)

    assert await states(office.store) == [(ANA_SLACK, "page", "sent"), (ANA_MAIL, "page", "sent")]
    assert await broken_promises(office.store, office.everything) == []


async def test_the_timeline_shows_each_attempt_and_what_the_mail_stands_for(
    office: PostOffice,
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    office.slack.moods["@U01ANA"] = [Mood.ASK_TO_WAIT] * 3

    await advance(office, 2 * PAGE_WAITS)

    async with transaction(office.store) as conn:
        page, mail = await outbox.for_incident(conn, 1001)
    assert [one.outcome for one in page.tries] == ["failed", "failed", "failed", "sent"]
    assert mail.fallback_of == page.id
    assert [one.started_at - NIGHT for one in mail.tries] == [PAGE_WAITS]


async def test_the_minute_counts_for_each_page_from_when_it_was_due(office: PostOffice) -> None:
    office.slack.usual["@U01ANA"] = office.slack.usual["@U02RAJ"] = Mood.REFUSE
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    later = NIGHT + 25 * SECOND
    await Story(office.store).tell(Event.OPENED, NIGHT, ("slack:@U02RAJ", PAGE, later))

    await advance(office, PAGE_WAITS)
    assert [one.address for one in office.everything] == ["ana@example.com"]
    await advance(office, 24 * SECOND)
    assert [one.address for one in office.everything] == ["ana@example.com"]
    await advance(office, SECOND)
    assert [one.address for one in office.everything] == ["ana@example.com", "raj@example.com"]


async def test_a_page_that_waits_for_its_turn_goes_out_by_mail_after_a_minute(
    office: PostOffice,
) -> None:
    office.slack.paces = {PAGE: Pace(25 * SECOND)}
    for _ in range(4):
        await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))

    await advance(office, 2 * PAGE_WAITS)

    assert len(office.slack.heard("@U01ANA")) == 4
    assert [one.incident for one in office.everything if "@e" in one.address] == [1004]


async def test_who_has_the_mail_anyway_gets_no_second_one(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE), (ANA_MAIL, PAGE))
    office.slack.usual["@U01ANA"] = Mood.REFUSE

    await advance(office, PAGE_WAITS * 2)

    assert office.email.heard("ana@example.com") == ["page:opened"]


async def test_a_first_message_in_a_channel_waits_ten_minutes_before_its_team_gets_a_mail(
    office: PostOffice,
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    office.slack.usual["#alerts"] = Mood.ASK_TO_WAIT

    await advance(office, ALL_WAIT - SECOND)
    assert office.everything == []
    await advance(office, SECOND)

    assert office.email.heard("support@example.com") == ["page:opened"]


def only_in_slack(office: PostOffice) -> Directory:
    """Return the directory in which ana has no mail."""
    people = {**office.directory.people} | {"ana": Person("ana", slack="U01ANA")}
    return Directory(people=people, teams=office.directory.teams)


async def test_whose_page_cannot_reach_them_for_ten_minutes_has_missed_it(
    office: PostOffice,
) -> None:
    office.directory = only_in_slack(office)
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    office.slack.usual["@U01ANA"] = Mood.ASK_TO_WAIT

    await advance(office, ALL_WAIT - SECOND)
    assert await office.store.fetchval("select missed from incident") == ""
    await advance(office, SECOND)

    assert await office.store.fetchval("select missed from incident") == "cannot be reached"
    assert office.email.heard("support@example.com") == ["page:opened"]


async def test_of_two_roads_that_are_both_stuck_neither_stands_for_the_other(
    office: PostOffice,
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE), (ANA_MAIL, PAGE))
    office.slack.usual["@U01ANA"] = office.email.usual["ana@example.com"] = Mood.ASK_TO_WAIT

    await advance(office, ALL_WAIT - SECOND)
    assert await office.store.fetchval("select missed from incident") == ""
    await advance(office, SECOND)

    assert await office.store.fetchval("select missed from incident") == "cannot be reached"
    assert office.email.heard("support@example.com") == ["page:opened"]


async def test_when_the_mail_that_stands_for_it_dies_others_are_told(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    office.slack.usual["@U01ANA"] = Mood.ASK_TO_WAIT
    office.email.usual["ana@example.com"] = Mood.REFUSE_FOR_EVER

    await advance(office, ALL_WAIT)

    assert office.email.heard("support@example.com") == ["page:opened"]
    assert await office.store.fetchval("select missed from incident") == "cannot be reached"


async def test_a_page_that_dies_after_its_mail_arrived_is_told_to_nobody_else(
    office: PostOffice,
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    office.slack.moods["@U01ANA"] = [Mood.ASK_TO_WAIT] * 3 + [Mood.REFUSE_FOR_EVER]

    await advance(office, ALL_WAIT)

    assert await states(office.store) == [(ANA_SLACK, "page", "dead"), (ANA_MAIL, "page", "sent")]


async def test_a_page_that_is_held_until_the_morning_is_not_overdue(office: PostOffice) -> None:
    held = NIGHT + ALL_WAIT
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE, held))
    office.slack.usual["@U01ANA"] = Mood.REFUSE

    await advance(office, ALL_WAIT, PAGE_WAITS - SECOND)
    assert office.everything == []
    await advance(office, SECOND)

    assert office.email.heard("ana@example.com") == ["page:opened"]


async def test_two_workers_send_one_mail(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    office.slack.usual["@U01ANA"] = Mood.ASK_TO_WAIT
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(office.worker().run(), name=f"delivery {n}") for n in "12"]
        await office.clock.advance(2 * PAGE_WAITS)
        for one in running:
            one.cancel()

    assert office.email.heard("ana@example.com") == ["page:opened"]
    assert RAJ_MAIL not in {receiver for receiver, _, _ in await states(office.store)}
    assert SUPPORT not in {receiver for receiver, _, _ in await states(office.store)}


async def test_first_messages_that_only_wait_for_their_turn_are_not_mailed(
    office: PostOffice,
) -> None:
    office.slack.paces = {ROOT: Pace(ALL_WAIT)}
    for _ in range(3):
        await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))

    await advance(office, 3 * ALL_WAIT)

    assert office.slack.heard("#alerts") == ["root:opened"] * 3
    assert office.email.heard("support@example.com") == []


async def test_a_silenced_page_that_cannot_go_out_is_no_reason_to_tell_others(
    office: PostOffice,
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    office.slack.usual["@U01ANA"], office.slack.wait = Mood.ASK_TO_WAIT, timedelta(hours=1)
    await advance(office, SECOND)
    await office.store.execute(
        "with made as (insert into silence (pattern, reason, made_by, of_critical, made_at, ends_at)"
        " values ('*', 'a test', 'ana', true, $1, $2) returning id, ends_at)"
        " update incident set silence = made.id, silenced_until = made.ends_at from made",
        NIGHT,
        NIGHT + timedelta(days=1),
    )

    await advance(office, 2 * ALL_WAIT)

    assert await states(office.store) == [(ANA_SLACK, "page", "pending")]
    assert await office.store.fetchval("select missed from incident") == ""


async def test_a_look_that_the_store_breaks_off_is_made_again(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    office.slack.usual["@U01ANA"] = Mood.ASK_TO_WAIT
    broken: list[str] = []

    async def break_once(name: str) -> None:
        if name == "before commit" and not broken:
            broken.append(name)
            raise asyncpg.InterfaceError("the connection is lost")

    office.delivery = office.worker(pool=GatedPool(office.store, break_once))
    await advance(office, PAGE_WAITS + 10 * SECOND)

    assert broken
    assert office.email.heard("ana@example.com") == ["page:opened"]


async def test_it_holds_the_incidents_of_all_that_is_overdue_in_one_order(
    office: PostOffice,
) -> None:
    for minutes in (0, 9):
        due_at = NIGHT + timedelta(minutes=minutes)
        await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE, due_at))
    office.slack.usual["@U01ANA"] = Mood.REFUSE
    free: list[list[asyncpg.Record]] = []

    async def note(name: str) -> None:
        if name.startswith("after select i.id from incident i"):
            free.append(await office.store.fetch("select from incident for update skip locked"))

    office.delivery = office.worker(pool=GatedPool(office.store, note))
    await office.clock.jump(ALL_WAIT)
    await advance(office, PAGE_WAITS)

    assert free[0] == []
    assert len(office.email.heard("ana@example.com")) == 2


@pytest.mark.parametrize("stopped_before", [True, False])
async def test_a_page_that_cannot_even_be_begun_goes_out_by_mail(
    office: PostOffice, stopped_before: bool
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    office.slack.usual["@U01ANA"], office.slack.wait = Mood.ASK_TO_WAIT, timedelta(hours=1)
    await advance(office, SECOND if stopped_before else ALL_WAIT + SECOND)
    late = office.clock.now()
    office.everything.clear()
    await Story(office.store).tell(Event.OPENED, late, (ANA_SLACK, PAGE))
    if stopped_before:
        office.delivery = office.worker()

    await advance(office, PAGE_WAITS)

    assert 1002 in [one.incident for one in office.everything]


async def test_of_very_many_overdue_pages_all_go_out(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "_AT_ONCE_MAX", 1)
    office.slack.usual["@U01ANA"] = Mood.REFUSE
    for _ in range(3):
        await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))

    await advance(office, PAGE_WAITS)

    assert len(office.email.heard("ana@example.com")) == 3


async def test_a_push_below_a_page_that_arrived_goes_out_by_mail_after_a_minute_too(
    office: PostOffice,
) -> None:
    story = Story(office.store)
    await story.tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    await office.delivery.drain()
    office.slack.usual["@U01ANA"] = Mood.ASK_TO_WAIT
    await story.tell(Event.BACK_AGAIN, NIGHT, (ANA_SLACK, EDIT), (ANA_SLACK, THREAD))

    await advance(office, PAGE_WAITS - SECOND)
    assert office.email.heard("ana@example.com") == []
    await advance(office, SECOND)

    assert office.email.heard("ana@example.com") == ["page:back_again"]


async def test_a_push_that_is_given_up_goes_by_another_road(office: PostOffice) -> None:
    story = Story(office.store)
    await story.tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    await office.delivery.drain()
    office.slack.usual["@U01ANA"] = Mood.REFUSE_FOR_EVER
    await story.tell(Event.BACK_AGAIN, NIGHT, (ANA_SLACK, THREAD))

    await office.delivery.drain()

    assert office.email.heard("ana@example.com") == ["page:back_again"]


async def test_a_push_below_a_page_that_was_given_up_adds_no_road_of_its_own(
    office: PostOffice,
) -> None:
    office.directory = only_in_slack(office)
    story = Story(office.store)
    await story.tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    await story.tell(Event.BACK_AGAIN, NIGHT, (ANA_SLACK, EDIT), (ANA_SLACK, THREAD))
    office.slack.usual["@U01ANA"] = Mood.REFUSE_FOR_EVER

    await office.delivery.drain()

    assert [f"{one.address} {one.event}" for one in office.everything] == [
        "support@example.com opened",
        "support@example.com back_again",
    ]


async def test_what_waited_while_nobody_ran_is_tried_before_others_are_told(
    office: PostOffice,
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    await office.clock.jump(ALL_WAIT)

    await advance(office, 2 * PAGE_WAITS)

    assert await states(office.store) == [(ANA_SLACK, "page", "sent")]
