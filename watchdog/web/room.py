"""What every page works with: the running service's parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg
from starlette.exceptions import HTTPException
from starlette.requests import Request

from watchdog.store import looks
from watchdog.store.looks import RuleLook

if TYPE_CHECKING:
    from watchdog.delivery.worker import Delivery
    from watchdog.engine.engine import Engine
    from watchdog.service import Service
    from watchdog.web.gate import Cookie
    from watchdog.web.live import Live


@dataclass(slots=True)
class Room:
    """The parts that pages show, and the cookie that is this server's.

    Attributes:
        port: Where the server listens; 0 until it does.
        is_slack_open: Slack can tell us over its socket what was pressed.
    """

    service: "Service"
    engine: "Engine"
    delivery: "Delivery"
    live: "Live"
    port: int = 0
    is_slack_open: bool = False

    def now(self) -> datetime:
        """Return the service's time."""
        return self.service.clock.now()

    def cookie(self) -> "Cookie":
        """Return the cookie of this server's sessions."""
        from watchdog.web.gate import Cookie

        return Cookie.of(self.service.config.service.url, self.port)

    async def looks(self, conn: asyncpg.Connection) -> Mapping[str, RuleLook]:
        """Return the latest looks: our own while we lead, else those the leader has written."""
        if self.engine.memory is not None:
            return self.engine.memory.looks
        return {one.rule: one for one in await looks.every(conn)}


def room_of(request: Request) -> Room:
    """Return what the app was made with."""
    room = request.app.state.room
    assert isinstance(room, Room)
    return room


def number_of(request: Request) -> int:
    """Return the number that the path names.

    Raises:
        HTTPException: 404: no incident and no message ever has such a number.
    """
    number = request.path_params["number"]
    assert isinstance(number, int)
    if number >= 2**63:
        raise HTTPException(404, "There is nothing of that number.")
    return number
