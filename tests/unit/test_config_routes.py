"""What only shows between sections: routes nothing can take, rules that wait for each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config_files import GOOD, codes, config_of, read
from watchdog.config.crosschecks import circles

TAKEN = "an earlier route takes everything that this one matches"
TEAMS = GOOD.replace("defaults:", "  ops: { lead: raj }\ndefaults:")


def never(*routes: str, more: str | None = None) -> list[tuple[int, str]]:
    """Return lines after `routes:`, and words, of the warnings about routes."""
    text = TEAMS + ("include: more.yaml\n" if more else "") + "routes:\n"
    first = text.count("\n")
    loaded = read(text + "".join(f"  - {route}\n" for route in routes), more=more)
    found = [one for one in loaded.problems if one.code == "route-never-matches"]
    assert not any(one.is_error for one in found)
    return [(one.place.line - first, one.message) for one in found]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{ send: slack }", "{ send: email }"),
        ("{ send: slack }", "{ when: { team: ops }, send: email }"),
        ("{ when: {}, send: slack }", "{ when: { severity: info }, send: email }"),
        ("{ when: { severity: info }, send: slack }", "{ when: { severity: info }, send: email }"),
        (
            "{ when: { severity: [info, warning] }, send: slack }",
            "{ when: { severity: info, team: ops }, send: email }",
        ),
        (
            "{ when: { severity: [info, warning, critical] }, send: slack }",
            "{ send: email }",
        ),
        ("{ when: { team: [ops, data] }, send: slack }", "{ when: { team: ops }, send: email }"),
        ("{ when: { rule: orders-* }, send: slack }", "{ when: { rule: orders-* }, send: email }"),
    ],
)
def test_a_route_behind_a_wider_one_is_never_taken(first: str, second: str) -> None:
    assert never(first, second) == [(2, TAKEN)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{ when: { severity: info }, send: slack }", "{ send: email }"),
        ("{ when: { severity: info }, send: slack }", "{ when: { team: ops }, send: email }"),
        ("{ when: { team: ops }, send: slack }", "{ when: { team: data }, send: email }"),
        ("{ when: { team: ops }, send: slack }", "{ when: { team: [ops, data] }, send: email }"),
        ("{ when: { rule: orders-* }, send: slack }", "{ send: email }"),
        (
            "{ when: { rule: orders-* }, send: slack }",
            "{ when: { rule: [orders-*, '*'] }, send: email }",
        ),
        (
            "{ when: { severity: [info, warning] }, send: slack }",
            "{ when: { severity: [info, critical] }, send: email }",
        ),
    ],
)
def test_a_route_that_something_is_left_for_is_fine(first: str, second: str) -> None:
    assert never(first, second) == []


@pytest.mark.parametrize(
    ("pattern", "is_known"),
    [
        ("orders-stale", True),
        ("orders-*", True),
        ("*", True),
        ("orders-?tale", True),
        ("orders", False),
        ("Orders-stale", False),
        ("ordres-*", False),
    ],
)
def test_a_pattern_that_names_no_rule_is_told(pattern: str, is_known: bool) -> None:
    words = f"no rule is called `{pattern}`, so this route never matches"
    found = never(f"{{ when: {{ rule: '{pattern}' }}, send: slack }}")
    assert found == ([] if is_known else [(1, words)])


def test_one_pattern_that_names_a_rule_is_enough() -> None:
    assert never("{ when: { rule: [gone-*, orders-*] }, send: slack }") == []


def test_a_rule_that_is_broken_is_there_all_the_same() -> None:
    loaded = read(f"{GOOD}  bad: {{}}\nroutes: [{{ when: {{ rule: bad }}, send: slack }}]\n")
    assert codes(loaded) == ["missing-kind"]


def test_no_route_is_called_useless_while_a_file_cannot_be_read() -> None:
    assert never("{ when: { rule: zendesk-* }, send: slack }", more="rules: {") == []


def test_a_route_behind_a_wider_one_is_told_also_while_a_file_cannot_be_read() -> None:
    assert never("{ send: slack }", "{ send: email }", more="rules: {") == [(2, TAKEN)]


def test_one_or_several_severities_teams_and_rules_may_be_named() -> None:
    config = config_of(
        TEAMS + "routes:\n"
        "  - { when: { severity: info, team: ops, rule: orders-* }, send: slack }\n"
        "  - { when: { severity: [info], team: [ops], rule: [orders-*, '*'] }, send: [email] }\n"
    )
    first, second = config.directory.routes
    assert first.severities == second.severities
    assert first.teams == second.teams
    assert (first.rules, second.rules) == (("orders-*",), ("orders-*", "*"))


QUEUE = "queue: { source: crm, table: t, max_rows: 1 }"


def circle_words(**parents: str) -> dict[str, str]:
    rules = "".join(f"  {name}: {{ {QUEUE}, depends_on: {on} }}\n" for name, on in parents.items())
    first = GOOD.count("\n") + 1
    found = [one for one in read(GOOD + rules).problems if one.code == "depends-cycle"]
    names = list(parents)
    return {names[one.place.line - first]: one.message.partition(": ")[2] for one in found}


def test_a_rule_cannot_wait_for_itself() -> None:
    assert circle_words(a="a") == {"a": "a → a"}


def test_two_rules_cannot_wait_for_each_other() -> None:
    assert circle_words(a="b", b="[crm, a]") == {"a": "a → b → a", "b": "a → b → a"}


def test_a_rule_that_only_leads_to_a_circle_is_fine() -> None:
    assert set(circle_words(a="b", b="c", c="b")) == {"b", "c"}


def test_a_diamond_is_no_circle() -> None:
    assert circle_words(a="[b, c]", b="d", c="d", d="crm") == {}


def test_a_rule_may_wait_for_a_source_and_a_rule() -> None:
    config = config_of(f"{GOOD}  a: {{ {QUEUE}, depends_on: [crm, orders-stale, crm] }}\n")
    assert config.rules["a"].depends_on == ("crm", "orders-stale")


@pytest.mark.parametrize(
    ("name", "label"), [("orders-stael", "did you mean `orders-stale`?"), ("zzz", "")]
)
def test_what_a_rule_waits_for_must_be_there(name: str, label: str) -> None:
    (problem,) = read(f"{GOOD}  a: {{ {QUEUE}, depends_on: [crm, {name}] }}\n").problems
    assert (problem.code, problem.label) == ("unknown-rule", label)
    assert problem.message == f"no rule or source is called `{name}`"


@given(st.integers(1, 200))
def test_a_long_chain_without_a_circle_has_none(length: int) -> None:
    chain: dict[str, tuple[str, ...]] = {str(one): (str(one + 1),) for one in range(length)}
    assert list(circles(chain)) == []


@given(st.integers(1, 60), st.integers(0, 20))
def test_a_ring_is_found_once_and_whole(length: int, tail: int) -> None:
    ring: dict[str, tuple[str, ...]] = {
        f"r{one}": (f"r{(one + 1) % length}",) for one in range(length)
    }
    path = {f"t{one}": (f"t{one + 1}" if one + 1 < tail else "r0",) for one in range(tail)}
    (found,) = circles(path | ring)
    assert sorted(found) == sorted(ring)
