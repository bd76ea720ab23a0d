"""Each twin looks like a failure and is none: nothing opens, and nobody is told of anything."""

import pytest

from tests.acceptance.checks import check, check_told
from tests.acceptance.nights import Player, nights
from watchdog.demo.failures import FAILURES

NIGHTS = {
    twin.id: night
    for night in nights(one for one in FAILURES.values() if one.is_twin)
    for twin in night.failures
}


@pytest.mark.parametrize("twin_id", NIGHTS)
async def test_a_twin_stays_silent(twin_id: str, player: Player) -> None:
    await check(FAILURES[twin_id], NIGHTS[twin_id], player)


@pytest.mark.parametrize("twin_id", dict.fromkeys(one.failures[0].id for one in NIGHTS.values()))
async def test_of_a_night_of_twins_nothing_is_told_but_their_incidents(
    twin_id: str, player: Player
) -> None:
    await check_told(NIGHTS[twin_id], player)
