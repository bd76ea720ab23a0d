"""A start without a last good configuration: what is right is watched, the rest is named."""

import pytest

from tests.config_files import GOOD, codes, read
from watchdog.config.load import load_text

RULE = "{ queue: { source: crm, table: jobs, max_rows: 1 } }"


def test_one_bad_rule_leaves_the_others() -> None:
    good = "".join(f"  r{i}: {RULE}\n" for i in range(499))
    loaded = read(f"{GOOD}{good}  bad: {RULE.replace('max_rows', 'max_row')}\n", partial=True)
    assert loaded.config is not None
    assert len(loaded.config.rules) == 500
    (broken,) = loaded.config.broken
    assert (broken.name, broken.team) == ("bad", "data")
    assert broken.reason == "`max_row` is not a key of `queue`"
    assert broken.place.line == 514


def test_without_partial_one_bad_rule_is_enough() -> None:
    assert read(GOOD + "  bad: {}\n").config is None


def test_rules_of_a_broken_source_are_broken() -> None:
    loaded = read(GOOD.replace('"${CRM_DSN}"', "mysql://db"), partial=True)
    assert loaded.config is not None
    assert loaded.config.rules == {}
    assert [one.reason for one in loaded.config.broken] == ["its source `crm` is wrong"]
    assert list(loaded.config.sources) == ["desk"]


def test_a_rule_whose_queries_ask_a_broken_source_is_broken() -> None:
    rule = "{ http: { source: desk, url: / }, ask: crm, verify: { runs: select 1 } }"
    text = GOOD.replace('"${CRM_DSN}"', "mysql://db")
    loaded = read(f"{text}  asks: {rule}\n", partial=True)
    assert loaded.config is not None
    assert [one.reason for one in loaded.config.broken] == ["its source `crm` is wrong"] * 2
    text = GOOD.replace("teams:\n", "teams:\n  other: { lead: nobody }\n")
    text = text.replace("crm: {", "crm: { team: other,")
    loaded = read(f"{text}  asks: {rule}\n", partial=True)
    assert loaded.config is not None
    assert "asks" in [one.name for one in loaded.config.broken]


def test_a_team_lives_on_without_its_broken_people() -> None:
    loaded = read(GOOD.replace("Europe/Berlin", "Berlin"), partial=True)
    assert codes(loaded) == ["bad-zone"]
    assert loaded.config is not None
    assert loaded.config.directory.teams["data"].lead == "ana"
    assert list(loaded.config.rules) == ["orders-stale"]


def test_the_next_on_call_leads_when_the_lead_cannot() -> None:
    text = GOOD.replace("lead: ana", "lead: nobody")
    loaded = read(text, partial=True)
    assert codes(loaded) == ["unknown-person"]
    assert loaded.config is not None
    assert loaded.config.directory.teams["data"].lead == "ana"


def test_rules_of_a_team_without_anybody_are_broken() -> None:
    text = GOOD.replace("lead: ana, oncall: { handover: mon 10:00, order: [ana, raj] }", "lead: no")
    loaded = read(text, partial=True)
    assert loaded.config is not None
    assert [one.reason for one in loaded.config.broken] == ["its team is wrong"]
    assert loaded.config.sources == {}


def test_a_rule_does_not_wait_for_a_broken_one() -> None:
    loaded = read(f"{GOOD}  a: {{}}\n  b: {RULE[:-1]}, depends_on: [a, crm] }}\n", partial=True)
    assert loaded.config is not None
    assert loaded.config.rules["b"].depends_on == ("crm",)


def test_rules_in_a_circle_are_broken() -> None:
    a = RULE.replace("{ queue", "{ depends_on: b, queue")
    b = RULE.replace("{ queue", "{ depends_on: a, queue")
    loaded = read(f"{GOOD}  a: {a}\n  b: {b}\n", partial=True)
    assert loaded.config is not None
    assert [one.name for one in loaded.config.broken] == ["a", "b"]


@pytest.mark.parametrize("text", ["{", "", "- a", "\t"])
def test_without_a_readable_root_there_is_nothing(text: str) -> None:
    loaded = read(text, partial=True)
    assert loaded.config is None
    assert loaded.errors


def test_a_broken_include_leaves_the_rest() -> None:
    loaded = read(GOOD + "include: more.yaml\n", partial=True, more="rules: {")
    assert loaded.config is not None
    assert list(loaded.config.rules) == ["orders-stale"]


@pytest.mark.parametrize(
    "service", ['{ store: "${NOT_SET}" }', "{ store: file:/none/here }", "{ stoer: x }"]
)
def test_a_store_that_cannot_be_read_is_not_taken_for_the_embedded_one(service: str) -> None:
    text = f"version: 1\nservice: {service}\n"
    config = load_text({"rules.yaml": text}, "rules.yaml", {}, partial=True).config
    assert config is not None
    assert not config.service.store_is_known
