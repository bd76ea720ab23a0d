"""Reports of a real PostgreSQL and SQLite: sent once a day, caught up, kept."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import pytest

from notifiers.base import Notifier
from notifiers.email import Email
from notifiers.slack import Slack
from rules.base import Answer, Question
from tests.fake_slack import TOKEN, FakeSlack
from tests.morning import Morning, morning
from tests.post_office import PostOffice
from tests.postgres import NIGHT, Database
from tests.rows import Incidents
from tests.smtp_server import MailServer
from watchdog.clock import MovedClock
from watchdog.config.load import load_text
from watchdog.domain.people import Directory
from watchdog.domain.samples import Sample
from watchdog.service import Service
from watchdog.sources.base import Source
from watchdog.store import reports
from watchdog.store.pool import transaction

EIGHT = timedelta(hours=3, minutes=45)
"""From the start of the clock to 08:00 in Berlin."""

DAY = timedelta(days=1)
RULES_FOR_INFORMATION = """\
version: 1
people: { ana: { email: ana@example.com } }
teams: { data: { lead: ana, email: data@example.com } }
sources: { crm: { postgres: "postgres://db/x", team: data } }
defaults: { team: data }
rules:
  jobs-grow: { queue: { source: crm, table: job, max_rows: 5 } }
  jobs-late: { queue: { source: crm, table: job, max_rows: 5 } }
  mail-old: { queue: { source: crm, table: job, max_rows: 5 } }
