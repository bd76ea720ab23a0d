"""The page's server as the service runs it, on a real store and a real port, and people who use it."""

import asyncio
import contextlib
import random
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from notifiers.registry import build
from tests.unit.test_incident import an_incident
from tests.watching import config_of, stuck_rule
from watchdog.clock import MovedClock
from watchdog.config.load import Loaded
from watchdog.config.model import Config
from watchdog.delivery.figures import Figures
from watchdog.delivery.worker import Delivery
from watchdog.domain import life
from watchdog.domain.incident import Incident
from watchdog.domain.notices import with_notices
from watchdog.domain.people import Directory, Person, Role, Rung, Team
from watchdog.engine.engine import Engine
from watchdog.engine.leader import Leader
from watchdog.service import Options, Service
from watchdog.store import incidents
from watchdog.store.figures import ROWS_MAX
from watchdog.store.pool import transaction
from watchdog.web.server import Web

DIRECTORY = Directory(
    {
        "ana": Person("ana", "ana@example.com", "U01ANA"),
        "raj": Person("raj", "raj@example.com", "U02RAJ"),
        "mei": Person("mei", "mei@example.com", role=Role.VIEWER),
    },
    {
        "data": Team(
            "data",
            lead="ana",
            slack="data-alerts",
            escalate=(Rung(timedelta(minutes=10), "raj"),),
        )
    },
)
FORM = {"content-type": "application/x-www-form-urlencoded"}
_NO_ROOTS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody: pages are read without TLS, and reading the usual authorities takes each client 20 ms."""


@dataclass
class Page:
    """A running server."""

    service: Service
    engine: Engine
    web: Web
    said: list[str] = field(default_factory=list)
    url: str = ""
    task: asyncio.Task[None] | None = None

    @property
    def link(self) -> str:
        """Return the sign-in link that was announced, as a path."""
        return str(re.findall(r"(/sign-in\?token=\S+)", " ".join(self.said))[0])

    def client(self, **options: Any) -> httpx.AsyncClient:
        """Return a browser without cookies."""
        return httpx.AsyncClient(base_url=self.url, timeout=20, verify=_NO_ROOTS, **options)

    @contextlib.asynccontextmanager
    async def signed_in(self, person: str = "ana") -> AsyncIterator["Browser"]:
        """Give the browser of somebody who has used a fresh link."""
        from watchdog.web.sign_in import make_link

        link = await make_link(self.web._room, self.url)
        async with self.client() as client:
            fields = {"token": link.partition("token=")[2], "person": person}
            answer = await client.post("/sign-in", data=fields)
            assert answer.status_code == 303, answer.text
            yield Browser(client)

    def delivery_figures(self) -> Figures:
        """Return what delivery has counted."""
        return self.web._room.delivery.figures

    async def stop(self) -> None:
        """Stop the server as the service does."""
        assert self.task is not None
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


@dataclass
class Browser:
    """Somebody signed in."""

    client: httpx.AsyncClient

    async def read(self, path: str, status: int = 200) -> str:
        answer = await self.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    async def token(self) -> str:
        found = re.search(r'name="token" value="([0-9a-f]+)"', await self.read("/"))
        assert found
        return found[1]

    async def post(
        self, path: str, headers: Mapping[str, str] = FORM, **fields: str
    ) -> httpx.Response:
        """Send a form of our own pages."""
        data = {"token": await self.token(), **fields}
        return await self.client.post(path, data=data, headers=headers)


@contextlib.asynccontextmanager
async def running_page(
    store: asyncpg.Pool,
    clock: MovedClock,
    config: Config | None = None,
    listen: str = "127.0.0.1:0",
) -> AsyncIterator[Page]:
    """Run the server until the context ends."""
    config = config or replace(config_of("", [stuck_rule()]), directory=DIRECTORY)
    options = Options(Path("rules.yaml"), Path("data"), listen)
    service = Service(options, clock, store, Loaded(config, (), {}), config, "one")
    service.notifiers = build()
    engine = Engine(store, clock, Leader(store, "one"), service.wake)
    delivery = Delivery(
        store,
        service.notifiers,
        service.directory,
        clock,
        service.wake,
        random.Random(1),  # noqa: S311 (spreads retries)
    )
    page = Page(service, engine, Web(service, engine, delivery))
    announced = asyncio.Event()

    def announce(line: str) -> None:
        page.said.append(line)
        if "token=" in line:
            announced.set()

    page.task = asyncio.ensure_future(page.web.run(announce))
    waits = asyncio.ensure_future(announced.wait())
    await asyncio.wait({page.task, waits}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
    waits.cancel()
    if page.task.done():
        page.task.result()
    page.url = re.findall(r"http://127\.0\.0\.1:\d+", page.said[0] + page.said[1])[0]
    try:
        yield page
    finally:
        await page.stop()
        for notifier in service.notifiers.values():
            await notifier.close()


async def open_incident(
    store: asyncpg.Pool,
    clock: MovedClock,
    number: int = 1042,
    evidence: Mapping[str, list[dict[str, object]]] | None = None,
    directory: Directory = DIRECTORY,
    **changes: Any,
) -> Incident:
    """Commit the opening of an incident with its messages."""
    at = clock.now()
    fresh = replace(
        an_incident(), id=number, fingerprint=number.to_bytes(32, "big"), opened_at=at, **changes
    )
    step = with_notices(life.opened(fresh, dict(evidence or {})), directory)
    async with transaction(store) as conn:
        await incidents.commit(conn, [step])
    return step.transition.after


async def send_too_many(store: asyncpg.Pool, number: int, at: datetime) -> None:
    """Write so many pages of an incident as sent that no figures are made of their week."""
    await store.execute(
        "insert into notification (incident_id, version, receiver, part, priority, state, due_at, "
        "created_at, settled_at) select $1, 1, 'email:ana@example.com', 'page', 0, 'sent', $2, $2, $2 "
        "from generate_series(0, $3)",
        number,
        at,
        ROWS_MAX,
    )


async def recover(store: asyncpg.Pool, clock: MovedClock, one: Incident) -> None:
    """Commit the recovery of an incident."""
    step = with_notices(life.recovered(one, clock.now(), clock.now(), "good again"), DIRECTORY)
    async with transaction(store) as conn:
        await incidents.commit(conn, [step])


async def stored(store: asyncpg.Pool, number: int = 1042) -> Incident:
    async with transaction(store) as conn:
        found = await incidents.by_id(conn, number)
    assert found is not None
    return found
