"""The HTTP endpoints of the demo's systems: a path for each, also over TLS, as the desk is asked."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from watchdog.clock import Clock
from watchdog.demo.background import Background
from watchdog.demo.failure import Switches
from watchdog.demo.scripts import load

if TYPE_CHECKING:
    import asyncpg

HOST = "127.0.0.1"
RATE_LIMIT = 5000

_STATES = {"running": "Running", "completed": "Complete", "idle": "Complete", "error": "Errored"}


@dataclass(slots=True)
class Scene:
    """What the endpoints tell; the world renews it at every tick, so that probes cost no query.

    Attributes:
        instances: Workspace and state of each contact workflow, by its instance.
        used_once: Failures that happen at one request only and have happened.
    """

    switches: Switches = field(default_factory=Switches)
    mails_pending: int = 0
    mails_failed: int = 0
    revision: str = ""
    instances: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    used_once: set[str] = field(default_factory=set)

    def renew(self, switches: Switches) -> None:
        """Take over what is broken now; what is mended may happen once again."""
        once = {*switches.customers_refused_once, *switches.statuses_refused_once}
        if switches.desk_down_once:
            once.add("desk")
        self.used_once &= once
        self.switches = switches

    def happens_once(self, name: str) -> bool:
        """Return True the first time this is asked about `name`."""
        first = name not in self.used_once
        self.used_once.add(name)
        return first


class Endpoints:
    """The server. It answers from the scene, the SQLite file and the contacts' tables."""

    def __init__(
        self, scene: Scene, background: Background, crm: "asyncpg.Pool[Any]", clock: Clock
    ) -> None:
        self._scene = scene
        self._background = background
        self._crm = crm
        self._clock = clock
        self._runner: web.AppRunner | None = None
        self._customers: dict[str, tuple[int, dict[str, object]]] = {}

    async def start(self, tls: ssl.SSLContext) -> tuple[str, str]:
        """Listen on two free local ports; return both addresses without a slash at the end.

        Args:
            tls: What the second shows to those who connect.
        """
        # Every workspace is probed all day long, and its first customer never changes.
        self._customers = {
            row["workspace_id"]: (
                row["tenant_id"],
                {"id": row["crm_id"], "firstname": row["firstname"], "lastname": row["lastname"]},
            )
            for row in await self._crm.fetch(load("contacts")["read_customers"])
        }
        app = web.Application()
        app.add_routes(
            [
                web.get("/desk/healthz", self._healthz),
                web.get("/desk/readyz", self._readyz),
                web.get("/desk/version", self._version),
                web.get("/sync/api/zendesk/sync-status", self._sync_status),
                web.post("/sync/api/zendesk/sync-config", self._sync_config),
                web.post("/contacts/trigger", self._trigger),
                web.post("/tickets/functions/v1/zendesk-sync", self._sync_tickets),
                web.get("/contacts/status", self._instance),
                web.get("/contacts/debug/raw-customer", self._raw_customer),
                web.get("/github/rate_limit", self._rate_limit),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        await web.TCPSite(self._runner, HOST, 0, ssl_context=tls).start()
        (_, port), (_, tls_port) = self._runner.addresses
        return f"http://{HOST}:{port}", f"https://{HOST}:{tls_port}"

    async def close(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    def _desk_is_down(self) -> bool:
        switches = self._scene.switches
        return switches.desk_down or (switches.desk_down_once and self._scene.happens_once("desk"))

    async def _healthz(self, _: web.Request) -> web.Response:
        if self._desk_is_down():
            return web.json_response({"error": "the database does not answer"}, status=503)
        return web.json_response(
            {
                "status": "ok",
                "database": "ok",
                "email_queue_pending": self._scene.mails_pending,
                "email_queue_failed": self._scene.mails_failed,
            }
        )

    async def _readyz(self, _: web.Request) -> web.Response:
        if self._scene.switches.desk_down:
            return web.json_response({"error": "the database does not answer"}, status=503)
        revision = self._scene.switches.revision_told or self._scene.revision
        return web.json_response({"status": "ok", "alembic_revision": revision})

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"version": "3.8.1", "commit": "5f0c2ab"})

    async def _sync_status(self, request: web.Request) -> web.Response:
        organisation_id = request.query.get("organizationId", "")
        switches = self._scene.switches
        if organisation_id in switches.statuses_refused or (
            organisation_id in switches.statuses_refused_once
            and self._scene.happens_once(organisation_id)
        ):
            return web.json_response({"error": "cannot read properties of undefined"}, status=500)
        found = await self._background.status(organisation_id, self._clock.now())
        if found is None:
            return _unknown("organisation", organisation_id)
        return web.json_response(found)

    async def _sync_config(self, request: web.Request) -> web.Response:
        asked = await _order(request)
        if asked.get("action") != "trigger":
            return web.json_response({"error": "the action must be trigger"}, status=400)
        organisation_id = str(asked.get("organizationId", ""))
        done = await self._background.trigger(
            organisation_id, self._clock.now(), self._scene.switches
        )
        if not done:
            return _unknown("organisation", organisation_id)
        return web.json_response({"triggered": True}, status=202)

    async def _sync_tickets(self, _: web.Request) -> web.Response:
        run = await self._crm.fetchval(load("zendesk")["start_one"], self._clock.now())
        if run is None:
            return web.json_response({"error": "a sync is running"}, status=409)
        return web.json_response({"run": run}, status=202)

    async def _trigger(self, request: web.Request) -> web.Response:
        workspace = str((await _order(request)).get("workspaceId", ""))
        if workspace not in self._customers:
            return _unknown("workspace", workspace)
        instance = await self._crm.fetchval(
            load("contacts")["start_one"], self._clock.now(), workspace
        )
        if instance is None:
            return web.json_response({"error": "a sync is running"}, status=409)
        return web.json_response({"instanceId": instance}, status=202)

    async def _instance(self, request: web.Request) -> web.Response:
        instance = request.query.get("instanceId", "")
        found = self._scene.instances.get(instance)
        if found is None and "\x00" not in instance:  # PostgreSQL has no such text
            found = await self._crm.fetchrow(load("contacts")["find_instance"], instance)
        if found is None:
            return _unknown("instance", instance)
        workspace_id, state = found
        ended = workspace_id in self._scene.switches.workflows_terminated
        status = "Terminated" if ended else _STATES[state]
        return web.json_response({"instanceId": instance, "status": status})

    async def _raw_customer(self, request: web.Request) -> web.Response:
        workspace = request.query.get("workspaceId", "")
        switches = self._scene.switches
        if workspace in switches.customers_refused or (
            workspace in switches.customers_refused_once and self._scene.happens_once(workspace)
        ):
            return web.json_response({"error": "401 Unauthorized: invalid client"}, status=401)
        tenant, customer = self._customers.get(workspace, (None, None))
        if tenant is None or request.query.get("tenantId") != str(tenant):
            return _unknown("workspace", workspace)
        return web.json_response({"customer": customer})

    async def _rate_limit(self, _: web.Request) -> web.Response:
        now, switches = self._clock.now(), self._scene.switches
        passed = timedelta(minutes=now.minute, seconds=now.second)
        renewed_in = switches.calls_renewed_in or timedelta(hours=1) - passed
        remaining = switches.calls_left or round(
            RATE_LIMIT * (1 - 0.6 * (passed / timedelta(hours=1)))
        )
        core = {
            "limit": RATE_LIMIT,
            "used": RATE_LIMIT - remaining,
            "remaining": remaining,
            "reset": int((now + renewed_in).timestamp()),
        }
        return web.json_response({"resources": {"core": core}})


async def _order(request: web.Request) -> Mapping[str, object]:
    """Return what is asked for as JSON; what is no JSON object asks for nothing."""
    try:
        asked = await request.json()
    except (ValueError, LookupError):  # no JSON, not in its encoding, or an encoding nobody knows
        return {}
    return asked if isinstance(asked, dict) else {}


def _unknown(what: str, name: str) -> web.Response:
    return web.json_response({"error": f'no {what} "{name}"'}, status=404)
