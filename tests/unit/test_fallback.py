"""By which other road somebody hears of an incident."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.base import Part
from watchdog.domain.fallback import (
    Unreached,
    first_part,
    later_part,
    next_receiver,
    next_receivers,
)
from watchdog.domain.people import Directory, Person, Team

ANA = Person("ana", email="ana@example.com", slack="U01ANA")
RAJ = Person("raj", email="raj@example.com", slack="U02RAJ")
TEAM = Team("support", lead="raj", slack="alerts", email="support@example.com")
EVERYBODY = Directory({"ana": ANA, "raj": RAJ}, {"support": TEAM})
BOTH = frozenset({"slack", "email"})

ALERTS, SUPPORT = "slack:#alerts", "email:support@example.com"
ANA_SLACK, ANA_MAIL = "slack:@U01ANA", "email:ana@example.com"
RAJ_SLACK, RAJ_MAIL = "slack:@U02RAJ", "email:raj@example.com"
ALL = (ALERTS, SUPPORT, ANA_SLACK, ANA_MAIL, RAJ_SLACK, RAJ_MAIL)


def unreached(receiver: str, *tried: str, told: tuple[str, ...] = ()) -> Unreached:
    return Unreached(1001, receiver, "support", "ana", frozenset(told), frozenset(tried + told))


def roads(receiver: str, directory: Directory = EVERYBODY) -> list[str]:
    """Return everybody who is tried, if each of them fails."""
    tried: list[str] = []
    while found := next_receiver(unreached(receiver, *tried), directory, BOTH):
        tried.append(found)
    return tried


def test_a_person_is_tried_by_mail_then_the_team_then_its_lead() -> None:
    assert roads(ANA_SLACK) == [ANA_MAIL, SUPPORT, ALERTS, RAJ_MAIL, RAJ_SLACK]


def test_a_person_whose_mail_is_refused_is_tried_over_slack() -> None:
    assert roads(ANA_MAIL) == [ANA_SLACK, ALERTS, SUPPORT, RAJ_SLACK, RAJ_MAIL]


def test_a_channel_falls_back_to_the_teams_mail_then_to_the_lead() -> None:
    assert roads(ALERTS) == [SUPPORT, RAJ_MAIL, RAJ_SLACK]


@pytest.mark.parametrize("closed", ["webhook:events", "apprise:room"])
def test_what_goes_to_no_person_ends_with_the_team(closed: str) -> None:
    assert roads(closed) == [SUPPORT, ALERTS]


def test_a_team_without_mail_falls_back_to_its_lead() -> None:
    directory = replace(EVERYBODY, teams={"support": replace(TEAM, email="")})

    assert roads(ALERTS, directory) == [RAJ_MAIL, RAJ_SLACK]


def test_somebody_who_has_left_is_replaced_by_the_owner() -> None:
    assert roads("slack:@U99GONE")[:2] == [ANA_MAIL, ANA_SLACK]


def test_a_team_that_is_gone_leaves_the_person() -> None:
    assert roads(ANA_SLACK, replace(EVERYBODY, teams={})) == [ANA_MAIL]


def test_a_person_who_hears_of_it_by_mail_anyway_needs_no_other_road() -> None:
    assert next_receiver(unreached(ANA_SLACK, told=(ANA_MAIL,)), EVERYBODY, BOTH) is None


def test_a_person_whose_other_road_has_failed_too_is_represented_by_the_team() -> None:
    assert next_receiver(unreached(ANA_SLACK, ANA_MAIL), EVERYBODY, BOTH) == SUPPORT


def test_a_road_that_is_not_configured_is_not_chosen() -> None:
    assert next_receiver(unreached(ANA_SLACK), EVERYBODY, {"slack"}) == ALERTS


@given(st.sampled_from(ALL), st.sets(st.sampled_from(ALL)), st.sets(st.sampled_from(ALL)))
def test_nobody_is_told_twice_and_the_closed_road_is_not_tried_again(
    closed: str, tried: set[str], told: set[str]
) -> None:
    given_up = Unreached(1001, closed, "support", "ana", frozenset(told), frozenset(tried | told))

    found = next_receiver(given_up, EVERYBODY, BOTH)

    assert found not in {closed, *tried, *told}


@given(st.sampled_from(ALL))
def test_every_chain_of_failures_ends(closed: str) -> None:
    assert len(roads(closed)) <= len(ALL)


def test_two_messages_of_an_incident_do_not_fall_back_to_the_same_receiver() -> None:
    chosen = next_receivers(
        {2: unreached(ALERTS), 1: unreached("slack:#elsewhere")}, EVERYBODY, BOTH
    )

    assert chosen == {1: SUPPORT, 2: RAJ_MAIL}


def test_two_incidents_may_fall_back_to_the_same_receiver() -> None:
    other = replace(unreached(ALERTS), subject=1002)

    assert next_receivers({1: unreached(ALERTS), 2: other}, EVERYBODY, BOTH) == {
        1: SUPPORT,
        2: SUPPORT,
    }


def test_a_channel_gets_a_root_a_person_a_page_and_a_mail_cannot_be_edited() -> None:
    assert [first_part(one) for one in (ALERTS, ANA_SLACK, SUPPORT)] == [
        Part.ROOT,
        Part.PAGE,
        Part.PAGE,
    ]
    assert [later_part(one) for one in (ALERTS, ANA_SLACK, SUPPORT)] == [
        Part.EDIT,
        Part.EDIT,
        Part.PAGE,
    ]


@pytest.mark.parametrize(
    ("closed", "then"),
    [
        (SUPPORT, [ALERTS, RAJ_SLACK, RAJ_MAIL]),
        (RAJ_SLACK, [RAJ_MAIL, SUPPORT, ALERTS]),
        (RAJ_MAIL, [RAJ_SLACK, ALERTS, SUPPORT]),
        ("slack:#elsewhere", [SUPPORT, ALERTS, RAJ_MAIL, RAJ_SLACK]),
        ("email:gone@example.com", [ANA_SLACK, ANA_MAIL, ALERTS, SUPPORT, RAJ_SLACK, RAJ_MAIL]),
    ],
)
def test_who_reads_a_road_decides_which_is_next(closed: str, then: list[str]) -> None:
    assert roads(closed) == then


def test_nobody_is_asked_for_where_nobody_is_left() -> None:
    assert roads(ANA_SLACK, Directory()) == []
    lonely = Directory({"ana": replace(ANA, email="")}, {"support": Team("support", lead="gone")})
    assert roads(ANA_SLACK, lonely) == []
    report = Unreached("weekly", "slack:#gone", "support", "")
    assert next_receiver(report, EVERYBODY, BOTH) == SUPPORT
    assert next_receiver(report, EVERYBODY, ()) is None


@pytest.mark.parametrize(
    ("receiver", "other"),
    [
        (ANA_SLACK, ANA_MAIL),
        (ANA_MAIL, ANA_SLACK),
        (ALERTS, SUPPORT),
        (SUPPORT, ALERTS),
        ("slack:@U09GONE", None),
        ("slack:#gone", None),
        ("webhook:events", None),
    ],
)
def test_meanwhile_only_the_same_reader_is_told_by_another_channel(
    receiver: str, other: str | None
) -> None:
    for late in (unreached(receiver), unreached(receiver, told=(RAJ_MAIL,))):
        assert next_receiver(late, EVERYBODY, BOTH, only_same_reader=True) == other


def test_meanwhile_nobody_is_told_twice() -> None:
    for known in (unreached(ANA_SLACK, ANA_MAIL), unreached(ANA_SLACK, told=(ANA_MAIL,))):
        assert next_receiver(known, EVERYBODY, BOTH, only_same_reader=True) is None
