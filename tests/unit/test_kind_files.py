"""The files kind: what it makes of the newest file."""

from collections.abc import Sequence
from datetime import time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rules.base import Context, Finding, Judgement, Outcome, Reading, Rows, Severity, Unanswered
from rules.file_questions import FileQuestion
from rules.files import Files, Size
from rules.hours import ActiveHours, WeeklyHours
from rules.sizes import short_size
from tests.postgres import NIGHT as NOW

HOUR = 3600
MB = 1_000_000


def files(**settings: Any) -> Files:
    return Files.model_validate({"path": "/backups/*.dump"} | settings)


def file(age_s: float, size: int = 50 * MB, path: str = "/backups/a.dump") -> dict[str, Any]:
    return {"path": path, "at": NOW.timestamp() - age_s, "size": size}


def judge(kind: Files, rows: Sequence[dict[str, Any]], *, watched: bool = False) -> Judgement:
    context = Context(NOW, ((),) if watched else ())
    return kind.judge(context, ((Rows(rows),),))


def finding(kind: Files, *rows: dict[str, Any]) -> Finding:
    (found,) = judge(kind, rows).findings
    return found


def reading(kind: Files, *rows: dict[str, Any]) -> Reading:
    (found,) = judge(kind, rows, watched=True).readings
    return found


def test_it_asks_once_and_no_source_of_the_users() -> None:
    kind = files(max_age="1d")
    (question,) = kind.ask(Context(NOW), ())
    assert question == FileQuestion("@files", ("/backups/*.dump",))
    assert kind.ask(Context(NOW), ((Rows([]),),)) == ()


def test_a_fresh_file_is_good() -> None:
    one = reading(files(max_age="1d"), file(23 * HOUR))
    assert (one.fact, one.value) == ("23h old, 50 MB", 23 * HOUR)
    assert one.detail == "/backups/a.dump is 23 h old and has 50 MB."
    assert one.first_good_at == NOW - timedelta(hours=23)


def test_a_file_as_old_as_the_limit_is_good_and_a_second_older_is_bad() -> None:
    kind = files(max_age={"warning": "1d", "critical": "2d"})
    assert judge(kind, [file(24 * HOUR)]).outcome is Outcome.OK
    found = finding(kind, file(24 * HOUR + 1))
    assert (found.severity, found.value, found.limit) == (Severity.WARNING, 86401, 86400)
    assert found.fact == "24h old (max 24h)"
    assert found.first_bad_at == NOW - timedelta(seconds=1)
    assert finding(kind, file(50 * HOUR)).severity is Severity.CRITICAL


@pytest.mark.parametrize(("limit", "is_bad"), [("4h", False), ("3h59m", True)])
def test_only_active_time_makes_a_file_older(limit: str, is_bad: bool) -> None:
    workdays = ActiveHours(WeeklyHours(frozenset(range(5)), time(), time()))
    monday = NOW + timedelta(days=3)  # at 02:15; the file is of Friday at 22:15
    context = Context(monday, ((),), active=workdays)
    judgement = files(max_age=limit).judge(context, ((Rows([file(-20 * HOUR)]),),))
    assert [one.fact for one in judgement.findings] == ["4h old (max 3h59m)"] * is_bad
    assert [one.first_bad_at for one in judgement.findings] == [
        monday - timedelta(minutes=1)
    ] * is_bad
    details = [one.detail for one in judgement.findings]
    details += [one.detail for one in judgement.readings]
    assert ["4 h old (active time)" in one for one in details] == [True]


def test_only_the_newest_file_is_judged_by_its_age() -> None:
    rows = [file(90 * HOUR, path="/backups/old.dump"), file(HOUR)]
    assert judge(files(max_age="1d"), rows).outcome is Outcome.OK


def test_no_file_is_bad() -> None:
    found = finding(files(max_age={"warning": "1d", "critical": "2d"}))
    assert (found.fact, found.severity) == ("no file", Severity.CRITICAL)
    assert found.detail == "No file matches `/backups/*.dump`."
    assert finding(files(min_size="1MB", path=["/a", "/b"])).detail.endswith("`/a` and 1 more.")


def test_a_file_from_the_future_is_as_good_as_new() -> None:
    assert reading(files(max_age="1d"), file(-9 * HOUR)).value == 0


def test_a_small_file_is_bad() -> None:
    kind = files(min_size={"warning": "50MB", "critical": "1MB"})
    assert judge(kind, [file(HOUR, 50 * MB)]).outcome is Outcome.OK
    found = finding(kind, file(HOUR, 50 * MB - 1))
    assert (found.severity, found.value, found.limit) == (Severity.WARNING, 50 * MB - 1, 50 * MB)
    assert found.fact == "50 MB (min 50 MB)"
    assert found.detail == "The newest file, /backups/a.dump, has 50 MB, limit 50 MB."
    assert finding(kind, file(HOUR, 0)).severity is Severity.CRITICAL


