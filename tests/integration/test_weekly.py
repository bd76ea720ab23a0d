"""The weekly summary of a real store: once for each reader and week, caught up, and stopped by who wants."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from notifiers.base import Notifier
from notifiers.email import Email
from notifiers.slack import Slack
from notifiers.summary import Summary
from rules.cron import parse_cron
from tests.config_files import config_of
from tests.fake_slack import TOKEN, FakeSlack
from tests.integration.test_cli_weekly import a_week
from tests.morning import Morning, morning
from tests.page import send_too_many
from tests.post_office import PostOffice
from tests.postgres import NIGHT, Database
from tests.smtp_server import MailServer
from tests.watching import stuck_rule
from watchdog.clock import MovedClock
from watchdog.config.model import WeeklyReport
from watchdog.domain.weeks import Week
from watchdog.reports.weekly import due_week, make_week, tell_week
from watchdog.store import reports, subscriptions
from watchdog.store.facts import decode_told
from watchdog.store.pool import transaction
from watchdog.store.summaries import UNLOOKED, counts_around

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY_MORNING = timedelta(days=3, hours=4, minutes=15)
"""From the start of the clock, Friday 04:15, to Monday 08:30 in Berlin."""
TO_MONDAY = timedelta(days=2, hours=19, minutes=45)
"""From the start of the clock to the beginning of Monday in Berlin."""
WEEK = Week(date(2025, 6, 9), ZoneInfo("Europe/Berlin"))
BOTH = ["email:ana@example.com", "email:heads@example.com"]


@pytest.fixture
async def desk(
    store: asyncpg.Pool, database: Database, clock: MovedClock, tmp_path: Path
) -> AsyncIterator[Morning]:
    async with morning(store, database.dsn, database.reader_dsn, clock, tmp_path, "mon") as desk:
        weekly = {"weekly": weekly_of("ana@example.com", "heads@example.com")}
        desk.config = replace(desk.config, weeklies=weekly, reports={})
        yield desk


def weekly_of(*to: str) -> WeeklyReport:
    text = (
        "version: 1\npeople: { ana: { email: ana@example.com } }\n"
        "teams: { data: { lead: ana, timezone: Europe/Berlin } }\n"
        f"reports: {{ weekly: {{ kind: weekly, to: [{', '.join(to)}] }} }}\n"
    )
    return config_of(text).weeklies["weekly"]


async def receivers(desk: Morning) -> list[str]:
    return sorted(one.receiver for one in await desk.entries())


async def told(store: asyncpg.Pool) -> list[Summary]:
    rows = await store.fetch(
        "select facts::jsonb from report_run where facts is not null order by id"
    )
    made = [decode_told(row["facts"]) for row in rows]
    return [one for one in made if isinstance(one, Summary)]


async def test_it_comes_on_monday_morning_to_every_reader_also_when_nothing_happened(
    desk: Morning,
) -> None:
    worker, _ = await desk.leading()
    await worker.make_due()
    await desk.clock.advance(MONDAY_MORNING - timedelta(seconds=1))
    await worker.make_due()
    assert await receivers(desk) == []
    await desk.clock.advance(timedelta(seconds=1))
    await worker.make_due()
    await worker.make_due()
    assert await receivers(desk) == BOTH
    [summary] = await told(desk.store)
    assert (summary.name, summary.counted.incidents, summary.unlooked) == ("2025-24", 0, None)


async def test_a_service_that_was_down_sends_it_later_once_and_only_the_latest_week(
    desk: Morning,
) -> None:
    worker, leader = await desk.leading()
    await worker.make_due()
    await leader.give_back()
    await desk.clock.advance(MONDAY_MORNING + 9 * DAY)
    again, _ = await desk.leading("two")
    await again.make_due()
    await again.make_due()
    await desk.clock.advance(DAY)
    await again.make_due()
    assert await receivers(desk) == BOTH
    assert [one.name for one in await told(desk.store)] == ["2025-25"]


async def test_every_week_is_told(desk: Morning) -> None:
    worker, _ = await desk.leading()
    await worker.make_due()
    await desk.clock.advance(MONDAY_MORNING)
    await worker.make_due()
    await desk.pass_days(worker, 14)
    assert [one.name for one in await told(desk.store)] == ["2025-24", "2025-25", "2025-26"]
    assert await receivers(desk) == sorted(BOTH * 3)


async def test_another_time_of_the_same_week_tells_nothing_again(desk: Morning) -> None:
    worker, _ = await desk.leading()
    await worker.make_due()
    await desk.clock.advance(MONDAY_MORNING)
    await worker.make_due()
    moved = replace(desk.config.weeklies["weekly"], cron=parse_cron("0 9 * * wed"))
    service = worker._service
    service.config = replace(service.config, weeklies={"weekly": moved})
    await desk.pass_days(worker, 3)
    assert await receivers(desk) == BOTH


async def test_two_that_write_at_once_tell_each_reader_once(desk: Morning) -> None:
    weekly = desk.config.weeklies["weekly"]
    now = NIGHT + MONDAY_MORNING
    due = due_week(weekly, now)
    assert due is not None

    async def write() -> list[str]:
        async with transaction(desk.store) as conn:
            week = Week(due.day, weekly.zone)
            summary = await make_week(conn, desk.config, week, now)
            return await tell_week(conn, summary, due, weekly)

    written = await asyncio.gather(*(write() for _ in range(4)))
    assert sorted(len(one) for one in written) == [0, 0, 0, 2]
    assert await receivers(desk) == BOTH


async def test_the_store_refuses_a_second_telling(desk: Morning) -> None:
    await tell(desk, "ana@example.com")
    with pytest.raises(asyncpg.UniqueViolationError):
        await desk.store.execute("insert into report_told select * from report_told")


async def tell(desk: Morning, *to: str) -> list[str]:
    weekly = weekly_of(*to)
    now = NIGHT + MONDAY_MORNING
    due = due_week(weekly, now)
    assert due is not None
    async with transaction(desk.store) as conn:
        summary = await make_week(conn, desk.config, Week(due.day, weekly.zone), now)
        return await tell_week(conn, summary, due, weekly)


async def test_a_reader_who_is_named_later_gets_what_the_others_got(desk: Morning) -> None:
    assert await tell(desk, "ana@example.com") == ["ana@example.com"]
    assert await tell(desk, "Ana@Example.com", "tom@example.com") == ["tom@example.com"]
    assert len(await told(desk.store)) == 1


async def test_whoever_has_stopped_it_is_left_out_until_they_want_it_again(desk: Morning) -> None:
    await tell(desk, "ana@example.com", "heads@example.com")
    token = await token_of(desk.store, "ana@example.com")
    async with transaction(desk.store) as conn:
        stopped = await subscriptions.stop(conn, token, NIGHT)
        again = await subscriptions.stop(conn, token, NIGHT + DAY)
    assert stopped is not None
    assert again == stopped
    await desk.store.execute("delete from report_told")
    assert await tell(desk, "ana@example.com", "heads@example.com") == ["heads@example.com"]
    async with transaction(desk.store) as conn:
        await subscriptions.start(conn, token)
    assert await tell(desk, "ana@example.com", "heads@example.com") == ["ana@example.com"]


async def token_of(store: asyncpg.Pool, address: str) -> str:
    token: str = await store.fetchval(
        "select token from subscription where receiver = $1", f"email:{address}"
    )
    return token


async def test_the_mail_arrives_with_the_link_of_its_reader(desk: Morning) -> None:
    await tell(desk, "ana@example.com", "heads@example.com")
    await desk.clock.advance(MONDAY_MORNING)
    async with MailServer() as server:
        way = Email(server.url, "watchdog@example.com", "https://watchdog.example.com")
        await PostOffice(desk.store, desk.clock).worker(notifiers={"email": way}).drain()
        await way.close()
        mails = {str(one.parsed["To"]): one.parsed for one in server.mails}
    assert mails.keys() == {"ana@example.com", "heads@example.com"}
    for address, mail in mails.items():
        assert isinstance(mail, EmailMessage)
        token = await token_of(desk.store, address)
        assert mail["List-Unsubscribe"] == f"<https://watchdog.example.com/u/{token}>"
        assert mail["Message-ID"].startswith("<week-2025-24.")
        assert mail["Subject"].startswith("Week 24: quiet, ")


async def count(desk: Morning, missed: int) -> None:
    await desk.store.execute(
        "insert into rule_look (rule, error, missed) values ('orders', 5, $1) "
        "on conflict (rule) do update set missed = excluded.missed",
        missed,
    )


@pytest.mark.parametrize("day", ["mon", "fri"])
async def test_checks_without_an_answer_are_those_of_the_week_whenever_it_is_told(
    desk: Morning, day: str
) -> None:
    later = replace(desk.config.weeklies["weekly"], cron=parse_cron(f"30 8 * * {day}"))
    desk.config = replace(desk.config, weeklies={"weekly": later})
    worker, _ = await desk.leading()
    await worker.make_due()
    await desk.clock.advance(TO_MONDAY + timedelta(seconds=20))
    for missed in (2, 12):
        await count(desk, missed)
        await worker.make_due()
        await desk.clock.advance(7 * DAY)
    await count(desk, 99)
    await worker.make_due()
    *_, first, second = await told(desk.store)
    assert (first.name, first.unlooked) == ("2025-24", None)
    assert (second.name, second.unlooked) == ("2025-25", 10)
    assert [one.what for one in second.unseen] == ["Rule orders"]


async def test_of_a_week_whose_end_nobody_counted_no_gap_is_told_nor_denied(desk: Morning) -> None:
    worker, _ = await desk.leading()
    await worker.make_due()
    await desk.clock.advance(TO_MONDAY)
    await count(desk, 0)
    await worker.make_due()
    await desk.clock.advance(9 * DAY)
    await count(desk, 50)
    await worker.make_due()
    assert [(one.name, one.unlooked) for one in await told(desk.store)] == [("2025-25", None)]


@contextlib.asynccontextmanager
async def sending(desk: Morning, refused: str = "") -> AsyncIterator[tuple[FakeSlack, MailServer]]:
    """Send what is due by a Slack and a mail server, which refuses one address for good."""
    await desk.clock.advance(MONDAY_MORNING)
    async with contextlib.AsyncExitStack() as stack:
        slack = await stack.enter_async_context(FakeSlack(("alerts",)))
        server = await stack.enter_async_context(MailServer())
        server.script.refuse[refused] = "550 no such person"
        ways: dict[str, Notifier] = {
            "slack": Slack(TOKEN, slack.api),
            "email": Email(server.url, "watchdog@example.com", "https://watchdog.example.com"),
        }
        for way in ways.values():
            stack.push_async_callback(way.close)
        office = PostOffice(desk.store, desk.clock, directory=desk.config.directory)
        worker = office.worker(notifiers=ways)
        await worker.drain()
        await worker.drain()
        yield slack, server


async def ended(desk: Morning) -> dict[str, str]:
    return {one.receiver: one.state for one in await desk.entries()}


async def test_a_mail_that_is_refused_for_good_reaches_its_reader_by_another_way(
    desk: Morning,
) -> None:
    await tell(desk, "ana@example.com", "heads@example.com")
    async with sending(desk, refused="ana@example.com") as (slack, _):
        [posted] = slack.messages
    assert posted.text.startswith("🗓 Week 24: quiet")
    assert [one.receiver for one in await desk.entries() if one.state == "sent"] == [
        "email:heads@example.com",
        "slack:@U01ANA",
    ]


async def test_a_mail_that_is_refused_for_good_reaches_nobody_else(desk: Morning) -> None:
    await tell(desk, "heads@example.com")
    async with sending(desk, refused="heads@example.com"):
        pass
    assert await ended(desk) == {"email:heads@example.com": "dead"}


async def test_a_mail_that_waits_is_not_sent_to_whoever_has_stopped_it_meanwhile(
    desk: Morning,
) -> None:
    await tell(desk, "ana@example.com", "heads@example.com")
    token = await token_of(desk.store, "ana@example.com")
    async with transaction(desk.store) as conn:
        await subscriptions.stop(conn, token, NIGHT)
    async with sending(desk):
        pass
    assert await ended(desk) == {
        "email:ana@example.com": "withheld",
        "email:heads@example.com": "sent",
    }
    [stopped] = [one for one in await desk.entries() if one.state == "withheld"]
    assert stopped.last_error == "its reader has stopped it"


async def test_an_address_is_used_as_it_is_written_and_its_link_is_known(desk: Morning) -> None:
    assert await tell(desk, "Ana@Example.com", "ana@example.com") == ["Ana@Example.com"]
    token = await token_of(desk.store, "ana@example.com")
    async with sending(desk) as (_, server):
        [mail] = [one.parsed for one in server.mails]
    assert mail["To"] == "Ana@Example.com"
    assert token in mail["List-Unsubscribe"]


async def test_rules_that_have_been_watched_for_120_days_and_never_fired_are_named(
    desk: Morning, clock: MovedClock
) -> None:
    await a_week(desk.store, clock)
    known = {"orders-stale": 0.0, "backup-old": 1.0, "removed": 0.0}
    async with transaction(desk.store) as conn:
        day = (WEEK.until - 122 * DAY).date()
        await reports.keep(conn, "weekly", day, NIGHT, {UNLOOKED: known})
        rules = dict.fromkeys(("orders-stale", "backup-old"), stuck_rule())
        summary = await make_week(conn, replace(desk.config, rules=rules), WEEK, WEEK.until)
    assert [(one.what, one.detail) for one in summary.unseen] == [
        ("1 rule never fired in 120 days", "backup-old")
    ]


async def test_what_other_reports_keep_stands_in_the_summary_of_its_week(
    store: asyncpg.Pool, database: Database, clock: MovedClock, tmp_path: Path
) -> None:
    async with (
        morning(store, database.dsn, database.reader_dsn, clock, tmp_path, "mon") as desk,
        transaction(store) as conn,
    ):
        for number, hours in enumerate((10, 14, 15)):
            kept = {"jobs": {"total": 2, "hours": hours}}
            await reports.keep(conn, "morning", date(2025, 6, 8 + number), NIGHT, kept)
        summary = await make_week(conn, desk.config, WEEK, WEEK.until)
    [part] = summary.statistics
    assert (part.title, part.columns) == ("Jobs", ("total", "hours"))
    assert [values for _, values in part.rows] == [(2, 4), (2, 1), *[(None, None)] * 5]


async def test_of_a_week_with_too_much_to_count_readers_hear_that_once(
    desk: Morning, caplog: pytest.LogCaptureFixture
) -> None:
    worker, _ = await desk.leading()
    await worker.make_due()
    await a_week(desk.store, desk.clock)
    await desk.clock.advance(NIGHT + MONDAY_MORNING - desk.clock.now())
    await send_too_many(desk.store, 1042, NIGHT)
    await worker.make_due()
    await worker.make_due()
    assert [one.message for one in caplog.records].count("weekly summary not made") == 1
    assert await told(desk.store) == []
    written = [one.receiver for one in await desk.entries() if one.report]
    assert sorted(written) == BOTH
    [stub] = await desk.told()
    assert stub.title == "Week 2025-24"
    assert stub.parts[0].trouble.startswith("week 2025-24 has more than 100,000 messages to people")


async def test_counts_of_a_week_that_is_long_over_are_known_only_where_both_ends_were_kept(
    desk: Morning,
) -> None:
    later = WEEK.until + 30 * DAY
    async with transaction(desk.store) as conn:
        assert await counts_around(conn, "weekly", WEEK, later) == (None, None)
        await reports.keep(conn, "weekly", date(2025, 6, 9), NIGHT, {UNLOOKED: {"orders": 1.0}})
        begin, end = await counts_around(conn, "weekly", WEEK, later)
        assert (begin, end) == ({"orders": 1}, None)
        await reports.keep(conn, "weekly", date(2025, 6, 16), NIGHT, {UNLOOKED: {"orders": 5.0}})
        summary = await make_week(conn, desk.config, WEEK, later)
    assert summary.unlooked == 4


async def test_a_replica_that_was_fenced_off_tells_nobody(desk: Morning) -> None:
    worker, _ = await desk.leading()
    await worker.make_due()
    await desk.clock.advance(MONDAY_MORNING)
    await desk.store.execute("update lease set token = token + 1, replica = 'two'")
    await worker.make_due()
    assert await receivers(desk) == []
    assert await desk.store.fetchval("select count(*) from report_told") == 0


async def test_only_the_replica_that_leads_tells(desk: Morning) -> None:
    worker, _ = await desk.leading()
    other, _ = desk.replica("two")
    await worker.make_due()
    await desk.clock.advance(MONDAY_MORNING)
    await other.make_due()
    assert await receivers(desk) == []


async def test_the_worker_wakes_by_itself_on_monday(desk: Morning) -> None:
    worker, _ = await desk.leading()
    running = asyncio.ensure_future(worker.run())
    await desk.clock.advance(MONDAY_MORNING)
    assert await receivers(desk) == BOTH
    running.cancel()
    await asyncio.wait({running})


@pytest.mark.parametrize(
    ("now", "monday", "at"),
    [
        ("2025-06-16T06:29:59+00:00", "2025-06-02", "2025-06-09T06:30:00+00:00"),
        ("2025-06-16T06:30:00+00:00", "2025-06-09", "2025-06-16T06:30:00+00:00"),
        ("2025-06-22T23:00:00+00:00", "2025-06-09", "2025-06-16T06:30:00+00:00"),
        ("2025-10-27T08:00:00+00:00", "2025-10-20", "2025-10-27T07:30:00+00:00"),  # winter since
        ("2026-01-05T12:00:00+00:00", "2025-12-29", "2026-01-05T07:30:00+00:00"),  # week 2026-01
    ],
)
def test_the_week_that_is_due_is_the_one_before(now: str, monday: str, at: str) -> None:
    due = due_week(weekly_of("ana@example.com"), datetime.fromisoformat(now))
    assert due is not None
    assert (due.day, due.at) == (date.fromisoformat(monday), datetime.fromisoformat(at))
