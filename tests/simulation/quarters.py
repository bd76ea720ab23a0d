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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.postgres import Server
from tests.simulation.player import player
from tests.simulation.verdict import Verdict, verdict
from tests.simulation.year import (
    YEAR,
    Planted,
    always_dense,
    dealt,
    moments,
    plant,
    plantable,
    quarters,
)
from watchdog.config.model import Rule
from watchdog.demo.failures import FAILURES

PLANTED = 200
SEED = 12
QUARTERS = dict(enumerate(quarters(YEAR), start=1))


def planted_in(number: int, rules: Mapping[str, Rule], seed: int = SEED) -> list[Planted]:
    """Return the failures of a quarter, at random seconds: each kind once, but for a few left out."""
    kinds = plantable(FAILURES.values(), rules)
    hands = dealt(kinds, PLANTED // len(QUARTERS), len(QUARTERS), random.Random(seed))
    chance = random.Random(f"{seed} in {number}")
    return plant(hands[number - 1], rules, QUARTERS[number], [], chance)


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
