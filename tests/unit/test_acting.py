"""Who may run a recovery action, when, and what must be said: pure decisions."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.base import Event
from tests.unit.test_incident import LATER, NOW, an_incident, recovered_incident
from watchdog.domain import acting, life
from watchdog.domain.acting import Guard, History, Moved, Outcome, Run, Standing, Terms
from watchdog.domain.incident import Incident, Refused, State
from watchdog.domain.stopping import Stop

TERMS = Terms("unstick", "Set the state back to idle", at_most=2)
LASTS = timedelta(seconds=40)
MINUTE = timedelta(minutes=1)


def taken(**changes: Any) -> Incident:
    return replace(life.take(an_incident(), "ana", NOW).after, **changes)


def a_run(standing: Standing = Standing.DONE, number: int = 1, **changes: Any) -> Run:
    is_over = standing not in acting.UNDER_WAY
    run = Run(
        number,
        "unstick",
        TERMS.label,
        "ana",
        standing,
        f"watchdog-1042-{number}",
        asked_at=NOW,
        ends_by=NOW + LASTS,
        hypothesis="The run died",
        started_at=None if standing is Standing.WAITING else NOW,
        ended_at=NOW if is_over else None,
        words="1 row changed" if is_over else "",
    )
    return replace(run, **changes)


def asked(
    incident: Incident | None = None,
    *runs: Run,
    terms: Terms = TERMS,
    person: str = "ana",
    hypothesis: str = "The run died",
    mitigation: str = "",
    within_day: int = 0,
    stop: Stop | None = None,
) -> Moved:
    history = History(runs, within_day, stop)
    one = incident or taken()
    return acting.ask(one, terms, history, person, hypothesis, mitigation, LATER, LASTS)


REFUSED: list[tuple[str, Incident, tuple[Run, ...], dict[str, Any], str]] = [
    ("not taken", an_incident(), (), {}, "#1042 is not taken; take it first"),
    ("of another", taken(owner="raj"), (), {}, "#1042 belongs to raj; only its owner acts on it"),
    ("recovered", recovered_incident(), (), {}, "#1042 has recovered; there is nothing left"),
    ("resolved", taken(state=State.RESOLVED), (), {}, "#1042 is resolved; there is nothing left"),
    ("without a hypothesis", taken(), (), {"hypothesis": " \n"}, "a hypothesis, in a sentence"),
    (
        "good by now",
        taken(bad_now=False, fact="2m old"),
        (),
        {"terms": replace(TERMS, guard=Guard.STILL_BAD)},
        "the latest check of #1042 was good (2m old), and `unstick` is only for what is still bad",
    ),
    (
        "while all are stopped",
        taken(),
        (),
        {"stop": Stop("tom", "they hit the wrong database", NOW)},
        "tom stopped all actions 4m ago: they hit the wrong database. tom or an admin lets them run",
    ),
    (
        "while it runs",
        taken(),
        (a_run(Standing.RUNNING),),
        {"mitigation": "the lock is gone"},
        "`unstick` of #1042 has been running for 4m; wait for its end",
    ),
    (
        "while it waits",
        taken(),
        (a_run(Standing.WAITING),),
        {},
        "`unstick` has been waiting for a second person for 4m; somebody other than ana approves it",
    ),
    (
        "again with nothing new",
        taken(),
        (a_run(Standing.FAILED),),
        {},
        "`unstick` was run before on #1042 (failed); to run it again, say what is different",
    ),
    (
        "again with the same words",
        taken(),
        (a_run(mitigation="The lock is gone"),),
        {"mitigation": "  the LOCK\tis gone "},
        "this was said before on #1042",
    ),
    (
        "again with the hypothesis as mitigation",
        taken(),
        (a_run(),),
        {"mitigation": "the run DIED"},
        "this was said before on #1042",
    ),
    (
        "after an outcome that nobody knows",
        taken(),
        (a_run(Standing.UNKNOWN, words="no complete answer within 10 s"),),
        {},
        "nobody knows whether the last run of `unstick` took effect: no complete answer within "
        "10 s. See for yourself whether it did",
    ),
    (
        "over the cap",
        taken(),
        (a_run(), a_run(Standing.UNKNOWN, 2, mitigation="once more")),
        {"mitigation": "a third way"},
        "`unstick` was run 2 times on #1042, and 2 per incident is the most",
    ),
    (
        "over the cap of the day",
        taken(),
        (),
        {"terms": replace(TERMS, is_daily=True, at_most=1), "within_day": 1},
        "`unstick` was run once within a day, and 1 per day is the most",
    ),
]


@pytest.mark.parametrize(
    ("incident", "runs", "said", "words"),
    [one[1:] for one in REFUSED],
    ids=[o[0] for o in REFUSED],
)
def test_what_may_not_be_run_is_refused_with_its_own_sentence(
    incident: Incident, runs: tuple[Run, ...], said: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refused) as refused:
        asked(incident, *runs, **said)
    assert str(refused.value).startswith(words) or words in str(refused.value)


def test_no_two_refusals_read_alike() -> None:
    sentences = []
    for _, incident, runs, said, _ in REFUSED:
        with pytest.raises(Refused) as refused:
            asked(incident, *runs, **said)
        sentences.append(str(refused.value))
    assert len(set(sentences)) == len(sentences) - 1  # two ways to say again what was said before


def test_a_run_is_an_entry_of_the_timeline_and_a_sign_of_life() -> None:
    moved = asked()
    after, happened = moved.transition.after, moved.transition.happened
    assert (after.state, after.owner, after.version) == (State.TAKEN, "ana", 3)
    assert after.acted_at == LATER
    assert (happened.event, happened.actor) == (Event.ACTION_BEGUN, "ana")
    assert happened.words == "Set the state back to idle: The run died"
    run = moved.run
    assert (run.number, run.standing, run.started_at) == (1, Standing.RUNNING, LATER)
    assert run.ends_by == LATER + LASTS


def test_another_run_keeps_the_hypothesis_and_says_what_is_different() -> None:
    moved = asked(None, a_run(Standing.FAILED), hypothesis="", mitigation="the host is back")
    assert (moved.run.number, moved.run.hypothesis) == (2, "The run died")
    assert moved.transition.happened.words.endswith("The run died; this time: the host is back")


@pytest.mark.parametrize("standing", [Standing.BUSY, Standing.REFUSED, Standing.LAPSED])
def test_what_changed_nothing_is_no_try(standing: Standing) -> None:
    history = [a_run(standing, number) for number in range(1, 6)]
    assert asked(None, *history).run.number == 6


def test_a_receiver_can_tell_what_it_is_asked_for_once_more() -> None:
    unknown = asked(None, a_run(Standing.UNKNOWN), mitigation="its log shows nothing")
    failed = asked(None, a_run(Standing.FAILED), mitigation="it was restarted")
    assert (unknown.run.key, failed.run.key) == ("watchdog-1042-1", "watchdog-1042-2")


def test_where_nothing_is_required_nothing_must_be_said_unless_nobody_knows() -> None:
    terms = replace(TERMS, needs_hypothesis=False, again_needs_mitigation=False)
    assert asked(None, a_run(hypothesis=""), terms=terms, hypothesis="").run.hypothesis == ""
    with pytest.raises(Refused, match="nobody knows whether the last run"):
        asked(None, a_run(Standing.UNKNOWN), terms=terms)


TWO = replace(TERMS, two_people=True)


def approved(waiting: Run, person: str = "raj", incident: Incident | None = None) -> Moved:
    return acting.approve(incident or taken(), TWO, History((waiting,)), person, LATER, LASTS)


def test_what_needs_two_people_waits_for_the_second() -> None:
    waiting = asked(terms=TWO)
    assert waiting.transition.happened.event is Event.ACTION_ASKED
    run = waiting.run
    assert (run.standing, run.started_at) == (Standing.WAITING, None)
    assert run.ends_by == LATER + acting.APPROVED_WITHIN
    begun = approved(run)
    assert (begun.run.standing, begun.run.approved_by) == (Standing.RUNNING, "raj")
    assert begun.transition.happened.actor == "raj"


@pytest.mark.parametrize(
    ("run", "person", "incident", "words"),
    [
        (a_run(Standing.WAITING), "ana", taken(), "you asked for `unstick` yourself"),
        (a_run(), "raj", taken(), "no run of `unstick` waits for a second person"),
        (a_run(Standing.RUNNING), "raj", taken(), "no run of `unstick` waits for a second person"),
        (a_run(Standing.WAITING, action="move"), "raj", taken(), "no run of `unstick` waits"),
        (a_run(Standing.WAITING), "raj", taken(owner="tom"), "#1042 belongs to tom"),
        (a_run(Standing.WAITING), "raj", recovered_incident(), "#1042 has recovered"),
        (
            a_run(Standing.WAITING, what="another"),
            "raj",
            taken(),
            "`unstick` does something else now than when ana asked for it",
        ),
    ],
)
def test_what_may_not_be_approved_is_refused(
    run: Run, person: str, incident: Incident, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        approved(run, person, incident)


def test_the_end_says_what_came_of_it() -> None:
    moved = acting.ended(
        taken(), a_run(Standing.RUNNING), Outcome(Standing.DONE, "1 row", 1), LATER
    )
    assert (moved.run.standing, moved.run.rows, moved.run.ended_at) == (Standing.DONE, 1, LATER)
    happened = moved.transition.happened
    assert (happened.event, happened.words) == (
        Event.ACTION_RAN,
        "Set the state back to idle: done, 1 row",
    )


def test_what_nobody_ends_lapses_or_is_unknown() -> None:
    assert acting.overdue(a_run(Standing.WAITING)).standing is Standing.LAPSED
    assert acting.overdue(a_run(Standing.RUNNING)).standing is Standing.UNKNOWN


_WORDS = st.sampled_from(["", "a", "A ", "b", "c c", " C  c", "d"])
_PRESSES = st.lists(
    st.tuples(st.sampled_from(["ana", "raj"]), _WORDS, _WORDS, st.sampled_from([*Standing][2:7])),
    max_size=12,
)


@given(_PRESSES, st.integers(1, 4))
def test_whatever_is_pressed_caps_owners_and_news_hold(
    presses: list[tuple[str, str, str, Standing]], at_most: int
) -> None:
    terms, runs = replace(TERMS, at_most=at_most), list[Run]()
    for person, hypothesis, mitigation, outcome in presses:
        try:
            moved = asked(
                None,
                *runs,
                terms=terms,
                person=person,
                hypothesis=hypothesis,
                mitigation=mitigation,
            )
        except Refused:
            continue
        runs.append(acting.ended(taken(), moved.run, Outcome(outcome, "so"), LATER).run)
    tries = [one for one in runs if one.standing in acting.TRIES]
    assert len(tries) <= at_most
    assert {one.person for one in runs} <= {"ana"}
    assert all(one.hypothesis for one in runs)
    again = [" ".join(one.mitigation.casefold().split()) for one in tries[1:]]
    assert all(again)
    assert len(set(again)) == len(again)
    assert [two.number - one.number for one, two in pairwise(runs)] == [1] * (
        len(runs) - 1
    ) or not runs
