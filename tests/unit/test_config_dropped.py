"""What a start without a last good configuration keeps, and what is dropped with what."""

import pytest

from tests.config_files import GOOD, codes, read
from watchdog.config.load import Loaded
from watchdog.config.model import Config

QUEUE = "{ queue: { source: crm, table: jobs, max_rows: 1 } }"
LISTED = (
    "  up: { http: { source: desk, url: '/{{ entity.shop }}', entity: [shop], "
    "for_each: { source: lists, query: select shop from s } }EVIDENCE }\n"
)
EVIDENCE = ", evidence: { a: select 1 }, unless: { exists: select 1 }"


def kept(loaded: Loaded) -> Config:
    assert loaded.errors
    assert loaded.config is not None
    return loaded.config


def reasons(config: Config) -> dict[str, str]:
    return {one.name: one.reason for one in config.broken}


def with_source(line: str, rule: str = "") -> str:
    return GOOD.replace("rules:\n", f"  {line}\nrules:\n", 1) + rule


def test_a_rule_is_broken_when_its_list_comes_from_a_broken_source() -> None:
    text = with_source("lists: { sqlite: a.db, time: unix }", LISTED.replace("EVIDENCE", ""))
    config = kept(read(text, partial=True))
    assert list(config.rules) == ["orders-stale"]
    assert reasons(config) == {"up": "its source `lists` is wrong"}


def test_a_rule_is_broken_when_what_it_is_compared_with_is_a_broken_source() -> None:
    same = "same_as: { body.v: { source: lists, query: select 1 } }"
    rule = f"  up: {{ http: {{ source: desk, url: /v, {same} }} }}\n"
    config = kept(read(with_source("lists: { sqlite: a.db, time: unix }", rule), partial=True))
    assert reasons(config) == {"up": "its source `lists` is wrong"}


def test_queries_beside_an_endpoint_ask_the_database_it_is_compared_with() -> None:
    same = "same_as: { body.v: { source: crm, query: select 1 } }"
    rule = f"  up: {{ http: {{ source: desk, url: /v, {same} }}{EVIDENCE} }}\n"
    config = read(with_source("", rule)).config
    assert config is not None
    assert {one.source for one in config.rules["up"].evidence.values()} == {"crm"}


def test_a_rule_is_broken_when_the_team_of_its_source_is() -> None:
    text = GOOD.replace("defaults:", "  ops: { lead: gone }\ndefaults:")
    config = kept(read(text.replace('DSN}"', 'DSN}", team: ops'), partial=True))
    assert config.rules == {}
    assert list(config.sources) == ["desk"]
    assert reasons(config) == {"orders-stale": "its source `crm` is wrong"}


@pytest.mark.parametrize(
    "source", ["lists: { sqlite: a.db, time: unix }", "other: { sqlite: a.db }"]
)
def test_a_wrong_list_of_entities_is_not_blamed_on_the_queries(source: str) -> None:
    loaded = read(with_source(source, LISTED.replace("EVIDENCE", EVIDENCE)))
    assert len(loaded.problems) == 1
    assert codes(loaded)[0] in {"bad-value", "unknown-source"}


def test_every_source_of_a_kept_rule_is_kept_too() -> None:
    text = with_source("lists: { sqlite: a.db }", LISTED.replace("EVIDENCE", "") + "  bad: {}\n")
    config = kept(read(text, partial=True))
    assert list(config.rules) == ["orders-stale", "up"]
    assert set(config.sources) == {"crm", "desk", "lists"}


