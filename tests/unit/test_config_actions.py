"""`actions:` of a rule: what a team writes, and what comes of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.base import Dialect
from tests.config_files import GOOD, codes, config_of, read
from tests.postgres import NIGHT
from watchdog.config.load import load_text
from watchdog.config.model import Config
from watchdog.config.recovery import Action, HttpCall, SqlChange
from watchdog.config.report import as_text
from watchdog.domain.acting import Guard, Terms

CANARY = "c4n4ry"
SHOP = (("shop", "a b/../c?"),)
WRITER = "  crm_writer: { postgres: postgres://writer@db/crm, timeout: 3s, writes: true }\n"
WITH_WRITER = GOOD.replace("  desk:", f"{WRITER}  desk:")
LANGUAGE = """
    actions:
      resync:
        label: Start a manual sync
        http:
          post: "https://sync.example.com/trigger"
          json: { shop: "{{ entity.shop }}" }
          ok: [200, 202]
          busy: [409]
        requires: hypothesis
        again_requires: new_mitigation
        at_most: 2 per incident
      unstick:
        label: Set the state back to idle
        sql:
          source: crm_writer
          statement: >
            update orders set sync_status = 'idle'
            where shop = {{ entity.shop }} and sync_status = 'running'
          max_rows: 1
        guard: still_open
"""


def with_actions(actions: str) -> str:
    return WITH_WRITER.rstrip() + actions


def actions_of(actions: str) -> dict[str, Action]:
    return dict(config_of(with_actions(actions)).rules["orders-stale"].actions)


def terms_of(action: Action) -> Terms:
    """Return the terms of an action, without what tells it from another."""
    assert len(action.terms.what) == 16
    return replace(action.terms, what="")


def one_of(action: str) -> Action:
    return actions_of(f"\n    actions: {{ mend: {{ label: Mend, {action} }} }}\n")["mend"]


def test_the_actions_of_the_language_are_read_as_they_say() -> None:
    found = actions_of(LANGUAGE)
    assert terms_of(found["resync"]) == Terms("resync", "Start a manual sync", at_most=2)
    assert found["resync"].does == HttpCall(
        "",
        "POST",
        "https://sync.example.com/trigger",
        body={"shop": "{{ entity.shop }}"},
        ok=(200, 202),
        busy=(409,),
    )
    assert terms_of(found["unstick"]) == Terms("unstick", "Set the state back to idle")
    does = found["unstick"].does
    assert isinstance(does, SqlChange)
    assert (does.source, does.max_rows, does.dialect) == ("crm_writer", 1, Dialect())
    assert found["unstick"].place.line > found["resync"].place.line > 10


def test_nothing_said_is_the_careful_thing() -> None:
    action = one_of("http: { source: desk, post: /mend }")
    terms = action.terms
    assert (terms.needs_hypothesis, terms.again_needs_mitigation) == (True, True)
    assert (terms.at_most, terms.is_daily, terms.two_people) == (3, False, False)
    assert terms.guard is Guard.STILL_OPEN
    does = action.does
    assert isinstance(does, HttpCall)
    assert (does.ok, does.busy, does.within) == ((200, 201, 202, 204), (), timedelta(seconds=10))


def test_each_term_may_be_another() -> None:
    action = one_of(
        "http: { source: desk, put: /mend, busy: 423, timeout: 1m }, requires: nothing, "
        "again_requires: nothing, at_most: 5 per day, guard: still_bad, two_people: true"
    )
    assert terms_of(action) == Terms("mend", "Mend", False, False, 5, True, Guard.STILL_BAD, True)


@pytest.mark.parametrize(
    "written", ["0 per day", "101 per day", "2", "2 per week", "-1 per day", "2per day"]
)
def test_a_number_of_runs_has_one_spelling(written: str) -> None:
    mend = f"label: M, at_most: {written}, http: {{ source: desk, post: /m }}"
    action = f"\n    actions: {{ mend: {{ {mend} }} }}\n"
    assert codes(read(with_actions(action))) == ["bad-at-most"]


def test_a_request_says_its_entity_where_its_place_needs_it() -> None:
    does = one_of(
        'http: { source: desk, put: "/shops/{{ entity.shop }}?s={{ entity.shop }}", '
        'json: { "a {{ entity.shop }}": ["{{ entity.shop }}", 7] }, headers: { X-Team: data } }'
    ).does
    assert isinstance(does, HttpCall)
    assert does.columns == {"shop"}
    question = does.question(SHOP, "key-1")
    assert (question.method, question.url) == (
        "PUT",
        "/shops/a%20b%2F..%2Fc%3F?s=a%20b%2F..%2Fc%3F",
    )
    assert question.body == '{"a a b/../c?": ["a b/../c?", 7]}'
    assert dict(question.headers) == {
        "X-Team": "data",
        "Content-Type": "application/json",
        "Idempotency-Key": "key-1",
    }


@pytest.mark.parametrize(
    "other",
    [
        "http: { source: desk, put: /m, json: [1] }",
        "http: { source: desk, post: /n, json: [1] }",
        "http: { source: desk, post: /m, json: [2] }",
        "http: { post: https://desk.example.com/m, json: [1] }",
        "sql: { source: crm_writer, statement: delete from m where n }",
    ],
)
def test_what_does_something_else_is_told_from_it(other: str) -> None:
    first = one_of("http: { source: desk, post: /m, json: [1], timeout: 5s }").terms.what
    same = one_of("http: { source: desk, post: /m, json: [1] }, at_most: 9 per day").terms.what
    assert (first == same, first == one_of(other).terms.what) == (True, False)


def test_a_team_may_say_what_it_sends() -> None:
    does = one_of(
        "http: { source: desk, post: /m, json: [1], headers: { content-type: application/x+json } }"
    ).does
    assert isinstance(does, HttpCall)
    assert does.question((), "key").headers == (
        ("content-type", "application/x+json"),
        ("Idempotency-Key", "key"),
    )


def test_a_change_says_its_entity_in_parameters_alone() -> None:
    does = actions_of(LANGUAGE)["unstick"].does
    assert isinstance(does, SqlChange)
    question = does.question(SHOP, NIGHT, NIGHT)
    assert "a b" not in question.text
    assert question.params == ("a b/../c?",)


def test_what_comes_from_outside_is_put_in_place_and_never_shown() -> None:
    text = with_actions(
        """
    actions:
      mend:
        label: Mend
        http: { post: "${SYNC_URL}/trigger", headers: { Authorization: "Bearer ${TOKEN}" } }
