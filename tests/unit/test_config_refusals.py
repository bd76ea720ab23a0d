"""Refusals of single settings: code, place and words of each."""

import pytest

from tests.config_files import GOOD, codes, read, rule_of
from watchdog.config.problems import Problem

QUEUE = "queue: { source: crm, table: t, max_rows: 1 }"


def only(text: str) -> Problem:
    (problem,) = read(text).problems
    return problem


def marked(problem: Problem, text: str) -> str:
    """Return what the mark stands under."""
    line = text.split("\n")[problem.place.line - 1]
    return line[problem.place.column - 1 : problem.end_column - 1]


@pytest.mark.parametrize(
    ("text", "code", "under", "label"),
    [
        ("service: 7", "wrong-type", "7", ""),
        ("service: { listen: here }", "bad-listen", "here", "write it like `127.0.0.1:8711`"),
        ("service: { stor: x }", "unknown-key", "stor", "did you mean `store`?"),
        ("service: { url: }", "empty-value", "url", "write a value"),
        (
            "service: { url: # x }\n  }",
            "empty-value",
            "url",
            "`#` starts a comment; write `x` without the hash",
        ),
        ("channels: [a]", "wrong-type", "[", ""),
        ("channels: { slck: {} }", "unknown-key", "slck", "did you mean `slack`?"),
        (
            "channels: { slack: { api: x } }",
            "bad-url",
            "x",
            "write an address that begins with `https://`",
        ),
        ("channels: { email: { from: x } }", "bad-email", "x", "write it like `ana@example.com`"),
        (
            "people: { ana: { role: boss } }",
            "bad-value",
            "boss",
            "write one of: viewer, responder, admin",
        ),
        ("people: { ana: { email: 7 } }", "bad-email", "7", "write it like `ana@example.com`"),
        ("people: { ana: x }", "wrong-type", "x", ""),
        (
            "people: { a b: {} }",
            "bad-name",
            "a b",
            "a name is made of letters, digits, `-`, `_` and `.`",
        ),
        (
            "people: { -a: {} }",
            "bad-name",
            "-a",
            "a name is made of letters, digits, `-`, `_` and `.`",
        ),
        (
            "people: { é: {} }",
            "bad-name",
            "é",
            "a name is made of letters, digits, `-`, `_` and `.`",
        ),
        ("people: [ana]", "wrong-type", "[", ""),
        ("teams: { t: { lead: ana } }", "unknown-person", "ana", ""),
        ("teams: { t: {} }", "missing-key", "t", ""),
        ("defaults: { every: 0s }", "bad-duration", "0s", "write `30m`"),
        ("defaults: { team: t }", "unknown-team", "t", ""),
        ("defaults: { labels: { a: } }", "empty-value", "a", "write a value"),
        ("routes: { send: slack }", "wrong-type", "routes", "begin each with `- `"),
        (
            "routes: [{ send: fax }]",
            "bad-value",
            "fax",
            "write one of: slack, email, webhook, apprise, weekly",
        ),
        ("routes: [{ sent: slack }]", "unknown-key", "sent", "did you mean `send`?"),
        ("routes: [{ when: { team: t }, send: slack }]", "unknown-team", "t", ""),
        (
            "routes: [{ send: slack, hold_until: noon }]",
            "bad-value",
            "noon",
            "write one of: working_hours",
        ),
        ("serivce: {}", "unknown-key", "serivce", "did you mean `service`?"),
        ("x: &a 1", "anchor", "&a", "use `defaults:` or `templates:` for what repeats"),
        ("x-a: !!str b", "tag", "!!str b", ""),
        ("x-a: { <<: b }", "merge-key", "<<", "use `defaults:` or `templates:` for what repeats"),
        ("x-a: { [a]: b }", "bad-key", "[", "a value that starts with `{{` needs quotes around it"),
        ("x-a: { a: 1, a: 2 }", "duplicate-key", "a", "remove one of them"),
    ],
)
def test_a_wrong_setting_is_marked_and_told(text: str, code: str, under: str, label: str) -> None:
    text = f"version: 1\n{text}\n"
    problem = next(one for one in read(text).problems if one.code == code)
    assert (marked(problem, text), problem.label) == (under, label)


