"""Listens to Slack over its socket while an app token is configured."""

import asyncio
import contextlib
import logging
from datetime import timedelta

from notifiers.slack_members import NotAPress
from notifiers.slack_socket import Acknowledge, SocketLost, listen
from notifiers.slack_told import read_told
from watchdog.config.model import SlackChannel
from watchdog.web.heeding import Heard, heed
from watchdog.web.room import Room
from watchdog.web.slack import tell

logger = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=5)
"""How often it is looked whether the configuration wants another connection, or one at all."""

_LONGEST_WAIT = timedelta(minutes=1)


class _Changed(Exception):  # noqa: N818 (a signal)
    """The configuration says something else now."""


class SlackSocket:
    """One connection of this replica; Slack spreads presses over those of all replicas."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        troubles = 0
        while True:
            slack = self._room.service.config.slack
            if not slack.app_token.get_secret_value():
                await self._sleep(LOOK_EVERY)
                continue
            lost = await self._connection(slack)
            troubles = troubles + 1 if lost else 0
            if lost:
                logger.warning(
                    "slack's socket is not open, so its buttons do not answer",
                    extra={"reason": str(lost), "attempt": troubles},
                )
                await self._sleep(min(_LONGEST_WAIT, timedelta(seconds=2 ** min(troubles - 1, 10))))

    async def _connection(self, slack: SlackChannel) -> SocketLost | None:
        """Listen over one connection; return why it was lost, None if it ended as it should."""
        lost: SocketLost | None = None
        token = slack.app_token.get_secret_value()
        with contextlib.ExitStack() as connecting:
            connecting.enter_context(self._room.service.clock.working())

            def opened() -> None:
                connecting.close()
                self._room.is_slack_open = True
                logger.info("slack's socket is open")

            try:
                async with asyncio.TaskGroup() as group:
                    watching = group.create_task(self._until_changed(slack), name="slack settings")
                    await listen(token, slack.api, self._heed, opened)
                    watching.cancel()
            except* _Changed:
                logger.info("slack's socket is opened anew: its settings have changed")
            except* SocketLost as errors:
                lost = next(one for one in errors.exceptions if isinstance(one, SocketLost))
            finally:
                self._room.is_slack_open = False
        return lost

    async def _until_changed(self, slack: SlackChannel) -> None:
        while self._room.service.config.slack == slack:
            await self._sleep(LOOK_EVERY)
        raise _Changed

    async def _sleep(self, span: timedelta) -> None:
        await self._room.service.clock.sleep_until(self._room.now() + span)

    async def _heed(self, payload: object, acknowledge: Acknowledge) -> None:
        """Do what somebody asks for, say so to Slack, and tell the presser what only they are told."""
        try:
            with self._room.service.clock.working():
                told = read_told(payload)
                heard = await heed(self._room, told) if told else Heard()
                await acknowledge(heard.body)
                await tell(self._room, heard)
        except NotAPress as error:
            logger.warning("slack told of what is no press", extra={"reason": str(error)})
            await acknowledge({})
        except ConnectionError:
            raise
        except Exception:  # the edge of a press: it must not end the others
            logger.exception("a press was not understood")