"""
    )
    env = {
        "CRM_DSN": "postgres://db/x",
        "SYNC_URL": f"https://{CANARY}.example.com",
        "TOKEN": CANARY,
    }
    loaded = load_text({"rules.yaml": text}, "rules.yaml", env)
    assert loaded.config is not None, as_text(loaded, "rules.yaml")
    action = loaded.config.rules["orders-stale"].actions["mend"]
    assert CANARY not in repr(action)
    assert isinstance(action.does, HttpCall)
    question = action.does.question((), "key")
    assert question.url == f"https://{CANARY}.example.com/trigger"
    assert dict(question.headers)["Authorization"] == f"Bearer {CANARY}"
    wrong = load_text({"rules.yaml": text}, "rules.yaml", env | {"SYNC_URL": f"ftp://{CANARY}"})
    assert codes(wrong) == ["bad-url"]
    assert CANARY not in as_text(wrong, "rules.yaml")


def test_a_variable_that_is_missing_is_told_once() -> None:
    text = with_actions('\n    actions: { m: { label: M, http: { post: "${SYNC_URL}/x" } } }\n')
    assert codes(read(text)) == ["missing-variable"]


def test_what_actions_change_is_asked_by_nobody() -> None:
    config: Config = config_of(with_actions(LANGUAGE))
    assert config.sources["crm_writer"].writes
    assert "crm_writer" not in config.asked
    assert "crm" in config.asked


@pytest.mark.parametrize(
    "rule",
    [
        "queue: { source: crm_writer, table: jobs, max_rows: 1 }",
        "sql: { source: crm_writer, query: select 1, max: 0 }",
    ],
)
def test_no_rule_reads_what_actions_change(rule: str) -> None:
    loaded = read(f"{WITH_WRITER}  reads: {{ {rule} }}\n")
    assert codes(loaded) == ["writer-source"]


def test_no_report_reads_what_actions_change() -> None:
    report = (
        'reports: { morning: { title: Jobs, at: "08:00", team: data, '
        "parts: { jobs: { source: crm_writer, figures: select 1 } } } }\n"
    )
    mail = WITH_WRITER.replace("lead: ana,", "lead: ana, email: d@example.com,")
    assert codes(read(mail + report)) == ["writer-source"]


def test_actions_change_nothing_of_what_a_rule_watches() -> None:
    without, with_some = config_of(WITH_WRITER), config_of(with_actions(LANGUAGE))
    one, two = (config.rules["orders-stale"] for config in (without, with_some))
    assert one.identity == two.identity
    assert (dict(one.actions), set(two.actions)) == ({}, {"resync", "unstick"})


def test_more_than_ten_actions_are_too_many() -> None:
    many = "".join(
        f"\n      a{n}: {{ label: A, http: {{ source: desk, post: /a }} }}" for n in range(11)
    )
    assert codes(read(with_actions(f"\n    actions:{many}\n"))) == ["too-large"]


PACK = """\
title: Orders
about: Watches orders.
parameters:
  source: { type: source, about: The database. }
  writer: { type: source, optional: true, about: The same to be changed. }
  api: { type: source, optional: true, about: The API. }
  path: { type: text, default: /sync, about: Where it syncs. }
  most: { type: count, default: 3, about: How many. }
