"""The composition root: puts the service together, runs it, and takes it apart in order."""

import asyncio
import contextlib
import gc
import logging
import os
import random
import secrets
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from notifiers.base import Notifier
from watchdog.clock import Clock, MovedClock, deadline
from watchdog.config.load import Loaded, load, load_text
from watchdog.config.model import Config, EmailChannel, SlackChannel
from watchdog.config.model import Service as ServiceSettings
from watchdog.config.model import Source as SourceSpec
from watchdog.config.watch import ConfigWatch
from watchdog.dead_man import DeadMan
from watchdog.delivery.ways import settings_of, ways_of
from watchdog.delivery.worker import Delivery
from watchdog.demo import whereabouts
from watchdog.domain.people import Directory
from watchdog.engine.deadlines import Deadlines
from watchdog.engine.engine import Engine
from watchdog.engine.leader import Leader
from watchdog.moved_time import TestClockRefused, clock_of, require_local, served
from watchdog.reports.handovers import Handovers
from watchdog.reports.worker import Reports
from watchdog.service import Options, Service
from watchdog.sources.base import Source
from watchdog.sources.open import open_source
from watchdog.store import configurations
from watchdog.store.embedded import Embedded
from watchdog.store.migrate import migrate
from watchdog.store.pings import Pings
from watchdog.store.pool import TROUBLE, close_pool, open_pool, transaction
from watchdog.web.server import Web

if TYPE_CHECKING:
    from watchdog.demo.world import Demo

logger = logging.getLogger(__name__)


_LEAVE_SECONDS = 3.0


class CannotStart(Exception):  # noqa: N818 (an ending with a sentence)
    """The service has nothing to run with; the text says why and what to do."""


_NOTHING = Config(ServiceSettings(), SlackChannel(), EmailChannel(), {}, Directory(), {})
"""Stands for files of which nothing can be read: the last good configuration may still run."""


async def serve(options: Options, env: Mapping[str, str], announce: Callable[[str], None]) -> None:
    """Run the service until it is cancelled or told to stop by SIGTERM or SIGINT.

    Args:
        announce: Is given the sentences a person who started it by hand wants to read.

    Raises:
        CannotStart, EmbeddedError, SchemaRefused, StoreDown, TestClockRefused: See their texts.
    """
    # Until the service listens for it, a request to reload must not end it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    clock, socket_path = clock_of(env)
    collect_rarely()
    loaded = await asyncio.to_thread(load, options.config, env, partial=True)
    settings = loaded.config or _NOTHING
    if not settings.service.store_is_known:
        raise CannotStart(
            f"{options.config} does not say which store is meant; `watchdog check` shows the mistake"
        )
    if socket_path is not None:
        require_local(_outward(settings, options))
    async with contextlib.AsyncExitStack() as stack:
        embedded = await _embedded(settings, options, stack)
        dsn = embedded.dsn if embedded else settings.service.store.get_secret_value()
        await migrate(dsn, clock.now())
        pool = await open_pool(dsn)
        stack.push_async_callback(close_pool, pool)
        demo = await _demo(options, dsn, clock, stack)
        config = await _config_to_start_with(loaded, options, pool, clock, env)
        service = Service(
            options, clock, pool, loaded, config, _replica(settings, options),
            addresses=demo.addresses if demo else {},
        )  # fmt: skip
        if isinstance(clock, MovedClock) and socket_path is not None:
            await stack.enter_async_context(served(clock, socket_path))
        lasting = {"embedded PostgreSQL": embedded.supervise()} if embedded else {}
        lasting |= {"demo": demo.run(lambda: service.listens_at)} if demo else {}
        await _run(service, lasting, env, announce, stack)


