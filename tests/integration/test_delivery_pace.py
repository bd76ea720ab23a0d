"""The worker keeps to what a channel takes: a lane for each receiver, one for all edits."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from notifiers.base import Event, Notifier, Pace, Part
from tests.gates import GatedPool
from tests.incidents import Story, end_leases, states
from tests.post_office import ALERTS, ANA_MAIL, ANA_SLACK, BROKEN, RAJ_MAIL, PostOffice
from tests.postgres import NIGHT
from tests.promises import broken_promises
from tests.receivers import Mood, Receiver
from watchdog.clock import MovedClock
from watchdog.delivery.flights import Limits
from watchdog.delivery.worker import Delivery
from watchdog.domain.digest import INCIDENTS_MIN, WAITED_MIN

ROOT, PAGE, EDIT, THREAD = Part.ROOT, Part.PAGE, Part.EDIT, Part.THREAD
SECOND = timedelta(seconds=1)
POSTS = dict.fromkeys(Part, Pace(SECOND))


@pytest.fixture
def office(store: asyncpg.Pool, clock: MovedClock) -> PostOffice:
    office = PostOffice(store, clock)
    office.slack.paces = POSTS | {EDIT: Pace(timedelta(seconds=1.5), burst=3)}
    return office


async def drained(office: PostOffice, worker: Delivery | None = None) -> int:
    """Return how many messages went out at this instant."""
    before = len(office.everything)
    await (worker or office.delivery).drain()
    return len(office.everything) - before


async def test_a_channel_gets_a_message_a_second(office: PostOffice) -> None:
    for _ in range(4):
        await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))

    taken = []
    for _ in range(8):
        taken.append(await drained(office))
        await office.clock.advance(SECOND / 2)

    assert taken == [1, 0, 1, 0, 1, 0, 1, 0]
    assert await broken_promises(office.store, office.everything) == []


async def test_each_channel_has_a_pace_of_its_own_and_mail_has_none(office: PostOffice) -> None:
    for _ in range(3):
        told = ((ALERTS, ROOT), (BROKEN, ROOT), (ANA_SLACK, PAGE), (ANA_MAIL, PAGE))
        await Story(office.store).tell(Event.OPENED, NIGHT, *told)

    await office.delivery.drain()

    assert len(office.slack.heard("#alerts")) == 1
    assert len(office.slack.heard("#broken")) == 1
    assert len(office.slack.heard("@U01ANA")) == 1
    assert len(office.email.heard("ana@example.com")) == 3


async def test_what_ends_in_one_place_has_one_pace(office: PostOffice) -> None:
    office.slack.is_one_place = True
    told = ((ALERTS, ROOT), (BROKEN, ROOT), (ANA_SLACK, PAGE))
    await Story(office.store).tell(Event.OPENED, NIGHT, *told)

    taken = []
    for _ in range(3):
        taken.append(await drained(office))
        await office.clock.advance(SECOND)

    assert taken == [1, 1, 1]
    assert office.everything[0].address == "@U01ANA"


async def test_in_a_channel_escalations_go_before_first_messages_and_these_before_lines(
    office: PostOffice,
) -> None:
    old = Story(office.store)
    await old.tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    noted = Story(office.store)
    await noted.tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    await drained(office)
    await office.clock.advance(SECOND)
    await drained(office)
    await noted.tell(Event.NOTED, NIGHT, (ALERTS, THREAD))
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    await old.tell(Event.ESCALATED, NIGHT, (ALERTS, THREAD))

    for _ in range(3):
        await office.clock.advance(SECOND)
        assert await drained(office) == 1

    assert office.slack.heard("#alerts")[2:] == ["thread:escalated", "root:opened", "thread:noted"]


async def test_edits_come_in_a_burst_and_then_at_their_pace_over_all_channels(
    office: PostOffice,
) -> None:
    stories = [Story(office.store) for _ in range(6)]
    for number, story in enumerate(stories):
        await story.tell(Event.OPENED, NIGHT, (f"slack:#c{number}", ROOT))
    assert await drained(office) == 6
    for number, story in enumerate(stories):
        await story.tell(Event.TAKEN, NIGHT, (f"slack:#c{number}", EDIT))

    taken = []
    for _ in range(6):
        taken.append(await drained(office))
        await office.clock.advance(SECOND / 2)

    assert taken == [3, 0, 0, 1, 0, 0]


async def test_edits_of_one_message_collapse_into_the_last_and_use_up_one_turn(
    office: PostOffice,
) -> None:
    office.slack.paces = POSTS
    places = {ALERTS: Story(office.store), BROKEN: Story(office.store)}
    for place, story in places.items():
        await story.tell(Event.OPENED, NIGHT, (place, ROOT))
    await drained(office)
    for place, story in places.items():
        for event in (Event.TAKEN, Event.RECOVERED, Event.RESOLVED):
            await story.tell(event, NIGHT, (place, EDIT))

    assert await drained(office) == 1
    assert await drained(office) == 0
    await office.clock.advance(SECOND)
    assert await drained(office) == 1
    assert [one.event for one in office.everything[2:]] == ["resolved", "resolved"]


async def test_a_push_does_not_wait_for_the_edit_of_the_message_above_it(
    office: PostOffice,
) -> None:
    story, other = Story(office.store), Story(office.store)
    await story.tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    await other.tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    await drained(office)
    office.slack.moods["#alerts"] = [Mood.ASK_TO_WAIT]
    await other.tell(Event.TAKEN, NIGHT, (ALERTS, EDIT))
    await drained(office)
    await office.clock.advance(SECOND)
    now = office.clock.now()
    await story.tell(Event.BACK_AGAIN, now, (ANA_SLACK, EDIT), (ANA_SLACK, THREAD))

    assert await drained(office) == 1
    assert office.slack.heard("@U01ANA") == ["page:opened", "thread:back_again"]
    await office.clock.advance(30 * SECOND)
    await drained(office)
    assert office.slack.heard("@U01ANA")[2:] == ["edit:back_again"]


async def test_a_line_waits_for_the_edit_that_is_posted_as_its_first_message(
    office: PostOffice,
) -> None:
    story = Story(office.store)
    await story.tell(Event.OPENED, NIGHT)
    await story.tell(Event.BACK_AGAIN, NIGHT, (ANA_SLACK, EDIT), (ANA_SLACK, THREAD))

    for _ in range(2):
        await drained(office)
        await office.clock.advance(SECOND)

    assert office.slack.heard("@U01ANA") == ["edit:back_again", "thread:back_again"]


async def test_an_edit_without_a_message_to_edit_has_the_pace_of_the_post_that_it_is(
    office: PostOffice,
) -> None:
    for _ in range(3):
        story = Story(office.store)
        await story.tell(Event.OPENED, NIGHT)
        await story.tell(Event.TAKEN, NIGHT, (ALERTS, EDIT))

    assert [await drained(office), await drained(office)] == [1, 0]
    await office.clock.advance(SECOND)
    assert await drained(office) == 1
    assert await office.store.fetchval("select array_agg(name) from lane") == [ALERTS]


async def test_two_workers_share_the_pace(office: PostOffice) -> None:
    for _ in range(6):
        await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT), (BROKEN, ROOT))
    workers = [office.worker(), office.worker()]

    taken = []
    for _ in range(3):
        before = len(office.everything)
        await asyncio.gather(*(worker.drain() for worker in workers))
        taken.append(len(office.everything) - before)
        await office.clock.advance(SECOND)

    assert taken == [2, 2, 2]
    assert await broken_promises(office.store, office.everything) != []  # six still wait


@pytest.mark.parametrize("part", [ROOT, EDIT])
async def test_who_asks_for_time_is_left_alone_by_every_worker_and_others_are_not(
    office: PostOffice, part: Part
) -> None:
    story, other = Story(office.store), Story(office.store)
    await story.tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    await drained(office)
    await office.clock.advance(SECOND)
    now = office.clock.now()
    office.slack.moods["#alerts"] = [Mood.ASK_TO_WAIT]
    if part is EDIT:
        await story.tell(Event.TAKEN, now, (ALERTS, EDIT))
    else:
        await other.tell(Event.OPENED, now, (ALERTS, ROOT))
    await drained(office)
    await Story(office.store).tell(Event.OPENED, now, (ALERTS, ROOT), (BROKEN, ROOT))

    assert await drained(office, office.worker()) == (2 if part is EDIT else 1)
    await office.clock.advance(timedelta(seconds=29))
    assert await drained(office, office.worker()) == 0
    await office.clock.advance(SECOND)
    assert await drained(office, office.worker()) == 1


async def test_a_page_behind_a_failed_one_of_another_incident_does_not_wait_for_it(
    office: PostOffice,
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    office.slack.moods["@U01ANA"] = [Mood.REFUSE]
    await drained(office)
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_SLACK, PAGE))
    await office.store.execute(
        "update notification set due_at = due_at + interval '9 s' where id = 1"
    )
    await office.clock.advance(SECOND)

    assert await drained(office) == 1
    assert [state for _, _, state in await states(office.store)] == ["pending", "sent"]


async def test_what_a_dead_worker_left_behind_waits_for_its_lane(office: PostOffice) -> None:
    for _ in range(2):
        await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    await drained(office)
    await office.store.execute(
        "update notification set state = 'sending', token = token + 1, leased_until = $1 where id = 2",
        NIGHT,
    )
    await end_leases(office.store)

    assert await drained(office) == 0
    await office.clock.advance(SECOND)
    assert await drained(office) == 1


async def test_a_running_worker_wakes_when_a_lane_is_free(office: PostOffice) -> None:
    for _ in range(5):
        await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    taken_at = []

    async def note(name: str) -> None:
        if name.startswith("after"):
            taken_at.append(office.clock.now() - NIGHT)

    office.slack.gate = note
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(office.worker().run(), name="delivery")
        await office.clock.advance(timedelta(seconds=10))
        running.cancel()

    assert taken_at == [SECOND * number for number in range(5)]


async def test_lanes_of_one_channel_that_is_stuck_hold_back_no_other(office: PostOffice) -> None:
    stuck = Receiver(delivered=office.everything, paces=POSTS, usual={"#alerts": Mood.HANG})
    notifiers: dict[str, Notifier] = {"slack": stuck, "email": office.email}
    for _ in range(3):
        told = ((ALERTS, ROOT), (BROKEN, ROOT), (ANA_MAIL, PAGE))
        await Story(office.store).tell(Event.OPENED, NIGHT, *told)

    office.limits = Limits(grace=timedelta(milliseconds=20))  # for what is stuck when it ends
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(office.worker(notifiers=notifiers).run(), name="delivery")
        async with asyncio.timeout(10):
            while len(office.email.heard("ana@example.com")) < 3:  # noqa: ASYNC110 (real I/O)
                await asyncio.sleep(0)
            while not stuck.heard("#broken"):  # noqa: ASYNC110 (real I/O)
                await asyncio.sleep(0)
        stuck.usual.clear()
        running.cancel()


@pytest.mark.parametrize(
    "error", [asyncpg.QueryCanceledError("statement timeout"), ValueError("a mistake of ours")]
)
async def test_without_a_digest_what_has_waited_is_sent_as_it_is(
    office: PostOffice, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(INCIDENTS_MIN + 2):
        await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))

    async def fail(name: str) -> None:
        if name.startswith("before with mine as materialized"):
            raise error

    await office.clock.jump(WAITED_MIN)
    worker = office.worker(pool=GatedPool(office.store, fail))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(worker.run(), name="delivery")
        await office.clock.advance(timedelta(seconds=30))
        running.cancel()

    assert office.slack.heard("#alerts") == ["root:opened"] * (INCIDENTS_MIN + 2)
    assert "no digest of what waits in slack; it is sent as it is" in caplog.text


@pytest.mark.parametrize("starts_anew", [False, True])
async def test_a_retry_does_not_wait_for_a_clock_that_was_put_back_since(
    office: PostOffice, starts_anew: bool
) -> None:
    clock = MovedClock(NIGHT)
    worker = office.worker(clock=clock)
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_MAIL, PAGE))
    await Story(office.store).tell(Event.OPENED, NIGHT, (RAJ_MAIL, PAGE, NIGHT + SECOND))
    office.email.moods["ana@example.com"] = [Mood.REFUSE]
    assert await drained(office, worker) == 0

    clock._now -= timedelta(hours=1)
    await drained(office, office.worker(clock=clock) if starts_anew else worker)
    assert office.email.heard("ana@example.com") == ["page:opened"]
    assert office.email.heard("raj@example.com") == []  # it is held until then, and was not tried


@pytest.mark.parametrize("mood", [Mood.ACCEPT, Mood.ASK_TO_WAIT])
async def test_bookings_of_a_clock_that_was_put_back_since_keep_nobody_waiting(
    office: PostOffice, mood: Mood
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    office.slack.moods["#alerts"], office.slack.wait = [mood], timedelta(hours=1)
    await drained(office)
    earlier = NIGHT - timedelta(hours=1)
    for _ in range(2):
        await Story(office.store).tell(Event.OPENED, earlier, (ALERTS, ROOT))
    clock = MovedClock(earlier)
    worker = office.worker(clock=clock)

    assert await drained(office, worker) == 1
    assert await drained(office, worker) == 0
    await clock.advance(SECOND)
    assert await drained(office, worker) == 1
