"""Rules about files in a running engine: incidents, and what cannot be looked at."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tests.log_files import Log
from tests.watching import EVERY, leads, running_engine
from watchdog.clock import MovedClock
from watchdog.config.load import load
from watchdog.domain.incident import Incident, State
from watchdog.engine.engine import Engine
from watchdog.sources.base import Source
from watchdog.sources.open import open_source
from watchdog.store import incidents
from watchdog.store.pool import transaction

RULES = """\
version: 1
people: { ana: { email: ana@example.com } }
teams: { desk: { lead: ana } }
defaults: { team: desk }
rules:
  worker-silent:
    title: The worker says nothing
    logs: { files: worker.log, where: { message: [processing, idle] }, silent_for: 3m }
  token-checks-fail:
    title: Token checks fail in numbers
    logs:
      files: worker.log
      where: { message: token_verification_failed }
      window: 10m
      max: 20
      class: auth_config
"""


class Desk:
    """A worker that logs, the rules about it, and an engine."""

    def __init__(self, folder: Path, store: asyncpg.Pool, clock: MovedClock) -> None:
        (folder / "rules.yaml").write_text(RULES)
        self.log = Log(folder / "worker.log")
        self.store, self.clock = store, clock
        self.stack = contextlib.AsyncExitStack()
        self.sources: dict[str, Source] = {}
        self.path = folder / "rules.yaml"

    async def begin(self) -> None:
        """Start an engine that knows nothing of the files yet."""
        await self.stack.aclose()
        engine: Engine = await self.stack.enter_async_context(
            running_engine(self.store, self.clock)
        )
        config = load(self.path, {}).config
        assert config is not None
        self.sources = {name: open_source(one, {}) for name, one in config.asked.items()}
        await engine.apply(config, self.sources)
        await leads(engine)

    async def pass_minutes(self, minutes: int, message: str = "idle", count: int = 1) -> None:
        """Let time pass, with some lines a minute."""
        for _ in range(minutes):
            self.log.now = self.clock.now()
            self.log.append(count, message=message)
            await self.clock.advance(EVERY)

    async def incidents(self) -> list[Incident]:
        async with transaction(self.store) as conn:
            return sorted(await incidents.listed(conn, with_resolved=True), key=lambda one: one.id)


@pytest.fixture
async def desk(tmp_path: Path, store: asyncpg.Pool, clock: MovedClock) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path, store, clock)
    await desk.begin()
    yield desk
    await desk.stack.aclose()


async def test_a_worker_that_falls_silent_is_found_and_recovers(desk: Desk) -> None:
    await desk.pass_minutes(3)
    assert await desk.incidents() == []
    await desk.clock.advance(6 * EVERY)
    [incident] = await desk.incidents()
    assert (incident.rule, incident.owner, incident.source) == ("worker-silent", "ana", "@files")
    await desk.pass_minutes(4)
    [incident] = await desk.incidents()
    assert incident.state is State.RECOVERED


async def test_a_restart_with_a_rotation_in_between_finds_the_burst_all_the_same(
    desk: Desk,
) -> None:
    await desk.pass_minutes(2, "idle")
    await desk.pass_minutes(2, "token_verification_failed", 5)
    assert await desk.incidents() == []
    await desk.stack.aclose()
    desk.log.append(1, message="token_verification_failed")
    desk.log.rotate()
    desk.log.append(10, message="token_verification_failed")
    desk.log.append(1, message="idle")
    await desk.begin()
    await desk.pass_minutes(2, "idle")
    [incident] = await desk.incidents()
    assert (incident.rule, incident.failure_class) == ("token-checks-fail", "auth_config")
    assert incident.fact == "21 in 10m (max 20)"


async def test_as_many_as_allowed_open_nothing(desk: Desk) -> None:
    await desk.pass_minutes(1, "idle")
    await desk.pass_minutes(2, "token_verification_failed", 10)
    await desk.pass_minutes(2, "idle")
    assert await desk.incidents() == []


async def test_a_log_that_cannot_be_read_is_told_to_the_team_of_each_rule(desk: Desk) -> None:
    desk.log.path.symlink_to(desk.log.path)
    await desk.clock.advance(4 * EVERY)
    found = await desk.incidents()
    assert {(one.rule, one.owner) for one in found} == {
        ("rule:worker-silent", "ana"),
        ("rule:token-checks-fail", "ana"),
    }
    assert all("too many levels of symbolic links" in one.detail for one in found)