rules:
  waiting:
    queue: { source: "{{ pack.source }}", table: jobs, max_rows: 1, entity: [shop] }
    actions:
      drop:
        x-needs: [writer]
        label: Drop them
        sql:
          source: "{{ pack.writer }}"
          statement: delete from jobs where n > {{ pack.most }}
          max_rows: "{{ pack.most }}"
      sync:
        x-needs: [api]
        label: Sync
        http: { source: "{{ pack.api }}", post: "{{ pack.path }}" }
"""


def used(packs: str, pack: str = PACK) -> dict[str, Action]:
    files = {
        "rules.yaml": f"{WITH_WRITER}packs:\n  orders: {{ {packs} }}\n",
        "<packs>/orders.yaml": pack,
    }
    loaded = load_text(files, "rules.yaml", {"CRM_DSN": "postgres://db/x"})
    assert loaded.config is not None, as_text(loaded, "rules.yaml")
    return dict(loaded.config.rules["orders-waiting"].actions)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("source: crm", []),
        ("source: crm, api: desk", ["sync"]),
        ("source: crm, writer: crm_writer", ["drop"]),
        ("source: crm, writer: crm_writer, api: desk", ["drop", "sync"]),
    ],
)
def test_a_pack_brings_the_actions_for_which_a_team_gives_the_means(
    given: str, names: list[str]
) -> None:
    assert list(used(given)) == names


def test_limits_of_a_team_stand_in_a_packs_statement_as_numbers() -> None:
    does = used("source: crm, writer: crm_writer, most: 7")["drop"].does
    assert isinstance(does, SqlChange)
    assert (does.statement, does.max_rows) == ("delete from jobs where n > 7", 7)


def test_a_text_of_a_team_never_stands_in_a_packs_statement() -> None:
    pack = PACK.replace("n > {{ pack.most }}", "name = '{{ pack.path }}'")
    files = {
        "rules.yaml": f"{WITH_WRITER}packs:\n  orders: {{ source: crm, writer: crm_writer }}\n",
        "<packs>/orders.yaml": pack,
    }
    loaded = load_text(files, "rules.yaml", {"CRM_DSN": "postgres://db/x"})
    assert codes(loaded) == ["bad-sql"]
    assert "`pack.path` may hold anything" in as_text(loaded, "rules.yaml")
