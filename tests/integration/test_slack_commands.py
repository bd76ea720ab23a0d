"""`/watchdog` in Slack: what it answers to whoever typed it, and does for them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.base import Severity
from tests.any_facts import NASTY
from tests.page import stored
from tests.slack_desk import PEOPLE, Desk, running_desk
from tests.slack_limits import live_parts, refusal, texts_of, visible
from tests.slack_presses import command_of, payload_of, signed
from watchdog.clock import MovedClock
from watchdog.domain.incident import State


@pytest.fixture
async def desk(store: asyncpg.Pool, clock: MovedClock) -> AsyncIterator[Desk]:
    async with running_desk(store, clock) as desk:
        yield desk


def seen(shown: dict[str, Any]) -> list[str]:
    """Return the lines that its reader sees."""
    return "\n".join(visible(one) for one in texts_of(shown["blocks"])).split("\n")


async def test_the_list_has_a_push_line_for_each_and_says_how_to_take_one(desk: Desk) -> None:
    assert seen(await desk.type("list")) == ["Nothing is open."]
    await desk.open()
    await desk.press(await desk.open(1043, title="Mail is late"), "Take")
    assert seen(await desk.type("list")) == [
        "🔴 CRITICAL Orders stopped syncing: 1h02m old (max 1h) · ana · #1042",
        "👀 TAKEN Mail is late: by raj after 0s · #1043",
        "Take one: `/watchdog take 1042`",
    ]


async def test_a_list_of_titles_full_of_signs_is_taken_by_slack(desk: Desk) -> None:
    for number in range(3001, 3011):
        await desk.open(number, title="<&>" * 60, fact="&" * 200)
    shown = await desk.type("list")
    assert [live for text in texts_of(shown["blocks"]) for live in live_parts(text)] == []
    assert len(seen(shown)) == 11


async def test_a_long_list_ends_after_ten_and_says_that_there_are_more(desk: Desk) -> None:
    for number in range(3001, 3012):
        await desk.open(number)
    lines = seen(await desk.type("list"))
    assert (len(lines), lines[10]) == (12, "There are more.")


@pytest.mark.parametrize("words", ["take 1042", "TAKE #1042 ", "ack 1042"])
async def test_taking_makes_whoever_typed_it_the_owner(words: str, desk: Desk) -> None:
    await desk.open()
    [told] = seen(await desk.type(words))
    assert told.startswith("#1042 is yours: Orders stopped syncing.")
    assert desk.page.service.wake.is_set()
    one = await stored(desk.page.service.pool)
    assert (one.owner, one.state) == ("raj", State.TAKEN)


async def test_what_was_taken_is_said_in_whole_sentences(desk: Desk) -> None:
    await desk.open(detail="", fact="1h02m old (max 1h)", do_first="Rotate the key")
    assert seen(await desk.type("take 1042")) == [
        "#1042 is yours: Orders stopped syncing. 1h02m old (max 1h). Do first: Rotate the key."
    ]


async def test_a_stranger_who_typed_is_not_told_to_press(desk: Desk) -> None:
    shown = await desk.type("list", user="U0ZOE", name="zoe")
    assert seen(shown)[0].endswith("or add yourself, and try again.")


async def test_a_command_told_again_is_answered_by_what_it_did(desk: Desk) -> None:
    await desk.open()
    body = urlencode(command_of("take 1042")).encode()
    answers = [await desk.send(signed(body, desk.clock.now())) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert (await stored(desk.page.service.pool)).version == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("take", "say which: /watchdog take 1042; /watchdog list shows what is open"),
        ("take ٤٢", "say which: /watchdog take 1042; /watchdog list shows what is open"),
        ("take 7", "there is no incident #7; /watchdog list shows what is open"),
        ("silence nil 2h why", "no rule is called nil; the page /silences lists the rules"),
        ("oncall shop", "there is no team shop; there are: data"),
        ("silence jobs-stuck", "a silence needs its length"),
        ("silence jobs-stuck 2h", "a silence needs a reason that others understand"),
        ("silence jobs-stuck 9d why", "a silence lasts at most 7d, not 9d"),
        ("silence jobs-stck 2h why", "no rule is called jobs-stck; did you mean jobs-stuck?"),
    ],
)
async def test_a_refusal_says_why_to_whoever_typed_it(words: str, told: str, desk: Desk) -> None:
    await desk.press(await desk.open(), "Take", user="U01ANA", name="ana")
    await desk.clock.advance(timedelta(seconds=12))
    [shown] = seen(await desk.type(words))
    assert shown.replace("ˋ", "`").startswith(told)


async def test_what_somebody_has_is_taken_over_by_who_insists(desk: Desk) -> None:
    await desk.press(await desk.open(), "Take", user="U01ANA", name="ana")
    await desk.clock.advance(timedelta(seconds=12))
    shown = await desk.type("take 1042")
    assert shown["text"] == "ana took #1042 12s ago; take it over if that is agreed"
    insists = payload_of(shown["blocks"], "Take over", hook=desk.slack.hook, is_ephemeral=True)
    await desk.tell(insists)
    assert desk.replied() == ["#1042 is yours."]
    assert (await stored(desk.page.service.pool)).owner == "raj"


async def test_who_is_on_call_is_said_for_each_team(desk: Desk) -> None:
    assert seen(await desk.type("oncall")) == ["*data* ana"]
    assert seen(await desk.type("oncall data")) == ["*data* ana"]


async def test_the_first_twenty_teams_are_said_and_that_there_are_more(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    teams = {
        f"t{number:02}": replace(PEOPLE.teams["data"], name=f"t{number:02}") for number in range(22)
    }
    async with running_desk(store, clock, directory=replace(PEOPLE, teams=teams)) as desk:
        lines = seen(await desk.type("oncall"))
        assert lines[19:] == ["*t19* ana", "2 more: `/watchdog oncall TEAM`"]
        assert seen(await desk.type("oncall t21")) == ["*t21* ana"]


async def test_a_command_told_again_later_makes_no_second_silence(desk: Desk) -> None:
    body = urlencode(command_of("silence jobs-stuck 2h deploy")).encode()
    first = await desk.send(signed(body, desk.clock.now()))
    await desk.clock.advance(timedelta(minutes=2))
    again = await desk.send(signed(body, desk.clock.now()))
    assert again.json()["text"] == first.json()["text"]
    assert await desk.page.service.pool.fetchval("select count(*) from silence") == 1


async def test_a_rule_is_silenced_for_a_while_and_once(desk: Desk) -> None:
    await desk.open(severity=Severity.WARNING, rule="jobs-stuck")
    for _ in range(2):
        [told] = seen(await desk.type("silence jobs-stuck 2h deploy of the shop"))
        assert told.startswith("raj silences jobs-stuck until ")
        assert "It hides #1042 now." in told
    kept = await desk.page.service.pool.fetch(
        "select reason, ends_at - made_at as lasts from silence"
    )
    assert [tuple(one) for one in kept] == [("deploy of the shop", timedelta(hours=2))]


@pytest.mark.parametrize("words", ["", "help", "HELP me"])
async def test_help_names_every_command(words: str, desk: Desk) -> None:
    lines = seen(await desk.type(words))
    assert [line.split()[1].rstrip("`") for line in lines] == [
        *("list", "take", "oncall", "silence", "help"),
    ]


async def test_what_is_no_command_is_answered_with_those_that_are(desk: Desk) -> None:
    lines = seen(await desk.type("<!channel>*now* 7"))
    assert lines[0] == "`<!channel>∗now∗` is nothing that I can do."
    assert len(lines) == 6


async def test_a_stranger_gets_the_lines_to_add_and_a_viewer_moves_nothing(desk: Desk) -> None:
    await desk.open()
    lines = seen(await desk.type("list", user="U0ZOE", name="zoe"))
    assert lines[-3:] == ["people:", "  zoe: { slack: U0ZOE }", "```"]
    assert seen(await desk.type("take 1042", user="U03MEI")) == [
        "mei is a viewer; owning incidents takes role: responder"
    ]
    assert len(seen(await desk.type("list", user="U03MEI"))) == 2
    assert (await stored(desk.page.service.pool)).version == 1


async def test_commands_come_from_the_workspace_that_is_named(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_desk(store, clock, workspace="T09OTHER") as desk:
        told = seen(await desk.type("list"))
    assert told == ["This service takes presses from another workspace only."]


async def test_while_the_store_is_down_whoever_typed_is_told(desk: Desk) -> None:
    await desk.page.service.pool.close()
    [told] = seen(await desk.type("list"))
    assert told.startswith("The store is slow or down")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(["", "list ", "take ", "oncall ", "silence ", "silence * 2h ", "help "]),
    st.sampled_from(NASTY) | st.text(max_size=300),
)
async def test_whatever_is_typed_is_answered_and_nothing_in_it_comes_alive(
    desk: Desk, begin: str, words: str
) -> None:
    shown = await desk.type(begin + words.encode("utf-8", "replace").decode())
    assert refusal(shown) == ""
    marked = [shown["text"], *texts_of(shown["blocks"], "mrkdwn")]
    assert [live for text in marked for live in live_parts(text)] == []


async def test_a_name_of_a_person_or_a_team_comes_not_alive(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    team = replace(PEOPLE.teams["data"], name="data")
    directory = replace(PEOPLE, teams={"data": team, "<!here>": replace(team, name="<!here>")})
    async with running_desk(store, clock, directory=directory) as desk:
        shown = await desk.type("oncall")
    assert [live for text in texts_of(shown["blocks"]) for live in live_parts(text)] == []
    assert "*<!here>* ana" in seen(shown)