@pytest.mark.parametrize(
    ("before", "after", "code", "rules", "sources"),
    [
        ("version: 1", "version: 2", "bad-version", 1, 2),
        ("version: 1\n", "", "missing-key", 1, 2),
        ("version: 1", "version: 1\nserice: {}", "unknown-key", 1, 2),
        ("version: 1", "version: 1\nservice: { url: x }", "bad-url", 1, 2),
        ("version: 1", "version: 1\nservice: 7", "wrong-type", 1, 2),
        ("version: 1", "version: 1\nchannels: { fax: {} }", "unknown-key", 1, 2),
        ("version: 1", "version: 1\nroutes: { a: b }", "wrong-type", 1, 2),
        ("version: 1", "version: 1\nroutes: [{ send: fax }]", "bad-value", 1, 2),
        ("version: 1", "version: 1\ninclude: nowhere.yaml", "missing-file", 1, 2),
        ("version: 1", "version: 1\ninclude: rules.yaml", "include-cycle", 1, 2),
        ("version: 1", "version: 1\ntemplates: { t: {} }", "missing-key", 1, 2),
        ("team: data }", "team: data, every: 0s }", "bad-duration", 1, 2),
        ("team: data }", "team: dta }", "unknown-team", 0, 0),
        ("ana@example.com", "ana", "bad-email", 1, 2),
        ("slack: U02RAJ", "slack: raj", "bad-slack", 1, 2),
        ("mon 10:00", "10:00", "bad-time", 1, 2),
        ("order: [ana, raj]", "order: [ana, rja]", "unknown-person", 1, 2),
        ("order: [ana, raj]", "order: []", "bad-value", 1, 2),
        ("lead: ana, ", "", "missing-key", 0, 0),
        ("https://desk", "desk", "bad-url", 1, 1),
        ("max_age: 30m", "max_age: 30", "bad-duration", 0, 2),
        ("source: crm", "source: desk", "wrong-source-type", 0, 2),
        ("{{ entity.shop }}", "{{ entity.shp }}", "unknown-column", 0, 2),
    ],
)
def test_a_mistake_takes_along_only_what_cannot_do_without(
    before: str, after: str, code: str, rules: int, sources: int
) -> None:
    loaded = read(GOOD.replace(before, after, 1), partial=True)
    assert set(codes(loaded)) >= {code}
    config = kept(loaded)
    assert (len(config.rules), len(config.sources)) == (rules, sources)
    assert len(config.broken) == 1 - rules


def test_a_wrong_person_is_missing_from_the_turns_alone() -> None:
    config = kept(read(GOOD.replace("order: [ana, raj]", "order: [rja, raj]"), partial=True))
    [oncall] = config.directory.teams["data"].oncall
    assert oncall.order == ("raj",)


def test_a_wrong_setting_of_a_person_leaves_the_others() -> None:
    text = GOOD.replace("timezone: Europe/Berlin", "slack: U01ANA, timezone: Berlin")
    person = kept(read(text, partial=True)).directory.people["ana"]
    assert (person.email, person.slack, str(person.zone)) == ("ana@example.com", "U01ANA", "UTC")


def test_a_wrong_route_is_left_out_and_the_others_stay_in_order() -> None:
    routes = "routes: [{ send: email }, { send: fax }, { when: { team: data }, send: slack }]\n"
    config = kept(read(GOOD + routes, partial=True))
    assert [route.send for route in config.directory.routes] == [("email",), ("slack",)]


def test_wrong_channels_leave_the_built_in_outbox() -> None:
    config = kept(read(GOOD + "channels: { slack: { token: [a] } }\n", partial=True))
    assert config.slack.token.get_secret_value() == ""


def test_a_broken_rule_is_named_with_its_own_team() -> None:
    teams = GOOD.replace("defaults:", "  ops: { lead: raj }\ndefaults:")
    config = kept(read(f"{teams}  bad: {{ team: ops, every: soon }}\n", partial=True))
    (broken,) = config.broken
    assert (broken.name, broken.team) == ("bad", "ops")


def test_a_broken_rule_without_any_team_is_nobodys() -> None:
    config = kept(read(f"version: 1\nrules: {{ bad: {QUEUE} }}\n", partial=True))
    assert [(one.name, one.team) for one in config.broken] == [("bad", "")]


def test_a_broken_rule_gives_its_first_reason_and_place() -> None:
    config = kept(read(f"{GOOD}  bad:\n    every: soon\n", partial=True))
    (broken,) = config.broken
    assert broken.reason == "the rule watches nothing"
    assert (broken.place.file, broken.place.line) == ("rules.yaml", 15)


def test_one_wrong_rule_of_a_template_leaves_the_others() -> None:
    text = GOOD + (
        'templates: { t: { name: "{{ each.x }}", for_each: [{ x: a, n: 1 }, { x: b, n: -1 }], '
        'queue: { source: crm, table: t, max_rows: "{{ each.n }}" } } }\n'
    )
    config = kept(read(text, partial=True))
    assert list(config.rules) == ["orders-stale", "a"]
    assert list(reasons(config)) == ["b"]


def test_the_rules_of_a_broken_file_are_not_known_and_the_others_go_on() -> None:
    text = GOOD + f"  waits: {QUEUE[:-1]}, depends_on: [elsewhere, crm] }}\ninclude: more.yaml\n"
    loaded = read(text, partial=True, more="rules: { elsewhere: {")
    assert codes(loaded) == ["syntax"]
    assert kept(loaded).rules["waits"].depends_on == ("crm",)


def test_a_right_configuration_is_the_same_with_and_without_partial() -> None:
    whole, part = read(GOOD).config, read(GOOD, partial=True).config
    assert whole is not None
    assert part is not None
    assert part.digest == whole.digest
    assert part.broken == whole.broken == ()
    assert list(part.rules) == list(whole.rules)
