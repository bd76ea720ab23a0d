"""The logs kind: what it asks, and what it makes of what the logs hold."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.base import Context, Entity, Finding, Judgement, Outcome, Reading, Severity, Unanswered
from rules.classify import build_classifier
from rules.file_questions import LogGroup, LogQuestion, LogReply
from rules.logs import Logs
from tests.postgres import NIGHT as NOW

MINUTE = timedelta(minutes=1)
LEVELS = {"warning": 20, "critical": 100}


def logs(**settings: Any) -> Logs:
    return Logs.model_validate({"files": "/var/log/api.log", "window": "10m"} | settings)


def reply(*groups: LogGroup, **more: Any) -> LogReply:
    return LogReply(groups, **{"files": 1} | more)


def judge(kind: Logs, answer: LogReply, watched: Sequence[Entity] = ((),)) -> Judgement:
    context = Context(NOW, tuple(watched), classifier=build_classifier())
    return kind.judge(context, ((answer,),))


def finding(kind: Logs, answer: LogReply) -> Finding:
    (found,) = judge(kind, answer).findings
    return found


def reading(kind: Logs, answer: LogReply) -> Reading:
    (found,) = judge(kind, answer).readings
    return found


def whole(count: int = 0, **more: Any) -> LogGroup:
    return LogGroup((), count, **more)


def silent(minutes: float) -> LogReply:
    return reply(whole(1, last_at=NOW - minutes * MINUTE))


def test_one_question_is_asked() -> None:
    kind = logs(
        where={"level": "ERROR", "extra.status": "> 499"}, max=LEVELS, entity=["extra.shop"]
    )
    (question,) = kind.ask(Context(NOW), ())
    assert isinstance(question, LogQuestion)
    assert (question.source, question.now, question.enough) == ("@files", NOW, 20)
    asked = question.lines
    assert asked.files == ("/var/log/api.log",)
    assert (asked.window, asked.kept) == (10 * MINUTE, 10 * MINUTE)
    assert asked.entity == (("extra", "shop"),)
    assert kind.entity == ("shop",)
    assert asked.where[0].holds({"level": "ERROR"})
    assert kind.ask(Context(NOW), ((reply(),),)) == ()


def test_rules_that_differ_by_their_limit_read_the_same_lines() -> None:
    assert logs(max=5).lines == logs(max=LEVELS).lines
    assert hash(logs(max=5, where={"a": {"matches": "x"}}).lines)


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({"max": 5}, 10),
        ({"silent_for": {"warning": "3m", "critical": "30m"}}, 30),
        ({"silent_for": "30m", "entity": "a"}, 120),
        ({"factor": 5, "compare_to": "2h"}, 130),
    ],
)
def test_no_more_is_kept_than_is_needed(settings: dict[str, Any], kept: int) -> None:
    assert logs(**settings).lines.kept == kept * MINUTE


def test_as_many_lines_as_allowed_are_good_and_one_more_is_bad() -> None:
    kind = logs(max=LEVELS)
    assert reading(kind, reply(whole(20))).fact == "20 in 10m (max 20)"
    found = finding(kind, reply(whole(21, line='{"message": "no"}')))
    assert (found.severity, found.value, found.limit) == (Severity.WARNING, 21, 20)
    assert found.fact == "21 in 10m (max 20)"
    assert found.detail == '21 lines in 10 min, limit 20. Latest line: {"message": "no"}'
    assert finding(kind, reply(whole(101))).severity is Severity.CRITICAL


def test_no_line_at_all_is_good_where_lines_are_counted() -> None:
    assert reading(logs(max=0), reply()).fact == "0 in 10m (max 0)"
    assert finding(logs(max=0), reply(whole(1))).detail.startswith("1 line in 10 min")


def test_without_a_file_nothing_is_counted() -> None:
    judgement = judge(logs(max=5), reply(files=0))
    assert judgement == Judgement(has_data=False)


def test_a_log_that_nobody_understands_says_nothing() -> None:
    answer = reply(is_understood=False, skipped=7)
    assert judge(logs(max=5), answer).outcome is Outcome.NO_DATA
    assert judge(logs(silent_for="3m"), answer).outcome is Outcome.BAD


def test_silence_as_long_as_allowed_is_good_and_longer_is_bad() -> None:
    kind = logs(silent_for={"warning": "3m", "critical": "10m"})
    assert reading(kind, silent(3)).first_good_at == NOW - 3 * MINUTE
    found = finding(kind, silent(4))
    assert (found.severity, found.value, found.limit) == (Severity.WARNING, 240, 180)
    assert found.fact == "silent for 4m (max 3m)"
    assert found.detail == "The latest such line is 4 min old, limit 3 min."
    assert found.first_bad_at == NOW - MINUTE
    assert finding(kind, silent(11)).severity is Severity.CRITICAL


def test_a_line_from_the_future_is_no_silence() -> None:
    assert reading(logs(silent_for="3m"), silent(-5)).value == 0


def test_a_log_without_such_a_line_is_silent() -> None:
    found = finding(logs(silent_for={"warning": "3m", "critical": "10m"}), reply())
    assert (found.severity, found.fact, found.value) == (
        Severity.CRITICAL, "no line (max 10m)", None,
    )  # fmt: skip


def test_without_a_file_there_is_silence() -> None:
    found = finding(logs(silent_for="3m"), reply(files=0))
    assert (found.fact, found.entity) == ("no log file", ())
    assert found.detail == "No file matches `/var/log/api.log`."


def test_a_percentile_is_a_number_that_was_in_a_line() -> None:
    kind = logs(field="took", max=94, ignore_below=20)
    answer = reply(whole(100, values=tuple(float(n) for n in range(1, 101))))
    found = finding(kind, answer)
    assert (found.value, found.fact) == (95.0, "p95 95 (max 94)")
    assert found.detail == "The p95 of took is 95 over 10 min, limit 94."
    assert reading(logs(field="took", percentile=50, max=50), answer).value == 50.0
    assert reading(logs(field="took", percentile=100, max=100), answer).value == 100.0


def test_one_slow_line_is_no_slow_percentile() -> None:
    kind = logs(field="took", max=1000)
    quick = (700.0,) * 19
    assert judge(kind, reply(whole(20, values=(*quick, 9000.0)))).outcome is Outcome.OK


def test_too_few_numbers_are_not_judged() -> None:
    kind = logs(field="took", max=1, ignore_below=3)
    judgement = judge(kind, reply(whole(2, values=(5.0, 6.0))))
    assert (judgement.outcome, judgement.readings) == (Outcome.NO_DATA, ())
    assert judge(kind, reply(whole(3, values=(4.0, 5.0, 6.0)))).outcome is Outcome.BAD
    many = (5.0,) * 1000
    assert judge(
        logs(field="took", max=1, ignore_below=10**6), reply(whole(9, values=many))
    ).findings
    assert judge(logs(field="took", max=1, ignore_below=0), reply()).outcome is Outcome.NO_DATA


def test_many_times_as_many_lines_as_usual_are_bad() -> None:
    kind = logs(factor={"warning": 5, "critical": 10}, compare_to="1h")
    usual = (7, 9, 8, 9000, 8)
    assert reading(kind, reply(whole(40, earlier=usual))).fact == "40 in 10m (usual 8)"
    found = finding(kind, reply(whole(41, earlier=usual)))
    assert (found.severity, found.value, found.limit) == (Severity.WARNING, 41, 40)
    assert found.detail.startswith("41 lines in 10 min, usual is 8.")
    assert finding(kind, reply(whole(81, earlier=usual))).severity is Severity.CRITICAL


def test_a_few_lines_where_none_are_usual_are_not_many() -> None:
    kind = logs(factor=5, compare_to="1h")
    assert judge(kind, reply(whole(19, earlier=(0, 0, 0)))).outcome is Outcome.OK
    assert judge(kind, reply(whole(20, earlier=(0, 0, 0)))).outcome is Outcome.BAD


def test_two_windows_say_nothing_about_what_is_usual() -> None:
    kind = logs(factor=5, compare_to="1h")
    assert judge(kind, reply(whole(999, earlier=(1, 1)))).outcome is Outcome.NO_DATA


def test_what_is_still_to_be_read_may_make_it_worse_but_never_good() -> None:
    kind = logs(max=20, silent_for="3m")
    late = whole(5, last_at=NOW - 9 * MINUTE)
    assert judge(kind, reply(late, unread_bytes=1)).outcome is Outcome.NO_DATA
    found = finding(kind, reply(replace(late, count=21), unread_bytes=1))
    assert found.fact == "21 in 10m (max 20)"


def test_all_that_is_wrong_is_said_and_the_worst_counts() -> None:
    kind = logs(max={"warning": 2}, silent_for={"critical": "3m"})
    found = finding(kind, reply(whole(3, last_at=NOW - 9 * MINUTE)))
    assert (found.severity, found.fact) == (Severity.CRITICAL, "silent for 9m (max 3m)")
    assert "limit 3 min. 3 lines in 10 min, limit 2." in found.detail


def test_each_entity_is_judged_and_one_without_lines_is_good_again() -> None:
    kind = logs(max=2, entity=["component", "route"])
    groups = (LogGroup(("api", "/a"), 3), LogGroup(("api", "/b"), 1))
    gone = (("component", "api"), ("route", "/c"))
    judgement = judge(kind, reply(*groups), [gone])
    assert [one.entity for one in judgement.findings] == [(("component", "api"), ("route", "/a"))]
    assert [(one.entity, one.value) for one in judgement.readings] == [(gone, 0.0)]


def test_an_entity_that_stays_silent_stays_bad() -> None:
    kind = logs(silent_for="3m", entity="job")
    (found,) = judge(kind, reply(), [(("job", "a"),)]).findings
    assert (found.entity, found.fact) == ((("job", "a"),), "no line (max 3m)")
    assert judge(kind, reply(), []).outcome is Outcome.OK


def test_files_that_are_there_again_are_good_for_the_whole() -> None:
    kind = logs(silent_for="3m", entity="job")
    assert judge(kind, reply(files=0), [()]).outcome is Outcome.BAD
    (found,) = judge(kind, reply(), [()]).readings
    assert (found.entity, found.fact) == ((), "files again")


def test_the_words_of_the_newest_error_decide_the_class() -> None:
    found = finding(logs(max=0, error="error"), reply(whole(1, error="401 unauthorized")))
    assert (found.failure_class, found.error_text) == ("auth_config", "401 unauthorized")
    plain = finding(logs(max=0), reply(whole(1, line='{"error": "401"}')))
    assert (plain.failure_class, plain.error_text) == (None, "")
    given_ = logs(max=0, **{"class": "auth_config"})
    assert finding(given_, reply(whole(1))).failure_class == "auth_config"


def test_a_long_line_is_cut() -> None:
    found = finding(logs(max=0), reply(whole(1, line="x" * 500)))
    assert len(found.detail) < 400


def test_without_an_answer_nothing_is_known() -> None:
    refused = Unanswered("/var/log/api.log cannot be read: permission denied")
    judgement = logs(max=5).judge(Context(NOW, ((),)), ((refused,),))
    assert judgement == Judgement(unknown=((),), has_data=False)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({}, "one_of"),
        ({"max": 5, "factor": 5}, "needs"),
        ({"max": 5, "compare_to": "1h"}, "needs"),
        ({"silent_for": "1m", "field": "took"}, "needs"),
        ({"factor": 5, "compare_to": "29m"}, "bad_span"),
        ({"factor": 5, "compare_to": "51h"}, "bad_span"),
        ({"max": 5, "percentile": 0}, "bad_percentile"),
        ({"max": 5, "percentile": 100.1}, "bad_percentile"),
        ({"max": 5, "ignore_below": -1}, "bad_count"),
        ({"max": 5, "entity": ["a.b", "c.b"]}, "same_field"),
        ({"max": 5, "entity": "a."}, "bad_path"),
        ({"max": 5, "where": {"a.": 1}}, "bad_path"),
        ({"max": 5, "zone": "Berlin"}, "bad_zone"),
        ({"max": 5, "window": "0s"}, "bad_duration"),
        ({"max": {"warning": 5, "critical": 4}}, "bad_order"),
        ({"max": 5, "source": "@files"}, "extra_forbidden"),
    ],
)
def test_other_settings_are_refused(settings: dict[str, Any], error: str) -> None:
    with pytest.raises(ValidationError) as caught:
        logs(**settings)
    assert [one["type"] for one in caught.value.errors()] == [error]


ROUTES = ("/a", "/b", "/c")
ANY = logs(
    max=LEVELS, silent_for={"warning": "3m", "critical": "30m"}, entity="route",
    factor=5, compare_to="1h",
)  # fmt: skip
groups_ = st.lists(
    st.tuples(
        st.sampled_from(ROUTES),
        st.integers(0, 120),
        st.integers(-5, 60),
        st.lists(st.integers(0, 20), max_size=6),
    ),
    unique_by=lambda one: one[0],
)


def _groups(rows: Sequence[tuple[str, int, int, list[int]]]) -> list[LogGroup]:
    return [
        LogGroup((route,), count, NOW - ago * MINUTE, tuple(earlier))
        for route, count, ago, earlier in rows
    ]


def _ranks(judgement: Judgement) -> dict[Entity, int]:
    return {one.entity: one.severity.rank for one in judgement.findings}


@given(groups_)
def test_a_healthy_line_of_another_makes_nothing_worse(rows: list[Any]) -> None:
    before = _ranks(judge(ANY, reply(*_groups(rows))))
    healthy = LogGroup(("/new",), 1, NOW, (1, 1, 1))
    assert _ranks(judge(ANY, reply(*_groups(rows), healthy))) == before


@given(groups_)
def test_entities_do_not_mix(rows: list[Any]) -> None:
    alone = [judge(ANY, reply(one)) for one in _groups(rows)]
    expected = {found for judgement in alone for found in judgement.findings}
    assert set(judge(ANY, reply(*_groups(rows))).findings) == expected


@given(groups_, st.randoms())
def test_the_order_of_entities_does_not_matter(rows: list[Any], random: Any) -> None:
    groups, watched = _groups(rows), [(("route", one),) for one in ROUTES]
    shuffled = random.sample(groups, len(groups))
    assert judge(ANY, reply(*groups), watched) == judge(ANY, reply(*shuffled), watched)


@given(groups_)
def test_more_lines_are_never_milder(rows: list[Any]) -> None:
    kind = logs(max=LEVELS, entity="route")
    more = [(route, count + 30, ago, earlier) for route, count, ago, earlier in rows]
    before, after = (_ranks(judge(kind, reply(*_groups(one)))) for one in (rows, more))
    assert all(after[entity] >= rank for entity, rank in before.items())


@given(groups_)
def test_what_is_found_can_be_said(rows: list[Any]) -> None:
    watched = [(("route", one),) for one in ROUTES]
    judgement = judge(ANY, reply(*_groups(rows)), watched)
    said: list[Finding | Reading] = [*judgement.findings, *judgement.readings]
    for one in said:
        assert 0 < len(one.fact) <= 40
        assert one.detail.endswith(".")
        assert one.value is None or one.value >= 0