@pytest.mark.parametrize(
    ("source", "code", "under", "message"),
    [
        ("{}", "missing-key", "s", "a source says where it is"),
        (
            "{ sqlite: a, http: https://h }",
            "two-types",
            "http",
            "a source is one thing: `sqlite` or `http`",
        ),
        (
            "{ postgres: mysql://h }",
            "bad-url",
            "mysql://h",
            "this is no address of a `postgres` source",
        ),
        ("{ http: h }", "bad-url", "h", "this is no address of a `http` source"),
        ("{ postgres: '' }", "empty-value", "''", "`postgres` is empty"),
        (
            "{ http: https://h, zone: UTC }",
            "unknown-key",
            "zone",
            "`zone` is not a key of a `http` source",
        ),
        (
            "{ http: https://h, time: iso }",
            "unknown-key",
            "time",
            "`time` is not a key of a `http` source",
        ),
        (
            "{ sqlite: a, direct: true }",
            "unknown-key",
            "direct",
            "`direct` is not a key of a `sqlite` source",
        ),
        (
            "{ sqlite: a, headers: { a: b } }",
            "unknown-key",
            "headers",
            "`headers` is not a key of a `sqlite` source",
        ),
        (
            "{ postgres: postgres://h, body_max: 1kB }",
            "unknown-key",
            "body_max",
            "`body_max` is not a key of a `postgres` source",
        ),
        ("{ sqlite: a, connections: 0 }", "bad-value", "0", "`connections` must be at least 1"),
        (
            "{ sqlite: a, connections: 101 }",
            "bad-value",
            "101",
            "`connections` must be at most 100",
        ),
        (
            "{ sqlite: a, connections: many }",
            "wrong-type",
            "many",
            "`connections` must be a whole number, not `many`",
        ),
        ("{ sqlite: a, timeout: 5 }", "bad-duration", "5", "`5` is not a duration"),
        (
            "{ postgres: postgres://h, direct: maybe }",
            "wrong-type",
            "maybe",
            "`direct` must be `true` or `false`, not `maybe`",
        ),
        ("{ sqlite: a, team: gone }", "unknown-team", "gone", "no team is called `gone`"),
        ("{ sqlite: [a] }", "wrong-type", "sqlite", "`sqlite` must be text, not a list"),
    ],
)
def test_a_wrong_source_is_refused(source: str, code: str, under: str, message: str) -> None:
    text = GOOD.replace("  desk:", f"  s: {source}\n  desk:")
    problem = only(text)
    assert (problem.code, marked(problem, text), problem.message) == (code, under, message)


