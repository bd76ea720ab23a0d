"""The worker with our own notifiers, against a Slack and a mail server that answer over the network."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from notifiers.base import Event, Notifier, Part
from notifiers.email import Email
from notifiers.slack import Slack
from tests.fake_slack import TOKEN, FakeSlack, Trouble, rate_limited
from tests.incidents import Story, states
from tests.mail_threads import threads
from tests.post_office import ALERTS, ANA_MAIL, ANA_SLACK, BROKEN, RAJ_MAIL, SUPPORT, PostOffice
from tests.postgres import NIGHT
from tests.smtp_server import MailServer
from watchdog.clock import MovedClock
from watchdog.delivery.worker import Delivery
from watchdog.domain.people import Directory

ROOT, PAGE, EDIT, THREAD = Part.ROOT, Part.PAGE, Part.EDIT, Part.THREAD


@pytest.fixture
def office(store: asyncpg.Pool, clock: MovedClock) -> PostOffice:
    return PostOffice(store, clock)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as server:
        yield server


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    async with MailServer() as server:
        yield server


@pytest.fixture
async def worker(office: PostOffice, slack: FakeSlack, mail: MailServer) -> AsyncIterator[Delivery]:
    notifiers: dict[str, Notifier] = {
        "slack": Slack(TOKEN, slack.api),
        "email": Email(mail.url, "watchdog@example.com"),
    }
    yield office.worker(notifiers=notifiers)
    for one in notifiers.values():
        await one.close()


async def test_an_incident_is_one_slack_message_kept_up_to_date_with_lines_below(
    office: PostOffice, worker: Delivery, slack: FakeSlack
) -> None:
    story = Story(office.store)
    await story.tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    await story.tell(Event.TAKEN, NIGHT, (ALERTS, EDIT), (ALERTS, THREAD))

    await office.deliver_all(worker)

    root, line = slack.messages
    assert "TAKEN" in root.text
    assert len(root.edits) == 1
    assert line.thread_ts == root.ts


async def test_a_post_whose_answer_was_lost_is_found_in_slacks_history(
    office: PostOffice, worker: Delivery, slack: FakeSlack
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    slack.troubles.append(Trouble(accept=True, drop=True))

    await office.deliver_all(worker)

    assert len(slack.messages) == 1
    assert worker.figures.attempts == {"unknown": 1, "found": 1}


async def test_slacks_wait_is_kept_and_mail_flows_meanwhile(
    office: PostOffice, worker: Delivery, slack: FakeSlack, mail: MailServer
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT), (ANA_MAIL, PAGE))
    slack.troubles.append(rate_limited("30"))

    await worker.drain()
    due_at = await office.store.fetchval("select due_at from notification where state = 'pending'")

    assert due_at == NIGHT + timedelta(seconds=30)
    assert len(mail.mails) == 1


@pytest.mark.parametrize(
    ("said", "seconds"), [("1", 1), ("30", 30), (None, 30), ("abc", 30), ("-5", 30)]
)
async def test_a_wait_is_kept_to_the_second_and_holds_for_that_channel_only(
    office: PostOffice, worker: Delivery, slack: FakeSlack, said: str | None, seconds: int
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    slack.troubles.append(rate_limited(said))
    await worker.drain()
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT), (BROKEN, ROOT))

    await worker.drain()
    assert [one.channel for one in slack.messages] == ["CBROKEN"]
    await office.clock.advance(timedelta(seconds=seconds - 0.1))
    await worker.drain()
    assert len(slack.messages) == 1
    await office.clock.advance(timedelta(seconds=0.1))
    await worker.drain()
    assert [one.channel for one in slack.messages] == ["CBROKEN", "CALERTS"]


async def test_a_wait_for_edits_holds_for_all_edits_and_no_post(
    office: PostOffice, worker: Delivery, slack: FakeSlack
) -> None:
    stories = {ALERTS: Story(office.store), BROKEN: Story(office.store)}
    for place, story in stories.items():
        await story.tell(Event.OPENED, NIGHT, (place, ROOT))
    await worker.drain()
    await office.clock.advance(timedelta(seconds=1))
    await stories[ALERTS].tell(Event.TAKEN, NIGHT, (ALERTS, EDIT))
    slack.troubles.append(rate_limited("30"))
    await worker.drain()
    await stories[BROKEN].tell(Event.TAKEN, NIGHT, (BROKEN, EDIT))
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))

    await worker.drain()
    assert [len(one.edits) for one in slack.messages] == [0, 0, 0]
    await office.clock.advance(timedelta(seconds=30))
    await worker.drain()
    assert sorted(len(one.edits) for one in slack.messages) == [0, 1, 1]


async def test_a_channel_that_is_gone_is_replaced_by_mail(
    office: PostOffice, worker: Delivery, slack: FakeSlack, mail: MailServer
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT), (ANA_SLACK, PAGE))
    slack.troubles += [Trouble(code="account_inactive")] * 2

    await worker.drain()

    assert {one.recipient for one in mail.mails} == {"ana@example.com", "support@example.com"}
    assert sorted(await states(office.store)) == sorted(
        [
            (ALERTS, "root", "dead"),
            (ANA_SLACK, "page", "dead"),
            (SUPPORT, "page", "sent"),
            (ANA_MAIL, "page", "sent"),
        ]
    )


async def test_a_mail_that_was_lost_after_its_last_dot_doubles_under_one_message_id(
    office: PostOffice, worker: Delivery, mail: MailServer
) -> None:
    office.directory = Directory()  # nobody is told by another channel meanwhile
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_MAIL, PAGE))
    mail.script.drop_after_data = True
    await worker.drain()
    mail.script.drop_after_data = False

    await office.deliver_all(worker)

    assert len(mail.mails) == 2
    assert len({one.parsed["Message-ID"] for one in mail.mails}) == 1
    assert worker.figures.attempts == {"unknown": 1, "sent": 1}


async def test_six_mails_of_an_incident_are_one_thread_for_each_of_its_readers(
    office: PostOffice, worker: Delivery, mail: MailServer
) -> None:
    stories = [Story(office.store), Story(office.store)]
    events = (Event.OPENED, Event.LEVEL, Event.ESCALATED, Event.RECOVERED, Event.BACK_AGAIN)
    for event in (*events, Event.RECOVERED):
        for story in stories:
            await story.tell(event, office.clock.now(), (ANA_MAIL, PAGE), (RAJ_MAIL, PAGE))
        await office.clock.advance(timedelta(minutes=10))
    await office.deliver_all(worker)

    assert len({one.parsed["Message-ID"] for one in mail.mails}) == 24
    for reader in ("ana@example.com", "raj@example.com"):
        read = [one.parsed for one in mail.mails if one.recipient == reader]
        assert [len(one) for one in threads(read)] == [6, 6]
        for thread in threads(read):
            assert len({one["X-Watchdog-Incident"] for one in thread}) == 1
            assert thread[0]["References"] is None


async def test_one_refused_recipient_stops_no_other(
    office: PostOffice, worker: Delivery, mail: MailServer
) -> None:
    people = [f"email:p{number}@example.com" for number in range(5)]
    await Story(office.store).tell(Event.OPENED, NIGHT, *((one, PAGE) for one in people))
    mail.script.refuse = {"p2@example.com": "550 no such person"}

    await worker.drain()

    await office.deliver_all(worker)

    arrived = Counter(one.recipient for one in mail.mails)
    assert arrived == {f"p{n}@example.com": 1 for n in (0, 1, 3, 4)}
    told = [state for receiver, _, state in await states(office.store) if receiver in people]
    assert told == ["sent", "sent", "dead", "sent", "sent"]


async def test_a_greylisted_mail_arrives_once_the_server_is_ready(
    office: PostOffice, worker: Delivery, mail: MailServer
) -> None:
    office.directory = Directory()  # nobody is told by another channel meanwhile
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_MAIL, PAGE))
    mail.script.refuse = {"ana@example.com": "451 try again later"}
    for _ in range(3):
        await worker.drain()
        await office.clock.advance(timedelta(minutes=5))
    mail.script.refuse = {}

    await office.deliver_all(worker)

    assert len(mail.mails) == 1
    assert worker.figures.attempts == {"failed": 3, "sent": 1}


async def test_a_mail_that_is_put_off_for_hours_arrives_once_and_slack_has_told_meanwhile(
    office: PostOffice, worker: Delivery, mail: MailServer, slack: FakeSlack
) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ANA_MAIL, PAGE))
    mail.script.refuse = {"ana@example.com": "450 4.2.0 greylisted"}
    while office.clock.now() < NIGHT + timedelta(hours=3):
        await worker.drain()
        await office.clock.advance(timedelta(minutes=3))
    mail.script.refuse = {}

    await office.deliver_all(worker)

    assert len(mail.mails) == 1
    assert len(slack.messages) == 1
    assert 12 < worker.figures.attempts["failed"] < 40