def test_a_file_that_is_still_written_is_not_measured() -> None:
    kind = files(min_size="50MB")
    assert judge(kind, [file(299, 1)]).outcome is Outcome.OK
    assert judge(kind, [file(300, 1)]).outcome is Outcome.BAD
    assert judge(kind, [file(10, 1), file(HOUR, 2)]).outcome is Outcome.BAD
    assert judge(files(min_size="50MB", settled="0s"), [file(0, 1)]).outcome is Outcome.BAD


def test_a_file_far_smaller_than_those_before_is_bad() -> None:
    kind = files(min_share="50%")
    before = [file(day * 24 * HOUR, size * MB) for day, size in ((1, 90), (2, 100), (3, 9000))]
    assert judge(kind, [file(HOUR, 50 * MB), *before]).outcome is Outcome.OK
    found = finding(kind, file(HOUR, 49 * MB), *before)
    assert (found.value, found.limit) == (49 * MB, 50 * MB)
    assert found.detail.endswith("has 49 MB, limit 50 MB; usual is 100 MB.")


def test_two_files_before_say_nothing_about_what_is_usual() -> None:
    rows = [file(HOUR, 1), file(30 * HOUR), file(60 * HOUR)]
    assert judge(files(min_share="50%"), rows).outcome is Outcome.OK


def test_files_that_are_usually_empty_may_be_empty() -> None:
    rows = [file(day * HOUR, 0) for day in range(1, 6)]
    assert judge(files(min_share="50%"), rows).outcome is Outcome.OK


def test_all_that_is_wrong_is_said_and_the_worst_counts() -> None:
    kind = files(max_age={"warning": "1h"}, min_size={"critical": "1MB"})
    found = finding(kind, file(2 * HOUR, 5))
    assert (found.severity, found.fact) == (Severity.CRITICAL, "5 B (min 1.0 MB)")
    assert "is 2 h old, limit 1 h. The newest file" in found.detail


def test_without_an_answer_nothing_is_known() -> None:
    refused = Unanswered("/backups cannot be read: permission denied")
    judgement = files(max_age="1d").judge(Context(NOW, ((),)), ((refused,),))
    assert judgement == Judgement(unknown=((),), has_data=False)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({}, "one_of"),
        ({"max_age": "1 day"}, "bad_duration"),
        ({"min_size": "10 mb"}, "bad_size"),
        ({"min_size": "1001TB"}, "bad_size"),
        ({"min_size": {"warning": "1MB", "critical": "2MB"}}, "bad_order"),
        ({"min_share": "150%"}, "bad_share"),
        ({"max_age": "1d", "path": []}, "no_words"),
        ({"max_age": "1d", "path": ["/a"] * 21}, "no_words"),
        ({"max_age": "1d", "path": " "}, "bad_path"),
        ({"max_age": "1d", "path": "/backups/"}, "bad_path"),
        ({"max_age": "1d", "path": "/**/a"}, "bad_path"),
        ({"max_age": "1d", "path": "/a\0b"}, "bad_path"),
        ({"max_age": "1d", "source": "@files"}, "extra_forbidden"),
    ],
)
def test_other_settings_are_refused(settings: dict[str, Any], error: str) -> None:
    with pytest.raises(ValidationError) as caught:
        files(**settings)
    assert [one["type"] for one in caught.value.errors()] == [error]


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (14e9, "14 GB"),
        (5e15, "5000 TB"),
    ],
)
def test_a_size_is_said_short(size: float, said: str) -> None:
    assert short_size(size) == said


def test_a_size_may_have_any_unit() -> None:
    sizes = [TypeAdapter(Size).validate_python(one) for one in (7, "7", "7B", "7kB", "7 GB", "7TB")]
    assert sizes == [7, 7, 7, 7000, 7 * 10**9, 7 * 10**12]


rows_ = st.lists(st.tuples(st.integers(-9, 90), st.integers(0, 100)), max_size=8)
ANY = files(max_age={"warning": "30h", "critical": "60h"}, min_size="10MB", min_share="50%")


def _rows(pairs: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    return [file(age * HOUR, size * MB, f"/backups/{i}") for i, (age, size) in enumerate(pairs)]


def _rank(judgement: Judgement) -> int:
    return max((one.severity.rank for one in judgement.findings), default=-1)


@given(rows_)
def test_a_new_large_file_makes_nothing_worse(pairs: list[tuple[int, int]]) -> None:
    assert _rank(judge(ANY, _rows([*pairs, (1, 1000)]))) == -1


@given(rows_, st.randoms())
def test_the_order_of_files_does_not_matter(pairs: list[tuple[int, int]], random: Any) -> None:
    rows = _rows(pairs)
    assert judge(ANY, rows, watched=True) == judge(
        ANY, random.sample(rows, len(rows)), watched=True
    )


@given(rows_)
def test_what_is_found_can_be_said(pairs: list[tuple[int, int]]) -> None:
    judgement = judge(ANY, _rows(pairs), watched=True)
    assert len(judgement.findings) + len(judgement.readings) == 1
    said: list[Finding | Reading] = [*judgement.findings, *judgement.readings]
    for one in said:
        assert 0 < len(one.fact) <= 40
        assert one.detail.endswith(".")
