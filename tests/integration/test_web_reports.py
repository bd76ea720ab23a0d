"""A report in the outbox, as the page shows it."""

from dataclasses import replace
from datetime import date

import asyncpg

from notifiers.base import Part
from notifiers.samples import sample_report
from tests.page import running_page
from watchdog.clock import MovedClock
from watchdog.domain.due import Due
from watchdog.domain.notices import Notice
from watchdog.store import reports
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