def collect_rarely() -> None:
    """Let the garbage collector look less often, and never again at what the imports have made.

    Commands begin without it, since they end soon; the service does not.
    A storm makes a million objects that stay; going through all of them cost a fifth of its time.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()


def _outward(config: Config, options: Options) -> list[str]:
    """Return every address through which the service reaches people, or is reached by them."""
    tokens = (config.slack.token, config.slack.app_token)
    slack = config.slack.api if any(one.get_secret_value() for one in tokens) else ""
    return [
        slack,
        config.slack.webhook.get_secret_value(),
        config.email.smtp.get_secret_value(),
        config.webhook.url.get_secret_value(),
        config.apprise.url.get_secret_value(),
        config.service.dead_man.get_secret_value(),
        config.service.store.get_secret_value(),
        options.listen or config.service.listen,
    ]


async def _embedded(
    config: Config, options: Options, stack: contextlib.AsyncExitStack
) -> Embedded | None:
    """Return the embedded PostgreSQL, running, when no store is configured."""
    if config.service.store.get_secret_value():
        options.data.mkdir(parents=True, exist_ok=True)
        return None
    embedded = Embedded(options.data)
    await embedded.start()
    stack.push_async_callback(embedded.stop)
    return embedded


async def _demo(
    options: Options, dsn: str, clock: Clock, stack: contextlib.AsyncExitStack
) -> "Demo | None":
    if not options.demo:
        return None
    # With what it needs to issue a certificate, it costs 11 MB that other services can do without.
    from watchdog.demo.world import Demo

    demo = await Demo.start(dsn, options.data, clock)
    stack.push_async_callback(demo.close)
    found = whereabouts.Whereabouts(demo.addresses, demo.crm_dsn)
    await asyncio.to_thread(whereabouts.leave, options.data, found)
    stack.callback(whereabouts.clear, options.data)
    return demo


async def _config_to_start_with(
    loaded: Loaded, options: Options, pool: asyncpg.Pool, clock: Clock, env: Mapping[str, str]
) -> Config:
    """Return the configuration in force at the start.

    The files if they are right; else the last good ones, if they were read from the same place, so
    that a mistyped path never runs somebody else's rules; else what is right in the files, with the
    broken rules reported as not watched.
    """
    if loaded.config is not None and not loaded.errors:
        await _keep(loaded.config, pool, clock)
        return loaded.config
    async with transaction(pool) as conn:
        files = await configurations.newest(conn)
    root = Path(next(iter(files))) if files else None
    if files and root and root.absolute() == options.config.absolute():
        earlier = load_text(files, str(root), env)
        if earlier.config is not None and not earlier.errors:
            logger.error(
                "the configuration has errors; the last good one stays in force",
                extra=_mistakes(loaded),
            )
            return earlier.config
    if loaded.config is None:
        raise CannotStart(f"{options.config} cannot be read; `watchdog check` says why")
    logger.error(
        "the configuration has errors; its broken rules are not watched", extra=_mistakes(loaded)
    )
    return loaded.config


def _mistakes(loaded: Loaded) -> dict[str, object]:
    """Return for the log how many mistakes there are, and the first."""
    if not loaded.errors:
        return {"mistakes": 0}
    first = loaded.errors[0]
    place = f"{first.place.file}:{first.place.line}:{first.place.column}"
    return {"mistakes": len(loaded.errors), "first": f"{place}: {first.message}"}


async def _keep(config: Config, pool: asyncpg.Pool, clock: Clock) -> None:
    async with transaction(pool) as conn:
        await configurations.keep(conn, config.digest, config.files, clock.now())


def _replica(config: Config, options: Options) -> str:
    """Return this process's name among those that share the store.

    With an embedded store there is one at a time, whose lease the next takes over at once.
    """
    if not config.service.store.get_secret_value():
        return f"embedded {options.data.absolute()}"
    return f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(4)}"


async def _run(
    service: Service,
    lasting: Mapping[str, Coroutine[None, None, None]],
    env: Mapping[str, str],
    announce: Callable[[str], None],
    stack: contextlib.AsyncExitStack,
) -> None:
    leader = Leader(service.pool, service.replica)
    engine = Engine(service.pool, service.clock, leader, service.wake)
    stack.push_async_callback(_close_all, service)
    await put_in_force(service, engine, service.config)
    delivery = Delivery(
        service.pool,
        service.notifiers,
        service.directory,
        service.clock,
        service.wake,
        random.Random(),  # noqa: S311 (spreads retries; no secret)
    )
    deadlines = Deadlines(
        service.pool, service.clock, leader, service.directory, service.wake,
        storms=lambda: service.config.storms, memory=lambda: engine.memory,
    )  # fmt: skip
    web = Web(service, engine, delivery)
    stopped = asyncio.Event()
    with _stopping_on_signals(stopped):
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(engine.run(), name="engine"),
                group.create_task(delivery.run(), name="delivery"),
                group.create_task(deadlines.run(), name="deadlines"),
                group.create_task(Reports(service, leader).run(), name="reports"),
                group.create_task(Handovers(service, leader).run(), name="hand-overs"),
                group.create_task(DeadMan(service, engine).run(), name="dead man's switch"),
                group.create_task(web.run(announce), name="web"),
                group.create_task(web.heed_slack(), name="slack socket"),
                group.create_task(_reload_on_change(service, engine, env), name="reload"),
                group.create_task(_reload_on_signal(service, engine, env), name="SIGHUP"),
                *(group.create_task(one, name=name) for name, one in lasting.items()),
            ]
            await stopped.wait()
            logger.info("stopping")
            for task in tasks:
                task.cancel()
    await _leave(engine, leader)


async def _leave(engine: Engine, leader: Leader) -> None:
    """Write the last counts and give the lease back; a store that does not answer is not waited for."""
    try:
        async with deadline(_LEAVE_SECONDS):
            await engine.flush()
            await leader.give_back()
    except TimeoutError:
        logger.warning("lease not given back", extra={"reason": "the store does not answer"})


@contextlib.contextmanager
def _stopping_on_signals(stopped: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    try:
        yield
    finally:
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)


async def put_in_force(service: Service, engine: Engine, config: Config) -> None:
    """Watch, route and send by `config` from now on; what it replaces is closed.

    Sources and channels that stay as they are stay open: they may be in the middle of something.
    """
    before, service.config = service.config, config
    earlier, before_asked = service.sources, before.asked
    service.sources = {
        name: earlier[name]
        if name in earlier and before_asked.get(name) == one
        else _open(service, one)
        for name, one in config.asked.items()
    }
    replaced = [one for name, one in earlier.items() if service.sources.get(name) is not one]
    silenced: list[Notifier] = []
    clock = service.clock
    if not service.notifiers or settings_of(before, clock) != settings_of(config, clock):
        silenced = list(service.notifiers.values())
        service.notifiers.clear()
        service.notifiers.update(ways_of(config, clock))
    await engine.apply(config, service.sources)
    await _close(replaced, silenced)


def _open(service: Service, spec: SourceSpec) -> Source:
    if spec.type == "pings":
        return Pings(service.pool)
    return open_source(spec, service.addresses)


async def _close_all(service: Service) -> None:
    await _close(service.sources.values(), service.notifiers.values())


async def _close(sources: Iterable[Source], notifiers: Iterable[Notifier]) -> None:
    for source in sources:
        await source.close()
    for notifier in notifiers:
        await notifier.close()


async def _reload_on_change(service: Service, engine: Engine, env: Mapping[str, str]) -> None:
    """Load the configuration again whenever one of its files changes."""
    watch = ConfigWatch(service.clock)
    watch.look_at(service.loaded.watched)
    async with asyncio.TaskGroup() as group:
        group.create_task(watch.run(), name="configuration files")
        while True:
            await watch.changed()
            with service.clock.working():
                await reload(service, engine, env)
            watch.look_at(service.loaded.watched)


async def _reload_on_signal(service: Service, engine: Engine, env: Mapping[str, str]) -> None:
    """Load the configuration again on SIGHUP, changed or not: a secret may have changed."""
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    while True:
        await asked.wait()
        asked.clear()
        await reload(service, engine, env, anyway=True)


async def reload(
    service: Service, engine: Engine, env: Mapping[str, str], *, anyway: bool = False
) -> bool:
    """Read the files again; return True if they are in force now.

    A file with any mistake changes nothing: the configuration in force stays, its problems are shown.

    Args:
        anyway: Also when the files are as they were.
    """
    async with service.reloading:  # or the later reading may be in force before the earlier
        return await _reload(service, engine, env, anyway=anyway)


async def _reload(
    service: Service, engine: Engine, env: Mapping[str, str], *, anyway: bool
) -> bool:
    loaded = await asyncio.to_thread(load, service.options.config, env)
    service.loaded = loaded
    if loaded.config is None or loaded.errors:
        logger.error(
            "the new configuration has errors; the old one stays in force", extra=_mistakes(loaded)
        )
        return False
    if loaded.config.digest == service.config.digest and not anyway:
        return True
    if isinstance(service.clock, MovedClock):
        try:
            require_local(_outward(loaded.config, service.options))
        except TestClockRefused as refused:
            logger.error(str(refused))  # noqa: TRY400 (it says it all)
            return False
    await put_in_force(service, engine, loaded.config)
    logger.info("new configuration in force", extra={"rules": len(loaded.config.rules)})
    try:
        await _keep(loaded.config, service.pool, service.clock)
    except TROUBLE as error:
        logger.warning("new configuration not kept for a start", extra={"reason": str(error)})
    return True