@pytest.mark.parametrize(
    ("body", "code", "under"),
    [
        ("{}", "missing-kind", "r"),
        (
            f"{{ {QUEUE}, stale: {{ source: crm, table: t, column: c, max_age: 1m }} }}",
            "two-kinds",
            "stale",
        ),
        ("{ quee: { source: crm } }", "unknown-key", "quee"),
        (f"{{ {QUEUE}, team: ops }}", "unknown-team", "ops"),
        (f"{{ {QUEUE}, evry: 1m }}", "unknown-key", "evry"),
        (f"{{ {QUEUE}, every: 10ms }}", "bad-duration", "10ms"),
        (f"{{ {QUEUE}, runbook: wiki }}", "bad-url", "wiki"),
        (f"{{ {QUEUE}, title: '' }}", "empty-value", "''"),
        (f"{{ {QUEUE}, title: 'a {{{{ entity.b }}}}' }}", "unknown-column", "entity.b"),
        (f"{{ {QUEUE}, title: 'a {{{{ b }}}}' }}", "bad-title", "{{"),
        (f"{{ {QUEUE}, depends_on: gone }}", "unknown-rule", "gone"),
        (f"{{ {QUEUE}, classify: {{ a: {{ patterns: ['('] }} }} }}", "bad-pattern", "'('"),
        (f"{{ {QUEUE}, classify: {{ a: {{ in_a_row: 0 }} }} }}", "bad-value", "0"),
        (f"{{ {QUEUE}, unless: {{ at_most: 1h }} }}", "one-of", "unless"),
        (f"{{ {QUEUE}, unless: {{ exists: select 1, or_within: 1h }} }}", "needs", "unless"),
        ("{ queue: { source: gone, table: t, max_rows: 1 } }", "unknown-source", "gone"),
        ("{ queue: { source: desk, table: t, max_rows: 1 } }", "wrong-source-type", "desk"),
        ("{ http: { source: crm, url: / } }", "wrong-source-type", "crm"),
        ("{ queue: { source: crm, table: t } }", "one-of", "queue"),
        ("7", "wrong-type", "r"),
    ],
)
def test_a_wrong_rule_is_refused(body: str, code: str, under: str) -> None:
    text = f"{GOOD}  r: {body}\n"
    problem = only(text)
    assert (problem.code, marked(problem, text)) == (code, under)


SAYS = {
    "title": "T",
    "impact": "I",
    "do_first": "D",
    "runbook": "https://wiki.example.com",
}


@pytest.mark.parametrize("missing", SAYS)
def test_a_critical_rule_says_what_the_woken_need(missing: str) -> None:
    says = "".join(f", {key}: {value}" for key, value in SAYS.items() if key != missing)
    problem = only(f"{GOOD}  r: {{ {QUEUE}, severity: critical{says} }}\n")
    assert problem.code == f"critical-without-{missing.replace('_', '-')}"
    assert problem.message == f"a rule that can be critical needs `{missing}`"


@pytest.mark.parametrize(
    "how",
    [
        f"{QUEUE}, severity: critical",
        "queue: { source: crm, table: t, max_rows: { warning: 1, critical: 2 } }",
        f"{QUEUE}, classify: {{ transient: {{ severity: critical }} }}",
    ],
)
def test_whatever_makes_a_rule_critical_asks_for_the_same(how: str) -> None:
    loaded = read(f"{GOOD}  r: {{ {how} }}\n")
    assert [code.startswith("critical-without-") for code in codes(loaded)] == [True] * 4


def test_a_severity_beside_thresholds_of_their_own_is_refused() -> None:
    kind = "queue: { source: crm, table: t, max_rows: { warning: 1 } }"
    problem = only(f"{GOOD}  r: {{ {kind}, severity: info }}\n")
    assert (problem.code, problem.label) == ("severity-twice", "remove this line")


def test_a_default_severity_beside_thresholds_is_fine() -> None:
    text = GOOD.replace("{ team: data }\n", "{ team: data, severity: critical }\n", 1)
    kind = "queue: { source: crm, table: t, max_rows: { warning: 1 } }"
    loaded = read(f"{text}  r: {{ {kind} }}\n")
    assert {one.place.line for one in loaded.problems} == {12}


@pytest.mark.parametrize(
    "kind",
    [
        "http: { source: desk, url: /, slow: { warning: 1s } }",
        "heartbeat: { key: nightly-backup, expect: { every: 1d }, grace: { warning: 1h } }",
    ],
)
def test_a_default_severity_holds_for_what_is_beyond_no_threshold(kind: str) -> None:
    text = GOOD.replace("{ team: data }\n", "{ team: data, severity: critical }\n", 1)
    found = [one.code for one in read(f"{text}  r: {{ {kind} }}\n").problems]
    assert found.count("critical-without-impact") == 2  # that of the other rule, and this one's
    assert codes(read(f"{GOOD}  r: {{ {kind}, severity: info }}\n")) == []


def test_free_keys_may_stand_in_a_rule() -> None:
    assert rule_of(f"{QUEUE}\nx-note: [a, {{ b: }}]").kind_name == "queue"
