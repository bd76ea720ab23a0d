"""A year in which two hundred failures are planted: each is found in time, and nothing else opens."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.postgres import Server
from tests.simulation.player import as_teams_look
from tests.simulation.quarters import PLANTED, QUARTERS, moments_around, planted_in, play
from tests.simulation.summary import PLANTED_IN, as_plain


@pytest.mark.long
@pytest.mark.parametrize("quarter", QUARTERS)
async def test_each_failure_of_a_quarter_is_found_in_time_and_nothing_else(
    quarter: int,
    postgres_server: Server,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    planted = planted_in(quarter, as_teams_look(tmp_path).rules)
    at = moments_around(quarter, planted)
    played = await play(postgres_server, tmp_path, at, planted)
    found = played.verdict
    record_property(PLANTED_IN, as_plain(found))
    assert (found.missed, found.false, found.lasting, played.blind) == ([], [], [], [])
    assert len(found.delays) == PLANTED // len(QUARTERS)
