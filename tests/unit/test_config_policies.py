"""What a rule says of time and of repetition, as values."""

from datetime import time, timedelta

from rules.hours import ActiveHours, WeeklyHours
from tests.config_files import GOOD, config_of, read, rule_of
from watchdog.config.model import UnlessOpen
from watchdog.domain.people import NoData, Policy, Repeat

QUEUE = "queue: { source: crm, table: jobs, max_rows: 10, entity: [shop] }\n"
WEEK = frozenset(range(7))


def test_hours_are_in_one_zone_or_in_that_of_each_row() -> None:
    rule = rule_of(QUEUE + 'active: { days: mon-fri, hours: "06:00-20:00", zone: Europe/Berlin }')
    assert rule.active == ActiveHours(
        WeeklyHours(frozenset(range(5)), time(6), time(20)), "Europe/Berlin"
    )
    rule = rule_of(QUEUE + "active: { days: 'sat,sun', zone: { column: w.timezone } }")
    assert rule.active == ActiveHours(
        WeeklyHours(frozenset({5, 6}), time(), time()), column="w.timezone"
    )


def test_hours_without_days_are_those_of_every_day() -> None:
    rule = rule_of(QUEUE + 'active: { hours: "22:00-06:00", zone: UTC }')
    assert rule.active == ActiveHours(WeeklyHours(WEEK, time(22), time(6)), "UTC")


def test_another_rule_may_excuse_and_must_be_known_first() -> None:
    rule = rule_of(QUEUE + "unless: { open: orders-stale, or_within: 2h, at_most: 1d }")
    assert rule.unless_open == UnlessOpen("orders-stale", timedelta(hours=2))
    assert rule.parents == ("orders-stale",)
    assert rule.policy.unless_at_most == timedelta(days=1)


def test_a_repetition_is_escalated_to_a_team() -> None:
    rule = rule_of(QUEUE + "repeat: { within: 24h, escalate_to: data }")
    assert rule.policy.repeat == Repeat(timedelta(hours=24), "data")


def test_a_repetition_may_stay_with_its_team() -> None:
    assert rule_of(QUEUE + "repeat: { within: 24h }").policy.repeat == Repeat(timedelta(hours=24))


def test_proof_is_asked_of_the_rules_source() -> None:
    rule = rule_of(f"{QUEUE}verify: {{ run: 'select 1 where {{{{ opened_at }}}} > at' }}")
    assert rule.verify["run"].source == "crm"


def test_for_is_time_instead_of_checks() -> None:
    policy = rule_of(QUEUE + "for: 10m").policy
    assert policy == Policy(open_after=1, open_for=timedelta(minutes=10))


def test_a_rules_own_checks_come_before_the_time_of_the_defaults() -> None:
    text = GOOD.replace("{ team: data }\n", "{ team: data, for: 10m }\n", 1)
    rules = config_of(f"{text}  r: {{ {QUEUE.strip()}, open_after: 3 checks }}\n").rules
    assert rules["orders-stale"].policy.open_for == timedelta(minutes=10)
    assert rules["r"].policy == Policy(open_after=3)


def test_no_data_changes_nothing_unless_a_rule_says_so() -> None:
    assert rule_of(QUEUE).policy.no_data is NoData.KEEP
    assert rule_of(QUEUE + "no_data: ok").policy.no_data is NoData.OK


def test_a_parent_that_is_looked_at_in_time_is_no_reason_to_warn() -> None:
    child = f"  r: {{ {QUEUE.strip()}, depends_on: orders-stale, open_after: 1 check }}\n"
    assert read(GOOD + child).problems == ()


def test_a_for_is_heeded_unless_a_finding_may_open_by_itself() -> None:
    assert rule_of(QUEUE).heeds_for
    news = "sql: { source: crm, query: select 1, new_only: { key: id, within: 1h } }\n"
    assert not rule_of(news).heeds_for
    assert not rule_of(QUEUE + "classify: { auth_config: { open_after: 1 check } }").heeds_for


def test_something_opens_after_its_checks_or_its_span_whichever_is_later() -> None:
    minute = timedelta(minutes=1)
    assert Policy(open_after=3).opens_after(minute) == 2 * minute
    assert Policy(open_after=1, open_for=5 * minute).opens_after(minute) == 5 * minute
