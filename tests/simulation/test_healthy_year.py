"""A year in which nothing is broken: nothing opens, and every rule can be evaluated all year."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.postgres import Server
from tests.simulation.quarters import QUARTERS, healthy_moments, play
from tests.simulation.summary import HEALTHY


@pytest.mark.long
@pytest.mark.parametrize("quarter", QUARTERS)
async def test_nothing_opens_in_a_healthy_quarter(
    quarter: int,
    postgres_server: Server,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    played = await play(postgres_server, tmp_path, healthy_moments(quarter))
    record_property(HEALTHY, [played.moments, len(played.verdict.false)])
    assert (played.verdict.false, played.blind) == ([], [])
