"""The demo: five systems that live by the clock, and break when somebody says so."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import asyncpg

from watchdog.clock import Clock
from watchdog.demo import databases
from watchdog.demo.background import Background
from watchdog.demo.backups import BackupFiles
from watchdog.demo.certificate import Certificate
from watchdog.demo.databases import Executes
from watchdog.demo.drill import RestoreDrill
from watchdog.demo.endpoints import HOST, Endpoints, Scene
from watchdog.demo.failure import Failure, Step, Switches
from watchdog.demo.failures import FAILURES, switches
from watchdog.demo.logs import LogFiles
from watchdog.demo.playing import play
from watchdog.demo.scenarios import SCENARIOS
from watchdog.demo.scripts import load
from watchdog.demo.switch import CHANNEL
from watchdog.sources.base import ROOTS

TICK_EVERY = timedelta(seconds=5)
TIDY_EVERY = timedelta(hours=6)
_TICK_SECONDS = 30.0

logger = logging.getLogger(__name__)


class Demo:
    """The world of the demo. Make one with `start`, let it live with `run`, end it with `close`."""

    def __init__(
        self,
        clock: Clock,
        crm_dsn: str,
        crm: "asyncpg.Pool[Any]",
        desk: "asyncpg.Pool[Any]",
        background: Background,
        folder: Path,
    ) -> None:
        self._clock = clock
        self._crm = crm
        self._desk = desk
        self._background = background
        self._logs = LogFiles(folder / "logs")
        self._backups = BackupFiles(folder / "backups")
        self._drill = RestoreDrill()
        self._certificate = Certificate(folder / "certificates", HOST, clock.now())
        self._scene = Scene()
        self._endpoints = Endpoints(self._scene, background, crm, clock)
        self._addresses: dict[str, str] = {}
        self._crm_dsn = crm_dsn
        self._open = contextlib.AsyncExitStack()
        self._switched = asyncio.Event()
        self._ear: asyncpg.Connection[Any] | None = None
        self._tidied_at: datetime | None = None
        self._ticking = asyncio.Lock()

    @classmethod
    async def start(
        cls, admin_dsn: str, data_dir: Path, clock: Clock, prefix: str = "demo"
    ) -> "Demo":
        """Make what is missing, catch up with the present, and answer on HTTP.

        Args:
            admin_dsn: A database of the cluster, as a role that may make databases and roles.
            data_dir: Where the SQLite file and the logs are kept.
            prefix: What the names of the two databases begin with.
        """
        now = clock.now()
        folder = data_dir / prefix
        folder.mkdir(parents=True, exist_ok=True)
        crm, desk = (databases.place(admin_dsn, f"{prefix}_{part}") for part in ("crm", "desk"))
        async with contextlib.AsyncExitStack() as stack:
            background = await Background.open(folder / "web_sync.db", now)
            stack.push_async_callback(background.close)
            async with asyncio.TaskGroup() as group:
                group.create_task(
                    databases.ensure(admin_dsn, crm, desk, now), name="demo: databases"
                )
                group.create_task(background.fill(now), name="demo: web_sync")
            crm_pool = await stack.enter_async_context(_pool(crm.dsn))
            desk_pool = await stack.enter_async_context(_pool(desk.dsn))
            demo = cls(clock, crm.dsn, crm_pool, desk_pool, background, folder)
            stack.push_async_callback(demo._endpoints.close)
            base, secure = await demo._endpoints.start(demo._certificate.context)
            await demo.tick()
            demo._open = stack.pop_all()
        demo._addresses = {
            "crm": crm.reader_dsn,
            "crm_writer": crm.writer_dsn,
            "desk_db": desk.reader_dsn,
            "desk_writer": desk.writer_dsn,
            "web_sync": str(folder / "web_sync.db"),
            "logs": str((folder / "logs").absolute()),
            **{part: str(folder / part) for part in ("logs", "backups")},
            **{part: f"{base}/{part}" for part in ("contacts", "github", "sync", "tickets")},
            "desk": f"{secure}/desk",
            ROOTS: str(demo._certificate.roots),
        }
        return demo

    @property
    def addresses(self) -> Mapping[str, str]:
        """Return what each `demo://name` address of a source stands for, by its name."""
        return MappingProxyType(self._addresses)

    @property
    def crm_dsn(self) -> str:
        """Return the database that `switch.set_broken` writes to, as its owner."""
        return self._crm_dsn

    async def close(self) -> None:
        """Stop answering and let go of the databases and the file."""
        if self._ear and not self._ear.is_closed():
            await self._ear.close()
        await self._open.aclose()

    async def run(self, service_at: Callable[[], str]) -> None:
        """Live until cancelled: every 5 s, and at once when something is broken or mended.

        Args:
            service_at: Says where the service listens, to which jobs report; empty until it does.
        """
        while True:
            now = self._clock.now()
            await self._clock.wait(self._switched, now + TICK_EVERY)
            with self._clock.working():
                self._switched.clear()
                try:
                    await self._listen()
                    await self.tick(service_at())
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, sqlite3.Error):
                    # The databases are away or restarting: the world goes on when they are back.
                    logger.warning("the demo missed a tick", exc_info=True)

    async def tick(self, service: str = "") -> None:
        """Bring every system to what it would be now had it been alive all along.

        Args:
            service: Where the service listens; while it does not, no job reports.

        Raises:
            TimeoutError: The databases were silent for too long; nothing was changed.
        """
        async with self._ticking, asyncio.timeout(_TICK_SECONDS):
            now = self._clock.now()
            async with contextlib.AsyncExitStack() as stack:
                crm = await stack.enter_async_context(self._crm.acquire())
                desk = await stack.enter_async_context(self._desk.acquire())
                await stack.enter_async_context(crm.transaction())
                await stack.enter_async_context(desk.transaction())
                await databases.lock(crm)
                state = await self._switch(crm, desk, now)
                await _live_crm(crm, now, state, self._scene)
                await _live_desk(desk, now, state, self._scene)
                await self._background.tick(now, state)
                await self._tidy(crm, desk, now, state)
            self._scene.renew(state)
            self._logs.tick(now, self._scene.mails_pending, state)
            self._backups.tick(now, state.backups_stopped)
            self._certificate.tick(now, state.certificate_ends_in)
            await self._drill.tick(now, state.drill_stopped, service)

    async def _listen(self) -> None:
        if self._ear and not self._ear.is_closed():
            return
        self._ear = await asyncpg.connect(
            self._crm_dsn, timeout=databases.CONNECT_SECONDS, command_timeout=_TICK_SECONDS
        )
        await self._ear.add_listener(CHANNEL, lambda *_: self._switched.set())

    async def _switch(self, crm: Executes, desk: Executes, now: datetime) -> Switches:
        """Break and mend what somebody asked for, and return how the systems behave now."""
        statements = load("switch")
        await play(crm, now)
        rows = await crm.fetch(statements["read_broken"])
        broken = [row["id"] for row in rows if row["id"] not in SCENARIOS]
        applied = {
            row["id"]: row["applied_at"] for row in await crm.fetch(statements["read_applied"])
        }
        for name in applied.keys() - set(broken):
            if "/" not in name:
                await self._take_steps("mends", name, crm, desk, now)
                await crm.execute(statements["forget_applied"], name)
        for name in broken:
            if name not in applied:
                await self._take_steps("breaks", name, crm, desk, now)
                await crm.execute(statements["note_applied"], name, now)
            await self._play(name, applied, crm, desk, now)
            await self._take_steps("keeps", name, crm, desk, now)
        return switches({name: now - applied.get(name, now) for name in broken})

    async def _play(
        self,
        name: str,
        applied: Mapping[str, datetime],
        crm: Executes,
        desk: Executes,
        now: datetime,
    ) -> None:
        """Play the acts of a failure whose time has come, each once."""
        for number, act in enumerate(FAILURES[name].acts if name in FAILURES else ()):
            mark = f"{name}/{number}"
            if mark not in applied and now - applied.get(name, now) >= act.after:
                await self._run(FAILURES[name].part, act.steps, crm, desk, now)
                await crm.execute(load("switch")["note_applied"], mark, now)

    async def _take_steps(
        self, which: str, name: str, crm: Executes, desk: Executes, now: datetime
    ) -> None:
        failure: Failure | None = FAILURES.get(name)
        if failure is None:
            return
        steps = {"breaks": failure.breaks, "keeps": failure.keeps, "mends": failure.mends}[which]
        await self._run(failure.part, steps, crm, desk, now)

    async def _run(
        self, part: str, steps: tuple[Step, ...], crm: Executes, desk: Executes, now: datetime
    ) -> None:
        if part == "web_sync":
            await self._background.take_steps(steps, now)
        else:
            await databases.take_steps(crm if part == "crm" else desk, part, steps, now)

    async def _tidy(self, crm: Executes, desk: Executes, now: datetime, state: Switches) -> None:
        if self._tidied_at and now < self._tidied_at + TIDY_EVERY:
            return
        await crm.execute(load("zendesk")["forget_runs"], now)
        if not state.metrics_kept:
            await crm.execute(load("github")["forget_metrics"], now)
        await crm.execute(load("github")["add_metrics"], now)
        if not state.archive_stopped:
            await desk.execute(load("desk")["forget_mails"], now)
        if not state.tokens_forgotten:
            await desk.execute(load("desk")["extend_tokens"], now)
        self._tidied_at = now


async def _live_crm(db: Executes, now: datetime, state: Switches, scene: Scene) -> None:
    zendesk, contacts, github = load("zendesk"), load("contacts"), load("github")
    if not state.zendesk_hangs:
        given = (now, state.zendesk_took, state.zendesk_error or None, state.zendesk_quiet)
        await db.execute(zendesk["finish_runs"], *given)
        if not state.zendesk_unscheduled:
            await db.execute(zendesk["start_runs"], *given)
    if not state.tickets_frozen:
        await db.execute(zendesk["update_tickets"], now)
        await db.execute(zendesk["add_ticket"], now)
    left_alone = state.workspaces_left_alone
    await db.execute(
        contacts["end_syncs"],
        now,
        left_alone,
        state.cursors_frozen,
        state.workspaces_walked,
        state.workspaces_erring,
        state.workspaces_hung,
    )
    await db.execute(contacts["start_syncs"], now, left_alone)
    instances = await db.fetch(contacts["read_instances"])
    scene.instances = {name: (workspace_id, state) for name, workspace_id, state in instances}
    if not state.syncs_stopped:
        await db.execute(github["sync_repositories"], now, state.repositories_left_alone)
    if not state.cache_left_alone:
        await db.execute(github["renew_cache"], now)


async def _live_desk(db: Executes, now: datetime, state: Switches, scene: Scene) -> None:
    desk = load("desk")
    waits = timedelta(minutes=5 if state.mails_waiting > 2 else 3)
    if not state.worker_dead:
        await db.execute(desk["send_mails"], now, waits, state.mails_stuck)
    await db.execute(desk["queue_mails"], now, state.mails_waiting)
    await db.execute(desk["add_message"], now)
    counts = await db.fetchrow(desk["count_mails"], now)
    assert counts is not None
    scene.mails_pending, scene.mails_failed = counts["pending"], counts["failed"]
    scene.revision = await db.fetchval(desk["read_revision"])


def _pool(dsn: str) -> "asyncpg.Pool[Any]":
    return asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=3,
        timeout=databases.CONNECT_SECONDS,
        command_timeout=_TICK_SECONDS,
        reset=_leave_as_it_is,
    )


async def _leave_as_it_is(connection: "asyncpg.Connection[Any]") -> None:
    """Keep a session that nobody changed: to set it back is a round trip twice a tick."""
