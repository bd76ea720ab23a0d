"""Hand-overs of on-call over a real PostgreSQL: told once, whoever leads and whatever was down."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from notifiers.base import Event, Report
from tests.incidents import Story, states
from tests.post_office import PostOffice
from tests.postgres import NIGHT
from tests.receivers import Mood
from watchdog import covering
from watchdog.clock import MovedClock
from watchdog.config.load import Loaded, load_text
from watchdog.config.model import Config
from watchdog.domain.people import Cover
from watchdog.engine.leader import Leader
from watchdog.reports.handovers import Handovers
from watchdog.service import Options, Service
from watchdog.store.facts import decode_told
from watchdog.store.pool import close_pool, open_pool

RULES = """\
version: 1
service: { url: "https://watchdog.example.com" }
people:
  ana: { email: ana@example.com, slack: U01ANA }
  raj: { email: raj@example.com, slack: U02RAJ }
  mei: { email: mei@example.com }
  tom: {}
teams:
  data:
    lead: tom
    slack: data-alerts
    timezone: Europe/Berlin
    oncall: { rotate: daily, handover: "05:00", order: [ana, raj, mei], from: 2025-06-12 }
"""
FIVE = timedelta(minutes=45)
"""From the start of the clock to 05:00 in Berlin, when raj follows ana."""

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
CHANNEL = ("slack:#data-alerts", "root")
RAJ_MAIL, RAJ_SLACK = ("email:raj@example.com", "page"), ("slack:@U02RAJ", "page")
MEI_MAIL = ("email:mei@example.com", "page")


@dataclass
class Desk:
    """What these tests need."""

    store: asyncpg.Pool
    clock: MovedClock
    stack: contextlib.AsyncExitStack
    config: Config

    def __post_init__(self) -> None:
        self.office = PostOffice(self.store, self.clock, directory=self.config.directory)

    async def leading(self, name: str = "one") -> tuple[Handovers, Leader]:
        """Start a process that leads until it gives the lease back, or the test ends."""
        self.service = Service(
            Options(Path("rules.yaml"), Path("data")), self.clock, self.store,
            Loaded(self.config, (), {}), self.config, name,
        )  # fmt: skip
        leader = Leader(self.store, name)
        task = asyncio.ensure_future(leader.run())
        self.stack.callback(task.cancel)
        async with asyncio.timeout(15):
            await leader.changed.wait()
        worker = Handovers(self.service, leader)
        await worker.tell_due()
        return worker, leader

    async def look(self, worker: Handovers, after: timedelta) -> list[tuple[str, str]]:
        """Let time pass and look; return who has been told what since the beginning."""
        await self.clock.advance(after)
        await worker.tell_due()
        return [(receiver, part) for receiver, part, _ in await states(self.store)]

    async def told(self) -> list[Report]:
        """Return what was told, the oldest first."""
        rows = await self.store.fetch("select facts::jsonb from report_run order by id")
        made = [decode_told(row["facts"]) for row in rows]
        return [one for one in made if isinstance(one, Report)]


def read(text: str) -> Config:
    config = load_text({"rules.yaml": text}, "rules.yaml", {}).config
    assert config is not None
    return config


@pytest.fixture
async def desk(store: asyncpg.Pool, clock: MovedClock) -> AsyncIterator[Desk]:
    async with contextlib.AsyncExitStack() as stack:
        yield Desk(store, clock, stack, read(RULES))


async def test_the_channel_hears_it_at_once_and_the_person_when_the_test_has_come_to_its_end(
    desk: Desk,
) -> None:
    worker, _ = await desk.leading()
    story = Story(desk.store, team="data")
    await story.tell(Event.OPENED, NIGHT)
    assert await desk.look(worker, FIVE - timedelta(seconds=1)) == []
    assert await desk.look(worker, timedelta(seconds=1)) == [CHANNEL, RAJ_MAIL]
    await desk.office.deliver_all()
    assert await desk.look(worker, timedelta(seconds=5)) == [CHANNEL, RAJ_MAIL, RAJ_SLACK]
    await desk.office.deliver_all()
    await desk.look(worker, HOUR)
    delivered = [one.address for one in desk.office.everything]
    assert delivered == ["raj@example.com", "#data-alerts", "@U02RAJ"]
    *_, briefed = await desk.told()
    assert briefed.fact == f"raj until Sat 05:00 (then mei) · 1 open: #{story.number}"
    live, tested = briefed.parts
    assert live.rows == (
        (f"#{story.number} Orders stopped syncing", "critical", "ana, not taken", "04:15"),
    )
    assert tested.rows == (("email to raj@example.com", "delivered"),)


async def test_whoever_has_one_way_is_told_by_it_at_once(desk: Desk) -> None:
    worker, _ = await desk.leading()
    await desk.look(worker, FIVE)
    assert (await desk.look(worker, DAY))[2:] == [CHANNEL, MEI_MAIL]
    assert [part.title for part in (await desk.told())[-1].parts] == ["Open now"]


@pytest.mark.parametrize(
    ("mood", "said"),
    [(Mood.REFUSE_FOR_EVER, "did not arrive: "), (Mood.REFUSE, "still on its way: ")],
)
async def test_a_test_that_fails_is_said_and_goes_by_no_other_road(
    desk: Desk, mood: Mood, said: str
) -> None:
    worker, _ = await desk.leading()
    desk.office.email.usual["raj@example.com"] = mood
    await desk.look(worker, FIVE)
    await desk.office.delivery.drain()
    assert await desk.look(worker, MINUTE) == [CHANNEL, RAJ_MAIL, RAJ_SLACK]
    [(way, result)] = (await desk.told())[-1].parts[1].rows
    assert (way, result.startswith(said)) == ("email to raj@example.com", True)
    await desk.office.delivery.drain()
    assert [one.address for one in desk.office.everything] == ["#data-alerts", "@U02RAJ"]


async def test_what_stays_in_the_outbox_is_said_to(desk: Desk) -> None:
    worker, _ = await desk.leading()
    desk.office.email.keeps_rendered = True
    await desk.look(worker, FIVE)
    await desk.office.delivery.drain()
    await desk.look(worker, MINUTE)
    [(_, result)] = (await desk.told())[-1].parts[1].rows
    assert result == "no credentials, stays in the outbox"


async def test_a_briefing_that_does_not_arrive_goes_to_its_person_by_mail_and_to_nobody_else(
    desk: Desk,
) -> None:
    worker, _ = await desk.leading()
    await desk.look(worker, FIVE)
    await desk.office.delivery.drain()
    await desk.look(worker, MINUTE)
    desk.office.slack.usual["@U02RAJ"] = Mood.REFUSE_FOR_EVER
    await desk.office.deliver_all()
    delivered = [one.address for one in desk.office.everything]
    assert delivered == ["raj@example.com", "#data-alerts", "raj@example.com"]


async def test_a_channel_that_is_gone_pages_nobody(desk: Desk) -> None:
    worker, _ = await desk.leading()
    desk.office.slack.usual["#data-alerts"] = Mood.REFUSE_FOR_EVER
    await desk.look(worker, FIVE)
    await desk.office.deliver_all()
    assert [one.address for one in desk.office.everything] == ["raj@example.com"]


async def test_a_restart_and_a_new_leader_tell_nothing_again(desk: Desk) -> None:
    worker, leader = await desk.leading()
    await desk.look(worker, FIVE)
    await leader.give_back()
    again, _ = await desk.leading("two")
    assert await desk.look(worker, timedelta()) == [CHANNEL, RAJ_MAIL]
    assert await desk.look(again, MINUTE) == [CHANNEL, RAJ_MAIL, RAJ_SLACK]
    assert await desk.look(again, MINUTE) == [CHANNEL, RAJ_MAIL, RAJ_SLACK]


async def test_two_that_take_themselves_for_the_leader_tell_it_once(desk: Desk) -> None:
    one, leader = await desk.leading()
    two = Handovers(desk.service, leader)
    await desk.clock.advance(FIVE)
    await asyncio.gather(*(worker.tell_due() for worker in (one, two, one, two)))
    assert [pair[:2] for pair in await states(desk.store)] == [CHANNEL, RAJ_MAIL]
    await desk.clock.advance(MINUTE)
    await asyncio.gather(*(worker.tell_due() for worker in (one, two, one, two)))
    assert [pair[:2] for pair in await states(desk.store)] == [CHANNEL, RAJ_MAIL, RAJ_SLACK]


async def test_who_was_fenced_off_tells_nothing(desk: Desk) -> None:
    worker, _ = await desk.leading()
    await desk.store.execute("update lease set token = token + 1, replica = 'two'")
    assert await desk.look(worker, FIVE) == []


@pytest.mark.parametrize(("away", "told"), [(59 * MINUTE, [CHANNEL, RAJ_MAIL]), (HOUR, [])])
async def test_what_passed_on_while_nothing_ran_is_told_within_the_hour(
    desk: Desk, away: timedelta, told: list[tuple[str, str]]
) -> None:
    _, leader = await desk.leading()
    await leader.give_back()
    await desk.clock.advance(FIVE + away)
    again, _ = await desk.leading("two")
    assert await desk.look(again, timedelta()) == told


async def test_a_team_that_is_new_is_told_nothing_of_before(desk: Desk) -> None:
    await desk.clock.advance(FIVE + 10 * MINUTE)
    worker, _ = await desk.leading()
    assert await desk.look(worker, MINUTE) == []
    assert await desk.look(worker, DAY - 11 * MINUTE) == [CHANNEL, MEI_MAIL]


async def test_a_cover_is_told_when_it_begins_and_when_it_is_ended_early(desk: Desk) -> None:
    worker, _ = await desk.leading()
    await desk.clock.advance(MINUTE)
    now = desk.clock.now()
    wanted = Cover("data", "mei", now, now + DAY, "ana")
    kept = await covering.cover(desk.store, desk.config.directory, wanted, now)
    assert await desk.look(worker, 5 * MINUTE) == [CHANNEL, MEI_MAIL]
    await covering.end(
        desk.store, desk.config.directory, kept.number, "ana", desk.clock.now() + 5 * MINUTE
    )
    told = await desk.look(worker, 6 * MINUTE)
    assert told[2:] == [CHANNEL, ("email:ana@example.com", "page")]
    assert (await desk.told())[2].fact == "ana until 05:00 (then raj) · none open"


async def test_an_edited_rotation_tells_nothing_again_and_nothing_of_the_past(desk: Desk) -> None:
    worker, _ = await desk.leading()
    before = await desk.look(worker, FIVE)
    for handover in ("05:10", "04:50", "03:00"):
        desk.service.config = read(RULES.replace("05:00", handover))
        assert await desk.look(worker, 10 * MINUTE) == [*before, RAJ_SLACK]
    desk.service.config = read(RULES.replace("[ana, raj, mei]", "[raj, mei, ana]"))
    assert await desk.look(worker, HOUR) == [*before, RAJ_SLACK]


async def test_a_mistake_of_ours_about_one_team_holds_back_no_other(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    also = RULES.partition("  data:\n")[2]
    desk.config = read(RULES + "  able:\n" + also.replace("data-alerts", "able-alerts"))
    await desk.store.execute("alter table handover add check (person <> 'raj' or team <> 'able')")
    worker, _ = await desk.leading()
    assert await desk.look(worker, FIVE) == [CHANNEL, RAJ_MAIL]
    [refused] = [one for one in caplog.records if one.message == "hand-over not told"]
    assert vars(refused)["team"] == "able"


async def test_whoever_follows_in_a_team_that_is_gone_meanwhile_is_told_no_more(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    worker, _ = await desk.leading()
    before = await desk.look(worker, FIVE)
    desk.service.config = read(RULES.replace("  data:\n", "  other:\n"))
    assert await desk.look(worker, MINUTE) == before
    assert "hand-over not told" not in caplog.text


async def test_a_team_that_wants_none_gets_none(desk: Desk) -> None:
    desk.config = read(RULES + "    shift_messages: false\n")
    worker, _ = await desk.leading()
    assert await desk.look(worker, FIVE) == []
    assert await desk.store.fetchval("select count(*) from handover") == 0


async def test_whoever_cannot_be_reached_is_told_in_the_channel_alone(desk: Desk) -> None:
    desk.config = read(RULES.replace("[ana, raj, mei]", "[ana, tom]"))
    worker, _ = await desk.leading()
    assert await desk.look(worker, FIVE) == [CHANNEL]
    assert await desk.look(worker, MINUTE) == [CHANNEL]


async def test_its_worker_wakes_at_the_instant_and_within_a_minute_of_a_new_cover(
    desk: Desk,
) -> None:
    worker, _ = await desk.leading()
    task = asyncio.ensure_future(worker.run())
    desk.stack.callback(task.cancel)
    await desk.clock.advance(FIVE - timedelta(milliseconds=1))
    assert await states(desk.store) == []
    await desk.clock.advance(timedelta(milliseconds=2))
    assert [pair[:2] for pair in await states(desk.store)] == [CHANNEL, RAJ_MAIL]
    await desk.clock.advance(10 * MINUTE)
    now = desk.clock.now()
    wanted = Cover("data", "mei", now, now + HOUR, "ana")
    await covering.cover(desk.store, desk.config.directory, wanted, now)
    await desk.clock.advance(MINUTE)
    assert [pair[:2] for pair in await states(desk.store)][3:] == [CHANNEL, MEI_MAIL]


async def test_a_store_that_is_away_ends_nothing(desk: Desk, store_dsn: str) -> None:
    worker, _ = await desk.leading()
    desk.service.pool = await open_pool(store_dsn)
    await close_pool(desk.service.pool)
    assert await desk.look(worker, FIVE) == []
    desk.service.pool = desk.store
    assert await desk.look(worker, MINUTE) == [CHANNEL, RAJ_MAIL]


async def test_a_mistake_of_ours_ends_it_loudly(desk: Desk) -> None:
    worker, _ = await desk.leading()
    await desk.store.execute("alter table handover rename to gone")
    with pytest.raises(asyncpg.UndefinedTableError):
        await worker.tell_due()


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("insert into handover values ('data', $1, 'mei')", asyncpg.UniqueViolationError),
        ("insert into handover values (' ', $1, 'mei')", asyncpg.CheckViolationError),
        ("insert into handover values ('web', $1, '')", asyncpg.CheckViolationError),
        (
            "insert into handover select 'web', $1, 'mei', told_by from handover where told_by > 0",
            asyncpg.UniqueViolationError,
        ),
        ("insert into handover values ('web', $1, 'mei', 999)", asyncpg.ForeignKeyViolationError),
    ],
)
async def test_the_store_holds_each_hand_over_and_each_message_once(
    desk: Desk, statement: str, error: type[Exception]
) -> None:
    worker, _ = await desk.leading()
    await desk.look(worker, FIVE)
    with pytest.raises(error):
        await desk.store.execute(statement, NIGHT + FIVE)
