"""The page's server with Slack's buttons: a fake Slack that messages go to, and people who press."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import asyncpg
import httpx
from pydantic import SecretStr

from notifiers.slack import Slack
from tests.fake_slack import TOKEN, FakeSlack, Posted
from tests.page import DIRECTORY, Page, open_incident, running_page
from tests.slack_limits import refusal
from tests.slack_presses import (
    SIGNING_SECRET,
    WORKSPACE,
    Signed,
    command_of,
    form_of,
    signed,
)
from tests.slack_views import answer_refusal, submission_of
from tests.watching import config_of, stuck_rule
from watchdog.clock import MovedClock
from watchdog.config.model import Config, SlackChannel
from watchdog.domain.people import Directory, Person, Role

PATH = "/slack/actions"
PEOPLE = replace(
    DIRECTORY,
    people={
        **DIRECTORY.people,
        "mei": Person("mei", "mei@example.com", "U03MEI", role=Role.VIEWER),
        "tom": Person("tom", "tom@example.com", "U04TOM"),
    },
)


def with_slack(
    api: str,
    directory: Directory = PEOPLE,
    *,
    secret: str = SIGNING_SECRET,
    workspace: str = "",
    app_token: str = "",
) -> Config:
    """Return a configuration whose messages go to a Slack, and are answered from there."""
    channel = SlackChannel(
        SecretStr(TOKEN), api, SecretStr(secret), workspace, SecretStr(app_token)
    )
    return replace(config_of("", [stuck_rule()]), directory=directory, slack=channel)


@dataclass
class Desk:
    """A service that Slack can reach, and its Slack.

    Attributes:
        seconds: How long each press took to be answered, in real time.
    """

    page: Page
    slack: FakeSlack
    client: httpx.AsyncClient
    clock: MovedClock
    seconds: list[float] = field(default_factory=list)

    async def open(self, number: int = 1042, **changes: Any) -> Posted:
        """Let an incident open and its messages arrive; return the channel's."""
        await open_incident(self.page.service.pool, self.clock, number, **changes)
        await self.deliver()
        [root] = [one for one in self.slack.messages if _is_root(one, number)]
        return root

    async def deliver(self) -> None:
        """Let everything that is due be sent, as if Slack took messages at any pace."""
        while await self.page.web._room.delivery.drain():
            await self.page.service.pool.execute("delete from lane")

    async def press(self, posted: Posted, words: str, **told: Any) -> httpx.Response:
        """Press a button of a message."""
        return await self.tell(posted.pressed(words, hook=self.slack.hook, **told))

    async def tell(self, payload: object) -> httpx.Response:
        """Send what Slack would send now."""
        return await self.send(signed(form_of(payload), self.clock.now()))

    async def send(self, request: Signed) -> httpx.Response:
        """Send a request, and return when the presser has been told what they are told."""
        answer = await self.client.post(PATH, content=request.body, headers=dict(request.headers))
        self.seconds.append(answer.elapsed.total_seconds())
        await self.clock.rest()
        return answer

    async def dialog(self, posted: Posted, words: str, **told: Any) -> dict[str, Any]:
        """Press a button of a message that opens a dialog, and return that."""
        before = len(self.slack.views)
        await self.press(posted, words, **told)
        [view] = self.slack.views[before:]
        return view

    async def submit(
        self, view: Mapping[str, Any], user: str = "U02RAJ", name: str = "raj", **answers: str
    ) -> dict[str, Any]:
        """Send a dialog; return what Slack shows then, nothing where it closes."""
        told = submission_of(view, answers, user=user, name=name, workspace=WORKSPACE)
        answer = await self.tell(told)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json() if answer.content else {}
        assert answer_refusal(shown, view) == ""
        return shown

    async def type(self, words: str, **told: str) -> dict[str, Any]:
        """Type something behind `/watchdog`; return what only whoever typed sees."""
        body = urlencode(command_of(words, **told)).encode()
        answer = await self.send(signed(body, self.clock.now()))
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        assert refusal(shown) == ""
        assert shown["response_type"] == "ephemeral"
        return shown

    def replied(self) -> list[str]:
        """Return what pressers were told, each alone."""
        return [one["text"] for one in self.slack.replies]


def _is_root(posted: Posted, number: int) -> bool:
    is_about = posted.text.endswith(f"#{number}")
    return is_about and posted.channel.startswith("C") and not posted.thread_ts


@contextlib.asynccontextmanager
async def running_desk(
    store: asyncpg.Pool, clock: MovedClock, **settings: Any
) -> AsyncIterator[Desk]:
    """Run both until the context ends; `settings` are those of `with_slack`."""
    async with FakeSlack() as slack:
        config = with_slack(slack.api, **settings)
        async with running_page(store, clock, config) as page, page.client() as client:
            await page.service.notifiers["slack"].close()
            notifier = Slack(TOKEN, slack.api, has_buttons=True)
            notifier.paces = {}  # what waits for its turn is another matter
            page.service.notifiers["slack"] = notifier
            yield Desk(page, slack, client, clock)
