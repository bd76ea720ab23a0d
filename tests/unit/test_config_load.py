"""A right configuration becomes the values that the file says."""

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest

from rules.base import Dialect, FailureClass, Severity
from rules.hours import WeeklyHours
from tests.config_files import EXAMPLE, EXAMPLE_ENV, GOOD, codes, config_of, read, rule_of
from watchdog.config.load import load, load_text
from watchdog.config.model import Config
from watchdog.domain.people import WEEKLY, Policy, Role, Rotation, Route

QUEUE = "queue: { source: crm, table: jobs, max_rows: 10 }\n"


def test_the_example_of_the_design_loads_without_a_word() -> None:
    loaded = load(EXAMPLE, EXAMPLE_ENV)
    assert loaded.problems == ()
    assert loaded.config is not None
    assert list(loaded.config.rules)[:2] == ["desk-up", "desk-degraded"]
    assert loaded.rules == len(loaded.config.rules) == 9


def test_the_example_keeps_what_it_says_of_people() -> None:
    directory = config_of_example().directory
    assert directory.people["tom"].role is Role.ADMIN
    assert directory.people["raj"].zone == ZoneInfo("Asia/Kolkata")
    team = directory.teams["support-ops"]
    assert team.oncall == (Rotation(WEEKLY, ("ana", "raj", "mei"), time(10), 0),)
    assert team.working_hours == WeeklyHours(frozenset(range(5)), time(9), time(18))
    assert directory.teams["engineering"].oncall == ()
    assert directory.url == "https://watchdog.example.com"


def test_the_example_keeps_its_routes_in_order() -> None:
    assert config_of_example().directory.routes == (
        Route(("slack", "email"), frozenset({Severity.CRITICAL})),
        Route(("slack",), frozenset({Severity.WARNING}), hold_until_working_hours=True),
        Route(("weekly",), frozenset({Severity.INFO})),
    )


def config_of_example() -> Config:
    config = load(EXAMPLE, EXAMPLE_ENV).config
    assert config is not None
    return config


def test_the_example_keeps_its_sources() -> None:
    sources = config_of_example().sources
    assert sources["crm"].address.get_secret_value() == EXAMPLE_ENV["CRM_DSN"]
    assert sources["web_sync"].dialect == Dialect("sqlite", "iso")
    assert sources["desk"].type == "http"
    assert {source.timeout for source in sources.values()} == {timedelta(seconds=5)}


def test_a_rule_starts_from_the_defaults() -> None:
    defaults = "{ team: data, every: 5m, severity: info, for: 10m, labels: { a: 1 } }"
    text = GOOD.replace("{ team: data }\n", f"{defaults}\n", 1)
    rule = config_of(text).rules["orders-stale"]
    assert (rule.team, rule.every, rule.severity) == ("data", timedelta(minutes=5), Severity.INFO)
    assert rule.policy == Policy(open_after=1, open_for=timedelta(minutes=10))
    assert rule.labels == {"a": "1"}


def test_a_rule_says_more_than_the_defaults() -> None:
    rule = rule_of(
        QUEUE + "every: 30s\nseverity: info\nopen_after: 1 check\nrecover_after: 5 checks\n"
        "reopen_within: 0s\nlabels: { tier: 007, on: no }\ndepends_on: [orders-stale, crm]\n"
        "impact: I\ndo_first: D\nsteps: [E, F]\nrunbook: https://wiki.example.com/r\ntitle: 42"
    )
    assert rule.every == timedelta(seconds=30)
    assert rule.policy == Policy(1, timedelta(), 5, timedelta())
    assert rule.labels == {"tier": "007", "on": "no"}
    assert rule.depends_on == ("orders-stale", "crm")
    assert (rule.title, rule.impact, rule.do_first) == ("42", "I", "D")
    assert rule.steps == ("E", "F")
    assert (rule.place.file, rule.kind_name) == ("rules.yaml", "queue")


def test_a_rule_without_a_title_is_called_by_its_name() -> None:
    assert rule_of(QUEUE, "zendesk-queue_full").title == "Zendesk queue full"


