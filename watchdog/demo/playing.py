"""Plays scenarios: the service does, at its own ticks, from what stands in the demo's database.

A command that kept the time by itself would leave everything broken when its terminal is closed, and
could not go by a clock that only the service has. So a command only says that a scenario begins, with
a row of its own in `broken`; each turn that was played leaves a mark in `applied`, from which anybody
can tell how far it is. The marks stay until it is begun anew.
"""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import TYPE_CHECKING

from watchdog.demo import databases
from watchdog.demo.scenario import Scenario, Turn
from watchdog.demo.scenarios import SCENARIOS
from watchdog.demo.scripts import load
from watchdog.demo.switch import CHANNEL, connected

if TYPE_CHECKING:
    from watchdog.demo.databases import Executes

_LOOK_SECONDS = 0.3


class Stopped(Exception):  # noqa: N818 (an ending)
    """Somebody stopped the scenario before its end."""


async def play(db: "Executes", now: datetime) -> None:
    """Play the turns of every scenario that has begun and whose time has come; the last one ends it.

    Part of a tick: in its transaction, before it reads what is broken.
    """
    switch = load("switch")
    started = {row["id"] for row in await db.fetch(switch["read_broken"])} & SCENARIOS.keys()
    if not started:
        return
    applied = {row["id"]: row["applied_at"] for row in await db.fetch(switch["read_applied"])}
    for scenario in (SCENARIOS[name] for name in started):
        began_at = applied.get(scenario.mark(0), now)
        for number, turn in enumerate(scenario.turns):
            mark = scenario.mark(number)
            if mark not in applied and now - began_at >= turn.after:
                await _take(db, turn)
                await db.execute(switch["note_applied"], mark, now)
        if now - began_at >= scenario.lasts:
            await db.execute(load("scenarios")["mend_failures"], [scenario.id])


async def _take(db: "Executes", turn: Turn) -> None:
    statements = load("scenarios")
    await db.execute(statements["mend_failures"], list(turn.mends))
    await db.execute(statements["break_failures"], list(turn.breaks))


async def begin(crm_dsn: str, scenario: Scenario) -> tuple[str, ...]:
    """Let the running demo play a scenario; return what is broken already, if it cannot begin."""
    statements = load("scenarios")
    async with connected(crm_dsn) as db, db.transaction():
        await databases.lock(db)  # no tick is under way that knows it as it was before
        broken = await db.fetch(load("switch")["read_broken"])
        if not broken:
            await db.execute(statements["forget_marks"], scenario.id)
            await db.execute(statements["break_failures"], [scenario.id])
            await db.execute("select pg_notify($1, $2)", CHANNEL, scenario.id)
    return tuple(row["id"] for row in broken)


async def stop(crm_dsn: str, scenario: Scenario) -> tuple[str, ...] | None:
    """End a scenario and mend what it has broken; return what that was, None if it was not played."""
    async with connected(crm_dsn) as db, db.transaction():
        await databases.lock(db)  # else a tick under way could break something afterwards
        broken = {row["id"] for row in await db.fetch(load("switch")["read_broken"])}
        if scenario.id not in broken:
            return None
        mended = tuple(name for name in scenario.failures if name in broken)
        await db.execute(load("scenarios")["mend_failures"], [scenario.id, *mended])
        await db.execute("select pg_notify($1, $2)", CHANNEL, scenario.id)
    return mended


async def follow(crm_dsn: str, scenario: Scenario) -> AsyncGenerator[Turn, None]:
    """Yield each turn once it was played, from the first one on, until the scenario ends.

    Raises:
        Stopped: It ended before its last turn.
    """
    told = 0
    async with connected(crm_dsn) as db:
        while told < len(scenario.turns):
            seen = await db.fetchrow(load("scenarios")["read_marks"], scenario.id)
            assert seen is not None
            while told < len(scenario.turns) and scenario.mark(told) in seen["marks"]:
                yield scenario.turns[told]
                told += 1
            if told < len(scenario.turns):
                if not seen["goes_on"]:
                    raise Stopped
                await asyncio.sleep(_LOOK_SECONDS)
