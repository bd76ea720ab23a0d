"""Far more messages at once than Slack takes: by our own notifiers, to a Slack that counts by the clock."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import pytest

from notifiers.base import Event, Notifier, Part
from notifiers.email import Email
from notifiers.slack import Slack
from tests.fake_slack import TOKEN, FakeSlack
from tests.incidents import Story, Told
from tests.post_office import PostOffice
from tests.postgres import NIGHT
from tests.slack_pace import SlackPace
from tests.smtp_server import MailServer
from watchdog.clock import MovedClock

ROOT, PAGE, EDIT, THREAD = Part.ROOT, Part.PAGE, Part.EDIT, Part.THREAD
SECOND = timedelta(seconds=1)
PLACES = [*(f"slack:#team-{n}" for n in range(16)), *(f"slack:@U0{n}PERSON" for n in range(4))]
CHANNELS, PEOPLE = PLACES[:16], PLACES[16:]
MAILS = 5


@dataclass
class Rush:
    """What a rush leaves behind.

    Attributes:
        rows: The messages, by number.
        order: By place: the numbers of what was posted there, as it came.
        mailed_at: When each mail was taken.
    """

    office: PostOffice
    slack: FakeSlack
    pace: SlackPace
    rows: dict[int, asyncpg.Record]
    order: dict[str, list[int]]
    mailed_at: list[datetime]


async def write_rush(store: asyncpg.Pool, incidents: int) -> None:
    """Write the messages of so many incidents, six for each: every fourth has two edits in place of lines."""
    for number in range(incidents):
        story, person = Story(store), PEOPLE[number % 4]
        channel = CHANNELS[number % 16]
        mail: tuple[Told, ...] = (("email:ana@example.com", PAGE),) if number < MAILS else ()
        await story.tell(Event.OPENED, NIGHT, (channel, ROOT), (person, PAGE), *mail)
        if number % 4:
            await story.tell(Event.ESCALATED, NIGHT, (channel, THREAD), (person, THREAD))
            await story.tell(Event.NOTED, NIGHT, (channel, THREAD), (channel, THREAD))
        else:
            for event in (Event.TAKEN, Event.RECOVERED):
                await story.tell(event, NIGHT, (channel, EDIT), (channel, THREAD))


class Mail(Email):
    """Mail that notes when a server took it, by the clock of the test."""

    def __init__(self, url: str, clock: MovedClock) -> None:
        super().__init__(url, "watchdog@example.com")
        self.clock = clock
        self.taken_at: list[datetime] = []

    async def send(self, message, rendered):  # type: ignore[no-untyped-def]
        """Send as ever."""
        receipt = await super().send(message, rendered)
        self.taken_at.append(self.clock.now())
        return receipt


@pytest.fixture(params=[60, pytest.param(1667, marks=pytest.mark.long)])
async def rush(
    request: pytest.FixtureRequest, store: asyncpg.Pool, clock: MovedClock
) -> AsyncIterator[Rush]:
    office, pace = PostOffice(store, clock), SlackPace(clock.now)
    await write_rush(store, request.param)
    async with FakeSlack() as slack, MailServer() as server:
        slack.pace = pace
        notifiers: dict[str, Notifier] = {
            "slack": Slack(TOKEN, slack.api),
            "email": Mail(server.url, clock),
        }
        worker = office.worker(notifiers=notifiers)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(worker.run(), name="delivery")
            while await office.waiting():
                await clock.advance(10 * SECOND)
            running.cancel()
        for one in notifiers.values():
            await one.close()
        rows = {row["id"]: row for row in await store.fetch("select * from notification")}
        order = defaultdict(list)
        for posted in slack.messages:
            order[posted.channel].append(int(posted.key.partition("-")[0]))
        mail = notifiers["email"]
        assert isinstance(mail, Mail)
        yield Rush(office, slack, pace, rows, dict(order), mail.taken_at)


async def test_a_rush_goes_out_at_slacks_pace_pages_first_and_in_order(rush: Rush) -> None:
    assert rush.pace.refused == 0
    assert {row["state"] for row in rush.rows.values()} == {"sent", "superseded"}
    assert len(rush.order) == len(PLACES)
    assert set(rush.mailed_at) == {NIGHT}
    assert len(rush.mailed_at) == MAILS
    for numbers in rush.order.values():
        keeps_order(rush, numbers)
        goes_by_urgency(rush, numbers)
    edits = sum(len(one.edits) for one in rush.slack.messages)
    assert edits == sum(
        row["part"] == "edit" and row["state"] == "sent" for row in rush.rows.values()
    )
    keeps_busy(rush)


def keeps_order(rush: Rush, numbers: list[int]) -> None:
    """Fail where a place hears of an incident's events in another order than they were written."""
    by_incident = defaultdict(list)
    for number in numbers:
        by_incident[rush.rows[number]["incident_id"]].append(number)
    assert all(one == sorted(one) for one in by_incident.values())


def goes_by_urgency(rush: Rush, numbers: list[int]) -> None:
    """Fail where a line that can wait was posted before everything that cannot."""
    priorities = [rush.rows[number]["priority"] for number in numbers]
    can_wait = max(row["priority"] for row in rush.rows.values())
    first_line = priorities.index(can_wait) if can_wait in priorities else len(priorities)
    assert set(priorities[first_line:]) == {can_wait} or first_line == len(priorities)


def keeps_busy(rush: Rush) -> None:
    """Fail where a place waits longer than its posts take, and the edits that its lines are behind."""
    edits = [row for row in rush.rows.values() if row["part"] == "edit" and row["state"] == "sent"]
    edited = {_id_of(row["receiver"].partition(":")[2]) for row in edits}
    for channel, taken_at in rush.pace.taken_at.items():
        behind = len(edits) * 1.5 if channel in edited else 0
        allowed = timedelta(seconds=len(taken_at) + behind + 5)
        assert taken_at[-1] - NIGHT <= allowed, channel


def _id_of(address: str) -> str:
    """Return what Slack calls a channel."""
    return "C" + address[1:].upper().replace("-", "")
