"""A new configuration takes the place of the one before, while everything runs."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from tests.watching import config_of, stuck_rule
from watchdog.app import put_in_force
from watchdog.clock import MovedClock
from watchdog.config.load import Loaded
from watchdog.config.model import Config, SlackChannel, WebhookChannel
from watchdog.engine.engine import Engine
from watchdog.engine.leader import Leader
from watchdog.service import Options, Service

BEFORE = config_of("postgresql://nobody@127.0.0.1:1/none", [stuck_rule()])


class Parts:
    """A service that does not run, and its engine."""

    def __init__(self, store: asyncpg.Pool, clock: MovedClock, folder: Path) -> None:
        options = Options(folder / "rules.yaml", folder)
        self.service = Service(options, clock, store, Loaded(None, (), {}), BEFORE, "one")
        self.engine = Engine(store, clock, Leader(store, "one"), asyncio.Event())

    async def put(self, config: Config) -> None:
        await put_in_force(self.service, self.engine, config)


@pytest.fixture
async def parts(store: asyncpg.Pool, clock: MovedClock, tmp_path: Path) -> AsyncIterator[Parts]:
    parts = Parts(store, clock, tmp_path)
    await parts.put(BEFORE)
    yield parts
    for source in parts.service.sources.values():
        await source.close()
    for notifier in parts.service.notifiers.values():
        await notifier.close()


async def test_what_stays_as_it_is_stays_open(parts: Parts) -> None:
    sources, notifiers = dict(parts.service.sources), dict(parts.service.notifiers)
    await parts.put(config_of("postgresql://nobody@127.0.0.1:1/none", [stuck_rule("other")]))
    assert parts.service.sources == sources
    assert parts.service.notifiers == notifiers
    assert set(parts.service.config.rules) == {"other"}


async def test_a_source_with_another_address_is_opened_anew(parts: Parts) -> None:
    before = parts.service.sources["jobs"]
    await parts.put(config_of("postgresql://nobody@127.0.0.1:2/none", [stuck_rule()]))
    assert parts.service.sources["jobs"] is not before


async def test_a_new_token_opens_the_channels_anew(parts: Parts) -> None:
    before = dict(parts.service.notifiers)
    await parts.put(replace(BEFORE, slack=SlackChannel(token=SecretStr("xoxb-new"))))
    assert set(parts.service.notifiers) == set(before)
    assert parts.service.notifiers["slack"] is not before["slack"]


async def test_a_webhook_that_is_given_or_changed_is_opened(parts: Parts) -> None:
    hook = WebhookChannel(SecretStr("https://programs.example.com"), SecretStr("k" * 32))
    await parts.put(replace(BEFORE, webhook=hook))
    before = parts.service.notifiers["webhook"]
    await parts.put(replace(BEFORE, webhook=replace(hook, secret=SecretStr("l" * 32))))
    assert parts.service.notifiers["webhook"] is not before


async def test_what_only_the_way_back_needs_leaves_the_channels_open(parts: Parts) -> None:
    slack = SlackChannel(SecretStr("xoxb-one"), app_token=SecretStr("xapp-one"))
    await parts.put(replace(BEFORE, slack=slack))
    before = dict(parts.service.notifiers)
    await parts.put(replace(BEFORE, slack=replace(slack, app_token=SecretStr("xapp-two"))))
    assert parts.service.notifiers == before
