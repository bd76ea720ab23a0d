"""The page's server, inside the service's own event loop."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI

if TYPE_CHECKING:
    from watchdog.app import Service
    from watchdog.delivery.worker import Delivery
    from watchdog.engine.engine import Engine


class _Server(uvicorn.Server):
    """Leaves signals to the service, which stops in its own order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Web:
    """Serves the page, health and metrics."""

    def __init__(self, service: "Service", engine: "Engine", delivery: "Delivery") -> None:
        self._service = service
        self._engine = engine
        self._delivery = delivery

    async def run(self, announce: Callable[[str], None]) -> None:
        """Listen until cancelled."""
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

        @app.get("/healthz")
        async def healthz() -> dict[str, str]:
            return {"status": "ok"}

        host, _, port = (self._service.options.listen or self._service.config.service.listen).rpartition(":")
        config = uvicorn.Config(app, host=host, port=int(port), log_config=None, access_log=False)
        announce(f"http://{host}:{port}/")
        await _Server(config).serve()
