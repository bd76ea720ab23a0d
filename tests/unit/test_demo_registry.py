"""The registry of failures: each is well formed, and what it names is there."""

import re
from dataclasses import fields, replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.classify import BUILT_IN
from tests.acceptance.nights import SECONDS_TO_OPEN, SECONDS_TO_RECOVER
from tests.demo_world import just, repository_rules
from watchdog.demo.endpoints import Scene
from watchdog.demo.failure import Act, Expected, Failure, Step, Switches
from watchdog.demo.failures import FAILURES, switches
from watchdog.demo.places import ORGANISATIONS, WORKSPACES, tenant_of
from watchdog.demo.scripts import load

RULES = repository_rules()
EVERY = pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
CALM = Switches()
ids = st.lists(st.sampled_from([*FAILURES]), max_size=8)


def steps_of(failure: Failure) -> tuple[Step, ...]:
    acted = (step for act in failure.acts for step in act.steps)
    return (*failure.breaks, *failure.keeps, *failure.mends, *acted)


@EVERY
def test_an_id_is_a_letter_a_number_and_for_a_twin_a_letter(failure: Failure) -> None:
    way = "[a-z]" if failure.is_twin else "(-[a-z]+)?"
    assert re.fullmatch(rf"[A-Z][1-9]\d?{way}", failure.id)
    assert FAILURES[failure.id] is failure


@EVERY
def test_a_title_is_one_short_line_of_its_own(failure: Failure) -> None:
    assert failure.title[0].isupper()
    assert not failure.title.endswith(".")
    assert len(failure.title) <= 70
    assert sum(one.title == failure.title for one in FAILURES.values()) == 1


@EVERY
def test_a_failure_does_something(failure: Failure) -> None:
    assert failure.sets or failure.breaks or failure.keeps


@EVERY
def test_what_changes_rows_can_be_mended(failure: Failure) -> None:
    if (failure.breaks or failure.keeps) and not failure.mends:
        assert "tickets_frozen" in failure.sets, "only the next run mends by itself"


@EVERY
def test_switches_that_it_turns_exist_and_differ_from_rest(failure: Failure) -> None:
    named = {one.name for one in fields(Switches)}
    for name, value in failure.sets.items():
        assert name in named
        assert value != getattr(CALM, name)
        assert type(value) is type(getattr(CALM, name))


@EVERY
def test_statements_are_given_as_much_as_they_ask_for(failure: Failure) -> None:
    statements = load(f"failures_{failure.part}")
    sign = r"\?" if failure.part == "web_sync" else r"\$"
    for name, *given_values in steps_of(failure):
        asked = {int(one) for one in re.findall(rf"{sign}(\d+)", statements[name])}
        if given_values:
            assert asked | {1} == set(range(1, len(given_values) + 2)), name
        else:
            assert asked <= {1}, name


def test_a_night_is_as_long_as_any_rule_needs() -> None:
    for rule in RULES.values():
        assert rule.policy.open_after * rule.every.total_seconds() <= SECONDS_TO_OPEN, rule.name
        assert rule.policy.recover_after * rule.every.total_seconds() <= SECONDS_TO_RECOVER


def test_workspaces_whose_sync_breaks_are_enabled() -> None:
    workspaces = {one.id for one in WORKSPACES}
    named = {
        str(step[1])
        for failure in FAILURES.values()
        for step in steps_of(failure)
        if failure.id[0] == "S" and len(step) > 1 and str(step[1]) in workspaces
    }
    # One in fifteen is not; see `add_sync_states`.
    assert [one for one in sorted(named) if (tenant_of(one) - 900_000) % 15 == 0] == []


@pytest.mark.parametrize("part", ["crm", "desk", "web_sync"])
def test_no_statement_of_the_failures_is_left_over(part: str) -> None:
    used = {step[0] for one in FAILURES.values() if one.part == part for step in steps_of(one)}
    assert used == set(load(f"failures_{part}"))


@EVERY
def test_what_it_opens_can_be_said_by_its_rule(failure: Failure) -> None:
    for one in failure.opens:
        assert one.rule in RULES
        assert one.severity in {"info", "warning", "critical"}
        assert one.failure_class in {"", *BUILT_IN}
        assert len(dict(one.entity)) == len(one.entity)


@EVERY
def test_what_it_holds_depends_on_what_it_opens(failure: Failure) -> None:
    opened = {one.rule for one in failure.opens}
    for name in failure.holds:
        assert opened & set(RULES[name].depends_on), name


@EVERY
def test_what_comes_later_is_neither_expected_nor_held(failure: Failure) -> None:
    opened = {one.rule for one in failure.opens}  # one rule may be heard of twice
    named = [*opened, *failure.holds, *failure.later]
    assert len(named) == len(set(named))
    assert set(named) <= set(RULES)


