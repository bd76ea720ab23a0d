"""Reports in the store: once a day, and their messages on the road that all messages take."""

from dataclasses import replace
from datetime import date, timedelta

import asyncpg
import pytest

from notifiers.base import Part, Report
from notifiers.samples import sample_report
from tests.post_office import ALERTS, RAJ_MAIL, RAJ_SLACK, SUPPORT, PostOffice
from tests.postgres import NIGHT
from tests.receivers import Mood
from watchdog.clock import MovedClock
from watchdog.domain.due import Due
from watchdog.domain.notices import Notice
from watchdog.domain.samples import Sample
from watchdog.store import outbox, reports
from watchdog.store.outbox import Entry
from watchdog.store.pool import transaction

TODAY = Due(date(2026, 11, 23), NIGHT)
TO_BOTH = (Notice(ALERTS, Part.ROOT, NIGHT), Notice(SUPPORT, Part.PAGE, NIGHT))
MORNING = replace(sample_report(), name="morning", team="support", at=NIGHT, due_at=NIGHT)


@pytest.fixture
def office(store: asyncpg.Pool, clock: MovedClock) -> PostOffice:
    return PostOffice(store, clock)


async def write(
    store: asyncpg.Pool,
    report: Report = MORNING,
    due: Due = TODAY,
    notices: tuple[Notice, ...] = TO_BOTH,
) -> bool:
    async with transaction(store) as conn:
        return await reports.write(conn, report, due, notices)


async def entries(store: asyncpg.Pool) -> list[Entry]:
    async with transaction(store) as conn:
        return list(reversed(await outbox.recent(conn)))


async def test_a_report_reaches_each_receiver_once(office: PostOffice) -> None:
    assert await write(office.store)
    await office.deliver_all()
    assert [(one.address, one.event) for one in office.everything] == [
        ("support@example.com", "morning"),
        ("#alerts", "morning"),
    ]


async def test_the_second_of_a_day_writes_nothing(office: PostOffice) -> None:
    assert await write(office.store)
    assert not await write(office.store)
    assert len(await entries(office.store)) == 2


async def test_other_reports_and_other_days_are_reports_of_their_own(office: PostOffice) -> None:
    tomorrow = Due(date(2026, 11, 24), NIGHT + timedelta(days=1))
    assert await write(office.store)
    assert await write(office.store, due=tomorrow)
    assert await write(office.store, replace(MORNING, name="evening"))
    await office.deliver_all()
    assert office.slack.heard("#alerts") == ["root:morning", "root:morning", "root:evening"]


async def test_a_message_that_is_refused_for_now_is_tried_again(office: PostOffice) -> None:
    office.slack.moods["#alerts"] = [Mood.REFUSE, Mood.LOSE_REPLY]
    await write(office.store)
    await office.deliver_all()
    [root, _] = await entries(office.store)
    assert [one.outcome for one in root.tries] == ["failed", "unknown", "found"]
    assert office.slack.heard("#alerts") == ["root:morning"]


async def test_a_report_does_not_wait_for_another_one_that_fails(office: PostOffice) -> None:
    office.slack.moods["#alerts"] = [Mood.REFUSE]
    await write(office.store, notices=TO_BOTH[:1])
    await write(office.store, replace(MORNING, name="evening"), notices=TO_BOTH[:1])
    await office.delivery.drain()
    assert office.slack.heard("#alerts") == ["root:evening"]


async def test_what_is_given_up_goes_another_way(office: PostOffice) -> None:
    office.slack.usual["#alerts"] = Mood.REFUSE_FOR_EVER
    await write(office.store, notices=TO_BOTH[:1])
    await office.deliver_all()
    [dead, instead] = await entries(office.store)
    assert (dead.state, instead.state) == ("dead", "sent")
    assert (instead.receiver, instead.fallback_of) == (SUPPORT, dead.id)
    assert instead.report == "morning"


async def test_when_no_road_of_the_team_is_open_its_lead_is_told(office: PostOffice) -> None:
    office.slack.usual["#alerts"] = Mood.REFUSE_FOR_EVER
    office.email.usual["support@example.com"] = Mood.REFUSE_FOR_EVER
    await write(office.store)
    await office.deliver_all()
    told = {one.receiver for one in await entries(office.store) if one.state == "sent"}
    assert told <= {RAJ_MAIL, RAJ_SLACK}
    assert told


async def test_it_can_be_sent_again_by_hand(office: PostOffice) -> None:
    await write(office.store, notices=TO_BOTH[:1])
    await office.deliver_all()
    [first] = await entries(office.store)
    async with transaction(office.store) as conn:
        await outbox.resend(conn, first.id, NIGHT)
    await office.deliver_all()
    assert office.slack.heard("#alerts") == ["root:morning", "root:morning"]


async def test_people_see_which_report_a_message_is_of(office: PostOffice) -> None:
    await write(office.store)
    async with transaction(office.store) as conn:
        [first, *_] = await outbox.recent(conn)
        entry = await outbox.by_number(conn, first.id)
    assert entry is not None
    assert (entry.incident_id, entry.report, entry.event) == (None, "morning", "report")
    assert entry.title == "Issues this morning"


async def test_a_message_is_of_an_incident_or_of_a_report(store: asyncpg.Pool) -> None:
    neither = """
        insert into notification (receiver, part, priority, due_at, created_at)
        values ($1, 'root', 5, $2, $2)
    """
    with pytest.raises(asyncpg.CheckViolationError):
        await store.execute(neither, ALERTS, NIGHT)


async def test_a_day_that_is_skipped_counts_as_done(store: asyncpg.Pool) -> None:
    async with transaction(store) as conn:
        await reports.skip(conn, "morning", "support", TODAY, NIGHT)
        assert await reports.last_days(conn) == {"morning": TODAY.day}
    assert not await write(store)
    assert await entries(store) == []


async def test_the_figures_of_a_day_are_kept_as_they_were_first(store: asyncpg.Pool) -> None:
    async with transaction(store) as conn:
        for total in (120, 7):
            kept = {"syncs": {"total": total, "issues": 4.5, "none": None}}
            await reports.keep(conn, "morning", TODAY.day, NIGHT, kept)
        [sample] = await reports.samples(conn, "morning", "syncs", TODAY.day, TODAY.day)
        assert await reports.sampled_days(conn) == {"morning": TODAY.day}
    assert sample == Sample(TODAY.day, {"total": 120, "issues": 4.5, "none": None})
