"""Owners whom a page does not reach: the incident goes on at once, whoever is at fault."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import asyncpg
import pytest

from tests.integration.test_verbs import stored
from tests.receivers import Mood, Receiver
from tests.unit.test_incident import NOW, an_incident
from watchdog import verbs
from watchdog.clock import MovedClock
from watchdog.delivery.retries import Patience
from watchdog.delivery.worker import Delivery
from watchdog.domain import life
from watchdog.domain.incident import Incident, State
from watchdog.domain.notices import with_notices
from watchdog.domain.people import Directory, Person, Route, Rung, Team
from watchdog.engine.deadlines import Deadlines
from watchdog.engine.leader import Leader
from watchdog.moving import Deed
from watchdog.store import incidents
from watchdog.store.pool import transaction

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NIGHT_LONG = (NOW - DAY, NOW + DAY)
PEOPLE = {
    "ana": Person("ana", "ana@example.com", "U01ANA"),
    "raj": Person("raj", slack="U02RAJ"),
    "tom": Person("tom", "tom@example.com", "U04TOM"),
}
TEAM = Team(
    "data",
    lead="tom",
    slack="data-alerts",
    escalate=(Rung(10 * MINUTE, "raj"), Rung(25 * MINUTE, "lead")),
)


@dataclass
class Night:
    """A replica that leads, with receivers that misbehave."""

    store: asyncpg.Pool
    clock: MovedClock
    leader: Leader
    directory: Directory = field(
        default_factory=lambda: Directory(PEOPLE, {"data": TEAM}, (Route(("slack",)),))
    )
    slack: Receiver = field(default_factory=Receiver)
    email: Receiver = field(default_factory=Receiver)

    def __post_init__(self) -> None:
        wake = asyncio.Event()
        self.deadlines = Deadlines(
            self.store, self.clock, self.leader, lambda: self.directory, wake
        )
        self.delivery = Delivery(
            self.store,
            {"slack": self.slack, "email": self.email},
            lambda: self.directory,
            self.clock,
            wake,
            random.Random(1),  # noqa: S311 (spreads retries)
            patience=Patience(tries=1),
        )

    async def open(self) -> Incident:
        fresh = an_incident(opened_at=self.clock.now())
        step = with_notices(life.opened(fresh, {}), self.directory)
        async with transaction(self.store) as conn:
            await incidents.commit(conn, [step])
        return step.transition.after

    async def go_on(self, rounds: int = 8) -> None:
        """Send what is due and do what is due, until both have come to rest."""
        for _ in range(rounds):
            await self.delivery.drain()
            await self.deadlines.act()

    async def told(self) -> list[tuple[str, str]]:
        rows = await self.store.fetch("select event, words from event order by version")
        return [(row["event"], row["words"]) for row in rows[1:]]


@pytest.fixture
async def night(store: asyncpg.Pool) -> AsyncIterator[Night]:
    leader = Leader(store, "one")
    leading = asyncio.ensure_future(leader.run())
    await leader.changed.wait()
    yield Night(store, MovedClock(NOW), leader)
    leading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await leading
    await leader.give_back()


async def test_who_is_in_do_not_disturb_is_missed_and_the_next_is_paged_at_once(
    night: Night,
) -> None:
    night.slack.silences["@U01ANA"] = NIGHT_LONG
    await night.open()
    await night.go_on()
    assert await night.told() == [("missed", "ana in Do Not Disturb, now raj")]
    assert night.slack.heard("@U01ANA") == ["page:opened", "edit:missed"]
    assert night.slack.heard("@U02RAJ") == ["page:missed"]
    found = await stored(night.store, 1042)
    assert (found.owner, found.state, found.missed) == ("raj", State.OPEN, "")
    await night.clock.advance(10 * MINUTE)
    await night.go_on()
    assert (await stored(night.store, 1042)).owner == "raj", "raj has the time of a rung"


@pytest.mark.parametrize("silence", [(NOW - DAY, NOW), (NOW + MINUTE, NOW + DAY)])
async def test_a_silence_that_is_over_or_begins_later_passes_nothing_on(
    night: Night, silence: tuple[object, object]
) -> None:
    night.slack.silences["@U01ANA"] = silence  # type: ignore[assignment]
    await night.open()
    await night.go_on()
    assert await night.told() == []


async def test_a_team_that_sleeps_as_a_whole_hears_in_its_channel_that_nobody_is_left(
    night: Night,
) -> None:
    night.slack.silences |= dict.fromkeys(("@U01ANA", "@U02RAJ", "@U04TOM"), NIGHT_LONG)
    await night.open()
    await night.go_on(12)
    assert await night.told() == [
        ("missed", "ana in Do Not Disturb, now raj"),
        ("missed", "raj in Do Not Disturb, now tom"),
        ("exhausted", "tom in Do Not Disturb, and nobody is left"),
    ]
    assert (await stored(night.store, 1042)).owner == "tom"


async def test_a_dead_page_goes_to_the_persons_mail_and_only_then_to_the_next_person(
    night: Night,
) -> None:
    night.slack.usual["@U01ANA"] = Mood.REFUSE_FOR_EVER
    await night.open()
    await night.go_on()
    assert await night.told() == []
    assert night.email.heard("ana@example.com") == ["page:opened"]
    assert (await stored(night.store, 1042)).owner == "ana"


async def test_when_every_road_to_the_owner_is_closed_the_next_is_paged_at_once(
    night: Night,
) -> None:
    night.slack.usual["@U01ANA"] = Mood.REFUSE_FOR_EVER
    night.email.usual["ana@example.com"] = Mood.REFUSE_FOR_EVER
    await night.open()
    await night.go_on()
    assert await night.told() == [("missed", "ana cannot be reached, now raj")]
    assert "page:missed" in night.slack.heard("@U02RAJ")


async def test_who_has_no_channel_is_passed_over_without_a_page(night: Night) -> None:
    people = {**PEOPLE, "ana": Person("ana")}
    night.directory = replace(night.directory, people=people)
    await night.open()
    await night.go_on()
    assert await night.told() == [("missed", "ana has neither Slack nor mail, now raj")]


async def test_an_owner_who_leaves_the_configuration_is_passed_over_at_the_reload(
    night: Night,
) -> None:
    await night.open()
    await night.go_on()
    left = {name: one for name, one in PEOPLE.items() if name != "ana"}
    night.directory = replace(night.directory, people=left)
    await night.go_on()
    assert await night.told() == [("missed", "ana has left, now raj")]


async def test_what_was_taken_before_its_page_died_stays_with_its_taker(night: Night) -> None:
    night.slack.usual["@U01ANA"] = Mood.REFUSE_FOR_EVER
    night.email.usual["ana@example.com"] = Mood.REFUSE_FOR_EVER
    await night.open()
    await verbs.take(night.store, night.directory, Deed(1042, "ana", NOW))
    await night.go_on()
    assert [event for event, _ in await night.told()] == ["taken"]
    assert (await stored(night.store, 1042)).missed == ""


async def test_the_page_of_somebody_who_has_it_no_more_passes_nothing_on(night: Night) -> None:
    night.slack.silences["@U01ANA"] = NIGHT_LONG
    await night.open()
    await verbs.escalate(night.store, night.directory, Deed(1042, "tom", NOW))
    await night.go_on()
    assert [event for event, _ in await night.told()] == ["escalated"]


async def test_a_take_at_the_instant_of_the_miss_loses_or_wins_and_never_both(
    night: Night,
) -> None:
    night.slack.silences["@U01ANA"] = NIGHT_LONG
    await night.open()
    take = verbs.take(night.store, night.directory, Deed(1042, "ana", NOW))
    await asyncio.gather(take, night.go_on())
    found = await stored(night.store, 1042)
    assert (found.state, found.owner) == (State.TAKEN, "ana")
    assert [event for event, _ in await night.told()] in (["taken"], ["missed", "taken"])
