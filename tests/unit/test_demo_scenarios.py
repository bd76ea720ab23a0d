"""The scenarios of the demo: what they name is there, and at their end nothing is broken."""

from datetime import timedelta

import pytest

from tests.demo_world import repository_rules
from watchdog.cli.scenario import lines_of
from watchdog.demo.failures import FAILURES
from watchdog.demo.scenario import Scenario, Turn
from watchdog.demo.scenarios import BAD_MORNING, SCENARIOS
from watchdog.demo.world import TICK_EVERY

RULES = repository_rules()
EVERY = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
RECOVERED_AFTER = timedelta(minutes=1)
"""Three good checks of any rule that a scenario opens, whose intervals are 5 to 15 s."""


@EVERY
def test_a_scenario_is_no_failure_and_has_its_own_id(scenario: Scenario) -> None:
    assert SCENARIOS[scenario.id] is scenario
    assert scenario.id not in FAILURES
    assert "/" not in scenario.id
    assert "%" not in scenario.id


@EVERY
def test_turns_follow_one_another_from_the_beginning_on_at_ticks(scenario: Scenario) -> None:
    times = [turn.after for turn in scenario.turns]
    assert times[0] == timedelta()
    assert times == sorted(set(times))
    assert [one for one in times if one % TICK_EVERY] == []


@EVERY
def test_it_mends_all_that_it_breaks_each_once_and_in_this_order(scenario: Scenario) -> None:
    broken: set[str] = set()
    for turn in scenario.turns:
        assert set(turn.breaks) <= FAILURES.keys()
        assert not broken & set(turn.breaks)
        assert set(turn.mends) <= broken
        broken = (broken | set(turn.breaks)) - set(turn.mends)
    assert broken == set()


@EVERY
def test_every_turn_but_the_last_breaks_or_mends(scenario: Scenario) -> None:
    assert all(turn.breaks or turn.mends for turn in scenario.turns[:-1])
    assert scenario.turns[-1].breaks == scenario.turns[-1].mends == ()
    last_mended = scenario.turns[-2].after
    assert scenario.lasts - last_mended >= RECOVERED_AFTER / 2


@EVERY
def test_what_a_turn_opens_its_failures_open(scenario: Scenario) -> None:
    for turn in scenario.turns:
        failures = [FAILURES[name] for name in turn.breaks]
        opened = [(one.rule, one.entity) for failure in failures for one in failure.opens]
        assert [(one.rule, one.entity) for one in turn.opens] == opened
        for name in turn.holds:
            assert {one.rule for one in turn.opens} & set(RULES[name].depends_on)


@EVERY
def test_what_is_said_is_two_sentences_at_most_a_few_lines(scenario: Scenario) -> None:
    for turn in scenario.turns:
        assert turn.says.endswith(".")
        assert len(turn.says) <= 220


def test_the_bad_morning_has_eight_failures_in_ten_minutes() -> None:
    assert len(BAD_MORNING.failures) == 7 + 1  # the ticket sync fails twice, in two ways
    assert BAD_MORNING.lasts == timedelta(minutes=10)
    assert {"B8", "Z1a", "S7-back"} <= set(BAD_MORNING.failures)


def test_its_repeat_comes_when_the_reopen_window_is_over() -> None:
    [again] = [turn for turn in BAD_MORNING.turns if any(one.repeats for one in turn.opens)]
    [mended] = [turn for turn in BAD_MORNING.turns if "Z2" in turn.mends]
    policy = RULES[again.opens[0].rule].policy
    assert policy.repeat is not None
    assert policy.repeat.escalate_to == again.opens[0].team
    assert again.after - mended.after >= RECOVERED_AFTER + policy.reopen_within
    assert again.after <= policy.repeat.within


def test_a_turn_is_told_with_its_time_what_is_heard_of_it_and_why() -> None:
    [lines] = [list(lines_of(turn, 80)) for turn in BAD_MORNING.turns if turn.breaks == ("E1",)]
    assert lines == [
        " 3:30  E1 breaks: The support desk answers 503",
        "       opens critical support_desk-api-down; holds support_desk-degraded,",
        "       support_desk-not-ready, support_desk-certificate-ends",
        "       After three probes support-ops is paged, in Slack and by mail. That the",
        "       desk is neither healthy nor ready follows from it, and is held.",
    ]


@pytest.mark.parametrize(
    ("turn", "lines"),
    [
        (
            Turn(timedelta(seconds=5), "Fine.", mends=("S1",)),
            [" 0:05  S1 is mended", "       Fine."],
        ),
        (
            Turn(timedelta(minutes=61), "Fine.", mends=("S1", "E1")),
            ["61:00  S1, E1 are mended", "       Fine."],
        ),
        (Turn(timedelta(minutes=10), "It is over."), ["10:00  It is over."]),
    ],
)
def test_what_is_mended_and_what_is_only_said_have_lines_too(turn: Turn, lines: list[str]) -> None:
    assert list(lines_of(turn, 80)) == lines


def test_on_a_narrow_terminal_sentences_are_wrapped() -> None:
    told = list(lines_of(BAD_MORNING.turns[-1], 50))
    assert max(map(len, told)) <= 50
    assert " ".join(" ".join(told).split()) == f"10:00 {BAD_MORNING.turns[-1].says}"
