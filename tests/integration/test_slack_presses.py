"""People act from Slack: what each button does, to whom, and what only the presser is told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from notifiers.base import Event
from notifiers.samples import sample
from notifiers.slack_buttons import DIALOGS, Button
from tests.fake_slack import Trouble
from tests.page import recover, stored
from tests.slack_desk import PEOPLE, Desk, running_desk
from tests.slack_presses import WORKSPACE, payload_of, words_of
from tests.unit.test_incident import closing
from tests.unit.test_notifier_slack_buttons import blocks_of
from watchdog import verbs
from watchdog.clock import MovedClock
from watchdog.domain.incident import State
from watchdog.domain.people import Rung
from watchdog.moving import Deed
from watchdog.web.asking import FORMS
from watchdog.web.presses import FORM_OF


@pytest.fixture
async def desk(store: asyncpg.Pool, clock: MovedClock) -> AsyncIterator[Desk]:
    async with running_desk(store, clock) as desk:
        yield desk


def test_every_button_opens_a_dialog_or_is_a_form_of_the_page_or_a_try() -> None:
    assert {*DIALOGS, *FORM_OF, Button.TRY} == set(Button)
    assert not DIALOGS & FORM_OF.keys()
    assert {form for form, _ in FORM_OF.values()} <= FORMS.keys()


async def test_taking_makes_the_presser_the_owner_and_the_message_says_so(desk: Desk) -> None:
    root = await desk.open()
    assert words_of(root.blocks)[:3] == ["Take", "(Hand over…)", "(Escalate now)"]
    answer = await desk.press(root, "Take")
    assert (answer.status_code, answer.content) == (200, b"")
    assert desk.page.service.wake.is_set()
    await desk.deliver()
    one = await stored(desk.page.service.pool)
    assert (one.owner, one.state) == ("raj", State.TAKEN)
    assert root.text.startswith("👀 TAKEN Orders stopped syncing: by raj")
    assert words_of(root.blocks)[:4] == ["Add note", "(Hand over…)", "(Snooze…)", "(Give back)"]
    assert desk.replied() == []


async def test_the_slower_one_alone_is_told_who_was_faster_and_may_take_over(desk: Desk) -> None:
    root = await desk.open()
    before = root.pressed("Take", hook=desk.slack.hook, user="U04TOM", name="tom")
    await desk.press(root, "Take", user="U01ANA", name="ana")
    await desk.clock.advance(timedelta(seconds=12))
    assert (await desk.tell(before)).status_code == 200
    [told] = desk.slack.replies
    assert told["text"] == "ana took #1042 12s ago; take it over if that is agreed"
    assert (told["response_type"], told["replace_original"]) == ("ephemeral", False)
    assert words_of(told["blocks"]) == ["Take over"]
    assert (await stored(desk.page.service.pool)).owner == "ana"

    insists = payload_of(
        told["blocks"], "Take over", user="U04TOM", hook=desk.slack.hook, is_ephemeral=True
    )
    assert (await desk.tell(insists)).status_code == 200
    assert (await stored(desk.page.service.pool)).owner == "tom"
    assert desk.replied()[1:] == ["#1042 is yours."]
    assert desk.slack.replies[-1]["replace_original"] is True


@pytest.mark.parametrize(("words", "event"), [("Take", "taken"), ("Escalate now", "escalated")])
async def test_the_same_press_told_again_moves_once_and_is_answered_the_same(
    words: str, event: str, desk: Desk
) -> None:
    root = await desk.open()
    told = root.pressed(words, hook=desk.slack.hook, user="U01ANA")
    assert [(await desk.tell(told)).status_code for _ in range(3)] == [200] * 3
    events = await desk.page.service.pool.fetch("select event from event order by version")
    assert [one["event"] for one in events] == ["opened", event]
    assert desk.replied() == []


async def test_a_press_told_again_later_undoes_nothing_that_came_after_it(desk: Desk) -> None:
    root, pool = await desk.open(), desk.page.service.pool
    await desk.press(root, "Take")
    await desk.deliver()
    back = root.pressed("Give back", hook=desk.slack.hook)
    await desk.tell(back)
    await verbs.take(pool, PEOPLE, Deed(1042, "raj", desk.clock.now()))
    await desk.tell(back)
    assert (await stored(pool)).state is State.TAKEN
    assert desk.replied() == []


async def test_two_presses_of_one_message_escalate_once(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    rungs = (Rung(timedelta(minutes=10), "raj"), Rung(timedelta(minutes=20), "tom"))
    team = replace(PEOPLE.teams["data"], escalate=rungs)
    async with running_desk(store, clock, directory=replace(PEOPLE, teams={"data": team})) as desk:
        root = await desk.open()
        both = [
            root.pressed("Escalate now", hook=desk.slack.hook, user=user)
            for user in ("U01ANA", "U04TOM")
        ]
        await desk.tell(both[0])
        await desk.clock.advance(timedelta(seconds=5))
        await desk.tell(both[1])
        assert (await stored(store)).owner == "raj"
        assert desk.replied() == [
            "#1042 was passed on 5s ago: ana asks for help, now raj (2/3). "
            "Escalate it again only if raj cannot help either"
        ]
        await desk.deliver()
        await desk.press(root, "Escalate now", user="U04TOM")
        assert (await stored(store)).owner == "tom"


async def test_who_takes_over_takes_only_from_whom_the_button_named(desk: Desk) -> None:
    root, pool = await desk.open(), desk.page.service.pool
    before = root.pressed("Take", hook=desk.slack.hook, user="U04TOM")
    await desk.press(root, "Take", user="U01ANA")
    await desk.tell(before)
    await verbs.take(pool, PEOPLE, Deed(1042, "raj", desk.clock.now()), over=True)
    for owner in ("raj", "tom"):
        shown = desk.slack.replies[-1]["blocks"]
        insists = payload_of(
            shown, "Take over", user="U04TOM", hook=desk.slack.hook, is_ephemeral=True
        )
        await desk.tell(insists)
        assert (await stored(pool)).owner == owner
    assert desk.replied() == [
        "ana took #1042 0s ago; take it over if that is agreed",
        "raj took #1042 0s ago; take it over if that is agreed",
        "#1042 is yours.",
    ]


async def test_of_two_who_press_at_the_same_instant_one_owns_it(desk: Desk) -> None:
    for number in range(2001, 2021):
        root = await desk.open(number)
        both = [
            root.pressed("Take", hook=desk.slack.hook, user=user) for user in ("U01ANA", "U02RAJ")
        ]
        before = len(desk.slack.replies)
        await asyncio.gather(*map(desk.tell, both))
        owner = (await stored(desk.page.service.pool, number)).owner
        [told] = desk.replied()[before:]
        assert told.startswith(f"{owner} took #{number} 0s ago")


@pytest.mark.long  # who else is at work on the machine counts, too
async def test_presses_are_answered_within_a_second(desk: Desk) -> None:
    for number in range(3001, 3041):
        await desk.press(await desk.open(number), "Take")
    assert len(desk.seconds) == 40
    assert sorted(desk.seconds)[35] < 1  # a busy machine may hold up one in ten


async def test_many_who_press_at_once_are_all_answered(desk: Desk) -> None:
    roots = [await desk.open(number) for number in range(3001, 3011)]
    answers = await asyncio.gather(*(desk.press(root, "Take") for root in roots))
    assert {one.status_code for one in answers} == {200}
    owners = await desk.page.service.pool.fetch("select distinct owner, state from incident")
    assert [tuple(one) for one in owners] == [("raj", "taken")]


async def test_a_viewer_moves_nothing(desk: Desk) -> None:
    root = await desk.open()
    for words in ("Take", "Escalate now"):
        await desk.press(root, words, user="U03MEI")
    assert desk.replied() == ["mei is a viewer; owning incidents takes role: responder"] * 2
    assert (await stored(desk.page.service.pool)).version == 1


async def test_who_is_not_among_the_people_gets_the_lines_to_add(desk: Desk) -> None:
    root = await desk.open()
    await desk.press(root, "Take", user="U0ZOE", name="Zoe `<!channel>` O'Neil\nrole: admin")
    [told] = desk.slack.replies
    assert told["text"].startswith("You are not among the people of this service yet.")
    [lines] = [one["text"]["text"] for one in told["blocks"][1:]]
    assert lines == "```\npeople:\n  zoechanneloneilroleadmin: { slack: U0ZOE }\n```"
    one = await stored(desk.page.service.pool)
    assert (one.owner, one.version) == ("ana", 1)


async def test_two_people_with_one_slack_id_are_nobody(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    tom = replace(PEOPLE.people["tom"], slack="U02RAJ")
    directory = replace(PEOPLE, people={**PEOPLE.people, "tom": tom})
    async with running_desk(store, clock, directory=directory) as desk:
        await desk.press(await desk.open(), "Take")
        assert desk.replied() == [
            "raj and tom have the same Slack id under people:, so nobody knows who you are."
        ]
        assert (await stored(store)).version == 1


@pytest.mark.parametrize(("workspace", "owner"), [(WORKSPACE, "raj"), ("T09OTHER", "ana")])
async def test_presses_come_from_the_workspace_that_is_named(
    workspace: str, owner: str, store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_desk(store, clock, workspace=workspace) as desk:
        await desk.press(await desk.open(), "Take")
        assert (await stored(store)).owner == owner
        refused = ["This service takes presses from another workspace only."]
        assert desk.replied() == ([] if owner == "raj" else refused)


async def test_what_was_taken_is_given_back_and_escalated_from_the_menu(desk: Desk) -> None:
    root = await desk.open()
    await desk.press(root, "Escalate now", user="U01ANA")
    await desk.deliver()
    assert (await stored(desk.page.service.pool)).owner == "raj"
    assert "ESCALATED" in root.text
    await desk.press(root, "Take")
    await desk.deliver()
    await desk.press(root, "Give back")
    await desk.deliver()
    one = await stored(desk.page.service.pool)
    assert (one.owner, one.state) == ("ana", State.OPEN)
    assert "GIVEN BACK" in root.text
    assert desk.replied() == []


async def test_only_the_owner_gives_it_back(desk: Desk) -> None:
    root = await desk.open()
    await desk.press(root, "Take")
    await desk.deliver()
    await desk.press(root, "Give back", user="U01ANA")
    assert desk.replied() == ["#1042 belongs to raj; only the owner gives it back"]


async def test_an_offer_is_accepted_by_a_press(desk: Desk) -> None:
    root, pool = await desk.open(), desk.page.service.pool
    await desk.press(root, "Take", user="U01ANA")
    await verbs.hand_over(pool, PEOPLE, Deed(1042, "ana", desk.clock.now()), "raj", "")
    await desk.deliver()
    [asked] = [one for one in desk.slack.messages if one.channel == "D02RAJ"]
    assert words_of(asked.blocks)[:2] == ["Accept", "Decline"]
    await desk.press(asked, "Accept", user="U04TOM")
    assert desk.replied()[0].startswith("ana took #1042")
    await desk.press(asked, "Accept")
    await desk.deliver()
    assert (await stored(pool)).owner == "raj"
    assert "ana → raj" in root.text


async def test_an_offer_is_declined_by_a_press_and_its_owner_keeps_it(desk: Desk) -> None:
    root, pool = await desk.open(), desk.page.service.pool
    await desk.press(root, "Take", user="U01ANA")
    await verbs.hand_over(pool, PEOPLE, Deed(1042, "ana", desk.clock.now()), "raj", "")
    await desk.deliver()
    await desk.press(root, "Decline", user="U04TOM")
    assert desk.replied()[0].startswith("nobody asks tom to take #1042")
    await desk.press(root, "Decline")
    one = await stored(pool)
    assert (one.owner, one.offered_to, one.state) == ("ana", "", State.TAKEN)


async def test_a_press_on_what_ended_long_ago_is_told_so_and_the_message_catches_up(
    desk: Desk,
) -> None:
    root, pool = await desk.open(), desk.page.service.pool
    stale = list(root.blocks)
    await recover(pool, desk.clock, await stored(pool))
    await verbs.resolve(pool, PEOPLE, Deed(1042, "ana", desk.clock.now()), closing())
    await lose_what_waits(desk)
    root.blocks = stale
    assert root.text.startswith("🔴 CRITICAL")

    assert (await desk.press(root, "Take")).status_code == 200
    await desk.deliver()
    assert desk.replied() == ["#1042 is resolved; there is nothing to take"]
    assert root.text.startswith("✅ RESOLVED")
    assert words_of(root.blocks) == []


async def lose_what_waits(desk: Desk) -> None:
    """Let Slack refuse for good whatever is on its way."""
    waits = await desk.page.service.pool.fetchval(
        "select count(*) from notification where state = 'pending' and receiver like 'slack:%'"
    )
    desk.slack.troubles.extend([Trouble(code="is_archived")] * waits)
    await desk.deliver()
    desk.slack.troubles.clear()


async def test_a_message_that_is_up_to_date_is_not_edited_by_a_press(desk: Desk) -> None:
    root = await desk.open()
    await desk.press(root, "Take")
    await desk.deliver()
    edits = len(root.edits)
    await desk.press(root, "Give back", user="U01ANA")
    await desk.press(root, "Give back", user="U04TOM")
    await desk.deliver()
    assert len(root.edits) == edits


async def test_the_number_of_another_store_is_no_incident_of_ours(desk: Desk) -> None:
    root = await desk.open()
    of_theirs = root.pressed("Take", hook=desk.slack.hook)
    number, version, opened = of_theirs["actions"][0]["value"].split(".")
    for value in (f"7.{version}.{opened}", f"{number}.{version}.{int(opened, 16) + 1:x}"):
        of_theirs["actions"][0]["value"] = value
        assert (await desk.tell(of_theirs)).status_code == 200
    assert desk.replied() == [
        "There is no incident #7 here any more.",
        "There is no incident #1042 here any more.",
    ]
    assert (await stored(desk.page.service.pool)).version == 1


async def test_a_link_that_is_opened_is_taken_note_of_and_nothing_else(desk: Desk) -> None:
    root = await desk.open(runbook="https://wiki.example.com/orders")
    assert words_of(root.blocks)[:2] == ["Take", "Runbook"]
    answer = await desk.press(root, "Runbook")
    assert (answer.status_code, desk.replied()) == (200, [])


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("U02RAJ", "It works: you are raj, and may take incidents."),
        ("U03MEI", "It works: you are mei, a viewer, who sees everything and moves nothing."),
    ],
)
async def test_the_button_of_a_test_message_says_who_has_pressed_it(
    user: str, words: str, desk: Desk
) -> None:
    told = payload_of(
        blocks_of(sample(Event.TEST)), "Press to test", user=user, hook=desk.slack.hook
    )
    assert (await desk.tell(told)).status_code == 200
    assert desk.replied() == [words]


async def test_while_somebody_holds_the_incident_the_presser_is_told_to_try_again(
    desk: Desk,
) -> None:
    root, pool = await desk.open(), desk.page.service.pool
    async with pool.acquire() as holder, holder.transaction():
        await holder.execute("select from incident where id = 1042 for update")
        answer = await desk.press(root, "Take")
        assert answer.status_code == 200, "while it is still held"
    assert desk.replied()[0].startswith("The store is slow or down")
    assert (await stored(pool)).version == 1
    await desk.press(root, "Take")
    assert (await stored(pool)).owner == "raj"


async def test_while_the_store_is_down_the_presser_is_told(desk: Desk) -> None:
    root = await desk.open()
    await desk.page.service.pool.close()
    assert (await desk.press(root, "Take")).status_code == 200
    assert desk.replied()[0].startswith("The store is slow or down")
