"""Days of a simulated year: nothing opens in a healthy world, and what is planted is found in time."""

import random
from datetime import UTC, datetime
from pathlib import Path

from tests.postgres import Server
from tests.simulation.player import as_teams_look, player
from tests.simulation.verdict import verdict
from tests.simulation.year import Span, moments, plant
from watchdog.demo.failures import FAILURES

SEED = 12
SPRING = Span(datetime(2025, 3, 8, 18, tzinfo=UTC), datetime(2025, 3, 10, 2, tzinfo=UTC))
CHANGE = Span(datetime(2025, 3, 9, 6, 30, tzinfo=UTC), datetime(2025, 3, 9, 7, 45, tzinfo=UTC))
"""New York loses an hour in it."""

PLANTED = ("Z2", "S1", "W2", "E5")


async def test_days_around_a_change_of_time_bring_what_is_planted_and_nothing_else(
    postgres_server: Server, tmp_path: Path
) -> None:
    rules = as_teams_look(tmp_path).rules
    failures = [FAILURES[name] for name in PLANTED]
    planted = plant(failures, rules, SPRING, [CHANGE], random.Random(SEED))
    dense = [CHANGE, *(span for one in planted for span in one.dense)]
    async with player(postgres_server, tmp_path, SPRING.start) as world:
        await world.play(moments(SPRING, dense), planted)
        found = verdict(await world.incidents(), planted)
        assert (found.missed, found.false, found.lasting, world.blind) == ([], [], [], [])
        assert len(found.delays) == len(PLANTED)
