"""What cannot be looked at, or shows nothing, becomes an incident about the source or the rule. Pure."""

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rules.base import Answers, Context, Finding, Judgement, Outcome, Question, Reading, Severity
from watchdog.config.model import BrokenRule, Config, Rule
from watchdog.domain.people import NoData, Policy
from watchdog.store.looks import RuleLook

ERRORS_MAX = 3
"""Slots in a row without an answer after which a rule counts as not watched."""


@dataclass(frozen=True, slots=True)
class NotWatched:
    """The kind of incident that says we cannot look. It asks nothing; the engine judges for it."""

    source: str
    entity: tuple[str, ...] = ()
    opens_at_once: bool = False
    past_within: timedelta = timedelta()

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:  # noqa: ARG002
        """Return no question."""
        return ()

    def judge(self, context: Context, answers: Answers) -> Judgement:  # noqa: ARG002
        """Return that nothing is known."""
        return Judgement(has_data=False)

    def identity(self) -> str:
        """Return the same for ever: whatever stops us from looking, it is the same incident."""
        return "not watched"


def source_rule(config: Config, source: str) -> Rule:
    """Return the rule whose incident says that a whole source cannot be asked."""
    rules = sum(1 for rule in config.rules.values() if rule.kind.source == source)
    return _rule(
        f"source:{source}",
        source,
        config.sources[source].team,
        f"Source {source} cannot be looked at",
        Severity.CRITICAL,
        f"{rules} rules that look at {source} are blind; what they watch may be broken unseen.",
        f"Check that {source} runs, that its address and password are right, and the network to it.",
    )


def single_rule(name: str, source: str, team: str) -> Rule:
    """Return the rule whose incident says that one rule cannot be evaluated."""
    return _rule(
        f"rule:{name}",
        source,
        team,
        f"Rule {name} is not watched",
        Severity.WARNING,
        f"What {name} watches may be broken unseen.",
        f"Run `watchdog try {name}` and mend the rule or what it asks for.",
    )


def silent_rule(rule: Rule) -> Rule:
    """Return the rule whose incident says that another one finds no data."""
    silent = _rule(
        f"no_data:{rule.name}",
        rule.kind.source,
        rule.team,
        f"Rule {rule.name} finds no data",
        rule.severity,
        rule.impact or f"What {rule.name} watches may be broken unseen.",
        rule.do_first or f"Run `watchdog try {rule.name}` and see why there is nothing to judge.",
    )
    return replace(silent, policy=rule.policy, runbook=rule.runbook)


def judge_silence(
    looked: Iterable[tuple[Rule, Judgement | None]], now: datetime
) -> list[tuple[Rule, Judgement]]:
    """Return whether rules that want to be told so have found data; nothing outside of their hours."""
    judged = []
    for rule, judgement in looked:
        if rule.policy.no_data is NoData.ALERT and judgement and rule.is_active(now):
            silent = silent_rule(rule)
            judged.append((silent, _silence(silent, judgement)))
    return judged


def _silence(silent: Rule, judgement: Judgement) -> Judgement:
    if judgement.outcome is not Outcome.NO_DATA:
        return Judgement(readings=(Reading((), None, "data again", "There is data again."),))
    words = "There is nothing to judge: neither good nor bad."
    return Judgement(findings=(Finding((), silent.severity, None, None, "no data", words),))


def _rule(
    name: str, source: str, team: str, title: str, severity: Severity, impact: str, do_first: str
) -> Rule:
    return Rule(
        name=name,
        kind_name="not_watched",
        kind=NotWatched(source),
        team=team,
        title=title,
        severity=severity,
        every=timedelta(minutes=1),
        policy=Policy(open_after=1, recover_after=1),
        impact=impact,
        do_first=do_first,
    )


def judge_blindness(
    config: Config,
    sources: Collection[str],
    looks: Mapping[str, RuleLook],
    suspects: Iterable[str],
    tracked: Container[str],
) -> list[tuple[Rule, Judgement]]:
    """Return whether these sources, and rules that ask them, can be looked at.

    Args:
        suspects: Rules whose latest look failed, or failed before; nothing is said of others.
        tracked: What already counts as not watched.
    """
    judged: list[tuple[Rule, Judgement]] = []
    by_source: dict[str, list[RuleLook]] = {}
    for name in sorted(suspects):
        rule = config.rules.get(name)
        if rule is None or name not in looks or rule.kind.source not in sources:
            continue
        by_source.setdefault(rule.kind.source, []).append(looks[name])
        own = [looks[name]] if not looks[name].error_of_source else []
        single = single_rule(name, rule.kind.source, _team(config, rule))
        judged.append((single, _judgement(own, single.severity)))
    for source in sources:
        whole = [one for one in by_source.get(source, ()) if one.error_of_source]
        if source in config.sources and (whole or f"source:{source}" in tracked):
            of_source = source_rule(config, source)
            judged.append((of_source, _judgement(whole, of_source.severity)))
    return judged


def _team(config: Config, rule: Rule) -> str:
    """Return who mends it: the source's team."""
    source = config.sources.get(rule.kind.source)
    return source.team if source else rule.team


def _judgement(looks: list[RuleLook], severity: Severity) -> Judgement:
    """Return bad once one of the looks has failed too often, good once none fails any more."""
    blind = [one for one in looks if one.errors_in_a_row >= ERRORS_MAX]
    if blind:
        worst = max(blind, key=lambda one: one.errors_in_a_row)
        finding = Finding(
            entity=(),
            severity=severity,
            value=float(worst.errors_in_a_row),
            limit=float(ERRORS_MAX),
            fact=worst.reason[:40],
            detail=f"Not evaluated {worst.errors_in_a_row} times in a row: {worst.reason}.",
        )
        return Judgement(findings=(finding,))
    if any(one.errors_in_a_row for one in looks):
        return Judgement()
    reading = Reading((), 0.0, "looked at again", "It can be looked at again.")
    return Judgement(readings=(reading,))


def broken_rules(config: Config) -> list[tuple[BrokenRule, Rule]]:
    """Return each rule that could not be loaded, with the rule whose incident says so.

    Where its own team is not known, the first declared team owns the incident: somebody must.
    """
    teams = config.directory.teams
    somebody = next(iter(teams), "")
    found = [
        (one, single_rule(one.name, "", one.team if one.team in teams else somebody))
        for one in config.broken
    ]
    return found if somebody else []


def broken_finding(broken: BrokenRule) -> Finding:
    """Return that a declared rule could not be loaded, and where it stands."""
    place = f"{broken.place.file}:{broken.place.line}"
    return Finding(
        entity=(),
        severity=Severity.WARNING,
        value=None,
        limit=None,
        fact=f"broken at {place}"[:40],
        detail=f"The rule at {place} could not be loaded: {broken.reason}.",
    )


def identities(config: Config) -> dict[str, str]:
    """Return what each rule watches, the incidents about sources and single rules included."""
    known = {name: rule.identity for name, rule in config.rules.items()}
    blindness = "not_watched not watched"
    asked = {rule.kind.source for rule in config.rules.values()}
    known |= dict.fromkeys((f"source:{name}" for name in asked & set(config.sources)), blindness)
    known |= dict.fromkeys((f"rule:{name}" for name in config.rules), blindness)
    silent = (rule.name for rule in config.rules.values() if rule.policy.no_data is NoData.ALERT)
    known |= dict.fromkeys((f"no_data:{name}" for name in silent), blindness)
    known |= dict.fromkeys((f"rule:{one.name}" for one in config.broken), blindness)
    return known