def test_queries_go_to_the_source_of_the_rule() -> None:
    rule = rule_of(
        """
        queue: { source: crm, table: jobs, max_rows: 10 }
        unless: { exists: "select 1 where {{ now }} > at", at_most: 12h }
        evidence: { last: select * from jobs limit 20 }
        """
    )
    assert rule.unless is not None
    assert rule.unless.source == rule.evidence["last"].source == "crm"
    assert rule.policy.unless_at_most == timedelta(hours=12)


def test_classes_of_failures_are_the_built_in_ones_and_the_teams_own() -> None:
    rule = rule_of(
        QUEUE + "classify: { quota: { patterns: ['quota of \\d+'], severity: info, in_a_row: 2 } }"
    )
    assert rule.classifier is not None
    assert rule.classifier.classify("Quota of 12 reached") == FailureClass(
        "quota", Severity.INFO, in_a_row=2
    )
    found = rule.classifier.classify("HTTP 401")
    assert found is not None
    assert found.name == "auth_config"


def test_an_http_rule_may_list_what_it_probes_in_a_database() -> None:
    rule = rule_of(
        "http:\n  source: desk\n  url: /shops/{{ entity.shop }}\n  entity: [shop]\n"
        "  for_each: { source: crm, query: select shop from shops }\n"
        "evidence: { shops: select * from shops }"
    )
    assert rule.evidence["shops"].source == "crm"
    assert rule.dialect == Dialect("postgres")


def test_sources_take_their_settings() -> None:
    text = GOOD.replace(
        "rules:\n",
        "  a: { postgres: postgres://db/a, direct: true, connections: 9, timeout: 1m, zone: Asia/Kolkata }\n"
        "  b: { http: https://b.example.com, body_max: 2MB, headers: { x-api-key: 0123 } }\n"
        "  c: { sqlite: c.db, time: epoch_ms, x-note: free }\nrules:\n",
        1,
    )
    sources = config_of(text).sources
    assert (sources["a"].direct, sources["a"].connections) == (True, 9)
    assert sources["a"].dialect == Dialect("postgres", "native", "Asia/Kolkata")
    assert sources["b"].body_bytes_max == 2_000_000
    assert [(key, value.get_secret_value()) for key, value in sources["b"].headers] == [
        ("x-api-key", "0123")
    ]
    assert sources["c"].dialect == Dialect("sqlite", "epoch_ms")


@pytest.mark.parametrize("place", ["", "service:\n  ", "people:\n  x-p: {}\n  ", "x-own:\n  "])
def test_keys_that_start_with_x_are_free(place: str) -> None:
    text = GOOD.split("people:")[0] + f"{place}x-note: [anything, {{ at: all }}]\n"
    loaded = read(text)
    assert loaded.problems == ()


def test_empty_sections_are_fine() -> None:
    sections = ["service", "channels", "defaults", "sources", "people", "teams", "routes", "rules"]
    loaded = read(
        "version: 1\n" + "".join(f"{name}:\n" for name in [*sections, "templates", "include"])
    )
    assert loaded.problems == ()


def test_a_kept_configuration_reads_the_same_from_its_text() -> None:
    first = load(EXAMPLE, EXAMPLE_ENV).config
    assert first is not None
    again = load_text(first.files, str(EXAMPLE), EXAMPLE_ENV).config
    assert again is not None
    assert again.digest == first.digest
    assert {name: rule.identity for name, rule in again.rules.items()} == {
        name: rule.identity for name, rule in first.rules.items()
    }


def test_the_digest_changes_with_any_file() -> None:
    first = config_of(GOOD + "include: more.yaml\n", more="version: 1\n")
    second = config_of(GOOD + "include: more.yaml\n", more="version: 1 \n")
    assert first.digest != second.digest


def test_warnings_leave_a_configuration_usable() -> None:
    loaded = read(GOOD.replace("{ slack: U02RAJ }", "{}"))
    assert codes(loaded) == ["nobody-reachable"]
    assert loaded.config is not None


def test_an_address_whose_variable_is_not_set_is_no_address() -> None:
    loaded = load_text(
        {"rules.yaml": 'version: 1\nservice: { url: "${URL:-}" }\n'}, "rules.yaml", {}
    )
    assert loaded.errors == ()
    assert loaded.config is not None
    assert loaded.config.service.url == ""