"""
TO_TEAM = ["slack:#alerts", "email:data@example.com"]


@pytest.fixture
async def desk(
    store: asyncpg.Pool, database: Database, clock: MovedClock, tmp_path: Path
) -> AsyncIterator[Morning]:
    async with morning(
        store, database.dsn, database.reader_dsn, clock, tmp_path, "mon-fri"
    ) as desk:
        yield desk


async def test_a_report_comes_at_its_time_to_all_who_read_it(desk: Morning) -> None:
    worker, _ = await desk.leading()
    await worker.make_due()
    await desk.clock.advance(EIGHT - timedelta(seconds=1))
    await worker.make_due()
    assert await desk.entries() == []
    await desk.clock.advance(timedelta(seconds=1))
    await worker.make_due()
    await worker.make_due()
    assert [one.receiver for one in await desk.entries()] == TO_TEAM


async def test_it_says_what_its_sources_said(desk: Morning) -> None:
    worker, _ = await desk.leading()
    await worker.make_due()
    await desk.clock.advance(EIGHT)
    await worker.make_due()
    [told] = await desk.told()
    jobs, overdue, queue = told.parts
    assert jobs.figures == (
        ("Total", "2"),
        ("Successful", "1"),
        ("Average hours", "16.1"),
        ("Asked", "08:00"),
    )
    assert overdue.columns == ("Name", "Hours overdue")
    assert overdue.rows == (("sync", "30.2"), ("mail", "2"))
    assert queue.figures == (("Waiting", "3"),)
    assert told.due_at == told.at == NIGHT + EIGHT


async def test_a_report_that_is_new_begins_with_its_next_day(desk: Morning) -> None:
    await desk.clock.advance(EIGHT + timedelta(hours=2))
    worker, _ = await desk.leading()
    await worker.make_due()
    assert await desk.entries() == []
    await desk.clock.advance(3 * DAY)
    await worker.make_due()
    assert len(await desk.entries()) == 2


async def test_what_was_due_while_nothing_ran_comes_once_and_only_the_latest(
    desk: Morning,
) -> None:
    worker, leader = await desk.leading()
    await worker.make_due()
    await leader.give_back()
    await desk.clock.advance(EIGHT + 4 * DAY + timedelta(hours=2))
    again, _ = await desk.leading("two")
    await again.make_due()
    await again.make_due()
    [told] = await desk.told()
    assert (told.due_at, told.at) == (NIGHT + EIGHT + 4 * DAY, desk.clock.now())


async def test_days_that_are_not_named_are_left_out(desk: Morning) -> None:
    worker, _ = await desk.leading()
    await worker.make_due()
    await desk.clock.advance(EIGHT)
    await worker.make_due()
    await desk.pass_days(worker, 4)
    assert [one.due_at.date() for one in await desk.told()] == [
        date(2025, 6, 13),
        date(2025, 6, 16),
        date(2025, 6, 17),
    ]


async def test_a_restart_sends_nothing_again(desk: Morning) -> None:
    worker, leader = await desk.leading()
    await worker.make_due()
    await desk.clock.advance(EIGHT)
    await worker.make_due()
    await leader.give_back()
    again, _ = await desk.leading("two")
    await again.make_due()
    assert len(await desk.told()) == 1


async def test_only_the_replica_that_leads_sends(desk: Morning) -> None:
    worker, _ = await desk.leading()
    other, _ = desk.replica("two")
    await worker.make_due()
    await desk.clock.advance(EIGHT)
    await other.make_due()
    assert await desk.entries() == []
    await worker.make_due()
    await other.make_due()
    assert len(await desk.entries()) == 2


async def test_a_replica_that_was_fenced_off_writes_nothing(desk: Morning) -> None:
    worker, _ = await desk.leading()
    await worker.make_due()
    await desk.clock.advance(EIGHT)
    await desk.store.execute("update lease set token = token + 1, replica = 'two'")
    await worker.make_due()
    assert await desk.told() == []


async def test_a_report_that_cannot_be_written_keeps_no_other_back_and_ends_nothing(
    desk: Morning, caplog: pytest.LogCaptureFixture
) -> None:
    usual = desk.config.reports["morning"]
    both = {"odd": replace(usual, name="odd"), "morning": usual}
    desk.config = replace(desk.config, reports=both)
    worker, _ = await desk.leading()
    await worker.make_due()
    await desk.store.execute(
        "alter table report_run add constraint odd check (report <> 'odd' or facts is null)"
    )
    await desk.clock.advance(EIGHT)
    await worker.make_due()
    assert [one.receiver for one in await desk.entries()] == TO_TEAM
    [refused] = [one for one in caplog.records if one.message == "report not made"]
    assert refused.__dict__["report"] == "odd"


async def test_a_source_that_cannot_be_asked_keeps_no_report_back(desk: Morning) -> None:
    worker, _ = await desk.leading()
    await worker.make_due()
    await desk.db.execute("drop table job")
    await desk.clock.advance(EIGHT)
    await worker.make_due()
    [told] = await desk.told()
    jobs, overdue, queue = told.parts
    assert "job" in jobs.trouble
    assert "job" in overdue.trouble
    assert queue.figures == (("Waiting", "3"),)
    assert len(await desk.entries()) == 2


class ReloadsMeanwhile:
    """A source; while it is asked, a configuration without any team comes into force."""

    def __init__(self, service: Service, source: Source) -> None:
        self._service = service
        self._source = source

    async def answer(self, question: Question) -> Answer:
        return (await self.answer_all([question]))[0]

    async def answer_all(self, questions: Sequence[Question]) -> list[Answer]:
        self._service.config = replace(self._service.config, directory=Directory(), reports={})
        return list(await self._source.answer_all(questions))

    async def close(self) -> None:
        await self._source.close()


async def test_a_team_that_leaves_while_its_report_is_made_still_gets_it(desk: Morning) -> None:
    worker, _ = await desk.leading()
    await worker.make_due()
    await desk.clock.advance(EIGHT)
    service = worker._service
    service.sources["web_sync"] = ReloadsMeanwhile(service, service.sources["web_sync"])
    await worker.make_due()
    assert [one.receiver for one in await desk.entries()] == TO_TEAM
    await desk.clock.advance(DAY)
    await worker.make_due()
    assert len(await desk.entries()) == len(TO_TEAM)


async def test_more_rows_than_twenty_are_cut(desk: Morning) -> None:
    await desk.db.execute(
        "insert into job select 'j' || n, 'idle', n from generate_series(1, 30) n"
    )
    worker, _ = await desk.leading()
    await worker.make_due()
    await desk.clock.advance(EIGHT)
    await worker.make_due()
    [told] = await desk.told()
    assert (len(told.parts[1].rows), told.parts[1].is_cut) == (20, True)


async def test_figures_are_kept_every_day_also_where_no_report_is_sent(desk: Morning) -> None:
    worker, _ = await desk.leading()
    await worker.make_due()
    await desk.clock.advance(EIGHT)
    await worker.make_due()
    await desk.pass_days(worker, 2)
    first = date(2025, 6, 13)
    async with transaction(desk.store) as conn:
        kept = await reports.samples(conn, "morning", "jobs", first, first + 3 * DAY)
    assert kept == [Sample(first + ahead * DAY, {"total": 2, "hours": 32.25}) for ahead in range(3)]


async def test_figures_that_could_not_be_asked_are_asked_again_that_day(desk: Morning) -> None:
    worker, _ = await desk.leading()
    await desk.clock.advance(EIGHT)
    await desk.db.execute("alter table job rename to hidden")
    await worker.make_due()
    await desk.db.execute("alter table hidden rename to job")
    await desk.clock.advance(timedelta(minutes=1))
    await worker.make_due()
    first = date(2025, 6, 13)
    async with transaction(desk.store) as conn:
        assert len(await reports.samples(conn, "morning", "jobs", first, first)) == 1


async def test_a_hostile_cell_does_nothing_to_its_readers(desk: Morning) -> None:
    hostile = "<!channel> <http://evil.example|bank> *x*\r\nBcc: e@evil.example<script>1</script>"
    await desk.db.execute("update job set name = $1 where name = 'sync'", hostile)
    worker, _ = await desk.leading()
    await worker.make_due()
    await desk.clock.advance(EIGHT)
    await worker.make_due()
    async with contextlib.AsyncExitStack() as stack:
        slack = await stack.enter_async_context(FakeSlack(("alerts",)))
        mail = await stack.enter_async_context(MailServer())
        office = PostOffice(desk.store, desk.clock)
        ways: dict[str, Notifier] = {
            "slack": Slack(TOKEN, slack.api),
            "email": Email(mail.url, "watchdog@example.com"),
        }
        for way in ways.values():
            stack.push_async_callback(way.close)
        await office.worker(notifiers=ways).drain()
        assert slack.live_mentions == []
        [posted], [arrived] = slack.messages, mail.mails
    assert "&lt;!channel&gt;" in str(posted.blocks)
    assert arrived.parsed["Bcc"] is None
    html = arrived.parsed.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()
    assert [one.state for one in await desk.entries()] == ["sent", "sent"]


async def test_the_worker_wakes_by_itself(desk: Morning) -> None:
    worker, _ = await desk.leading()
    running = asyncio.ensure_future(worker.run())
    await desk.clock.advance(EIGHT)
    assert [one.receiver for one in await desk.entries()] == TO_TEAM
    running.cancel()
    await asyncio.wait({running})


async def test_what_is_open_and_was_told_to_nobody_is_listed_last(desk: Morning) -> None:
    rules = load_text({"rules.yaml": RULES_FOR_INFORMATION}, "rules.yaml", {}).config
    assert rules is not None
    morning = replace(desk.config.reports["morning"], open_info=("jobs-*",))
    desk.config = replace(desk.config, rules=rules.rules, reports={"morning": morning})
    worker, _ = await desk.leading()
    await worker.make_due()
    grown = {"title": "Jobs grow", "fact": "7 rows (max 5)"}
    async with transaction(desk.store) as conn:
        rows = Incidents(conn)
        await rows.insert(1, "a", rule="jobs-grow", severity="info", **grown)
        await rows.insert(2, "b", rule="jobs-late", severity="warning")
        await rows.insert(3, "c", rule="mail-old", severity="info")
        for number in (1, 2, 3):
            await rows.event(number, 1, "open", event="opened")
    await desk.clock.advance(EIGHT)
    await worker.make_due()
    [made] = await desk.told()
    *_, last = made.parts
    assert (last.title, last.columns) == ("Open, for information", ("What", "Now", "Since"))
    assert last.rows == (("Jobs grow", "7 rows (max 5)", "04:15"),)
