"""An hour without Slack, or six: mail meanwhile, and afterwards one digest a channel in place of a flood."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import pytest

from notifiers.base import Event, Notifier, Part
from notifiers.email import Email
from notifiers.slack import Slack
from tests.fake_slack import TOKEN, FakeSlack
from tests.incidents import Story
from tests.post_office import ALERTS, ANA_SLACK, PostOffice
from tests.slack_pace import SlackPace
from tests.smtp_server import MailServer
from watchdog.clock import MovedClock
from watchdog.delivery.flights import Limits

ROOT, PAGE, EDIT, THREAD = Part.ROOT, Part.PAGE, Part.EDIT, Part.THREAD
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@dataclass
class Outage:
    """A worker between a Slack that goes away, and mail that does not."""

    office: PostOffice
    slack: FakeSlack
    mail: MailServer
    notifiers: dict[str, Notifier]

    async def pass_by(self, span: timedelta) -> None:
        """Let a worker run for this long."""
        async with asyncio.TaskGroup() as tasks:
            worker = self.office.worker(notifiers=self.notifiers)
            running = tasks.create_task(worker.run(), name="delivery")
            await self.office.clock.advance(span)
            running.cancel()

    async def incidents(self, how_many: int, *, told: bool = True) -> list[Story]:
        """Open incidents now, in the channel and for ana."""
        now, stories = self.office.clock.now(), []
        for _ in range(how_many):
            stories.append(Story(self.office.store))
            receivers = ((ALERTS, ROOT), (ANA_SLACK, PAGE)) if told else ((ALERTS, ROOT),)
            await stories[-1].tell(Event.OPENED, now, *receivers)
        return stories

    async def end(self, stories: list[Story]) -> None:
        """Let them recover now."""
        for one in stories:
            told = ((ALERTS, EDIT), (ALERTS, THREAD), (ANA_SLACK, EDIT))
            await one.tell(Event.RECOVERED, self.office.clock.now(), *told)

    def posts(self, channel: str) -> list[str]:
        """Return the push lines in a channel, in order."""
        return [one.text for one in self.slack.messages if one.channel == channel]

    async def stands_for(self, receiver: str) -> set[int]:
        """Return the numbers of the incidents of which a digest told a receiver."""
        rows = await self.office.store.fetch(
            "select distinct old.incident_id from notification old"
            " join notification digest on digest.id = old.superseded_by"
            " where old.receiver = $1 and digest.report_run is not null",
            receiver,
        )
        return {row["incident_id"] for row in rows}


def numbered(line: str) -> int:
    """Return the number of the incident that a push line tells of."""
    return int(line.rpartition("#")[2])


@pytest.fixture
async def outage(store: asyncpg.Pool, clock: MovedClock) -> AsyncIterator[Outage]:
    office = PostOffice(store, clock, limits=Limits(poll_every=5 * MINUTE))
    async with FakeSlack() as slack, MailServer() as mail:
        slack.pace = SlackPace(clock.now)
        notifiers: dict[str, Notifier] = {
            "slack": Slack(TOKEN, slack.api),
            "email": Email(mail.url, "watchdog@example.com"),
        }
        yield Outage(office, slack, mail, notifiers)
        for one in notifiers.values():
            await one.close()


@pytest.mark.parametrize("out_for", [HOUR, pytest.param(6 * HOUR, marks=pytest.mark.long)])
async def test_after_hours_each_channel_gets_a_digest_and_not_what_has_waited(
    outage: Outage, out_for: timedelta
) -> None:
    await outage.slack.stop()
    over = await outage.incidents(18)
    await outage.pass_by(2 * MINUTE)
    assert len(outage.mail.mails) == 18, "every page goes out by mail"
    await outage.end(over)
    still = await outage.incidents(4)
    await outage.pass_by(out_for)
    await outage.slack.start()

    await outage.pass_by(30 * MINUTE)

    assert await outage.office.waiting() == 0
    for channel, receiver in (("CALERTS", ALERTS), ("D01ANA", ANA_SLACK)):
        tried, digest = outage.posts(channel)
        assert "RECOVERED" in tried, "it says how it stands now"
        stands_for = await outage.stands_for(receiver)
        assert {one.number for one in over + still} - stands_for <= {numbered(tried)}
        figures = digest.partition("Missed here since 02:15 UTC: ")[2]
        assert figures == f"incidents {len(stands_for)}, still open 4"
    assert outage.slack.pace
    assert outage.slack.pace.refused == 0


async def test_a_digest_names_what_is_still_open_and_the_next_news_has_a_message_to_edit(
    outage: Outage,
) -> None:
    await outage.slack.stop()
    stories = await outage.incidents(12, told=False)
    await outage.pass_by(30 * MINUTE)
    await outage.slack.start()
    await outage.pass_by(30 * MINUTE)
    digest = outage.slack.messages[-1]
    assert f"#{stories[5].number} Orders stopped syncing" in str(digest.blocks)
    now = outage.office.clock.now()

    await stories[5].tell(Event.TAKEN, now, (ALERTS, EDIT), (ALERTS, THREAD))
    await stories[5].tell(Event.RECOVERED, now + MINUTE, (ALERTS, EDIT, now + MINUTE))
    await outage.pass_by(5 * MINUTE)

    root, line = outage.slack.messages[-2:]
    assert line.thread_ts == root.ts
    assert [one["text"].split()[1] for one in root.edits] == ["RECOVERED"]


async def test_few_messages_that_have_waited_are_sent_as_they_are(outage: Outage) -> None:
    await outage.slack.stop()
    await outage.incidents(3)
    await outage.pass_by(30 * MINUTE)
    await outage.slack.start()

    await outage.pass_by(30 * MINUTE)

    assert len(outage.posts("CALERTS")) == len(outage.posts("D01ANA")) == 3


async def test_while_slack_is_away_it_is_tried_at_most_once_a_minute_and_receiver(
    outage: Outage,
) -> None:
    await outage.slack.stop()
    await outage.incidents(12)
    await outage.pass_by(30 * MINUTE)

    tries = await outage.office.store.fetchval(
        "select count(*) from attempt a join notification n on n.id = a.notification_id"
        " where n.receiver = $1",
        ANA_SLACK,
    )
    assert 12 <= tries <= 40
    states = await outage.office.store.fetch(
        "select distinct state from notification where receiver like 'slack:%'"
    )
    assert [row["state"] for row in states] == ["pending"]
