"""A simulated year in four quarters, each a world of its own, played by two tests at once.

It is played twice: healthy, when every slot of a week, of both days that turn the clock and of the
month ends is looked at; and with two hundred failures, when every slot around each of them is. In
between both are looked at hourly.

Four kinds of failures are not planted, since they change by themselves before a rule that looks
every five minutes has seen them twice: Z9 and Z10, whose run succeeds after 75 s, S9, whose three
runs end within 20 s, and S7-back, which has caught up after 45 s. `tests/acceptance` breaks them at
the demo's own pace.
"""

import faulthandler
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.postgres import Server
from tests.simulation.player import as_teams_look, player
from tests.simulation.verdict import Verdict, verdict
from tests.simulation.year import (
    YEAR,
    Planted,
    always_dense,
    moments,
    plant,
    plantable,
    quarters,
    shuffled,
)
from watchdog.demo.failures import FAILURES

PLANTED = 200
SEED = 12
QUARTERS = dict(enumerate(quarters(YEAR), start=1))


def planted_in(number: int, folder: Path) -> list[Planted]:
    """Return the failures of a quarter, at random seconds; all kinds come equally often in the year."""
    rules = as_teams_look(folder).rules
    order = shuffled(plantable(FAILURES.values(), rules), PLANTED, random.Random(SEED))
    each = PLANTED // len(QUARTERS)
    mine = order[(number - 1) * each : number * each]
    return plant(mine, rules, QUARTERS[number], [], random.Random(f"{SEED} in {number}"))


@dataclass(frozen=True, slots=True)
class Played:
    """What a quarter has shown.

    Attributes:
        blind: Rules that could not be evaluated at some moment.
    """

    verdict: Verdict
    moments: int
    looks: int
    blind: list[str]


def healthy_moments(number: int) -> list[datetime]:
    """Return when a quarter is looked at in which nothing is planted."""
    return moments(QUARTERS[number], always_dense(YEAR))


def moments_around(number: int, planted: Sequence[Planted]) -> list[datetime]:
    """Return when a quarter is looked at in which failures are planted."""
    return moments(QUARTERS[number], (span for one in planted for span in one.dense))


async def play(
    server: Server, folder: Path, at: Sequence[datetime], planted: Sequence[Planted] = ()
) -> Played:
    """Play a quarter from end to end."""
    faulthandler.cancel_dump_traceback_later()  # set for tests that hang; this one takes long
    async with player(server, folder, at[0]) as world:
        await world.play(at, planted)
        found = verdict(await world.incidents(), planted)
        return Played(found, world.moments, world.looks, world.blind)
