"""The first page, as people find it."""

import re
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from notifiers.base import Event
from rules.base import Outcome, Severity
from tests.page import DIRECTORY, open_incident, recover, running_page, stored
from tests.watching import config_of, stuck_rule
from watchdog import covering, verbs
from watchdog.clock import MovedClock
from watchdog.config.load import Loaded
from watchdog.config.model import BrokenRule, Place
from watchdog.config.problems import Problem
from watchdog.domain.people import Cover
from watchdog.domain.track import Track
from watchdog.moving import Deed
from watchdog.store import looks, tracks
from watchdog.store.looks import RuleLook
from watchdog.store.pool import transaction

PAYLOAD = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{7*7}}"


async def test_an_empty_page_says_that_nothing_is_wrong_and_nothing_unwatched(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with transaction(store) as conn:
        await looks.add(conn, [RuleLook("jobs-stuck", clock.now(), Outcome.OK, ok=1)])
    async with running_page(store, clock) as page, page.signed_in() as ana:
        text = await ana.read("/")
    assert "Nothing needs a person" in text
    assert "Not watched: nothing." in text
    assert "The one rule is watched." in text
    assert "No message yet." in text
    assert "<title>Watchdog</title>" in text


async def test_what_is_not_taken_comes_first_then_taken_then_recovered(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    recovered = await open_incident(store, clock, 1, title="Third")
    await recover(store, clock, recovered)
    await open_incident(store, clock, 2, title="Second")
    await verbs.take(store, DIRECTORY, Deed(2, "raj", clock.now()))
    await open_incident(store, clock, 3, title="First", severity=Severity.WARNING)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        text = await ana.read("/")
    places = [text.index(title) for title in ("First", "Second", "Third")]
    assert places == sorted(places)
    headings = re.findall(r'<h2 id="group-\d">([^<]+) <', text)
    assert headings == ["Not taken", "Taken", "Recovered, cause missing"]
    assert "<title>(3) Watchdog</title>" in text
    assert "1 needs a person" in text


async def test_what_is_open_for_information_is_listed_and_needs_nobody(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock, 1, title="Too many", severity=Severity.INFO)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        text = await ana.read("/parts/incidents")
        await open_incident(store, clock, 2, title="Too old", severity=Severity.WARNING)
        later = await ana.read("/parts/incidents")
    assert "Nothing needs a person" in text
    assert "Too many" in text
    assert "1 needs a person" in later


async def test_each_incident_shows_severity_in_words_and_its_owner(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock, detail="Newest row is 1 h 02 min old.")
    async with running_page(store, clock) as page, page.signed_in() as ana:
        text = await ana.read("/parts/incidents")
    assert "</span> CRITICAL" in text
    assert "<b>ana</b>, not taken" in text
    assert "Newest row is 1 h 02 min old." in text


async def test_what_is_not_taken_says_who_is_next_and_when(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock, paged_at=clock.now())
    async with running_page(store, clock) as page, page.signed_in() as ana:
        text = await ana.read("/parts/incidents")
        assert re.search(
            r'<b>ana</b>, not taken; next raj at <time datetime="2025-06-13T02:25', text
        )
        await verbs.take(store, DIRECTORY, Deed(1042, "ana", clock.now()))
        assert "raj" not in await ana.read("/parts/incidents")


async def test_a_rule_that_nobody_looked_at_lately_is_named_with_its_reason(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.signed_in() as ana:
        text = await ana.read("/parts/rules")
    assert "1 of 1 rules are not watched." in text
    assert "Not watched: jobs-stuck: not looked at yet" in text
    assert "<td>jobs-stuck</td><td>never</td><td><b>not watched</b>" in text


async def test_each_rule_says_when_it_was_last_looked_at_and_what_came_of_it(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    look = RuleLook("jobs-stuck", clock.now(), Outcome.BAD, bad=1, missed=3)
    at = clock.now()
    track = Track("jobs-stuck", (), 2, at, at, Severity.WARNING, reason="excused by `unless`")
    async with transaction(store) as conn:
        await looks.add(conn, [look])
        await tracks.write(conn, [track], "stuck jobs")
    async with running_page(store, clock) as page, page.signed_in() as ana:
        text = await ana.read("/parts/rules")
    row = r'<td>jobs-stuck(.*)</td><td><time datetime="2025-06-13T02:15:00\+00:00"'
    assert re.findall(row, text) == ['<br><span class="soft">excused by unless</span>']
    assert "<b>bad</b>" in text
    assert "3 slots missed" in text


async def test_rules_that_are_fine_are_folded_below_those_worth_a_look(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    rules = [stuck_rule(name) for name in ("jobs-a", "jobs-b", "jobs-c")]
    config = replace(config_of("", rules), directory=DIRECTORY)
    outcomes = {"jobs-a": Outcome.OK, "jobs-b": Outcome.BAD, "jobs-c": Outcome.OK}
    async with transaction(store) as conn:
        # A slot that was missed at some time makes none of them worth a look for ever.
        seen = [RuleLook(name, clock.now(), to, missed=1) for name, to in outcomes.items()]
        await looks.add(conn, seen)
    async with running_page(store, clock, config) as page, page.signed_in() as ana:
        text = await ana.read("/parts/rules")
    above, folded = text.split('<details id="fine"><summary>2 more are fine</summary>')
    assert ("jobs-b" in above, "jobs-a" in above) == (True, False)
    assert "jobs-a" in folded
    assert "jobs-c" in folded


async def test_mistakes_of_the_last_reload_are_shown_with_file_and_line(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.signed_in() as ana:
        mistake = Problem("unknown-key", "unknown key `evry`", Place("rules.yaml", 12, 3))
        page.service.loaded = Loaded(None, (mistake,), {})
        text = await ana.read("/parts/rules")
    assert "what was in force before stays" in text
    assert "<code>rules.yaml:12</code> error: unknown key `evry`" in text


async def test_a_broken_rule_is_not_watched_and_says_where_it_stands(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    broken = BrokenRule("bad-one", "data", "no column", Place("rules.yaml", 7, 1))
    config = replace(config_of("", []), directory=DIRECTORY, broken=(broken,))
    async with running_page(store, clock, config) as page, page.signed_in() as ana:
        text = await ana.read("/parts/rules")
    assert "Not watched: bad-one: broken at rules.yaml:7" in text


async def test_who_is_on_call_is_said_for_each_team(store: asyncpg.Pool, clock: MovedClock) -> None:
    async with running_page(store, clock) as page, page.signed_in() as ana:
        assert "data: <b>ana</b>" in await ana.read("/parts/rules")


async def test_whoever_covers_is_on_call_on_the_page(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    now = clock.now()
    cover = Cover("data", "raj", now, now + timedelta(hours=2), "ana")
    await covering.cover(store, DIRECTORY, cover, now)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        text = await ana.read("/parts/rules")
    assert re.search(r'data: <b>raj</b>, as a cover until <time datetime="2025-06-13T04:15', text)


async def test_a_message_is_shown_as_its_reader_would_see_it_before_it_is_sent(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock, title="Orders stopped syncing")
    async with running_page(store, clock) as page, page.signed_in() as ana:
        text = await ana.read("/parts/outbox")
    assert "to slack:#data-alerts (root)" in text
    assert "<b>🔴 CRITICAL · Orders stopped syncing</b>" in text
    assert "due since" in text


async def test_a_mail_is_shown_in_a_frame_without_powers(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    number = await store.fetchval(
        "update notification set receiver = 'email:ana@example.com' where part = 'page' returning id"
    )
    async with running_page(store, clock) as page, page.signed_in() as ana:
        text = await ana.read(f"/outbox/{number}")
        mail = await ana.client.get(f"/outbox/{number}/mail")
    assert f'<iframe src="/outbox/{number}/mail" sandbox ' in text
    assert "[CRITICAL]" in text
    assert "default-src 'none'" in mail.headers["content-security-policy"]
    assert "; sandbox;" in mail.headers["content-security-policy"]
    assert "CRITICAL" in mail.text


async def test_a_given_up_message_shows_its_error_and_tries(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    await store.execute(
        "update notification set state = 'dead', settled_at = $1, last_error = 'channel_not_found',"
        " attempts = 3",
        clock.now(),
    )
    async with running_page(store, clock) as page, page.signed_in() as ana:
        text = await ana.read("/parts/outbox")
    assert "given up" in text
    assert "3 tries" in text
    assert "channel_not_found" in text


@pytest.mark.parametrize("path", ["/", "/i/1042", "/i/1042/take"])
async def test_data_never_becomes_markup(path: str, store: asyncpg.Pool, clock: MovedClock) -> None:
    evidence: dict[str, list[dict[str, object]]] = {PAYLOAD: [{PAYLOAD: PAYLOAD}]}
    await open_incident(
        store, clock, evidence=evidence, title=PAYLOAD, detail=PAYLOAD, fact=PAYLOAD,
        impact=PAYLOAD, do_first=PAYLOAD, runbook="javascript:alert(1)", rule=PAYLOAD,
    )  # fmt: skip
    await verbs.note(store, DIRECTORY, Deed(1042, "ana", clock.now()), PAYLOAD)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        text = await ana.read(path)
    assert "&lt;script&gt;" in text
    assert "<script>" not in text
    assert "<img" not in text
    assert 'href="javascript' not in text
    assert "49" not in re.sub(r"[0-9a-f]{32,64}", "", text)


async def test_a_full_first_page_stays_small_and_says_what_it_leaves_out(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    for number in range(1, 61):
        await open_incident(store, clock, number, detail="Newest row is old. " * 5)
    rules = [stuck_rule(f"rule-{number:04}") for number in range(300)]
    config = replace(config_of("", rules), directory=DIRECTORY)
    async with running_page(store, clock, config) as page, page.signed_in() as ana:
        text = await ana.read("/")
        everything = await ana.read("/?all")
        extras = sum([len(await ana.read(f"/static/{one}")) for one in ("style.css", "live.js")])
    assert len(text.encode()) + extras < 60_000
    assert "30 more are not shown" in text
    assert "260 more" in text
    assert everything.count("<article") == 60
    assert everything.count("<td>rule-") == 300


async def test_one_incident_has_its_timeline_evidence_and_guide(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    evidence: dict[str, list[dict[str, object]]] = {"last runs": [{"id": 7, "error": None}]}
    await open_incident(
        store, clock, evidence=evidence, impact="Shops sell air.", do_first="Rotate the key.",
        runbook="https://wiki.example.com/orders",
    )  # fmt: skip
    await verbs.note(store, DIRECTORY, Deed(1042, "raj", clock.now()), "I look, too")
    async with running_page(store, clock) as page, page.signed_in() as ana:
        text = await ana.read("/i/1042")
    assert "Shops sell air." in text
    assert 'href="https://wiki.example.com/orders"' in text
    assert '<td class="short">7</td><td class="short">–</td>' in text
    assert "<b>noted</b> by raj: I look, too" in text
    assert text.index("noted") < text.index(f"<b>{Event.OPENED.value}</b>")


async def test_looking_and_prefetching_change_nothing(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        for path in ("/", "/i/1042", "/i/1042/take", "/outbox/1"):
            for method in ("GET", "HEAD"):
                assert (await ana.client.request(method, path)).status_code == 200
    assert (await stored(store)).version == 1


@pytest.mark.parametrize(
    "path", ["/i/7", "/outbox/7", "/parts/nothing", f"/i/{2**63}", "/outbox/1/mail", "/nowhere"]
)
async def test_what_is_not_there_is_not_found(
    path: str, store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.signed_in() as ana:
        assert "Not found" in await ana.read(path, status=404)
