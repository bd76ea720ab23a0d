"""To which owners no road is left when a page was given up."""

from dataclasses import replace

import pytest

from watchdog.domain.fallback import Unreached, people_at, reader_at, unheard_owners
from watchdog.domain.people import Directory, Person, Team

SLACK, MAIL, RAJ = "slack:@U01ANA", "email:ana@example.com", "slack:@U02RAJ"
DIRECTORY = Directory(
    {
        "ana": Person("ana", "ana@example.com", "U01ANA"),
        "raj": Person("raj", slack="U02RAJ"),
        "pair": Person("pair", slack="U02RAJ"),
    },
    {"data": Team("data", lead="ana", slack="data-alerts")},
)


def unreached(receiver: str, owner: str = "ana", *told: str) -> Unreached:
    return Unreached((1042, None), receiver, "data", owner, frozenset(told))


@pytest.mark.parametrize(
    ("given_up", "chosen", "unheard"),
    [
        (unreached(SLACK), None, "ana"),
        (unreached(SLACK), "slack:#data-alerts", "ana"),
        (unreached(SLACK), MAIL, ""),
        (unreached(SLACK, "ana", MAIL), None, ""),
        (unreached(SLACK, "ana", RAJ), None, "ana"),
        (unreached(RAJ, "raj"), "slack:#data-alerts", "raj"),
        (unreached(RAJ, "ana"), None, ""),
        (unreached("slack:#data-alerts", "ana"), None, ""),
        (unreached(SLACK, "zoe"), None, ""),
        (unreached(SLACK, ""), None, ""),
    ],
)
def test_an_owner_is_unheard_when_their_page_died_and_no_other_way_of_theirs_is_tried(
    given_up: Unreached, chosen: str | None, unheard: str
) -> None:
    roads = {7: chosen} if chosen else {}
    assert unheard_owners({7: given_up}, roads, DIRECTORY) == ({7: unheard} if unheard else {})


def test_whoever_shares_an_address_is_reached_there() -> None:
    assert people_at(SLACK, DIRECTORY) == ["ana"]
    assert people_at(RAJ, DIRECTORY) == ["raj", "pair"]
    assert people_at("slack:#data-alerts", DIRECTORY) == []


def test_only_an_address_of_one_person_alone_has_a_reader() -> None:
    assert reader_at("slack:@U01ANA", DIRECTORY) == "ana"
    assert reader_at(RAJ, DIRECTORY) == "", "two people have it"
    assert reader_at("email:nobody@example.com", DIRECTORY) == ""
    mailbox = Team("data", lead="ana", email="ana@example.com")
    shared = replace(DIRECTORY, teams={"data": mailbox})
    assert reader_at("email:ana@example.com", DIRECTORY) == "ana"
    assert reader_at("email:ana@example.com", shared) == "", "a team reads there, too"
