"""What cannot be looked at becomes an incident of its own."""

from dataclasses import replace

import pytest

from rules.base import Context, Judgement, Outcome, Severity
from tests.postgres import NIGHT
from tests.watching import DIRECTORY, config_of, stuck_rule
from watchdog.config.model import BrokenRule, Config, Place
from watchdog.domain.people import Team
from watchdog.engine import blind
from watchdog.store.looks import RuleLook

RULES = (stuck_rule("one"), stuck_rule("two", team="dev"))
CONFIG = replace(
    config_of("postgresql:///jobs", RULES),
    directory=replace(DIRECTORY, teams={**DIRECTORY.teams, "dev": Team("dev", lead="raj")}),
)


def a_look(rule: str, errors: int, *, whole: bool = False, reason: str = "no answer") -> RuleLook:
    return RuleLook(
        rule, NIGHT, Outcome.ERROR if errors else Outcome.OK, reason if errors else "",
        errors_in_a_row=errors, error_of_source=whole,
    )  # fmt: skip


def judged(*looks: RuleLook, config: Config = CONFIG) -> dict[str, Judgement]:
    by_rule = {one.rule: one for one in looks}
    found = blind.judge_blindness(config, ["jobs"], by_rule, by_rule, {"source:jobs"})
    return {rule.name: judgement for rule, judgement in found}


def outcomes(*looks: RuleLook) -> dict[str, str]:
    """Return bad, waiting or good for each rule about blindness."""
    words = {}
    for name, judgement in judged(*looks).items():
        is_bad = judgement.outcome is Outcome.BAD
        words[name] = "bad" if is_bad else "good" if judgement.readings else "waiting"
    return words


@pytest.mark.parametrize(("errors", "word"), [(0, "good"), (1, "waiting"), (2, "waiting")])
def test_fewer_than_three_errors_in_a_row_are_not_blindness(errors: int, word: str) -> None:
    found = outcomes(a_look("one", errors))
    assert (found["rule:one"], found["source:jobs"]) == (word, "good")


def test_the_third_error_of_a_rule_is_about_the_rule() -> None:
    assert outcomes(a_look("one", 3), a_look("two", 0)) == {
        "rule:one": "bad",
        "rule:two": "good",
        "source:jobs": "good",
    }


def test_the_third_error_of_the_source_is_about_the_source_and_no_rule() -> None:
    assert outcomes(a_look("one", 3, whole=True), a_look("two", 1, whole=True)) == {
        "rule:one": "good",
        "rule:two": "good",
        "source:jobs": "bad",
    }


def test_a_source_is_not_watched_again_before_each_of_its_errors_is_over() -> None:
    assert outcomes(a_look("one", 0), a_look("two", 2, whole=True))["source:jobs"] == "waiting"
    assert outcomes(a_look("one", 0), a_look("two", 0))["source:jobs"] == "good"


def test_the_finding_says_how_often_and_why() -> None:
    looks = a_look("one", 3, whole=True), a_look("two", 5, whole=True, reason="refused")
    [finding] = judged(*looks)["source:jobs"].findings
    assert (finding.entity, finding.severity, finding.value) == ((), Severity.CRITICAL, 5.0)
    assert (finding.fact, finding.detail) == (
        "refused",
        "Not evaluated 5 times in a row: refused.",
    )


def test_a_long_reason_fits_a_phone() -> None:
    [finding] = judged(a_look("one", 3, reason="x" * 400))["rule:one"].findings
    assert len(finding.fact) == 40
    assert "x" * 400 in finding.detail


def test_rules_that_were_not_looked_at_yet_are_not_judged() -> None:
    assert "rule:two" not in judged(a_look("one", 0))


def test_nothing_is_said_of_what_is_no_suspect_and_counts_as_watched() -> None:
    assert blind.judge_blindness(CONFIG, ["jobs"], {"one": a_look("one", 0)}, [], ()) == []


def test_a_suspect_that_is_gone_is_not_judged() -> None:
    assert blind.judge_blindness(CONFIG, ["jobs"], {"gone": a_look("gone", 3)}, ["gone"], ()) == []


def test_other_sources_are_not_judged() -> None:
    assert blind.judge_blindness(CONFIG, ["crm"], {"one": a_look("one", 3)}, ["one"], ()) == []


def test_a_rule_about_a_source_counts_who_is_blind_and_belongs_to_the_sources_team() -> None:
    rule = blind.source_rule(CONFIG, "jobs")
    assert (rule.name, rule.team, rule.severity) == ("source:jobs", "ops", Severity.CRITICAL)
    assert rule.impact.startswith("2 rules that look at jobs are blind")


def test_a_rule_that_cannot_be_evaluated_belongs_to_its_sources_team() -> None:
    found = blind.judge_blindness(CONFIG, ["jobs"], {"two": a_look("two", 3)}, ["two"], ())
    assert {rule.name: rule.team for rule, _ in found} == {"rule:two": "ops"}


def test_blindness_opens_and_recovers_at_the_first_check_since_its_errors_were_counted() -> None:
    policy = blind.source_rule(CONFIG, "jobs").policy
    assert (policy.open_after, policy.recover_after) == (1, 1)


def test_the_kind_asks_nothing_and_knows_nothing_by_itself() -> None:
    kind = blind.NotWatched("jobs")
    assert kind.ask(Context(NIGHT), ()) == ()
    assert kind.judge(Context(NIGHT), ()).outcome is Outcome.NO_DATA


def a_broken(name: str = "bad", team: str = "dev") -> BrokenRule:
    return BrokenRule(name, team, "`max_aeg` is not a key", Place("rules.yaml", 7, 3))


def test_a_broken_rule_is_told_to_its_team_or_to_somebody_if_that_is_not_known() -> None:
    broken = (a_broken("bad", "dev"), a_broken("worse", "devs"))
    found = blind.broken_rules(replace(CONFIG, broken=broken))
    assert [(rule.name, rule.team) for _, rule in found] == [
        ("rule:bad", "dev"),
        ("rule:worse", "ops"),
    ]


def test_without_any_team_nobody_can_be_told_of_a_broken_rule() -> None:
    config = replace(CONFIG, broken=(a_broken(),), directory=replace(DIRECTORY, teams={}))
    assert blind.broken_rules(config) == []


def test_a_broken_rule_says_where_it_stands() -> None:
    finding = blind.broken_finding(a_broken())
    assert finding.fact == "broken at rules.yaml:7"
    assert "rules.yaml:7 could not be loaded: `max_aeg` is not a key." in finding.detail


def test_everything_that_is_looked_at_has_an_identity_and_so_has_blindness() -> None:
    known = blind.identities(replace(CONFIG, broken=(a_broken(),)))
    assert set(known) == {"one", "two", "rule:one", "rule:two", "rule:bad", "source:jobs"}
    assert known["one"] == RULES[0].identity
    assert known["source:jobs"] == blind.source_rule(CONFIG, "jobs").identity
    assert known["rule:bad"] == blind.single_rule("bad", "", "ops").identity


def test_a_source_that_no_rule_looks_at_is_not_watched_any_more() -> None:
    assert "source:jobs" not in blind.identities(replace(CONFIG, rules={}))
