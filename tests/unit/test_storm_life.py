"""What happens to a storm, to what joins it, and to what is split out of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from notifiers.base import Event, Part
from rules.base import Severity
from tests.unit.test_incident import LATER, NOW, an_incident
from tests.unit.test_notices import DIRECTORY
from watchdog.domain import life, storm_life
from watchdog.domain.incident import Incident, Refused, State, Transition
from watchdog.domain.notices import with_notices
from watchdog.domain.storm_life import Guide
from watchdog.domain.storms import Member, MemberState, Tally, member_of

CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING
GUIDE = Guide(CRITICAL, "Nobody can buy.", "Restart it.", ("Call the host.",), "")
FIRST = ("Orders stopped syncing", NOW - timedelta(minutes=2))
SIX = Tally({CRITICAL: 2, WARNING: 4}, first=FIRST, first_bad_at=FIRST[1])


def begun(tally: Tally = SIX) -> Transition:
    storm = storm_life.storm_of(1050, "data", "crm", "ana", GUIDE, NOW)
    return storm_life.begun(storm, tally, "UTC", {"rows": [{"a": 1}]})


def told(tally: Tally = SIX) -> Incident:
    return with_notices(begun(tally), DIRECTORY).transition.after


def anew(storm: Incident, tally: Tally) -> Transition | None:
    return storm_life.counted_anew(storm, tally, "UTC", LATER)


def parts(transition: Transition) -> dict[str, set[Part]]:
    found: dict[str, set[Part]] = {}
    for one in with_notices(transition, DIRECTORY).notices:
        found.setdefault(one.receiver, set()).add(one.part)
    return found


def test_a_storm_begins_with_an_owner_its_worst_severity_and_what_to_do() -> None:
    transition = begun()
    storm = transition.after
    assert (storm.state, storm.owner, storm.severity) == (State.OPEN, "ana", CRITICAL)
    assert (storm.title, storm.fact) == ("source crm", "6 incidents at once, 2 critical")
    assert (storm.impact, storm.do_first, storm.steps) == (
        "Nobody can buy.",
        "Restart it.",
        ("Call the host.",),
    )
    assert (storm.value, storm.first_bad_at) == (6.0, FIRST[1])
    assert transition.happened.event is Event.STORM
    assert transition.evidence == {"rows": [{"a": 1}]}


def test_a_storm_pages_its_owner_once_and_starts_the_clock() -> None:
    assert parts(begun()) == {
        "slack:#data-alerts": {Part.ROOT},
        "slack:@U01ANA": {Part.PAGE},
        "email:ana@example.com": {Part.PAGE},
    }
    assert told().paged_at == NOW


def test_a_storm_names_what_was_told_before_and_mails_whoever_was_told_of_it() -> None:
    mails = ("email:raj@example.com", "email:ana@example.com")
    joining = [an_incident(id=n, audience=("slack:@U02RAJ", *mails)) for n in range(1001, 1013)]
    storm = storm_life.storm_of(1050, "data", "crm", "ana", GUIDE, NOW)
    storm = replace(storm, audience=storm_life.mailed(joining))
    assert storm.audience == mails
    some = storm_life.begun(storm, SIX, "UTC", {}, joining[:2])
    assert some.happened.words.endswith(" #1001, #1002 are part of it.")
    one = storm_life.begun(storm, SIX, "UTC", {}, joining[:1])
    assert one.happened.words.endswith(" #1001 is part of it.")
    many = storm_life.begun(storm, SIX, "UTC", {}, joining)
    assert many.happened.words.endswith("#1010 and 2 more are part of it.")
    assert parts(many) == {
        "slack:#data-alerts": {Part.ROOT},
        "slack:@U01ANA": {Part.PAGE},
        "email:ana@example.com": {Part.PAGE},
        "email:raj@example.com": {Part.PAGE},
    }


def test_members_that_join_or_recover_are_a_quiet_edit() -> None:
    for tally in (
        replace(SIX, bad={CRITICAL: 2, WARNING: 9}),
        replace(SIX, bad={CRITICAL: 1, WARNING: 1}, good=4),
    ):
        changed = anew(told(), tally)
        assert changed is not None
        assert changed.happened.event is Event.MEMBERS
        assert parts(changed) == {
            "slack:#data-alerts": {Part.EDIT},
            "slack:@U01ANA": {Part.EDIT},
        }


def test_a_worse_member_is_told_like_any_change_of_level() -> None:
    soft = told(replace(SIX, bad={WARNING: 6}))
    assert soft.severity is WARNING
    worse = anew(soft, replace(SIX, bad={CRITICAL: 1, WARNING: 6}))
    assert worse is not None
    assert (worse.happened.event, worse.after.severity) == (Event.LEVEL, CRITICAL)
    assert worse.happened.previous_severity == "warning"
    assert Part.THREAD in parts(worse)["slack:@U01ANA"]
    assert parts(worse)["email:ana@example.com"] == {Part.PAGE}


def test_a_softer_storm_is_a_silent_edit() -> None:
    softer = anew(told(), replace(SIX, bad={WARNING: 4}, good=2))
    assert softer is not None
    assert softer.happened.event is Event.LEVEL
    assert {part for each in parts(softer).values() for part in each} == {Part.EDIT}


def test_the_same_figures_are_nothing_to_tell() -> None:
    storm = told()
    first = anew(storm, SIX)
    assert first is not None  # it is not the beginning any more
    assert anew(first.after, SIX) is None


def test_a_storm_recovers_with_its_last_member_and_when_that_was_good() -> None:
    good_at = NOW + timedelta(minutes=3)
    healed = anew(told(), Tally(good=6, first_good_at=good_at))
    assert healed is not None
    assert (healed.after.state, healed.after.first_good_at) == (State.RECOVERED, good_at)
    assert healed.happened.words == "All 6 good again, all of source crm."


def test_a_storm_of_which_some_are_gone_or_split_out_recovers_all_the_same() -> None:
    healed = anew(told(), Tally(good=1, gone=3, split=2, first_good_at=LATER, reason="rule x"))
    assert healed is not None
    assert healed.after.state is State.RECOVERED


@pytest.mark.parametrize(
    ("tally", "why"),
    [
        (Tally(gone=6, reason="rule x was removed"), "rule x was removed"),
        (Tally(split=6), "all its members were split out"),
    ],
)
def test_a_storm_without_members_is_withdrawn(tally: Tally, why: str) -> None:
    over = anew(told(), tally)
    assert over is not None
    assert (over.happened.event, over.after.state) == (Event.WITHDRAWN, State.RESOLVED)
    assert over.after.cause == why


def test_a_storm_that_comes_back_is_open_counted_anew_and_told() -> None:
    healed = anew(told(), Tally(good=6, first_good_at=LATER))
    assert healed is not None
    later = LATER + timedelta(minutes=20)
    tally = replace(SIX, bad={WARNING: 7}, good=6)
    again = storm_life.came_back(healed.after, tally, "UTC", "raj", later)
    assert (again.before, again.happened.event) == (healed.after, Event.BACK_AGAIN)
    assert (again.after.state, again.after.owner, again.after.severity) == (
        State.OPEN,
        "raj",
        WARNING,
    )
    assert again.happened.words == "20m after it recovered: 7 of 13 bad"


def test_an_incident_joins_by_its_end_which_edits_and_pushes_nobody() -> None:
    one = an_incident(audience=("slack:#data-alerts", "slack:@U01ANA", "email:ana@example.com"))
    joined = storm_life.joined(one, 1050, LATER)
    assert (joined.after.state, joined.after.cause_kind) == (State.RESOLVED, "joined")
    assert (joined.after.cause, joined.after.storm) == ("part of storm #1050", 1050)
    assert parts(joined) == {"slack:#data-alerts": {Part.EDIT}, "slack:@U01ANA": {Part.EDIT}}


def test_who_takes_what_has_joined_is_told_of_the_storm() -> None:
    joined = storm_life.joined(an_incident(), 1050, LATER).after
    with pytest.raises(Refused, match="#1042 is part of storm #1050; take #1050 instead"):
        life.take(joined, "ana", LATER)


def a_member(**changes: object) -> Member:
    return replace(member_of(1050, 3, an_incident()), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("storm", "member", "why"),
    [
        (replace(told(), state=State.RECOVERED), a_member(), "#1050 is recovered"),
        (told(), a_member(state=MemberState.SPLIT, split=1061), "it is #1061"),
        (told(), a_member(state=MemberState.GOOD), "is good; only what is bad"),
        (told(), a_member(state=MemberState.GONE), "is gone; only what is bad"),
    ],
)
def test_what_cannot_be_split_out_says_why(storm: Incident, member: Member, why: str) -> None:
    with pytest.raises(Refused, match=why):
        storm_life.require_splittable(storm, member)


def test_a_bad_one_of_several_can_be_split_out() -> None:
    storm_life.require_splittable(life.take(told(), "ana", LATER).after, a_member())
    storm_life.require_others(told(), a_member(), replace(SIX, bad={WARNING: 1}))


def test_the_only_one_that_is_bad_stays_in_the_storm() -> None:
    with pytest.raises(Refused, match="the only one that is bad"):
        storm_life.require_others(told(), a_member(), replace(SIX, bad={}))


def test_splitting_out_is_on_both_timelines_and_pages_for_the_new_one_only() -> None:
    five = replace(SIX, bad={CRITICAL: 1, WARNING: 4}, split=1)
    left = storm_life.split_off(told(), five, "UTC", a_member(), 1061, "raj", LATER)
    assert (left.happened.event, left.happened.actor) == (Event.SPLIT, "raj")
    assert left.happened.words == "Orders stopped syncing is #1061 now"
    assert left.after.fact == "5 incidents, 1 critical"
    assert Part.THREAD not in parts(left)["slack:@U01ANA"]
    own = an_incident(id=1061, opened_at=LATER, storm=1050)
    opening = storm_life.split_out(own, 1050, "raj")
    assert opening.happened.words.startswith("raj split it out of storm #1050. ")
    assert parts(opening)["slack:@U01ANA"] == {Part.PAGE}
    assert with_notices(opening, DIRECTORY).transition.after.paged_at == LATER


def test_a_taken_storm_takes_in_members_without_losing_its_owner() -> None:
    taken = life.take(told(), "raj", LATER).after
    changed = anew(taken, replace(SIX, bad={CRITICAL: 2, WARNING: 40}))
    assert changed is not None
    assert (changed.after.state, changed.after.owner) == (State.TAKEN, "raj")
