"""Silences on a real PostgreSQL: what is withheld, what is told at the end, and who is reminded."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from rules.base import Severity
from tests.promises import broken_promises
from tests.quiet import ANA, CHANNEL, RAJ, TOM, Quiet
from watchdog import verbs
from watchdog.clock import MovedClock
from watchdog.domain.incident import Refused, State
from watchdog.domain.people import Storms
from watchdog.engine.leader import Leader
from watchdog.moving import Deed
from watchdog.store.incidents import timeline
from watchdog.store.pool import transaction
from watchdog.verbs import NotAllowed

REASON = "silenced by raj until 04:15 UTC: deploy"


@pytest.fixture
async def quiet(store: asyncpg.Pool, clock: MovedClock) -> AsyncIterator[Quiet]:
    leader = Leader(store, "one")
    leading = asyncio.ensure_future(leader.run())
    await leader.changed.wait()
    yield Quiet(store, clock, leader)
    leading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await leading
    await leader.give_back()


async def test_a_silenced_incident_still_gets_an_owner(quiet: Quiet) -> None:
    await quiet.silence()
    await quiet.open()
    await quiet.let_pass(60)
    one = await quiet.stored()
    assert (one.owner, one.state, one.silence) == ("ana", State.OPEN, 1)
    assert await quiet.events() == ["opened"], "and nobody is escalated to"
    assert quiet.office.everything == []
    assert await quiet.withheld() == [
        ("slack:#data-alerts", REASON),
        ("slack:@U01ANA", REASON),
    ]


async def test_what_is_still_bad_at_its_end_is_told_as_if_it_opened_then(quiet: Quiet) -> None:
    await quiet.silence()
    await quiet.open()
    await quiet.let_pass(119)
    assert (quiet.heard(CHANNEL), quiet.heard(ANA)) == ([], [])
    await quiet.let_pass(1)
    assert (quiet.heard(CHANNEL), quiet.heard(ANA)) == (["root:released"], ["page:released"])
    await quiet.let_pass(9)
    assert (await quiet.events())[-1] == "released"
    await quiet.let_pass(1)
    assert await quiet.events() == ["opened", "silence_ends", "released", "escalated"]
    assert quiet.heard(RAJ) == ["page:silence_ends", "page:escalated"]


async def test_a_silence_asked_for_twice_at_once_is_one(quiet: Quiet) -> None:
    asked = await asyncio.gather(*(quiet.silence() for _ in range(5)))
    assert {one.silence.number for one in asked} == {1}
    await quiet.clock.advance(timedelta(seconds=30))
    assert (await quiet.silence()).silence == asked[0].silence, "with its own end"


@pytest.mark.parametrize(
    "other", [{"hours": 3}, {"by": "ana"}, {"pattern": "orders-stale"}, {"team": "data"}]
)
async def test_a_silence_that_differs_is_another(other: dict[str, Any], quiet: Quiet) -> None:
    await quiet.silence()
    assert (await quiet.silence(**other)).silence.number == 2


async def test_a_silence_that_has_ended_or_is_a_minute_old_is_made_anew(quiet: Quiet) -> None:
    await quiet.silence()
    await quiet.end(1)
    assert (await quiet.silence()).silence.number == 2
    await quiet.clock.advance(timedelta(seconds=60))
    assert (await quiet.silence()).silence.number == 3


async def test_what_recovers_in_it_is_never_told_and_stays_visible_as_withheld(
    quiet: Quiet,
) -> None:
    await quiet.silence()
    await quiet.open()
    await quiet.let_pass(5)
    await quiet.heal()
    await quiet.let_pass(180)
    assert quiet.office.everything == []
    assert await quiet.events() == ["opened", "recovered"]
    async with transaction(quiet.store) as conn:
        entries = await timeline(conn, 1042)
    assert [(one.what, one.receiver, one.words) for one in entries if one.receiver] == [
        ("root withheld", "slack:#data-alerts", REASON),
        ("page withheld", "slack:@U01ANA", REASON),
    ]


async def test_what_a_person_reopens_is_not_told_by_the_end_of_its_silence(quiet: Quiet) -> None:
    await quiet.silence(hours=0.5)
    await quiet.open()
    await quiet.heal()
    await quiet.let_pass(35)
    now = quiet.clock.now()
    await verbs.reopen(quiet.store, quiet.directory, Deed(1042, "ana", now), "not well")
    await quiet.let_pass(5)
    assert await quiet.events() == ["opened", "recovered", "reopened"]


async def test_one_that_is_made_before_a_message_was_sent_withholds_it(quiet: Quiet) -> None:
    await quiet.open()
    await quiet.silence()
    await quiet.let_pass(10)
    assert quiet.office.everything == []
    told = [receiver for receiver, _ in await quiet.withheld()]
    assert told.count("slack:@U01ANA") == 2, "that it was silenced is told to nobody either"


async def test_one_that_is_made_after_it_was_told_stops_the_escalation_until_its_end(
    quiet: Quiet,
) -> None:
    await quiet.open()
    await quiet.let_pass(5)
    hiding = await quiet.silence()
    assert hiding.hidden == [1042]
    await quiet.let_pass(110)
    assert quiet.heard(CHANNEL) == ["root:opened", "edit:silenced", "thread:silenced"]
    assert quiet.heard(ANA) == ["page:opened", "edit:silenced"]
    await quiet.let_pass(10)
    assert quiet.heard(ANA)[2:] == ["edit:released", "thread:released"]
    assert await quiet.events() == ["opened", "silenced", "silence_ends", "released"]


async def test_who_was_told_before_hears_of_the_recovery_in_it(quiet: Quiet) -> None:
    await quiet.open()
    await quiet.let_pass(0)
    await quiet.silence()
    await quiet.heal()
    await quiet.let_pass(180)
    assert quiet.heard(CHANNEL)[-2:] == ["edit:recovered", "thread:recovered"]
    assert quiet.heard(ANA)[-1] == "edit:recovered"


async def test_ended_early_it_tells_at_once_what_is_still_bad(quiet: Quiet) -> None:
    await quiet.silence()
    await quiet.open()
    await quiet.open(1043)
    await quiet.let_pass(10)
    await quiet.heal(1043)
    ended = await quiet.end(1, by="ana")
    assert (ended.hidden, ended.silence.ends_at) == ([1042], quiet.clock.now())
    await quiet.let_pass(0)
    assert quiet.heard(CHANNEL) == ["root:released"]
    [said] = await quiet.store.fetch("select actor, words from event where event = 'released'")
    assert tuple(said) == ("ana", "ana ended its silence")
    assert await quiet.events(1043) == ["opened", "recovered"]
    assert (await quiet.stored(1043)).silence is None
    with pytest.raises(Refused, match="there is no silence 1 to end"):
        await quiet.end(1)


async def test_of_two_silences_the_longer_holds_and_takes_over_when_one_is_ended(
    quiet: Quiet,
) -> None:
    await quiet.silence(hours=1)
    await quiet.open()
    await quiet.silence("*", hours=3)
    assert (await quiet.stored()).silence == 2
    await quiet.end(2)
    assert (await quiet.stored()).silence == 1
    await quiet.silence("*", hours=0.5)
    assert (await quiet.stored()).silence == 1
    assert await quiet.events() == ["opened", "silenced", "silenced"]
    await quiet.let_pass(60)
    assert quiet.heard(CHANNEL) == ["root:released"]


async def test_critical_incidents_are_silenced_by_an_admin_only(quiet: Quiet) -> None:
    await quiet.open(severity=Severity.CRITICAL)
    assert (await quiet.silence()).hidden == []
    await quiet.open(1043, severity=Severity.CRITICAL)
    assert (await quiet.stored(1043)).silence is None
    assert (await quiet.silence(by="tom")).hidden == [1042, 1043]
    with pytest.raises(NotAllowed, match="mei is a viewer"):
        await quiet.silence(by="mei")
    with pytest.raises(NotAllowed, match="mei is a viewer"):
        await quiet.end(2, by="mei")


async def test_it_hides_only_what_it_names(quiet: Quiet) -> None:
    await quiet.open(1042, entity=(("shop", "web"),))
    await quiet.open(1043, entity=(("shop", "app"),))
    await quiet.open(1044, rule="jobs-stuck")
    assert (await quiet.silence(entity=(("shop", "web"),))).hidden == [1042]
    assert (await quiet.silence("jobs-*", team="data")).hidden == [1044]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"pattern": "order-stale"}, "no rule is called order-stale; did you mean orders-stale?"),
        ({"pattern": "x"}, "no rule is called x; the page /silences lists the rules"),
        ({"team": "dat"}, "there is no team dat; there are: data"),
        ({"hours": 169}, "lasts at most 7d, not 7d01h"),
        ({"hours": 0}, "ends later than now"),
    ],
)
async def test_what_it_cannot_be_is_said_and_nothing_is_kept(
    quiet: Quiet, more: dict[str, object], why: str
) -> None:
    with pytest.raises(Refused) as refused:
        await quiet.silence(**more)  # type: ignore[arg-type]
    assert why in str(refused.value)
    assert await quiet.store.fetchval("select count(*) from silence") == 0


async def test_the_store_itself_keeps_no_silence_without_an_end_or_a_reason(quiet: Quiet) -> None:
    kept = "insert into silence (pattern, reason, made_by, of_critical, made_at, ends_at) values "
    now = quiet.clock.now()
    for reason, lasts in (("", 1), ("x", 169)):
        with pytest.raises(asyncpg.CheckViolationError):
            await quiet.store.execute(
                kept + "('*', $1, 'raj', false, $2, $3)", reason, now, now + timedelta(hours=lasts)
            )


async def test_whom_a_person_asks_in_it_hears_of_it_and_nobody_else_does(quiet: Quiet) -> None:
    await quiet.silence()
    await quiet.open()
    await quiet.let_pass(1)
    await verbs.hand_over(
        quiet.store, quiet.directory, Deed(1042, "ana", quiet.clock.now()), "raj", "look"
    )
    await quiet.let_pass(1)
    assert quiet.heard(RAJ) == ["page:offered"]
    await verbs.escalate(quiet.store, quiet.directory, Deed(1042, "ana", quiet.clock.now()))
    await quiet.let_pass(30)
    assert quiet.heard(RAJ)[1:] == ["edit:escalated", "thread:escalated"]
    assert (quiet.heard(CHANNEL), quiet.heard(ANA), quiet.heard(TOM)) == ([], [], [])
    assert (await quiet.stored()).owner == "raj"


async def test_15_minutes_before_its_end_whoever_made_it_is_reminded_once(quiet: Quiet) -> None:
    await quiet.silence()
    await quiet.open()
    await quiet.open(1043)
    await quiet.let_pass(104)
    assert quiet.heard(RAJ) == []
    await quiet.let_pass(1)
    assert quiet.heard(RAJ) == ["page:silence_ends"]
    await quiet.let_pass(14)
    assert (quiet.heard(RAJ), quiet.heard(ANA)) == (["page:silence_ends"], [])
    words = await quiet.store.fetchval("select words from event where event = 'silence_ends'")
    assert words == "ends in 15m, 2 still bad"


async def test_nobody_is_reminded_where_nothing_is_bad_or_it_is_short(quiet: Quiet) -> None:
    await quiet.silence()
    await quiet.silence("*", hours=0.25)
    await quiet.open()
    await quiet.let_pass(14)
    await quiet.heal()
    await quiet.let_pass(180)
    assert quiet.heard(RAJ) == []


async def test_what_gets_bad_in_its_last_15_minutes_reminds_too(quiet: Quiet) -> None:
    await quiet.silence()
    await quiet.let_pass(110)
    await quiet.open()
    await quiet.let_pass(1)
    assert quiet.heard(RAJ) == ["page:silence_ends"]


async def test_silences_that_hide_nothing_bad_keep_no_place_from_those_that_do(
    quiet: Quiet,
) -> None:
    for _ in range(20):
        await quiet.silence("jobs-*")
    await quiet.silence()
    await quiet.open()
    await quiet.clock.advance(timedelta(minutes=105))
    await quiet.let_pass(0)
    assert quiet.heard(RAJ) == ["page:silence_ends"]


async def test_a_message_whose_outcome_is_unknown_is_looked_up_and_not_withheld(
    quiet: Quiet,
) -> None:
    from tests.receivers import Mood

    await quiet.open()
    quiet.office.slack.moods[CHANNEL] = [Mood.LOSE_REPLY]
    await quiet.office.delivery.drain()
    await quiet.silence()
    await quiet.office.deliver_all()
    assert quiet.heard(CHANNEL)[0] == "root:opened"
    assert "slack:#data-alerts" not in [receiver for receiver, _ in await quiet.withheld()]


async def test_what_could_not_be_sent_before_is_withheld_at_its_next_try(quiet: Quiet) -> None:
    from tests.receivers import Mood

    await quiet.open()
    quiet.office.slack.usual[CHANNEL] = Mood.REFUSE
    await quiet.office.delivery.drain()
    await quiet.silence()
    quiet.office.slack.usual.clear()
    await quiet.let_pass(60)
    assert quiet.heard(CHANNEL) == []
    await quiet.let_pass(60)
    assert quiet.heard(CHANNEL) == ["root:released"]


STORMS = Storms(more_than=5)


async def open_many(quiet: Quiet, first: int, number: int) -> None:
    """Open incidents of one team and source, each about another shop."""
    for one in range(first, first + number):
        await quiet.open(one, entity=(("shop", str(one)),))


@pytest.mark.parametrize(("number", "storms"), [(5, 0), (6, 1), (230, 1)])
async def test_many_that_are_told_at_once_are_told_as_one_storm(
    quiet: Quiet, number: int, storms: int
) -> None:
    quiet.storms = STORMS
    await quiet.silence()
    await open_many(quiet, 2001, number)
    await quiet.let_pass(120)
    roots = [one for one in quiet.heard(CHANNEL) if one.startswith("root:")]
    assert roots == (["root:storm"] if storms else ["root:released"] * number)
    live = await quiet.store.fetch("select * from incident where state in ('open', 'taken')")
    assert [row["kind"] for row in live].count("storm") == storms
    members = await quiet.store.fetchval("select count(*) from member where state = 'bad'")
    assert members == (number if storms else 0)
    assert await broken_promises(quiet.store, quiet.office.everything) == []


async def test_what_somebody_has_taken_joins_no_storm_when_it_is_told(quiet: Quiet) -> None:
    quiet.storms = STORMS
    await quiet.silence()
    await open_many(quiet, 2001, 7)
    await quiet.let_pass(1)
    await verbs.take(quiet.store, quiet.directory, Deed(2001, "raj", quiet.clock.now()))
    await quiet.end(1)
    await quiet.let_pass(0)
    assert ((await quiet.stored(2001)).owner, (await quiet.stored(2001)).state) == (
        "raj",
        State.TAKEN,
    )
    assert (await quiet.stored(2002)).state is State.RESOLVED
    assert sorted(quiet.heard(CHANNEL)) == ["root:released", "root:storm"]


async def test_a_storm_that_was_silenced_is_told_again_as_one(quiet: Quiet) -> None:
    quiet.storms = STORMS
    await quiet.silence()
    await open_many(quiet, 2001, 7)
    await quiet.end(1)
    await quiet.let_pass(0)
    before = len(quiet.heard(CHANNEL))
    hiding = await quiet.silence("storm:*")
    assert len(hiding.hidden) == 1
    await quiet.let_pass(120)
    assert [one for one in quiet.heard(CHANNEL)[before:] if "released" in one] == [
        "edit:released",
        "thread:released",
    ]
