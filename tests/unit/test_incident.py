"""The life of an incident, as pure decisions."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.base import Event
from rules.base import Severity
from watchdog.domain import life
from watchdog.domain.closing import Answer, Closing, Prevention
from watchdog.domain.incident import Incident, Refused, State, Transition
from watchdog.domain.moves import EDGES

NOW = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
LATER = NOW + timedelta(minutes=4)


def an_incident(**changes: object) -> Incident:
    fresh = Incident(
        id=1042,
        fingerprint=b"f" * 32,
        rule="orders-stale",
        identity="stale orders",
        source="crm",
        kind="stale",
        team="data",
        entity=(),
        title="Orders stopped syncing",
        severity=Severity.CRITICAL,
        state=State.OPEN,
        owner="ana",
        version=1,
        opened_at=NOW,
        fact="1h02m old (max 1h)",
        detail="Newest row is 1 h 02 min old, limit 1 h.",
        first_bad_at=NOW - timedelta(minutes=2),
    )
    return replace(fresh, **changes)  # type: ignore[arg-type]


NOTHING = Answer(Prevention.NOTHING_NEEDED, "it cannot happen twice")
ACTION = Answer(Prevention.ALERTING, "warn before a key expires", "raj", date(2025, 6, 27))


def test_what_people_say_of_when_it_was_bad_stands_beside_the_cause() -> None:
    told = replace(closing(" key "), window=" 02:50 to 04:25 ")
    ended = life.resolve(recovered_incident(), "ana", told, LATER)
    assert (ended.after.cause, ended.happened.words) == ("key", "key (bad 02:50 to 04:25)")
    assert ended.after.first_bad_at == recovered_incident().first_bad_at


def closing(cause: str = "key", kind: str = "config", answer: Answer = NOTHING) -> Closing:
    return Closing(cause, kind, answer)


def recovered_incident(**changes: object) -> Incident:
    return replace(
        life.recovered(an_incident(), LATER, LATER, "2m old").after,
        **changes,  # type: ignore[arg-type]
    )


def test_taking_an_open_incident_confirms_the_owner() -> None:
    taken = life.take(an_incident(), "ana", LATER)
    assert (taken.after.state, taken.after.owner, taken.after.taken_at) == (
        State.TAKEN,
        "ana",
        LATER,
    )
    assert taken.happened.words == "after 4m"


def test_somebody_else_may_take_an_open_incident_and_becomes_its_one_owner() -> None:
    assert life.take(an_incident(), "raj", LATER).after.owner == "raj"


def test_the_second_taker_is_told_who_was_faster_and_when() -> None:
    taken = life.take(an_incident(), "ana", NOW).after
    with pytest.raises(Refused, match=r"ana took #1042 12s ago"):
        life.take(taken, "raj", NOW + timedelta(seconds=12))


def test_taking_over_from_somebody_is_possible_when_it_is_said() -> None:
    taken = life.take(an_incident(), "ana", NOW).after
    over = life.take(taken, "raj", LATER, over=True)
    assert over.after.owner == "raj"
    assert over.happened.event is Event.HANDED_OVER
    assert over.happened.words == "ana → raj"


def test_taking_twice_says_that_it_is_yours_already() -> None:
    taken = life.take(an_incident(), "ana", NOW).after
    with pytest.raises(Refused, match="already yours"):
        life.take(taken, "ana", LATER)


def test_the_giver_stays_owner_until_the_receiver_takes() -> None:
    offered = life.offer(an_incident(), "ana", "raj", "key rotated", LATER)
    assert (offered.after.owner, offered.after.offered_to) == ("ana", "raj")
    accepted = life.take(offered.after, "raj", LATER)
    assert (accepted.after.owner, accepted.after.offered_to) == ("raj", "")


def test_an_offer_of_a_taken_incident_is_accepted_by_taking_it() -> None:
    taken = life.take(an_incident(), "ana", NOW).after
    offered = life.offer(taken, "ana", "raj", "", LATER).after
    assert life.take(offered, "raj", LATER).after.owner == "raj"


def test_only_the_owner_hands_over() -> None:
    with pytest.raises(Refused, match="belongs to ana"):
        life.offer(an_incident(), "raj", "mei", "", NOW)


def test_nobody_hands_over_to_themselves() -> None:
    with pytest.raises(Refused, match="already yours"):
        life.offer(an_incident(), "ana", "ana", "", NOW)


def test_recovery_ends_an_offer_and_keeps_the_owner() -> None:
    offered = life.offer(an_incident(), "ana", "raj", "", NOW).after
    healed = life.recovered(offered, LATER, NOW, "2m old").after
    assert (healed.state, healed.owner, healed.offered_to) == (State.RECOVERED, "ana", "")
    assert (healed.recovered_at, healed.first_good_at) == (LATER, NOW)


def test_a_recovered_incident_is_resolved_with_its_cause() -> None:
    ended = life.resolve(recovered_incident(), "ana", closing(" API key expired "), LATER)
    assert (ended.after.state, ended.after.cause) == (State.RESOLVED, "API key expired")
    assert ended.after.answer == NOTHING


@pytest.mark.parametrize("state", [State.OPEN, State.TAKEN])
def test_what_is_still_bad_cannot_be_resolved(state: State) -> None:
    with pytest.raises(Refused, match=r"has not recovered: 1h02m old \(max 1h\)"):
        life.resolve(an_incident(state=state), "ana", closing(), NOW)


@pytest.mark.parametrize(
    ("cause", "kind", "message"),
    [
        ("", "code", "needs its cause"),
        ("  ", "code", "needs its cause"),
        ("x", "magic", "of the kind `magic`; use one of code, data"),
        ("x", "withdrawn", "of the kind `withdrawn`"),
        ("x", "not given", "of the kind `not given`"),
    ],
)
def test_a_resolution_needs_a_cause_of_a_known_kind(cause: str, kind: str, message: str) -> None:
    with pytest.raises(Refused, match=message):
        life.resolve(recovered_incident(), "ana", closing(cause, kind), NOW)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (replace(NOTHING, words=" "), "needs one preventive action, or why nothing is needed"),
        (replace(ACTION, words=""), "needs one preventive action"),
        (replace(ACTION, owner=""), "needs somebody who does its preventive action, and by when"),
        (replace(ACTION, due_on=None), "needs somebody who does its preventive action"),
    ],
)
def test_a_resolution_needs_one_whole_answer(answer: Answer, message: str) -> None:
    with pytest.raises(Refused, match=message):
        life.resolve(recovered_incident(), "ana", closing(answer=answer), NOW)


def test_a_preventive_action_is_done_once() -> None:
    ended = life.resolve(recovered_incident(), "ana", closing(answer=ACTION), LATER).after
    done = life.action_done(ended, "raj", "a week before", LATER)
    assert done.happened.words == "warn before a key expires: a week before"
    assert done.after.answer == replace(ACTION, is_done=True)
    with pytest.raises(Refused, match="is done already"):
        life.action_done(done.after, "raj", "", LATER)
    with pytest.raises(Refused, match="has no preventive action"):
        life.action_done(recovered_incident(), "raj", "", LATER)


@pytest.mark.parametrize(
    ("answer", "said", "days"),
    [
        (NOTHING, "nothing needed: it cannot happen twice", 0),
        (ACTION, "warn before a key expires (alerting; raj, due 2025-06-27)", 3),
        (replace(ACTION, is_done=True), "warn before a key expires (alerting; raj, done)", 0),
    ],
)
def test_an_answer_is_said_in_a_line_and_knows_how_late_it_is(
    answer: Answer, said: str, days: int
) -> None:
    assert str(answer) == said
    assert answer.days_late(date(2025, 6, 30)) == days
    assert answer.days_late(date(2025, 6, 27)) == 0


def test_what_nobody_explains_ends_without_a_cause() -> None:
    ended = life.unanswered(recovered_incident(), LATER + timedelta(days=3))
    assert (ended.after.state, ended.after.cause_kind, ended.after.answer) == (
        State.RESOLVED,
        "not given",
        None,
    )
    assert ended.after.cause == "nobody wrote a cause within 3d"


def test_what_is_resolved_stays_resolved() -> None:
    ended = life.resolve(recovered_incident(), "ana", closing(), LATER).after
    with pytest.raises(Refused, match="nothing to take"):
        life.take(ended, "raj", LATER)
    with pytest.raises(Refused, match="nothing to hand over"):
        life.offer(ended, "ana", "raj", "", LATER)
    with pytest.raises(Refused, match="already resolved: key"):
        life.resolve(ended, "ana", closing("again"), LATER)


def test_a_note_is_possible_in_every_state_and_needs_words() -> None:
    ended = life.resolve(recovered_incident(), "ana", closing(), LATER).after
    assert life.note(ended, "raj", " seen ", LATER).happened.words == "seen"
    with pytest.raises(Refused, match="needs words"):
        life.note(ended, "raj", " ", LATER)


def test_coming_back_is_the_same_incident_not_taken_any_more() -> None:
    back = life.back_again(recovered_incident(), LATER + timedelta(minutes=20), Severity.WARNING)
    assert (back.after.state, back.after.owner, back.after.severity) == (
        State.OPEN,
        "ana",
        Severity.WARNING,
    )
    assert back.after.taken_at is None
    assert back.happened.words.startswith("20m after it recovered")


def test_coming_back_after_its_owner_has_left_it_belongs_to_somebody_else() -> None:
    back = life.back_again(recovered_incident(), LATER, Severity.WARNING, owner="raj")
    assert back.after.owner == "raj"


def test_the_reopen_window_wants_the_same_class_and_a_short_time() -> None:
    healed = recovered_incident(failure_class="transient")
    hour = timedelta(hours=1)
    assert life.within_reopen_window(healed, LATER + hour, hour, "transient")
    assert not life.within_reopen_window(healed, LATER + hour, hour, "auth_config")
    assert not life.within_reopen_window(
        healed, LATER + hour + timedelta(seconds=1), hour, "transient"
    )
    assert not life.within_reopen_window(an_incident(), NOW, hour, "")


def test_a_withdrawn_incident_is_neither_recovered_nor_solved() -> None:
    ended = life.withdrawn(an_incident(), LATER, "rule orders-stale was removed").after
    assert (ended.state, ended.cause_kind, ended.recovered_at) == (
        State.RESOLVED,
        "withdrawn",
        None,
    )


PEOPLE = st.sampled_from(["ana", "raj", "mei"])
VERBS = st.one_of(
    st.tuples(st.just("take"), PEOPLE, st.booleans()),
    st.tuples(st.just("offer"), PEOPLE, PEOPLE),
    st.tuples(st.just("note"), PEOPLE),
    st.tuples(st.just("resolve"), PEOPLE),
    st.tuples(st.just("recover")),
    st.tuples(st.just("back")),
    st.tuples(st.just("level"), st.sampled_from(list(Severity))),
)


def _step(one: Incident, verb: tuple[object, ...], now: datetime) -> Transition | None:  # noqa: PLR0911
    match verb:
        case ("take", str(person), bool(over)):
            return life.take(one, person, now, over=over)
        case ("offer", str(giver), str(receiver)):
            return life.offer(one, giver, receiver, "", now)
        case ("note", str(person)):
            return life.note(one, person, "words", now)
        case ("resolve", str(person)):
            return life.resolve(one, person, closing(), now)
        case ("recover",) if one.state in {State.OPEN, State.TAKEN}:
            return life.recovered(one, now, now, "good")
        case ("back",) if one.state is State.RECOVERED:
            return life.back_again(one, now, one.severity)
        case ("level", Severity() as severity) if one.state in {State.OPEN, State.TAKEN}:
            return life.level_changed(one, severity, "", now)
        case _:
            return None


@given(st.lists(VERBS, max_size=30))
def test_every_history_has_one_owner_allowed_edges_and_an_unbroken_chain(
    verbs: list[tuple[object, ...]],
) -> None:
    one = an_incident()
    for minutes, verb in enumerate(verbs, 1):
        try:
            moved = _step(one, verb, NOW + timedelta(minutes=minutes))
        except Refused:
            continue
        if moved is None:
            continue
        assert moved.before == one
        assert moved.after.version == one.version + 1
        assert moved.after.owner in {"ana", "raj", "mei"}
        assert moved.after.state == one.state or (one.state, moved.after.state) in EDGES
        assert moved.happened.actor
        one = moved.after
