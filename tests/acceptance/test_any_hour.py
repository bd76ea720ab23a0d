"""At any hour of any day the demo is healthy, and what is broken is heard of in time."""

from datetime import timedelta

import pytest

from tests.acceptance.nights import SECONDS_TO_RECOVER, incidents_after, newest_incident
from tests.acceptance.running import Program, Receivers

OPEN_AFTER_SLOTS = 2 * 5
"""Seconds: `open_after: 2 checks`, `every: 5s` in the repository's rules."""

HOURS_APART = 13
"""Thirteen and a week's 168 hours have no common divisor: each moment is another hour of the week."""

FEW = 3
MOMENTS = [*range(FEW), *(pytest.param(one, marks=pytest.mark.long) for one in range(FEW, 26))]
"""By default they reach into the second day; with `--long` over two weeks."""


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_stuck_sync_reaches_the_outbox_within_its_slots_and_five_seconds(
    moment: int, program: Program, receivers: Receivers
) -> None:
    program.jump(timedelta(hours=HOURS_APART).total_seconds())
    program.advance(30)
    newest, posts = await newest_incident(program), len(receivers.slack())
    program.say("demo", "break", "S1")
    program.advance(OPEN_AFTER_SLOTS + 5)
    opened = await incidents_after(program, newest)
    told = receivers.slack()[posts:]
    program.say("demo", "mend", "S1")
    program.advance(SECONDS_TO_RECOVER)
    ended = await incidents_after(program, newest)

    assert [one["rule"] for one in opened] == ["servicetitan_sync-sync-stuck"], moment
    assert any(f"#{opened[0]['id']}" in one["text"] for one in told)
    assert [one["state"] for one in ended] == ["recovered"]
