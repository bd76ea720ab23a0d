"""Which openings are a storm, and how a storm is said."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.base import Severity
from tests.unit.test_incident import NOW, an_incident
from tests.unit.test_notices import DIRECTORY
from watchdog.domain.incident import STORM, Incident, State
from watchdog.domain.people import Directory, Route, Storms
from watchdog.domain.routing import route_for
from watchdog.domain.storms import (
    NAMES_MAX,
    REOPEN_WITHIN,
    Grouped,
    Name,
    Tally,
    detail_of,
    fact_of,
    grouped,
    may_join,
    member_of,
    storm_fingerprint,
    storm_title,
)

FIVE = Storms()
CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO


def a_storm(state: State = State.OPEN, **changes: object) -> Incident:
    changes = {"id": 1050, "kind": STORM, "rule": "storm:crm", "state": state} | changes
    return an_incident(**changes)


def recovered(ago: timedelta) -> Incident:
    return a_storm(State.RECOVERED, recovered_at=NOW - ago, first_good_at=NOW - ago)


JUST_RECOVERED = recovered(timedelta(minutes=1))
LONG_RECOVERED = recovered(REOPEN_WITHIN + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("openings", "waiting", "known", "what"),
    [
        (5, 0, None, Grouped.APART),
        (6, 0, None, Grouped.BEGIN),
        (1, 5, None, Grouped.BEGIN),
        (1, 4, None, Grouped.APART),
        (0, 9, None, Grouped.APART),
        (0, 9, a_storm(), Grouped.APART),
        (10_000, 0, None, Grouped.BEGIN),
        (1, 0, a_storm(), Grouped.JOIN),
        (1, 0, a_storm(State.TAKEN), Grouped.JOIN),
        (1, 0, a_storm(silence=3, silenced_until=NOW + timedelta(hours=1)), Grouped.JOIN),
        (5, 0, JUST_RECOVERED, Grouped.APART),
        (6, 0, JUST_RECOVERED, Grouped.AGAIN),
        (1, 5, JUST_RECOVERED, Grouped.AGAIN),
        (6, 0, LONG_RECOVERED, Grouped.BEGIN),
    ],
)
def test_more_than_five_are_a_storm_and_one_that_lives_takes_in_the_rest(
    openings: int, waiting: int, known: Incident | None, what: Grouped
) -> None:
    assert grouped(FIVE, openings, waiting, known, NOW) is what


@given(
    openings=st.integers(0, 50),
    waiting=st.integers(0, 50),
    known=st.sampled_from([None, a_storm(), a_storm(State.TAKEN), JUST_RECOVERED, LONG_RECOVERED]),
    more_than=st.integers(1, 20),
)
def test_nothing_is_grouped_unless_something_opens_and_enough_is_new_or_a_storm_lives(
    openings: int, waiting: int, known: Incident | None, more_than: int
) -> None:
    what = grouped(Storms(more_than), openings, waiting, known, NOW)
    is_live = known is not None and known.is_live
    assert (what is Grouped.APART) == (
        not openings or (not is_live and openings + waiting <= more_than)
    )
    assert (what is Grouped.JOIN) == bool(openings and is_live)
    if what is Grouped.AGAIN:
        assert known is JUST_RECOVERED
    assert grouped(None, openings, waiting, known, NOW) is Grouped.APART


@given(openings=st.integers(1, 50), waiting=st.integers(0, 50), more=st.integers(0, 50))
def test_what_is_a_storm_stays_one_with_more(openings: int, waiting: int, more: int) -> None:
    if grouped(FIVE, openings, waiting, None, NOW) is Grouped.BEGIN:
        assert grouped(FIVE, openings + more, waiting, None, NOW) is Grouped.BEGIN
        assert grouped(FIVE, openings, waiting + more, None, NOW) is Grouped.BEGIN


@pytest.mark.parametrize(
    ("rule", "severity", "joins"),
    [
        ("orders-stale", CRITICAL, True),
        ("orders-stale", WARNING, True),
        ("no_data:orders-stale", WARNING, True),
        ("orders-stale", INFO, False),
        ("source:crm", CRITICAL, False),
        ("rule:orders-stale", WARNING, False),
    ],
)
def test_what_nobody_is_told_of_and_what_says_that_we_are_blind_joins_nothing(
    rule: str, severity: Severity, joins: bool
) -> None:
    assert may_join(DIRECTORY, rule, severity, "data") is joins


def test_a_storm_is_told_also_where_only_routes_of_its_members_tell_anybody() -> None:
    loud = Route(("slack",), rules=("orders-*",))
    directory = Directory(DIRECTORY.people, DIRECTORY.teams, (loud, Route(("weekly",))))
    assert may_join(directory, "orders-stale", WARNING, "data")
    assert not may_join(directory, "mail-late", WARNING, "data")
    assert route_for(directory, WARNING, "data", "storm:crm").send == ("slack", "email")
    ours = replace(directory, routes=(Route(("email",), rules=("storm:*",)), *directory.routes))
    assert route_for(ours, WARNING, "data", "storm:crm").send == ("email",)


def test_two_storms_are_the_same_when_team_and_source_are() -> None:
    assert storm_fingerprint("data", "crm") == storm_fingerprint("data", "crm")
    assert len({storm_fingerprint(*one) for one in [("a", "b"), ("b", "a"), ("a", "c")]}) == 3


@pytest.mark.parametrize(
    ("source", "title"),
    [("main", "source main"), ("@files", "watched files"), ("@pings", "heartbeats")],
)
def test_a_storm_is_named_after_its_source(source: str, title: str) -> None:
    assert storm_title(source) == title


def test_a_member_is_what_the_incident_was() -> None:
    one = an_incident(entity=(("shop", "eu"),), value=2.0, limit=1.0, failure_class="auth_config")
    member = member_of(1050, 3, one)
    assert (member.storm, member.number, member.fingerprint) == (1050, 3, one.fingerprint)
    assert (member.rule, member.entity, member.title) == (one.rule, one.entity, one.title)
    assert (member.value, member.limit, member.fact) == (2.0, 1.0, one.fact)
    assert (member.joined_at, member.first_bad_at) == (one.opened_at, one.first_bad_at)
    assert member.name == "orders-stale shop=eu"


@pytest.mark.parametrize(
    ("tally", "begins", "fact"),
    [
        (Tally({CRITICAL: 3, WARNING: 11}), True, "14 incidents at once, 3 critical"),
        (Tally({CRITICAL: 3, WARNING: 11}), False, "14 incidents, 3 critical"),
        (Tally({CRITICAL: 6}), True, "6 incidents at once, all critical"),
        (Tally({WARNING: 10_000}), True, "10,000 incidents at once"),
        (Tally({WARNING: 2, CRITICAL: 1}, good=11), False, "3 of 14 bad, 1 critical"),
        (Tally({WARNING: 9_990}, good=10), False, "9,990 of 10,000 bad"),
        (Tally({WARNING: 1}, split=5), False, "1 incident"),
        (Tally({}, good=14), False, "all 14 good again"),
        (Tally({}, good=1, gone=13), False, "good again"),
    ],
)
def test_a_storm_is_said_in_figures(tally: Tally, begins: bool, fact: str) -> None:
    assert fact_of(tally, begins=begins) == fact


def detail(tally: Tally) -> str:
    return detail_of(tally, "main", "Europe/Berlin", NOW)


def test_a_storm_is_said_in_sentences_the_worst_first() -> None:
    names = [Name("Main database does not answer", CRITICAL), Name("A job hangs", WARNING, 2)]
    first = ("Main database does not answer", NOW - timedelta(minutes=4))
    assert detail(Tally({CRITICAL: 1, WARNING: 2}, good=1, names=names, first=first)) == (
        "3 of 4 are bad, all of source main: likely one cause, told once. "
        "Critical 1: Main database does not answer. Warning 2: A job hangs (2). "
        "First: Main database does not answer (04:11 Berlin)."
    )


def test_a_storm_names_seven_of_ten_thousand_and_counts_the_rest() -> None:
    names = [Name(f"Shop {number} is down", CRITICAL) for number in range(NAMES_MAX + 1)]
    said = detail(Tally({CRITICAL: 10_000}, names=names))
    assert "Shop 6 is down +9,993 more." in said
    assert "Shop 7" not in said


def test_names_of_the_worst_leave_room_for_no_more_than_seven_in_all() -> None:
    worst = [Name(f"C{number}", CRITICAL) for number in range(5)]
    other = [Name(f"W{number}", WARNING) for number in range(3)]
    said = detail(Tally({CRITICAL: 5, WARNING: 9}, names=[*worst, *other]))
    assert said.endswith("Critical 5: C0, C1, C2, C3, C4. Warning 9: W0, W1 +7 more.")


def test_a_recovered_storm_says_that_all_are_good_again() -> None:
    assert detail(Tally({}, good=14)) == "All 14 good again, all of source main."


@given(
    bad=st.dictionaries(st.sampled_from(Severity), st.integers(1, 10**6), min_size=1),
    titles=st.lists(st.text(max_size=300), max_size=8),
)
def test_a_sentence_stays_short_whatever_the_titles(
    bad: dict[Severity, int], titles: list[str]
) -> None:
    worst = max(bad, key=lambda one: one.rank)
    names = [Name(title, worst) for title in titles]
    said = detail(Tally(bad, names=names, first=(titles[0], NOW) if titles else None))
    assert len(said) <= 600
    assert said.isprintable() or any(not title.isprintable() for title in titles)
