"""What must hold for the schedule kind on any rows: statements and judgement, on SQLite in memory."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.base import (
    Answers,
    Context,
    Dialect,
    Entity,
    Finding,
    Judgement,
    Outcome,
    Reading,
    Rows,
    Severity,
    SqlQuestion,
    Unanswered,
)
from rules.cron import parse_cron, previous_slots
from rules.schedule import Schedule
from rules.timetable import EARLY
from tests.postgres import NIGHT as NOW

Row: TypeAlias = tuple[str, str | None, str | None, int | None]
"""Organisation, cron line, zone, and minutes since the last run."""

MINUTE = timedelta(minutes=1)
QUARTERLY, OFFICE, NIGHTLY = "*/15 * * * *", "0 9-17 * * 1-5", "30 2 * * *"
NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"
COLUMNS = {"cron": {"column": "line"}, "timezone": {"column": "zone"}}
LEVELS = {"warning": "10m", "critical": "2h"}


def schedule(**more: Any) -> Schedule:
    written = {"source": "db", "table": "t", "last_run": "at", "entity": "org"} | more
    return Schedule.model_validate({k: v for k, v in written.items() if v is not None})


OWN = schedule(**COLUMNS, grace=LEVELS)
TWICE = schedule(**COLUMNS, grace=LEVELS, in_a_row=2)
SAME = schedule(cron=QUARTERLY, timezone=BERLIN, grace=LEVELS)
SPACED = schedule(interval="20m", grace=LEVELS, in_a_row=2)
NEVER = schedule(**COLUMNS, grace=LEVELS, if_never="bad")
DUE = schedule(last_run=None, due="at", grace=LEVELS)
kinds = st.sampled_from([OWN, TWICE, SAME, SPACED, NEVER, DUE])
rows_ = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from([QUARTERLY, OFFICE, NIGHTLY, "@hourly", "61 * * * *", None]),
        st.sampled_from([NEW_YORK, BERLIN, "Asia/Kolkata", "Mars/Base", None]),
        st.integers(-30, 400) | st.integers(400, 9000) | st.none(),
    ),
    max_size=10,
)


def judge(
    kind: Schedule, rows: Sequence[Row], watched: Sequence[str] = (), now: datetime = NOW
) -> Judgement:
    """Return the judgement of a table, asked in as many rounds as the kind wants."""
    entities: tuple[Entity, ...] = tuple((("org", org),) for org in watched)
    context = Context(now, entities if kind.entity else ((),) * len(watched), SQLITE)
    with closing(sqlite3.connect(":memory:")) as file:
        file.row_factory = sqlite3.Row
        file.execute("create table t (org text, line text, zone text, at real)")
        ats = [None if age is None else now.timestamp() - 60 * age for *_, age in rows]
        stored = [(*row[:3], at) for row, at in zip(rows, ats, strict=True)]
        file.executemany("insert into t values (?, ?, ?, ?)", stored)
        answers: Answers = ()
        while questions := kind.ask(context, answers):
            (question,) = questions
            assert isinstance(question, SqlQuestion)
            params = {str(i): value for i, value in enumerate(question.params, start=1)}
            found = [dict(row) for row in file.execute(question.text, params)]
            answers = (*answers, (Rows(found),))
        assert len(answers) <= 2
    return kind.judge(context, answers)


SQLITE = Dialect("sqlite", "epoch_s")


def missed(line: str, zone: str, at: datetime, grace: timedelta) -> int:
    """Return how many slots passed without a run that was at `at`, counted one by one."""
    slots = previous_slots(parse_cron(line), ZoneInfo(zone), NOW - grace)
    return len(list(takewhile(lambda slot: slot > at + EARLY, slots)))


def rank(kind: Schedule, row: Row) -> int:
    """Return how bad a row of a kind with columns is by itself, -1 for well or not judged."""
    _, line, zone, age = row
    if line is None:
        return -1
    if line.startswith("61") or zone == "Mars/Base":
        return Severity.WARNING.rank
    if age is None:
        return Severity.CRITICAL.rank if kind.if_never == "bad" else -1
    levels = kind.grace.levels(Severity.WARNING)
    at = NOW - age * MINUTE
    late = [
        level.rank
        for level, grace in levels
        if missed(line, zone or "UTC", at, grace) >= kind.in_a_row
    ]
    return max(late, default=-1)


def severities(judgement: Judgement) -> dict[str, int]:
    return {one.entity[0][1]: one.severity.rank for one in judgement.findings}


@given(st.sampled_from([OWN, TWICE, NEVER]), rows_)
def test_exactly_the_late_entities_are_found(kind: Schedule, rows: list[Row]) -> None:
    ranks = {
        org: max((rank(kind, row) for row in rows if row[0] == org), default=-1) for org in "abc"
    }
    assert severities(judge(kind, rows)) == {org: one for org, one in ranks.items() if one >= 0}


@given(kinds, rows_, st.sets(st.sampled_from("abz")))
def test_being_watched_changes_no_finding(
    kind: Schedule, rows: list[Row], watched: set[str]
) -> None:
    plain, seen = judge(kind, rows), judge(kind, rows, sorted(watched))
    assert plain.findings == seen.findings
    assert plain.readings == ()
    told = {one.entity[0][1] for one in seen.readings}
    assert told <= watched
    assert not told & set(severities(seen))


@given(kinds, rows_)
def test_entities_do_not_mix(kind: Schedule, rows: list[Row]) -> None:
    alone = [judge(kind, [row for row in rows if row[0] == org]) for org in "abc"]
    expected = {one.entity: one for judgement in alone for one in judgement.findings}
    assert {one.entity: one for one in judge(kind, rows).findings} == expected


@given(kinds, rows_, st.randoms())
def test_the_order_of_rows_does_not_matter(kind: Schedule, rows: list[Row], random: Any) -> None:
    shuffled = random.sample(rows, len(rows))
    assert judge(kind, rows, ["a"]) == judge(kind, shuffled, ["a"])


@given(kinds, rows_, st.sampled_from("abc"))
def test_a_row_that_just_ran_makes_nothing_worse(kind: Schedule, rows: list[Row], org: str) -> None:
    before = severities(judge(kind, rows))
    after = severities(judge(kind, [*rows, (org, QUARTERLY, BERLIN, 0)]))
    assert all(before.get(one, -1) >= rank for one, rank in after.items())


@given(kinds, rows_)
def test_what_is_found_can_be_said(kind: Schedule, rows: list[Row]) -> None:
    for one in judge(kind, rows).findings:
        assert 0 < len(one.fact) <= 40
        assert one.detail.endswith(".")
        assert one.value is None or one.value > 600
        assert one.first_bad_at is None or one.first_bad_at < NOW
        assert one.failure_class in {"scheduler", "data_logic"}


def told(kind: Schedule, *rows: Row, now: datetime = NOW) -> str:
    """Return the fact of the only thing that is said of organisation `a`."""
    judgement = judge(kind, rows, ["a"], now)
    found: list[Finding | Reading] = [*judgement.findings, *judgement.readings]
    (one,) = found
    return ("" if isinstance(one, Finding) else "good: ") + one.fact


def local(text: str, zone: str = NEW_YORK) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def ago(then: str, now: datetime, zone: str = NEW_YORK) -> int:
    return (now - local(then, zone)) // MINUTE


# Friday 13 June 2025; the clocks of New York skip 02:00 on 9 March and repeat 01:00 on 2 November.
@pytest.mark.parametrize(
    ("line", "last", "now", "fact"),
    [
        (OFFICE, "2025-06-13T17:00", "2025-06-14T03:00", "good: in time (max 10m)"),
        (OFFICE, "2025-06-13T17:04", "2025-06-14T14:00", "good: in time (max 10m)"),
        (OFFICE, "2025-06-13T17:00", "2025-06-16T09:10", "good: 10m late (max 10m)"),
        (OFFICE, "2025-06-13T17:00", "2025-06-16T09:11", "11m late (max 10m)"),
        (OFFICE, "2025-06-13T16:00", "2025-06-14T03:00", "10h late (max 2h)"),
        (NIGHTLY, "2025-03-08T02:31", "2025-03-09T03:10", "good: 10m late (max 10m)"),
        (NIGHTLY, "2025-03-08T02:31", "2025-03-09T03:11", "11m late (max 10m)"),
        ("30 1 * * *", "2025-11-02T01:31", "2025-11-02T04:00", "good: in time (max 10m)"),
        (QUARTERLY, "2025-03-09T01:45", "2025-03-09T03:10", "good: 10m late (max 10m)"),
        (QUARTERLY, "2025-03-09T01:45", "2025-03-09T03:11", "11m late (max 10m)"),
    ],
)
def test_each_row_is_late_by_its_own_line_in_its_own_zone(
    line: str, last: str, now: str, fact: str
) -> None:
    at = local(now)
    assert told(OWN, ("a", line, NEW_YORK, ago(last, at)), now=at) == fact


def test_in_the_repeated_hour_a_pace_is_kept_by_real_time() -> None:
    second = local("2025-11-02T01:00").replace(fold=0) + timedelta(hours=1)
    row: Row = ("a", QUARTERLY, NEW_YORK, 26)
    assert told(OWN, row, now=second + 26 * MINUTE) == "11m late (max 10m)"
    nightly: Row = ("a", "30 1 * * *", NEW_YORK, 60)
    assert told(OWN, nightly, now=second + 31 * MINUTE) == "good: in time (max 10m)"


@pytest.mark.parametrize(("age", "is_late"), [(27, False), (28, True)])
def test_with_two_in_a_row_the_last_but_one_slot_counts(age: int, is_late: bool) -> None:
    at = local("2025-06-13T10:26")
    fact = told(TWICE, ("a", QUARTERLY, NEW_YORK, age), now=at)
    assert fact == ("11m late (max 10m)" if is_late else "good: in time (max 10m)")


def test_a_finding_says_what_was_due_where_and_since_when() -> None:
    (one,) = judge(TWICE, [("a", "@hourly", BERLIN, 200)]).findings
    assert one.detail == (
        "The last of 2 runs in a row, due on 2025-06-13 02:00 (Europe/Berlin), is 2 h 15 min late,"
        " limit 2 h. The last run was on 2025-06-13 00:55."
    )
    assert (one.severity, one.value, one.limit) == (Severity.CRITICAL, 8100.0, 7200.0)
    assert one.first_bad_at == datetime(2025, 6, 13, 0, 10, tzinfo=UTC)


def test_a_run_a_little_before_its_slot_counts_for_it() -> None:
    at = local("2025-06-13T10:20")
    assert told(OWN, ("a", "@hourly", NEW_YORK, 21), now=at) == "good: in time (max 10m)"
    assert told(OWN, ("a", "@hourly", NEW_YORK, 22), now=at) == "20m late (max 10m)"


@pytest.mark.parametrize("kind", [OWN, TWICE, SAME, SPACED])
def test_a_run_in_the_future_has_just_been(kind: Schedule) -> None:
    assert told(kind, ("a", QUARTERLY, BERLIN, -90)) == "good: in time (max 10m)"


@pytest.mark.parametrize("kind", [OWN, TWICE, SAME, SPACED, DUE])
def test_a_run_in_1970_was_long_ago(kind: Schedule) -> None:
    age = int(NOW.timestamp()) // 60
    assert "20251d" in told(kind, ("a", QUARTERLY, BERLIN, age)).replace("20252d", "20251d")


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        (
            ("a", "0 25 * * *", BERLIN, 5),
            "The cron line `0 25 * * *` cannot be read: `25` cannot be",
        ),
        (("a", "0 0 L * *", BERLIN, None), "`L` cannot be the day of the month; allowed are 1-31,"),
        (("a", "", BERLIN, 5), "it has 0 fields, not 5"),
        (("a", "x" * 500, BERLIN, 5), "it is longer than 100 characters"),
        (("a", QUARTERLY, "Mars/Base", 5), "There is no time zone `Mars/Base`."),
        (("a", QUARTERLY, "../../etc/passwd", 5), "There is no time zone"),
        (("a", QUARTERLY, "", 5), "There is no time zone"),
    ],
)
def test_a_row_whose_schedule_cannot_be_read_is_a_finding_beside_the_others(
    row: Row, detail: str
) -> None:
    judgement = judge(OWN, [row, ("b", QUARTERLY, BERLIN, 60), ("c", QUARTERLY, BERLIN, 5)])
    found = {one.entity[0][1]: one for one in judgement.findings}
    assert set(found) == {"a", "b"}
    assert (found["a"].failure_class, found["a"].fact) == ("data_logic", "schedule cannot be read")
    assert detail in found["a"].detail
    assert found["a"].severity is Severity.WARNING


def test_a_row_without_a_line_is_not_judged_unless_there_is_a_default() -> None:
    row: Row = ("a", None, None, 90)
    assert judge(OWN, [row], ["a"]) == Judgement(has_data=False)
    cron = {"cron": {"column": "line", "default": QUARTERLY}}
    assert told(schedule(**COLUMNS | cron, grace="10m"), row) == "1h15m late (max 10m)"


def test_a_row_without_a_zone_keeps_utc_unless_there_is_a_default() -> None:
    row: Row = ("a", "0 2 * * *", None, 600)
    assert told(OWN, row) == "15m late (max 10m)"
    zone = {"timezone": {"column": "zone", "default": NEW_YORK}}
    assert told(schedule(**COLUMNS | zone), row) == "good: in time (max 10m)"


def test_only_one_of_line_and_zone_may_be_the_rows_own() -> None:
    at = local("2025-06-13T03:20")
    zone = schedule(cron="0 3 * * *", timezone={"column": "zone"})
    assert told(zone, ("a", None, NEW_YORK, 600), now=at) == "20m late (max 10m)"
    line = schedule(cron={"column": "line"}, timezone=NEW_YORK)
    assert told(line, ("a", "0 3 * * *", None, 600), now=at) == "20m late (max 10m)"


@pytest.mark.parametrize("more", [COLUMNS, {"cron": QUARTERLY}, {"interval": "15m"}])
def test_what_it_means_that_there_was_never_a_run(more: dict[str, Any]) -> None:
    row: Row = ("a", QUARTERLY, BERLIN, None)
    silent = judge(schedule(**more), [row], ["a"])
    assert (silent.findings, silent.readings, silent.outcome) == ((), (), Outcome.OK)
    assert told(schedule(**more, if_never="bad"), row) == "never ran"


@pytest.mark.parametrize("more", [COLUMNS, {"cron": QUARTERLY}, {"interval": "15m"}])
def test_a_row_that_never_ran_may_be_judged_since_it_was_made(more: dict[str, Any]) -> None:
    kind = schedule(**more, last_run="last_at", created="at", table=None, **{"from": NEW_ROWS})
    assert told(kind, ("a", QUARTERLY, BERLIN, 10)) == "good: in time (max 10m)"
    assert "late" in told(kind, ("a", QUARTERLY, BERLIN, 60))


NEW_ROWS = "(select *, null as last_at from t) new_rows"


def test_without_columns_the_newest_run_of_an_entity_counts() -> None:
    rows: list[Row] = [("a", None, None, 300), ("a", None, None, 5), ("a", None, None, None)]
    assert told(SAME, *rows) == "good: in time (max 10m)"
    assert told(SPACED, *rows) == "good: in time (max 10m)"


def test_with_columns_each_row_of_an_entity_counts() -> None:
    rows: list[Row] = [("a", QUARTERLY, BERLIN, age) for age in (300, 200, 5)]
    assert told(OWN, *rows) == "2 late, 4h45m (max 2h)"
    (one,) = judge(OWN, rows).findings
    assert one.detail.endswith(" 2 rows are late, this one most.")


def test_without_an_entity_the_late_rows_are_counted() -> None:
    kind = schedule(**COLUMNS, entity=None)
    rows: list[Row] = [("a", QUARTERLY, BERLIN, 60), ("b", "@hourly", NEW_YORK, 100)]
    assert told(kind, *rows) == "2 late, 1h15m (max 10m)"
    assert told(kind, ("a", QUARTERLY, BERLIN, 5)) == "good: in time (max 10m)"
    assert judge(kind, []).outcome is Outcome.NO_DATA


@pytest.mark.parametrize(
    ("age", "fact"),
    [
        (39, "good: in time (max 10m)"),
        (50, "good: 10m late (max 10m)"),
        (51, "11m late (max 10m)"),
        (161, "2h01m late (max 2h)"),
    ],
)
def test_an_interval_counts_from_the_run_before(age: int, fact: str) -> None:
    assert told(SPACED, ("a", None, None, age)) == fact


@pytest.mark.parametrize(
    ("age", "fact"),
    [
        (-60, "good: in time (max 10m)"),
        (10, "good: 10m late (max 10m)"),
        (11, "11m late (max 10m)"),
        (121, "2h01m late (max 2h)"),
    ],
)
def test_what_is_due_by_its_own_column_may_be_late(age: int, fact: str) -> None:
    assert told(DUE, ("a", None, None, age), ("a", None, None, None)) == fact
    assert judge(DUE, [("a", None, None, None)], ["a"]).readings == ()


@pytest.mark.parametrize("kind", [OWN, SAME, SPACED, DUE])
def test_an_empty_table_is_no_data(kind: Schedule) -> None:
    assert judge(kind, [], ["a"]) == Judgement(has_data=False)


@pytest.mark.parametrize("kind", [OWN, SAME])
def test_without_an_answer_nothing_is_known(kind: Schedule) -> None:
    context = Context(NOW, ((("org", "a"),),))
    silence: Answers = ((Unanswered("down"),),)
    assert kind.ask(context, silence) == ()
    assert kind.judge(context, silence).unknown == context.watched


def test_the_second_question_may_stay_without_an_answer() -> None:
    context = Context(NOW, ((("org", "a"),),))
    pair = {"cron": QUARTERLY, "zone": BERLIN, "n": 1, "at": 0.0}
    answers: Answers = ((Rows([pair]),), (Unanswered("down"),))
    assert OWN.judge(context, answers).unknown == context.watched


# Everything: nothing at all has run for half an hour, though something was due in it.
ALL = schedule(**COLUMNS, entity=None, all_missed_for="30m")


@pytest.mark.parametrize(
    ("rows", "fact"),
    [
        ([("a", QUARTERLY, BERLIN, 31)], "no run for 31m, 1 due (max 30m)"),
        ([("a", QUARTERLY, BERLIN, 31), ("b", OFFICE, NEW_YORK, 400)], "no run for 31m, 1 due (max 30m)"),
        ([("a", QUARTERLY, BERLIN, 31), ("b", QUARTERLY, NEW_YORK, 45)], "no run for 31m, 2 due (max 30m)"),
        ([("a", QUARTERLY, BERLIN, None)], "no run ever, 1 due (max 30m)"),
        ([("a", QUARTERLY, BERLIN, 30)], "good: last run 30m ago (max 30m)"),
        ([("a", QUARTERLY, BERLIN, 90), ("b", OFFICE, NEW_YORK, 3)], "good: last run 3m ago (max 30m)"),
        ([("a", QUARTERLY, BERLIN, 90), ("b", "x", NEW_YORK, -3)], "good: last run 0s ago (max 30m)"),
    ],
)  # fmt: skip
def test_nothing_at_all_has_run_for_too_long(rows: list[Row], fact: str) -> None:
    assert told(ALL, *rows) == fact


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [("a", OFFICE, NEW_YORK, 300), ("b", OFFICE, BERLIN, 700)],
        [("a", "@hourly", "Asia/Kolkata", 300)],
        [("a", "61 * * * *", BERLIN, 300), ("b", QUARTERLY, "Mars/Base", 300)],
        [("a", None, None, 300)],
    ],
)
def test_where_nothing_was_due_nothing_is_said_of_all(rows: list[Row]) -> None:
    assert judge(ALL, rows, ["a"]) == Judgement(has_data=False)


def test_a_slot_counts_for_all_only_when_its_grace_is_over() -> None:
    row: Row = ("a", "@hourly", NEW_YORK, 62)
    assert judge(ALL, [row], ["a"], local("2025-06-13T10:10")).outcome is Outcome.NO_DATA
    assert told(ALL, row, now=local("2025-06-13T10:11")) == "no run for 1h02m, 1 due (max 30m)"


def test_what_is_said_of_all_has_levels() -> None:
    kind = schedule(**COLUMNS, entity=None, all_missed_for={"warning": "30m", "critical": "2h"})
    for age, severity in ((31, Severity.WARNING), (121, Severity.CRITICAL)):
        (one,) = judge(kind, [("a", QUARTERLY, BERLIN, age)]).findings
        assert (one.entity, one.severity, one.value) == ((), severity, age * 60.0)
    assert one.detail == "1 row was due within the last 2 h, and nothing has run for 2 h 01 min."
    assert one.first_bad_at == NOW - MINUTE


MOVED = {"due": "d", "from": "(select *, at + 60 * 40 as d from t) m", "table": None}


@pytest.mark.parametrize(
    ("more", "fact"),
    [
        ({"interval": "20m"}, "no run for 1h, 1 due (max 30m)"),
        ({"interval": "50m"}, None),
        ({"interval": "2h"}, None),
        ({"cron": "50 * * * *"}, "no run for 1h, 1 due (max 30m)"),
        ({"cron": "10 * * * *"}, None),
        (MOVED, "no run for 1h, 1 due (max 30m)"),
        (MOVED | {"where": "org <> 'a'"}, None),
    ],
)
def test_all_may_share_one_pace(more: dict[str, Any], fact: str | None) -> None:
    kind = schedule(**more, entity=None, all_missed_for="30m")
    row: Row = ("a", None, None, 60)
    if fact is None:
        assert judge(kind, [row]) == Judgement(has_data=False)
    else:
        assert told(kind, row) == fact


def test_where_nothing_ever_ran_no_interval_says_when_something_was_due() -> None:
    kind = schedule(interval="20m", entity=None, all_missed_for="30m")
    assert judge(kind, [("a", None, None, None)]) == Judgement(has_data=False)


@pytest.mark.parametrize(
    ("more", "place", "error"),
    [
        ({}, (), "one_of"),
        ({"cron": QUARTERLY, "interval": "15m"}, (), "one_of"),
        ({"cron": QUARTERLY, "last_run": None}, (), "needs"),
        ({"last_run": None, "due": "at", "all_missed_for": "1h", "entity": None}, (), "needs"),
        ({"cron": "61 * * * *"}, ("cron",), "bad_cron"),
        ({"cron": {"column": "max(x)"}}, ("cron", "column"), "bad_column"),
        ({"cron": {"column": "c", "default": "x"}}, ("cron", "default"), "bad_cron"),
        ({"cron": {"colum": "c"}}, ("cron", "colum"), "extra_forbidden"),
        ({"cron": QUARTERLY, "timezone": "Mars"}, ("timezone",), "bad_zone"),
        ({"cron": "@daily", "timezone": {"column": "z", "default": ""}}, ("timezone", "default"), "bad_zone"),
        ({"interval": "15m", "timezone": BERLIN}, (), "idle_key"),
        ({"due": "at"}, (), "idle_key"),
        ({"due": "at", "last_run": None, "in_a_row": 2}, (), "idle_key"),
        ({"interval": "15m", "all_missed_for": "1h"}, (), "idle_key"),
        ({"interval": "15m", "all_missed_for": "10m", "entity": None}, (), "within_grace"),
        ({"interval": "15m", "in_a_row": 0}, ("in_a_row",), "bad_count"),
        ({"interval": "15m", "in_a_row": 101}, ("in_a_row",), "bad_count"),
        ({"interval": "15m", "grace": 10}, ("grace",), "bad_duration"),
        ({"cron": 5}, ("cron",), "bad_cron"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_place(
    more: dict[str, Any], place: tuple[str, ...], error: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        schedule(**more)
    found = [one for one in caught.value.errors() if one["type"] != "missing"]
    assert [(one["loc"], one["type"]) for one in found] == [(place, error)]


def test_pairs_that_were_cut_are_told() -> None:
    context = Context(NOW)
    pair = {"cron": QUARTERLY, "zone": BERLIN, "n": 1, "at": 0.0}
    answers: Answers = ((Rows([pair], truncated=True),), (Rows([]),))
    assert OWN.judge(context, answers).truncated
