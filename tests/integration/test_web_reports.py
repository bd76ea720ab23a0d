"""A report in the outbox, as the page shows it."""

from dataclasses import replace
from datetime import date

import asyncpg

from notifiers.base import Part
from notifiers.samples import sample_report
from notifiers.summary_samples import sample_summary
from tests.page import running_page
from watchdog.clock import MovedClock
from watchdog.domain.due import Due
from watchdog.domain.notices import Notice
from watchdog.store import reports, subscriptions
from watchdog.store.pool import transaction


async def test_a_report_is_shown_as_its_readers_see_it(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    now = clock.now()
    report = replace(sample_report(), name="morning", at=now, due_at=now)
    notices = [
        Notice("slack:#alerts", Part.ROOT, now),
        Notice("email:data@example.com", Part.PAGE, now),
    ]
    async with transaction(store) as conn:
        await reports.write(conn, report, Due(date(2025, 6, 13), now), notices)
    async with running_page(store, clock) as page, page.signed_in("ana") as ana:
        text = await ana.read("/parts/outbox")
        number = await store.fetchval("select max(id) from notification")
        shown = await ana.read(f"/outbox/{number}")
        mail = await ana.client.get(f"/outbox/{number}/mail")
    assert text.count("the report morning") == 2
    assert "#None" not in text
    assert "📋 REPORT Issues this morning" in text
    assert "Message" in shown
    assert "acme/storefront" in mail.text


async def test_a_weekly_mail_is_shown_with_its_picture_and_without_its_link_to_stop(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    summary = replace(sample_summary(), at=clock.now())
    async with transaction(store) as conn:
        due = Due(summary.monday, clock.now())
        await subscriptions.tell(conn, "weekly", summary, due, ["ana@example.com"])
    token = await store.fetchval("select token from subscription")
    async with running_page(store, clock) as page, page.signed_in("ana") as ana:
        text = await ana.read("/parts/outbox")
        mail = await ana.client.get("/outbox/1/mail")
    assert "🗓 Week 23: 12 incidents (5 fewer)" in text
    assert 'src="data:image/png;base64,iVBOR' in mail.text
    assert "img-src data:" in mail.headers["content-security-policy"]
    assert token not in mail.text
