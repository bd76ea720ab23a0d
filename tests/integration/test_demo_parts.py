"""The demo's parts by themselves: schedules, addresses, the registry of failures, the rules."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.base import Severity
from tests.demo_world import RULES, just, repository_rules
from watchdog.config.load import load
from watchdog.demo import slots
from watchdog.demo.background import Organisation, iso, organisations
from watchdog.demo.databases import READER, place, role_password
from watchdog.demo.endpoints import Scene
from watchdog.demo.failure import Switches
from watchdog.demo.failures import FAILURES, switches
from watchdog.demo.places import ORGANISATIONS, WORKSPACES, ZONES

CRONS = (slots.QUARTERLY, slots.HOURLY, slots.FOUR_HOURLY, slots.OFFICE_HOURS)
instants = st.integers(0, 4 * 366 * 86_400).map(
    lambda seconds: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
zones = st.sampled_from(ZONES).map(ZoneInfo)


@given(st.sampled_from(CRONS), zones, instants)
def test_the_latest_slot_is_a_slot_and_nothing_lies_between(
    cron: str, zone: ZoneInfo, at: datetime
) -> None:
    slot = slots.latest_slot(cron, zone, at)
    assert slot <= at
    assert slots.is_slot(cron, slot.astimezone(zone))
    assert slots.latest_slot(cron, zone, slot) == slot
    assert slots.latest_slot(cron, zone, slot - timedelta(seconds=1)) < slot


@settings(max_examples=40)
@given(st.sampled_from(CRONS), zones, instants)
def test_all_slots_of_a_week_are_the_latest_of_their_time(
    cron: str, zone: ZoneInfo, end: datetime
) -> None:
    found = list(slots.slots_between(cron, zone, end - timedelta(days=7), end))
    assert found == sorted(set(found))
    assert all(slots.is_slot(cron, slot.astimezone(zone)) for slot in found)
    assert slots.latest_slot(cron, zone, end - timedelta(microseconds=1)) == found[-1]


def test_office_hours_are_those_of_the_row() -> None:
    sunday = datetime(2025, 6, 15, 12, tzinfo=UTC)
    berlin = ZoneInfo("Europe/Berlin")
    friday = datetime(2025, 6, 13, 17, tzinfo=berlin)
    assert slots.latest_slot(slots.OFFICE_HOURS, berlin, sunday) == friday


@pytest.mark.parametrize("cron", CRONS)
def test_a_week_has_as_many_slots_as_the_line_says(cron: str) -> None:
    start = datetime(2025, 6, 9, tzinfo=UTC)
    week = slots.slots_between(cron, ZoneInfo("Asia/Kathmandu"), start, start + timedelta(days=7))
    expected = {slots.QUARTERLY: 672, slots.HOURLY: 168, slots.FOUR_HOURLY: 42}
    assert len(list(week)) == expected.get(cron, 45)


@settings(max_examples=30)
@given(instants)
def test_every_organisation_has_just_synced_when_the_demo_begins(now: datetime) -> None:
    everybody = organisations(now)
    assert len(everybody) >= 200
    assert all(one.last_at <= now for one in everybody)
    assert all(one.last_at == one.latest_due(now) for one in everybody)


def test_instants_are_written_as_the_system_writes_them() -> None:
    at = datetime(2025, 6, 13, 4, 15, 0, 999, tzinfo=ZoneInfo("Europe/Berlin"))
    assert iso(at) == "2025-06-13T02:15:00Z"


def test_organisations_do_not_sync_all_at_once() -> None:
    now = datetime(2025, 6, 13, tzinfo=UTC)
    spreads = [one.spread for one in organisations(now) if isinstance(one, Organisation)]
    assert max(spreads.count(spread) for spread in set(spreads)) <= 2


@pytest.mark.parametrize(
    ("admin", "owner", "reader"),
    [
        (
            "postgresql://watchdog@/watchdog?host=/run/pg&port=5432",
            "postgresql://watchdog@/demo_crm?host=/run/pg&port=5432",
            "postgresql://demo_reader@/demo_crm?host=/run/pg&port=5432",
        ),
        (
            "postgres:///watchdog?user=admin&host=/run/pg",
            "postgres:///demo_crm?user=admin&host=/run/pg",
            "postgres://demo_reader@/demo_crm?host=/run/pg",
        ),
        (
            "postgresql://db.example.com:6000",
            "postgresql://db.example.com:6000/demo_crm",
            "postgresql://demo_reader@db.example.com:6000/demo_crm",
        ),
    ],
)
def test_the_databases_are_found_beside_the_store(admin: str, owner: str, reader: str) -> None:
    found = place(admin, "demo_crm")
    assert (found.dsn, found.reader_dsn) == (owner, reader)


def test_readers_have_a_password_of_their_own_where_one_is_asked_for() -> None:
    admin = "postgresql://watchdog:s%40cret@db.example.com/watchdog"
    password = role_password(admin, READER)
    assert password
    assert "cret" not in password
    assert role_password(admin, READER) == password
    assert f"demo_reader:{password}@db" in place(admin, "demo_crm").reader_dsn
    assert "cret" not in place(admin, "demo_crm").reader_dsn


def test_names_of_workspaces_and_organisations_are_unique() -> None:
    for everybody in (WORKSPACES, ORGANISATIONS):
        assert len({one.id for one in everybody}) == len(everybody) >= 200


def test_every_failure_can_be_switched_together_with_the_others() -> None:
    assert switches({}) == Switches()
    assert switches(just(("X9",))) == Switches()
    for failure in FAILURES.values():
        assert all(
            getattr(switches(just((failure.id,))), key) == value
            for key, value in failure.sets.items()
        )
    assert isinstance(switches(just(FAILURES)), Switches)


def test_failures_name_rules_that_there_are() -> None:
    rules = repository_rules()
    for failure in FAILURES.values():
        named = {one.rule for one in failure.opens} | set(failure.holds) | set(failure.later)
        assert named <= set(rules)
        for one in failure.opens:
            assert tuple(name for name, _ in one.entity) == tuple(rules[one.rule].kind.entity)
            assert Severity(one.severity)


def test_every_rule_can_be_broken_or_is_held_by_one_that_can() -> None:
    told = {one.rule for failure in FAILURES.values() for one in failure.opens}
    held = {name for failure in FAILURES.values() for name in failure.holds}
    assert set(repository_rules()) == told | held


def test_a_twin_belongs_to_a_failure() -> None:
    for failure in FAILURES.values():
        if failure.is_twin:
            assert not FAILURES[failure.id[:-1]].is_twin
        else:
            assert failure.opens
        assert (failure.opens == ()) is (failure.expect == "stays silent")


def test_the_rules_of_the_repository_have_no_mistake() -> None:
    assert load(RULES, {}).problems == ()


def test_every_rule_of_the_repository_says_what_to_do() -> None:
    for rule in repository_rules().values():
        assert rule.impact
        assert rule.do_first
        assert rule.runbook.startswith("https://wiki.example.com/")


def test_what_happens_once_happens_again_after_it_was_mended() -> None:
    scene = Scene()
    once = Switches(desk_down_once=True)
    scene.renew(once)
    assert [scene.happens_once("desk"), scene.happens_once("desk")] == [True, False]
    scene.renew(once)
    assert not scene.happens_once("desk")
    scene.renew(Switches())
    scene.renew(once)
    assert scene.happens_once("desk")
