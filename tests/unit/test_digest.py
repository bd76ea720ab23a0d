"""When one message stands for many that have waited, and what it says."""

from dataclasses import replace
from datetime import timedelta

import pytest

from notifiers.base import Message, Part
from notifiers.report_slack import render_report_slack
from tests.post_office import ANA_MAIL, ANA_SLACK, EVERYBODY, RAJ_MAIL, SUPPORT
from tests.postgres import NIGHT
from watchdog.domain.digest import INCIDENTS_MIN, WAITED_MIN, Digest, Waiting, digests

NOW = NIGHT + timedelta(hours=6)
ROOT = Waiting(
    id=1,
    receiver="slack:#alerts",
    incident_id=1001,
    part=Part.ROOT,
    due_since=NIGHT,
    is_told=False,
    heard_at=(),
    state="open",
    severity="warning",
    title="Orders stopped syncing",
    owner="ana",
    opened_at=NIGHT,
    team="support",
    zone="UTC",
    url="https://watchdog.example.com/i/1001",
)


def many(how_many: int = INCIDENTS_MIN, like: Waiting = ROOT) -> list[Waiting]:
    """Return the first messages of so many incidents."""
    return [replace(like, id=n, incident_id=1000 + n) for n in range(1, how_many + 1)]


def only(found: list[Digest]) -> Digest:
    """Return the one digest there is."""
    [digest] = found
    return digest


def test_ten_incidents_that_have_waited_are_told_by_one_message() -> None:
    assert only(digests(many(), EVERYBODY, NOW)).stands_for == tuple(range(1, INCIDENTS_MIN + 1))


def test_nine_are_sent_as_they_are() -> None:
    assert digests(many(INCIDENTS_MIN - 1), EVERYBODY, NOW) == []


def test_a_backlog_of_some_minutes_is_sent_as_it_is() -> None:
    assert digests(many(500), EVERYBODY, NIGHT + WAITED_MIN - timedelta(seconds=1)) == []
    assert digests(many(500), EVERYBODY, NIGHT + WAITED_MIN) != []


def test_many_messages_of_one_incident_are_not_many_incidents() -> None:
    line = replace(ROOT, part=Part.THREAD)
    assert digests([replace(line, id=n) for n in range(500)], EVERYBODY, NOW) == []


def test_each_receiver_has_a_digest_of_its_own() -> None:
    others = many(like=replace(ROOT, receiver="slack:#others"))
    assert [one.receiver for one in digests(many() + others, EVERYBODY, NOW)] == [
        "slack:#alerts",
        "slack:#others",
    ]


def test_a_page_of_which_nobody_heard_by_another_road_is_sent_with_all_that_follows_it() -> None:
    unheard = replace(ROOT, id=90, incident_id=90, part=Part.PAGE)
    its_edit = replace(unheard, id=91, part=Part.EDIT)

    digest = only(digests([*many(), unheard, its_edit], EVERYBODY, NOW))

    assert not {90, 91} & set(digest.stands_for)


@pytest.mark.parametrize(
    ("heard_at", "is_told"),
    [((ANA_MAIL,), True), ((RAJ_MAIL, ANA_MAIL), True), ((RAJ_MAIL,), False), ((SUPPORT,), False)],
)
def test_a_page_is_told_by_the_digest_if_the_same_person_got_it_elsewhere(
    heard_at: tuple[str, ...], is_told: bool
) -> None:
    page = replace(ROOT, receiver=ANA_SLACK, part=Part.PAGE, heard_at=(ANA_MAIL,))
    heard = replace(page, id=90, incident_id=90, heard_at=heard_at)
    assert (90 in only(digests([*many(like=page), heard], EVERYBODY, NOW)).stands_for) is is_told


def test_a_message_that_is_there_is_still_edited_and_only_lines_below_it_are_left_out() -> None:
    edit = replace(ROOT, id=90, incident_id=90, part=Part.EDIT, is_told=True)
    line = replace(edit, id=91, part=Part.THREAD)

    stands_for = only(digests([*many(), edit, line], EVERYBODY, NOW)).stands_for

    assert 90 not in stands_for
    assert 91 in stands_for


def test_what_is_held_until_later_stays_held() -> None:
    held = replace(ROOT, id=90, incident_id=90, due_since=NOW + timedelta(hours=1))
    assert 90 not in only(digests([*many(), held], EVERYBODY, NOW)).stands_for


def test_it_says_how_many_since_when_and_what_is_open_the_worst_first() -> None:
    over = [replace(one, state="recovered") for one in many(8)]
    taken = replace(ROOT, id=20, incident_id=1020, state="taken", owner="raj")
    worst = replace(ROOT, id=21, incident_id=1021, severity="critical", opened_at=NOW)

    report = only(digests([*over, taken, worst], EVERYBODY, NOW)).report

    assert report.title == "Missed here since 02:15 UTC"
    assert report.url == "https://watchdog.example.com"
    figures, still_open = report.parts
    assert dict(figures.figures) == {"incidents": "10", "still open": "2"}
    assert [row[0].split()[0] for row in still_open.rows] == ["#1021", "#1020"]
    assert [row[2] for row in still_open.rows] == ["ana, not taken", "raj"]


def test_of_very_many_it_names_the_worst_and_says_that_there_are_more() -> None:
    part = only(digests(many(500), EVERYBODY, NOW)).report.parts[1]
    assert (len(part.rows), part.is_cut) == (15, True)


@pytest.mark.parametrize("how_many", [INCIDENTS_MIN, 500])
def test_in_slack_it_is_one_message_with_a_line_for_the_phone(how_many: int) -> None:
    report = only(digests(many(how_many), EVERYBODY, NOW)).report
    message = Message("1-a", "#alerts", Part.ROOT, 1, report)

    rendered = render_report_slack(message)

    figures = f"incidents {how_many}, still open {how_many}"
    assert rendered.line.startswith(f"📋 REPORT Missed here since 02:15 UTC: {figures}")
    assert len(rendered.line) <= 80
    assert len(rendered.body["blocks"]) <= 5
