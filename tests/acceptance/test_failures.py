"""Each failure of the five systems, broken and mended for real: exactly its incidents, and recovery."""

import pytest

from tests.acceptance.checks import check, check_told
from tests.acceptance.nights import Player, nights
from watchdog.demo.failures import FAILURES

NIGHTS = {
    failure.id: night
    for night in nights(one for one in FAILURES.values() if not one.is_twin)
    for failure in night.failures
}


@pytest.mark.parametrize("failure_id", NIGHTS)
async def test_a_failure_opens_exactly_its_incidents_and_mending_recovers_them(
    failure_id: str, player: Player
) -> None:
    await check(FAILURES[failure_id], NIGHTS[failure_id], player)


@pytest.mark.parametrize("failure_id", dict.fromkeys(one.failures[0].id for one in NIGHTS.values()))
async def test_of_a_night_nothing_is_told_but_its_incidents(
    failure_id: str, player: Player
) -> None:
    await check_told(NIGHTS[failure_id], player)