@EVERY
def test_who_is_named_lives_in_the_demo(failure: Failure) -> None:
    workspaces = {one.id for one in WORKSPACES}
    for name in (
        "workspaces_left_alone",
        "workspaces_erring",
        "cursors_frozen",
        "customers_refused",
    ):
        assert set(failure.sets.get(name, ())) <= workspaces
    organisations = {one.id for one in ORGANISATIONS}
    assert set(failure.sets.get("organisations_failing", {})) <= organisations
    organisations |= {step[1] for step in failure.breaks if step[0] == "connect_organisation"}
    for one in failure.opens:
        entity = dict(one.entity)
        assert {entity.get("workspace_id", WORKSPACES[0].id)} <= workspaces
        assert {entity.get("organization_id", ORGANISATIONS[0].id)} <= organisations


def test_the_refused_workspace_is_named_with_its_tenant() -> None:
    entity = dict(FAILURES["S5"].opens[0].entity)
    assert entity["tenant_id"] == str(tenant_of(entity["workspace_id"]))


def test_rest_is_where_nothing_is_broken() -> None:
    assert switches({}) == CALM
    assert switches(just(["nothing", "", "z1", "Z1 "])) == CALM


@EVERY
def test_alone_a_failure_turns_only_its_own_switches(failure: Failure) -> None:
    assert switches(just([failure.id])) == replace(CALM, **failure.sets)


def test_of_two_failures_both_are_felt_and_the_later_wins() -> None:
    for pair in permutations(FAILURES, 2):
        first, second = (FAILURES[name].sets for name in pair)
        assert switches(just(pair)) == replace(CALM, **{**first, **second}), pair


def test_an_act_turns_its_switches_from_its_time_on(monkeypatch: pytest.MonkeyPatch) -> None:
    act = Act(timedelta(minutes=2), sets={"zendesk_quiet": True, "mails_waiting": 9})
    story = Failure("X1", "A story", "crm", sets={"mails_waiting": 5}, acts=(act,))
    monkeypatch.setitem(FAILURES, "X1", story)
    assert switches({"X1": timedelta(seconds=119)}) == replace(CALM, mails_waiting=5)
    played = replace(CALM, mails_waiting=9, zendesk_quiet=True)
    assert switches({"X1": timedelta(minutes=2)}) == played


@given(ids)
def test_a_switch_is_turned_only_by_what_is_broken(broken: list[str]) -> None:
    state = switches(just(broken))
    names = [one.name for one in fields(Switches)]
    turned = {name for name in names if getattr(state, name) != getattr(CALM, name)}
    assert turned == {name for one in broken for name in FAILURES[one].sets}


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        (Expected("orders", "critical"), "critical orders"),
        (Expected("orders", "warning", "transient"), "warning orders (transient)"),
        (
            Expected("orders", "warning", "", (("shop", "x"), ("id", "7"))),
            "warning orders of x",
        ),
        (
            Expected("orders", "critical", "auth_config", (("shop", "x"),)),
            "critical orders of x (auth_config)",
        ),
    ],
)
def test_an_expected_incident_is_said_in_a_line(expected: Expected, line: str) -> None:
    assert str(expected) == line


@pytest.mark.parametrize(
    ("failure_id", "said"),
    [
        ("Z1", "opens warning zendesk_sync-tickets-stale"),
        (
            "Z2",
            "opens warning zendesk_sync-runs-failing (transient); zendesk_sync-tickets-stale when it lasts",
        ),
        (
            "Z7",
            "opens warning zendesk_sync-run-hangs; "
            "holds zendesk_sync-no-run-started, zendesk_sync-tickets-stale",
        ),
        (
            "E1",
            "opens critical support_desk-api-down; holds support_desk-degraded, support_desk-not-ready,"
            " support_desk-certificate-ends",
        ),
        ("E1a", "stays silent"),
        ("S1", "opens warning servicetitan_sync-sync-stuck of berlin-heating"),
    ],
)
def test_a_failure_says_what_is_to_be_heard_of_it(failure_id: str, said: str) -> None:
    assert FAILURES[failure_id].expect == said


@pytest.mark.parametrize(
    ("failure_id", "name"), [("E1a", "desk"), ("S5a", "denver-electric")]
)  # fmt: skip
def test_what_happens_once_happens_once_until_it_is_mended_and_broken_anew(
    failure_id: str, name: str
) -> None:
    scene = Scene()
    scene.renew(switches(just([failure_id])))
    assert [scene.happens_once(name) for _ in range(3)] == [True, False, False]
    scene.renew(switches(just([failure_id])))
    assert not scene.happens_once(name)
    scene.renew(switches({}))
    scene.renew(switches(just([failure_id])))
    assert scene.happens_once(name)


def test_mails_that_get_stuck_are_older_than_what_the_demo_calls_a_wait() -> None:
    ((_, count, age),) = FAILURES["E4"].breaks
    assert (count, age) == (3, timedelta(minutes=16))


def test_an_unknown_attribute_of_a_failure_is_refused() -> None:
    nothing: Any = {"no_such_switch": True}
    with pytest.raises(TypeError):
        replace(CALM, **nothing)
