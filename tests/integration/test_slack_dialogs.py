"""Dialogs in Slack: each does what the page's form does, once, and carries a refusal back into its fields."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from notifiers.slack_buttons import Button, button
from notifiers.slack_dialogs import Submission
from notifiers.slack_targets import Target
from notifiers.slack_told import read_told
from rules.base import Severity
from tests.fake_slack import Posted, Trouble
from tests.page import recover, stored
from tests.slack_desk import PEOPLE, Desk, running_desk
from tests.slack_limits import texts_of, visible
from tests.slack_presses import WORKSPACE, words_of
from tests.slack_views import inputs_of, submission_of
from tests.storms import open_storm
from tests.unit.test_incident import closing
from watchdog import verbs
from watchdog.clock import MovedClock
from watchdog.domain.closing import Answer, Closing, Prevention
from watchdog.domain.incident import State
from watchdog.moving import Deed


@pytest.fixture
async def desk(store: asyncpg.Pool, clock: MovedClock) -> AsyncIterator[Desk]:
    async with running_desk(store, clock) as desk:
        yield desk


async def taken(desk: Desk) -> Posted:
    root = await desk.open()
    await desk.press(root, "Take")
    await desk.deliver()
    return root


async def recovered(desk: Desk) -> Posted:
    root = await taken(desk)
    await desk.clock.advance(timedelta(minutes=72))
    await recover(desk.page.service.pool, desk.clock, await stored(desk.page.service.pool))
    await desk.deliver()
    return root


def labels(view: dict[str, Any]) -> list[str]:
    return [one["label"]["text"] for one in inputs_of(view)]


def said(shown: dict[str, Any]) -> str:
    return " ".join(visible(one) for one in texts_of(shown["view"]["blocks"]))


async def events(desk: Desk) -> list[str]:
    rows = await desk.page.service.pool.fetch("select event from event order by at, version")
    return [row["event"] for row in rows]


async def test_a_note_is_written_in_a_dialog_and_stands_below_the_message(desk: Desk) -> None:
    root = await taken(desk)
    view = await desk.dialog(root, "Add note")
    assert view["title"]["text"] == "Add a note"
    assert labels(view) == ["What others should know"]
    assert await desk.submit(view, words="key rotated\nresync runs") == {}
    assert desk.page.service.wake.is_set()
    await desk.deliver()
    assert "raj: key rotated resync runs" in desk.slack.messages[-1].blocks[0]["text"]["text"]
    assert desk.slack.messages[-1].thread_ts == root.ts


async def test_it_is_handed_over_to_whoever_is_chosen_with_a_note(desk: Desk) -> None:
    view = await desk.dialog(await taken(desk), "Hand over…")
    assert labels(view) == ["To", "What they should know"]
    options = inputs_of(view)[0]["element"]["options"]
    assert [one["value"] for one in options] == ["ana", "tom"]
    assert await desk.submit(view, to="tom", words="watch it finish") == {}
    one = await stored(desk.page.service.pool)
    assert (one.owner, one.offered_to) == ("raj", "tom")


async def test_it_rests_for_as_long_as_is_chosen(desk: Desk) -> None:
    view = await desk.dialog(await taken(desk), "Snooze…")
    assert await desk.submit(view, hours="4") == {}
    until = (await stored(desk.page.service.pool)).snoozed_until
    assert until == desk.clock.now() + timedelta(hours=4)


async def test_a_cause_and_what_stops_it_next_time_close_it(desk: Desk) -> None:
    root = await recovered(desk)
    assert words_of(root.blocks)[:2] == ["Write cause and close", "(Keep open…)"]
    view = await desk.dialog(root, "Write cause and close")
    fields = [(one["block_id"], one["optional"]) for one in inputs_of(view)]
    assert fields == [
        *(("words", False), ("kind", False), ("window", True), ("risk", True)),
        *(("answer", False), ("prevention", False), ("doer", False), ("due", False)),
    ]
    assert texts_of(view["blocks"])[0].endswith("bad for 1h14m")
    assert inputs_of(view)[2]["element"]["placeholder"]["text"] == "02:13 to 03:27 UTC"
    shown = await desk.submit(
        view,
        words="Shop API key expired",
        kind="config",
        risk="other keys expire, too",
        window="02:13 to 04:40",
        answer="Warn two weeks before",
        prevention="alerting",
        doer="ana",
        due="2026-07-01",
    )
    assert shown == {}
    await desk.deliver()
    assert root.text.startswith("✅ RESOLVED Orders stopped syncing")
    one = await stored(desk.page.service.pool)
    assert (one.cause, one.cause_kind, one.risk) == (
        *("Shop API key expired", "config", "other keys expire, too"),
    )
    ended = await desk.page.service.pool.fetchval(
        "select words from event where event = 'resolved'"
    )
    assert ended == "Shop API key expired (bad 02:13 to 04:40)"
    assert one.answer is not None
    assert (one.answer.owner, one.answer.due_on) == ("ana", date(2026, 7, 1))


async def test_nothing_needed_wants_a_reason_and_nobody(desk: Desk) -> None:
    view = await desk.dialog(await recovered(desk), "Write cause and close")
    answers = {"words": "A deploy", "kind": "code", "prevention": "nothing needed"}
    assert await desk.submit(view, **answers, answer="it was a test") == {}
    answer = (await stored(desk.page.service.pool)).answer
    assert answer is not None
    assert (answer.prevention, answer.owner, answer.due_on) == (Prevention.NOTHING_NEEDED, "", None)


async def test_what_is_missing_is_said_below_its_field_and_the_dialog_stays(desk: Desk) -> None:
    view = await desk.dialog(await recovered(desk), "Write cause and close")
    answers = {"words": "A deploy", "kind": "code", "prevention": "other", "answer": " "}
    assert await desk.submit(view, **answers) == {
        "response_action": "errors",
        "errors": {"answer": "#1042 needs one preventive action, or why nothing is needed."},
    }
    blank = await desk.submit(view, **{**answers, "words": "\n", "answer": "test more"})
    assert blank["errors"] == {"words": "#1042 needs its cause in one sentence."}
    assert await desk.submit(view, **{**answers, "answer": "test more"}) == {}
    assert (await stored(desk.page.service.pool)).state is State.RESOLVED


async def test_what_recovered_is_kept_open_by_who_sees_that_it_is_not_well(desk: Desk) -> None:
    root = await recovered(desk)
    view = await desk.dialog(root, "Keep open…")
    assert await desk.submit(view, words="customers see no stock") == {}
    await desk.deliver()
    one = await stored(desk.page.service.pool)
    assert (one.state, one.owner) == (State.TAKEN, "raj")
    assert words_of(root.blocks)[:2] == ["Resolve…", "Add note"]
    await desk.submit(await desk.dialog(root, "Snooze…"), hours="1")
    await desk.deliver()
    assert root.text.startswith("💤 SNOOZED")
    assert words_of(root.blocks)[:2] == ["Resolve…", "Add note"], "for no check ends it"


async def test_what_needed_nobody_is_said_with_its_reason(desk: Desk) -> None:
    view = await desk.dialog(await desk.open(), "Not actionable…")
    assert await desk.submit(view, why="poor details", words="which shop?") == {}
    one = await stored(desk.page.service.pool)
    assert (one.unneeded, one.unneeded_words) == ("poor details", "which shop?")


async def test_what_would_end_as_a_false_alarm_says_so_before_it_is_sent(desk: Desk) -> None:
    view = await desk.dialog(await recovered(desk), "False alarm…")
    assert (view["title"]["text"], view["submit"]["text"]) == ("Resolve as false alarm", "Resolve")
    assert await desk.submit(view, why="false positive") == {}
    assert (await stored(desk.page.service.pool)).state is State.RESOLVED


async def test_who_meant_what_was_bad_resolves_nothing_that_has_recovered_meanwhile(
    desk: Desk,
) -> None:
    pool = desk.page.service.pool
    view = await desk.dialog(await taken(desk), "Not actionable…")
    assert view["submit"]["text"] == "Not actionable"
    await recover(pool, desk.clock, await stored(pool))
    refused = await desk.submit(view, why="false positive")
    assert refused["errors"]["why"].startswith(
        "#1042 has recovered meanwhile; this would resolve it as a false alarm. "
        "If that is meant, open the form anew. While you wrote: recovered by watchdog"
    )
    assert (await stored(pool)).state is State.RECOVERED


async def test_a_rule_is_silenced_and_what_that_hides_is_said(desk: Desk) -> None:
    root = await desk.open(severity=Severity.WARNING, rule="jobs-stuck")
    view = await desk.dialog(root, "Silence this rule…")
    wanted = {"lasts": "2h", "words": "deploy"}
    shown = await desk.submit(view, **wanted)
    assert "raj silences jobs-stuck" in said(shown)
    assert "It hides #1042 now. What is critical is told all the same" in said(shown)
    [kept] = await desk.page.service.pool.fetch("select * from silence")
    assert kept["ends_at"] - kept["made_at"] == timedelta(hours=2)
    await desk.clock.advance(timedelta(minutes=2))
    assert said(await desk.submit(view, **wanted)) == said(shown)
    blank = await desk.submit(view, lasts="2h", words=" ")
    assert blank["errors"] == {"words": "a silence needs a reason that others understand."}
    assert await desk.page.service.pool.fetchval("select count(*) from silence") == 1


async def test_a_preventive_action_is_done_in_a_dialog(desk: Desk) -> None:
    root, pool = await recovered(desk), desk.page.service.pool
    answer = Answer(Prevention.ALERTING, "Warn two weeks before", "ana", date(2026, 7, 1))
    ended = Closing("The key expired", "config", answer)
    one = await verbs.resolve(pool, PEOPLE, Deed(1042, "ana", desk.clock.now()), ended)
    target = Target.of(1042, one.version, one.opened_at)
    root.blocks = [{"type": "actions", "elements": [button(Button.DONE, target)]}]
    view = await desk.dialog(root, "It is done…")
    assert await desk.submit(view, words="since Monday") == {}
    await desk.press(root, "It is done…")
    assert desk.replied()[0].startswith("the preventive action of #1042 is done already")


async def test_one_of_a_storm_is_split_out_and_the_rest_is_taken_together(desk: Desk) -> None:
    pool = desk.page.service.pool
    await open_storm(pool, desk.clock)
    await desk.deliver()
    root = next(one for one in desk.slack.messages if one.channel.startswith("C"))
    assert words_of(root.blocks)[0] == "Take all 6"
    view = await desk.dialog(root, "Split one out…")
    too = await desk.dialog(root, "Split one out…", user="U01ANA")
    [which] = inputs_of(view)
    assert which["element"]["options"][0] == {
        "text": {"type": "plain_text", "text": "Jobs of q3 hang: 3m old", "emoji": False},
        "value": "3",
    }
    shown = await desk.submit(view, member="3")
    own = await pool.fetchval("select id from incident where kind <> 'storm'")
    told = f"#{own} is an incident of its own now: Jobs of q3 hang. ana is paged."
    assert said(shown) == told
    assert said(await desk.submit(view, member="3")) == told, "the same dialog, sent again"
    assert await desk.submit(too, user="U01ANA", member="3") == {
        "response_action": "errors",
        "errors": {
            "member": f"member 3 of storm #1050 was split out already: it is #{own}. "
            "While you wrote: split by raj, 0s ago."
        },
    }
    await desk.deliver()
    await desk.press(root, "Take all 5")
    assert (await stored(pool, 1050)).owner == "raj"
    assert await pool.fetchval("select count(*) from incident") == 2


async def test_what_is_split_out_under_a_silence_pages_nobody_and_says_so(desk: Desk) -> None:
    pool = desk.page.service.pool
    await open_storm(pool, desk.clock)
    await desk.type("silence jobs-stuck 2h deploy")
    await desk.deliver()
    root = next(one for one in desk.slack.messages if one.channel.startswith("C"))
    shown = await desk.submit(await desk.dialog(root, "Split one out…"), member="2")
    number = await pool.fetchval("select id from silence")
    assert said(shown).endswith(
        f"Jobs of q2 hang. Nobody is paged: silence {number} hides it until 04:15 UTC."
    )


async def test_the_same_dialog_told_again_moves_once(desk: Desk) -> None:
    view = await desk.dialog(await taken(desk), "Add note")
    assert [await desk.submit(view, words="once") for _ in range(3)] == [{}, {}, {}]
    assert await events(desk) == ["opened", "taken", "noted"]
    again = await desk.dialog(desk.slack.messages[0], "Add note")
    await desk.submit(again, words="once")
    assert (await events(desk))[-2:] == ["noted", "noted"]


async def test_of_two_who_send_the_same_at_once_both_are_told_who_did_it(desk: Desk) -> None:
    root = await recovered(desk)
    views = [await desk.dialog(root, "Write cause and close", user=user) for user in ANA_AND_RAJ]
    answers = {"words": "A deploy", "kind": "code", "prevention": "other", "answer": "test more"}
    shown = await asyncio.gather(
        *(
            desk.submit(view, user=user, **answers)
            for view, user in zip(views, ANA_AND_RAJ, strict=True)
        )
    )
    [refused] = [one for one in shown if one]
    winner = (await desk.page.service.pool.fetch("select actor from event order by version"))[-1]
    assert refused["errors"]["words"] == (
        "#1042 is already resolved: A deploy. "
        f"While you wrote: resolved by {winner['actor']}, 0s ago."
    )


ANA_AND_RAJ = ("U01ANA", "U02RAJ")


async def test_an_incident_that_moved_meanwhile_is_told_with_who_did_what(desk: Desk) -> None:
    root, pool = await taken(desk), desk.page.service.pool
    view = await desk.dialog(root, "Hand over…")
    await desk.clock.advance(timedelta(seconds=30))
    await verbs.take(pool, PEOPLE, Deed(1042, "ana", desk.clock.now()), over=True)
    await desk.clock.advance(timedelta(seconds=12))
    shown = await desk.submit(view, to="tom", words="a long note that must not be lost")
    assert shown["response_action"] == "errors"
    assert shown["errors"]["to"] == (
        "#1042 belongs to ana; only the owner hands it over. "
        "While you wrote: handed over by ana, 12s ago."
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Snooze…", "#1042 belongs to raj; only the owner snoozes it"),
        ("Hand over…", "#1042 belongs to raj; only the owner hands it over"),
    ],
)
async def test_a_dialog_that_could_only_be_refused_is_not_opened(
    words: str, told: str, desk: Desk
) -> None:
    await desk.press(await taken(desk), words, user="U01ANA")
    assert desk.slack.views == []
    assert desk.replied() == [told]


async def test_a_button_of_what_ended_long_ago_opens_nothing_and_says_so(desk: Desk) -> None:
    root, pool = await recovered(desk), desk.page.service.pool
    stale = list(root.blocks)
    await verbs.resolve(pool, PEOPLE, Deed(1042, "ana", desk.clock.now()), closing())
    await desk.deliver()
    root.blocks = stale
    await desk.clock.advance(timedelta(days=20))
    for words in ("Write cause and close", "Keep open…", "False alarm…"):
        await desk.press(root, words)
    assert desk.slack.views == []
    assert [one.partition(":")[0] for one in desk.replied()] == [
        "#1042 is already resolved",
        "#1042 was resolved 20d ago; only within 1h it can be reopened. Its rule watches on",
        "#1042 is already resolved",
    ]


async def test_a_dialog_of_an_incident_that_is_gone_says_so(desk: Desk) -> None:
    view = await desk.dialog(await desk.open(), "Add note")
    shown = await desk.submit(view | {"private_metadata": "7.1.653dbf8f4cd00"}, words="x")
    assert said(shown) == "There is no incident #7 here any more."
    shown = await desk.submit(view | {"callback_id": "take"}, words="x")
    assert said(shown).startswith("This dialog is of another release.")
    assert await events(desk) == ["opened"]


async def test_a_viewer_and_a_stranger_get_no_dialog_and_send_none(desk: Desk) -> None:
    root = await desk.open()
    for user in ("U03MEI", "U0ZOE"):
        await desk.press(root, "Add note", user=user)
    assert desk.slack.views == []
    assert desk.replied()[0] == "mei is a viewer; owning incidents takes role: responder"
    assert desk.replied()[1].startswith("You are not among the people of this service yet.")
    view = await desk.dialog(root, "Add note")
    refused = await desk.submit(view, user="U03MEI", words="x")
    assert refused["errors"] == {
        "words": "mei is a viewer; owning incidents takes role: responder."
    }
    assert "people:\n  zoe: { slack: U0ZOE }" in said(
        await desk.submit(view, user="U0ZOE", name="zoe", words="x")
    )
    assert await events(desk) == ["opened"]


@pytest.mark.parametrize(
    "trouble", [Trouble(code="expired_trigger_id"), Trouble(hang=True), Trouble(drop=True)]
)
async def test_a_dialog_that_slack_does_not_open_is_told(
    trouble: Trouble, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifiers.slack._OPEN_SECONDS", 0.2)
    root = await desk.open()
    desk.slack.troubles.append(trouble)
    await desk.press(root, "Add note")
    [told] = desk.replied()
    assert told.startswith("Slack opened no dialog (slack ")
    assert told.endswith("Press again, or use the page of #1042.")


async def test_while_somebody_holds_the_incident_what_was_typed_stays(desk: Desk) -> None:
    view = await desk.dialog(await desk.open(), "Add note")
    pool = desk.page.service.pool
    async with pool.acquire() as holder, holder.transaction():
        await holder.execute("select from incident where id = 1042 for update")
        shown = await desk.submit(view, words="x")
    assert shown["errors"]["words"].startswith("The store is slow or down")
    assert await desk.submit(view, words="x") == {}
    assert await events(desk) == ["opened", "noted"]


def test_a_dialog_that_is_closed_asks_for_nothing() -> None:
    assert read_told({"type": "view_closed"}) is None


def test_what_was_sent_reads_back_by_the_names_of_its_fields() -> None:
    view = {
        "id": "V1",
        "callback_id": "note",
        "private_metadata": "1042.3.7",
        "blocks": [],
    }
    told = submission_of(view, {}, user="U02RAJ", name="raj", workspace=WORKSPACE)
    told["view"]["state"]["values"] = {
        "words": {"answer": {"value": "x"}},
        "kind": {"answer": {"selected_option": {"value": "code"}}},
        "due": {"answer": {"selected_date": "2026-07-01"}},
        "empty": {"answer": {"value": None}},
        "odd": [7],
    }
    sent = read_told(told)
    assert isinstance(sent, Submission)
    assert sent.fields == {"words": "x", "kind": "code", "due": "2026-07-01"}
    assert (sent.form, sent.target.incident) == ("note", 1042)
