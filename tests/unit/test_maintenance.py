"""Announced trouble: whom it is for, what it explains, and what it does not."""

from datetime import UTC, datetime, time, timedelta

import pytest

from rules.hours import WeeklyHours
from tests.config_files import GOOD, config_of
from watchdog.domain.maintenance import Maintenance, expected, outlasted

NIGHT = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)  # a Sunday, 02:30 in New York
VACUUM = Maintenance(
    "vacuum", "America/New_York", hours=WeeklyHours(frozenset({6}), time(2), time(4))
)
MOVE = Maintenance(
    "move", "UTC", begins_at=NIGHT + timedelta(hours=1), ends_at=NIGHT + timedelta(hours=3)
)
HOUR = timedelta(hours=1)


def test_what_begins_in_it_is_expected_until_its_end() -> None:
    said = "expected: maintenance (vacuum) until 2026-11-22 04:00 America/New_York"
    assert expected([VACUUM], NIGHT, NIGHT) == said
    assert expected([VACUUM], NIGHT, NIGHT + HOUR) == said
    assert expected([VACUUM], NIGHT, NIGHT + 1.5 * HOUR) == ""


def test_what_began_before_it_is_not_expected() -> None:
    assert expected([VACUUM], NIGHT - HOUR, NIGHT) == ""
    assert outlasted([VACUUM], NIGHT - HOUR) == ""


def test_what_outlasts_it_says_so() -> None:
    said = "Still broken after maintenance (vacuum) until 2026-11-22 04:00 America/New_York."
    assert outlasted([VACUUM, MOVE], NIGHT) == said
    assert outlasted([MOVE], NIGHT) == ""


def test_one_that_follows_another_goes_on_excusing() -> None:
    assert "(move)" in expected([VACUUM, MOVE], NIGHT, NIGHT + 2 * HOUR)
    assert expected([VACUUM, MOVE], NIGHT, NIGHT + 3 * HOUR) == ""


@pytest.mark.parametrize(
    ("announced_for", "is_for"),
    [
        ({}, True),
        ({"rule": "jobs"}, True),
        ({"rule": "job"}, False),
        ({"source": "main"}, True),
        ({"source": "crm"}, False),
        ({"team": "data"}, True),
        ({"team": "ops"}, False),
    ],
)
def test_it_is_for_everything_or_for_what_it_names(
    announced_for: dict[str, str], is_for: bool
) -> None:
    one = Maintenance("deploy", "UTC", **announced_for)  # type: ignore[arg-type]
    assert one.is_for("jobs", "main", "data") == is_for
    assert one.is_for("rule:jobs", "main", "data") == is_for


def test_a_span_holds_from_its_first_instant_and_not_at_its_last() -> None:
    begins_at, ends_at = NIGHT + HOUR, NIGHT + 3 * HOUR
    instant = timedelta(microseconds=1)
    assert MOVE.end_of(begins_at - instant) is None
    assert MOVE.end_of(begins_at) == ends_at
    assert MOVE.end_of(ends_at - instant) == ends_at
    assert MOVE.end_of(ends_at) is None
    said = "expected: maintenance (move) until 2026-11-22 10:30 UTC"
    assert expected([MOVE], begins_at, ends_at - instant) == said
    assert outlasted([MOVE], begins_at) == said.replace("expected:", "Still broken after") + "."


@pytest.mark.parametrize("names", [("jobs", "main", "data"), ("jobs", "main", "ops")])
def test_it_is_for_what_all_its_names_fit(names: tuple[str, str, str]) -> None:
    one = Maintenance("deploy", "UTC", rule="jobs", source="main", team="data")
    assert one.is_for(*names) is (names[2] == "data")
    assert one.is_for("no_data:jobs", *names[1:]) is (names[2] == "data")
    assert not one.is_for("source:main", *names[1:])


def test_without_a_span_and_without_hours_nothing_is_expected() -> None:
    for one in (
        Maintenance("half", "UTC", begins_at=NIGHT),
        Maintenance("half", "UTC", ends_at=NIGHT),
        Maintenance("none", "UTC"),
    ):
        assert one.end_of(NIGHT) is None


def test_of_several_that_hold_the_one_that_ends_last_is_said() -> None:
    longer = Maintenance("audit", "UTC", begins_at=NIGHT, ends_at=NIGHT + 9 * HOUR)
    for windows in ([VACUUM, longer], [longer, VACUUM]):
        assert "(audit)" in expected(windows, NIGHT, NIGHT + HOUR)
        assert "(audit)" in outlasted(windows, NIGHT)


def test_it_may_be_said_of_everything_a_team_a_source_or_a_rule() -> None:
    day = "days: sun, zone: Europe/Berlin"
    text = GOOD.replace("lead: ana,", f"lead: ana, maintenance: {{ reason: t, {day} }},")
    text = text.replace('"${CRM_DSN}"', f'"${{CRM_DSN}}", maintenance: [{{ reason: s, {day} }}]')
    text += f"    maintenance: {{ reason: r, {day} }}\nmaintenance: [{{ reason: all, {day} }}]\n"
    found = config_of(text).maintenance
    assert {(one.reason, one.rule, one.source, one.team) for one in found} == {
        ("all", "", "", ""),
        ("t", "", "", "data"),
        ("s", "", "crm", ""),
        ("r", "orders-stale", "", ""),
    }


def test_one_span_is_read_by_the_clock_of_its_zone() -> None:
    span = "from: 2026-11-23 22:00, to: 2026-11-24 02:00"
    text = f"maintenance: {{ reason: move, {span}, zone: Europe/Berlin }}\n"
    (one,) = config_of(GOOD + text).maintenance
    assert one.begins_at == datetime(2026, 11, 23, 21, tzinfo=UTC)
    assert one.ends_at == datetime(2026, 11, 24, 1, tzinfo=UTC)
