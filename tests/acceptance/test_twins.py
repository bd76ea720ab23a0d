"""Each twin looks like a failure and is none: nothing opens, and nobody is told of anything."""

import pytest

from tests.acceptance.checks import check
from tests.acceptance.nights import Player, marked, nights
from watchdog.demo.failures import FAILURES

NIGHTS = {
    twin.id: night
    for night in nights(one for one in FAILURES.values() if one.is_twin)
    for twin in night.failures
}


@pytest.mark.parametrize("twin_id", marked(NIGHTS))
async def test_a_twin_stays_silent(twin_id: str, player: Player) -> None:
    await check(FAILURES[twin_id], NIGHTS[twin_id], player)
    played = await player.play(NIGHTS[twin_id])
    if not played.ended:
        assert (played.posts, played.mails) == ([], [])
