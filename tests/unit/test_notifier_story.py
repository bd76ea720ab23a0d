from dataclasses import replace
from datetime import timedelta

import pytest

from notifiers.base import Event, Facts
from notifiers.clean import tidy
from notifiers.samples import sample
from notifiers.story import tell
from notifiers.telling import Row, Story
from notifiers.thread_line import below


def told(event: Event, **changes: object) -> Story:
    return tell(tidy(changed(event, **changes)))


def changed(event: Event, **changes: object) -> Facts:
    return replace(sample(event), **changes)  # type: ignore[arg-type]


def owner(story: Story) -> Row:
    return next(row for row in story.who if row.label == "Owner")


@pytest.mark.parametrize("event", Event)
def test_every_story_has_a_word_a_title_a_sentence_and_an_owner(event: Event) -> None:
    story = told(event)
    assert story.word.isupper()
    assert story.title
    assert story.lead.endswith((".", "!", "?"))
    assert owner(story).text.startswith(("ana", "raj", "tom"))


def test_an_owner_who_did_not_take_it_is_said_so() -> None:
    assert owner(told(Event.OPENED)) == Row("Owner", "ana, not taken yet")


def test_an_owner_who_took_it_is_said_since_when() -> None:
    facts = sample(Event.TAKEN)
    assert owner(tell(facts)) == Row("Owner", "ana, since", facts.taken_at)


def test_what_is_not_taken_says_who_is_paged_next_and_when() -> None:
    at = sample(Event.OPENED).next_at
    assert Row("Next", "raj at", at) in told(Event.OPENED).who
    assert Row("Next", "raj at", at) in told(Event.MISSED, next_at=at, next_person="raj").who
    nobody = Row("Next", "nobody is left; the team is told at", at)
    assert nobody in told(Event.OPENED, next_person="").who


def test_without_an_escalation_it_says_what_follows_from_the_event_alone() -> None:
    assert [row.label for row in told(Event.OPENED, next_at=None).who] == ["Owner"]
    rows = told(Event.ESCALATED, next_at=None).who
    assert Row("Next", "raj takes it, or it is passed on") in rows


def test_an_offer_says_who_stays_owner_and_quotes_the_note() -> None:
    story = told(Event.OFFERED)
    assert "ana → raj (not accepted yet)." in story.lead
    assert Row("Next", "ana keeps it unless raj takes it") in story.who
    assert story.quote == "key rotated, resync runs, watch it finish"


def test_an_offer_without_a_note_quotes_nothing() -> None:
    assert told(Event.OFFERED, words="ana → raj").quote == ""


def test_a_recovery_says_the_new_value_and_how_long_it_was_bad() -> None:
    story = told(Event.RECOVERED)
    assert story.lead.startswith("Newest row is 2 min old")
    assert story.lead.endswith("Bad for 1h12m.")


def test_a_recovery_asks_the_owner_for_the_cause() -> None:
    assert Row("Next", "ana writes the cause, then it is resolved") in told(Event.RECOVERED).who


def test_what_nobody_took_is_said_so() -> None:
    story = told(Event.RECOVERED, taken_at=None, owner_took_it=False)
    assert "nobody took it" in story.facts_line


def test_without_data_of_the_impact_the_time_of_the_incident_counts() -> None:
    facts = changed(Event.RECOVERED, first_bad_at=None, first_good_at=None)
    assert "Bad for 1h13m." in tell(tidy(facts)).lead


def test_an_end_says_the_cause_its_kind_and_the_figures() -> None:
    story = told(Event.RESOLVED)
    assert story.lead == (
        "Cause: Shop API key expired (config). "
        "Next time: Warn two weeks before a key expires (alerting; ana, due 2026-06-24)."
    )
    risky = told(Event.RESOLVED, prevention="", risk="keys of other shops")
    assert risky.lead.endswith("(config). Still at risk: keys of other shops.")
    assert story.facts_line[:3] == ("taken after 4m", "bad for 1h12m", "open for 1h31m")


def test_a_withdrawal_never_sounds_like_a_recovery() -> None:
    story = told(Event.WITHDRAWN)
    assert "Nobody says that it is fixed." in story.lead
    assert "ecovered" not in story.lead


def test_back_again_says_how_soon_and_not_the_fact_twice() -> None:
    story = told(Event.BACK_AGAIN)
    assert story.lead.startswith("Bad again, 20m after it recovered. Newest row")
    assert "max 1h" not in story.lead


def test_back_again_counts_from_the_recovery_when_that_is_known() -> None:
    at = sample(Event.BACK_AGAIN).at
    story = told(Event.BACK_AGAIN, recovered_at=at - timedelta(minutes=7))
    assert story.lead.startswith("Bad again, 7m after it recovered.")


def test_a_note_is_quoted_with_its_writer() -> None:
    assert told(Event.NOTED).quote == "ana: API key expired, asked the shop"


@pytest.mark.parametrize("event", [Event.OPENED, Event.LEVEL, Event.BACK_AGAIN, Event.OFFERED])
def test_whoever_must_act_reads_what_it_means_and_what_to_do(event: Event) -> None:
    assert [row.label for row in told(event).guide] == ["Impact", "Do first", "Before"]


@pytest.mark.parametrize("event", [Event.RECOVERED, Event.RESOLVED, Event.WITHDRAWN, Event.NOTED])
def test_whoever_need_not_act_is_not_told_what_to_do(event: Event) -> None:
    assert told(event).guide == ()


def test_a_runbook_that_is_no_link_is_told_as_text() -> None:
    assert Row("Runbook", "ask raj") in told(Event.OPENED, runbook="ask raj").guide


def test_empty_facts_leave_no_empty_rows() -> None:
    story = told(
        Event.OPENED,
        impact="",
        do_first="",
        runbook="",
        owner="",
        rule="",
        team="",
        next_at=None,
        times=1,
        last_cause="",
    )
    assert story.guide == story.who == ()
    assert all(story.facts_line)


@pytest.mark.parametrize("event", Event)
def test_a_thread_line_is_one_sentence_with_something_in_it(event: Event) -> None:
    assert len(below(tidy(sample(event)))) > 10


@pytest.mark.parametrize(
    ("times", "cause", "text"),
    [
        (3, "API key expired", "3rd time in 7 days. Last time (raj, Fri 5 Jun): API key expired."),
        (1, "API key expired", "Last time (raj, Fri 5 Jun): API key expired."),
        (2, "", "2nd time in 7 days."),
        (11, "", "11th time in 7 days."),
        (21, "", "21st time in 7 days."),
        (113, "", "113th time in 7 days."),
        (1, "", ""),
    ],
)
def test_it_says_how_often_it_was_and_what_ended_it_the_last_time(
    times: int, cause: str, text: str
) -> None:
    rows = told(Event.OPENED, times=times, last_cause=cause).guide
    assert [row.text for row in rows if row.label == "Before"] == ([text] if text else [])


def test_steps_follow_what_to_do_first() -> None:
    changes = {"impact": "", "do_first": "Look.", "times": 1, "last_cause": ""}
    story = told(Event.OPENED, steps=("Restart it.", "Call Ana."), **changes)
    rows = [(row.label, row.text) for row in story.guide]
    assert rows == [("Do first", "Look."), ("Step 1", "Restart it."), ("Step 2", "Call Ana.")]
