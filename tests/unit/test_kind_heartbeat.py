"""The kind `heartbeat`: due reports, reported failures, runs without an end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.base import Context, Finding, Judgement, Rows, Severity
from rules.heartbeat import Heartbeat

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEY = "nightly-backup-7f3a"


def beat(**settings: Any) -> Heartbeat:
    return Heartbeat.model_validate(
        {"key": KEY, "expect": {"every": "1d"}, "grace": "1h"} | settings
    )


def ping(what: str, ago: timedelta, run: str = "", status: int | None = None) -> dict[str, Any]:
    at = NOW - ago
    return {"what": what, "at": at, "exit_status": status, "run": run, "body": ""}


def judged(kind: Heartbeat, *pings: dict[str, Any], now: datetime = NOW, **more: Any) -> Judgement:
    newest_first = sorted(pings, key=lambda one: one["at"], reverse=True)
    return kind.judge(Context(now, **more), ((Rows(newest_first),),))


def found(kind: Heartbeat, *pings: dict[str, Any], now: datetime = NOW) -> Finding | None:
    findings = judged(kind, *pings, now=now).findings
    return findings[0] if findings else None


def test_a_report_in_time_is_good() -> None:
    assert judged(beat(), ping("success", DAY)).outcome.value == "ok"


def test_a_report_within_its_grace_is_good() -> None:
    assert found(beat(), ping("success", DAY + HOUR - timedelta(seconds=1))) is None


def test_a_report_that_does_not_come_is_late_since_the_end_of_its_grace() -> None:
    one = found(beat(), ping("success", DAY + 3 * HOUR))
    assert one
    assert (one.fact, one.value, one.limit) == ("3h late (max 1h)", 3 * 3600, 3600)
    assert one.detail == ("It last reported success 27 h ago; the next was due 3 h ago, grace 1 h.")
    assert one.first_bad_at == NOW - 2 * HOUR


def test_a_job_that_never_reported_is_due_from_the_first_look_on() -> None:
    first = judged(beat())
    assert first.outcome.value == "no_data"
    later = judged(beat(), now=NOW + DAY + 2 * HOUR, remembered=first.remember)
    assert later.findings[0].detail.startswith("It never reported; the next was due 2 h ago")


def test_a_reported_failure_is_bad_at_once_and_says_how_it_ended() -> None:
    failed = ping("fail", timedelta(minutes=5), status=3) | {"body": "disk full"}
    one = found(beat(), ping("success", HOUR), failed)
    assert one
    assert (one.fact, one.error_text) == ("reported failure (exit 3)", "disk full")
    assert one.first_bad_at == NOW - timedelta(minutes=5)


def test_a_success_after_a_failure_is_good() -> None:
    assert found(beat(), ping("fail", HOUR), ping("success", timedelta(minutes=1))) is None


def test_a_failed_job_that_starts_again_has_still_failed() -> None:
    assert found(beat(), ping("fail", HOUR), ping("start", timedelta(minutes=1)))


def test_a_line_of_a_log_is_no_report() -> None:
    assert found(beat(), ping("success", DAY + 3 * HOUR), ping("log", HOUR))


def test_a_run_that_does_not_end_is_bad_once_it_takes_too_long() -> None:
    pings = ping("success", DAY), ping("start", 2 * HOUR)
    assert found(beat(max_run="2h"), *pings) is None
    one = found(beat(max_run="119m"), *pings)
    assert one
    assert one.fact == "running for 2h (max 1h59m)"


def test_of_several_open_runs_the_oldest_is_named_and_the_others_counted() -> None:
    runs = [ping("start", ago * HOUR, run) for ago, run in ((5, "a"), (4, "b"), (3, "c"))]
    one = found(beat(max_run="1h"), ping("success", 2 * HOUR, "b"), *runs)
    assert one
    assert one.detail == "It started 5 h ago (run a) and has not ended, limit 1 h; 1 more."


def test_without_names_a_new_start_takes_the_place_of_the_one_before() -> None:
    pings = ping("success", DAY), ping("start", 9 * HOUR), ping("start", timedelta(minutes=5))
    assert found(beat(max_run="1h"), *pings) is None


def test_a_run_that_never_ended_is_told_for_a_day() -> None:
    pings = ping("start", 27 * HOUR, "a"), ping("success", HOUR, "b")
    assert found(beat(max_run="2h"), *pings) is None


def test_a_late_run_that_is_under_way_may_still_end_in_time() -> None:
    pings = ping("success", DAY + 2 * HOUR), ping("start", HOUR)
    assert found(beat(max_run="3h"), *pings) is None
    assert found(beat(), *pings), "nobody said how long a run may take"


LEVELS = {"warning": "1h", "critical": "3h"}


@pytest.mark.parametrize(
    ("hours", "severity", "fact"),
    [
        (1.5, Severity.WARNING, "1h30m late (max 1h)"),
        (3, Severity.WARNING, "3h late (max 1h)"),
        (3.5, Severity.CRITICAL, "3h30m late (max 3h)"),
    ],
)
def test_what_is_long_overdue_may_be_worse(hours: float, severity: Severity, fact: str) -> None:
    one = found(beat(grace=LEVELS), ping("success", DAY + hours * HOUR))
    assert one
    assert (one.severity, one.fact) == (severity, fact)
    assert one.first_bad_at == NOW - (hours - 1) * HOUR


@pytest.mark.parametrize(
    ("hours", "severity"), [(1, None), (2, Severity.WARNING), (4, Severity.CRITICAL)]
)
def test_a_run_that_takes_far_too_long_may_be_worse(hours: int, severity: Severity | None) -> None:
    one = found(beat(max_run=LEVELS), ping("success", 5 * HOUR), ping("start", hours * HOUR))
    assert (one and one.severity) == severity


def test_a_run_is_told_for_a_day_beyond_the_worst_limit() -> None:
    long = beat(max_run={"warning": "1h", "critical": "3d"})
    assert found(long, ping("success", HOUR, "b"), ping("start", 3 * DAY + HOUR, "a"))


@pytest.mark.parametrize("expect", [{"daily": "12:00"}, {"every": "1d"}, {"cron": "0 12 * * *"}])
def test_a_job_that_stays_away_is_later_from_day_to_day(expect: dict[str, Any]) -> None:
    one = found(beat(expect=expect), ping("success", 3 * DAY), now=NOW + 2 * HOUR)
    assert one
    assert one.fact == "2d02h late (max 1h)"
    assert one.first_bad_at == NOW - 2 * DAY + HOUR


def daily(time: str, zone: str = "Europe/Berlin", **more: Any) -> Heartbeat:
    return beat(expect={"daily": time, "timezone": zone}, **more)


@pytest.mark.parametrize(
    ("reported", "is_bad"), [("01:59:30", False), ("01:58", True), ("02:10", False)]
)
def test_a_daily_report_counts_for_its_slot_from_a_minute_before_it(
    reported: str, is_bad: bool
) -> None:
    at = datetime.fromisoformat(f"2026-03-04T{reported}+00:00")  # the slot is 03:00 in Berlin
    assert bool(found(daily("03:00"), ping("success", NOW - at))) is is_bad


def test_a_slot_whose_grace_is_not_over_is_not_late() -> None:
    one = daily("12:30")  # 11:30 in UTC
    assert found(one, ping("success", DAY)) is None
    assert found(one, ping("success", DAY), now=NOW + timedelta(minutes=31))


@pytest.mark.parametrize(("month", "is_late"), [(3, True), (2, False)])
def test_a_drill_on_the_31st_is_not_due_in_a_short_month(month: int, is_late: bool) -> None:
    drill = beat(expect={"cron": "0 3 31 * *"})
    last = {**ping("success", DAY), "at": datetime(2026, 1, 31, 3, 5, tzinfo=UTC)}
    now = datetime(2026, month + 1, 1, 12, tzinfo=UTC)
    assert bool(found(drill, last, now=now)) is is_late


def test_a_watched_heartbeat_that_is_good_is_read() -> None:
    judgement = judged(beat(), ping("success", HOUR), watched=((),))
    assert [one.fact for one in judgement.readings] == ["reported 1h ago"]


@pytest.mark.parametrize(
    "settings",
    [
        {"key": "short"},
        {"key": "with a space in it"},
        {"expect": {}},
        {"expect": {"every": "1d", "daily": "03:00"}},
        {"expect": {"daily": "3:00"}},
        {"expect": {"daily": "24:00"}},
        {"expect": {"daily": "03:60"}},
        {"expect": {"daily": "-1:00"}},
        {"expect": {"daily": "1a:00"}},
        {"expect": {"daily": "03:5x"}},
        {"expect": {"daily": " 3:00"}},
        {"expect": {"daily": "03:00\n"}},
        {"expect": {"daily": "٠٣:٠٠"}},
        {"expect": {"cron": "0 3 * *"}},
        {"expect": {"cron": "0 3 * * *", "timezone": "Berlin"}},
        {"max_run": "0s"},
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        beat(**settings)


@given(st.text(max_size=6) | st.from_regex(r"[0-9 :+_-]{5}", fullmatch=True))
def test_a_time_of_the_day_is_refused_or_a_slot_of_every_day(time: str) -> None:
    try:
        one = daily(time)
    except ValidationError:
        return
    assert found(one, ping("success", 3 * DAY)) is not None


@pytest.mark.parametrize("text", ["", "x", "0", "[]", "2026-13-01T00:00:00+00:00"])
def test_a_first_look_that_cannot_be_read_any_more_is_now(text: str) -> None:
    judgement = judged(beat(), remembered={"first look": text})
    assert judgement.outcome.value == "no_data"
    assert judgement.remember == {"first look": NOW.isoformat()}


def test_limits_may_change_and_it_stays_the_same_heartbeat() -> None:
    assert beat().identity() == beat(grace="2h", expect={"daily": "03:00"}).identity()
    assert beat().identity() != beat(key="another-key").identity()


WHAT = st.sampled_from(["success", "start", "fail", "log"])
AGES = st.integers(0, 10 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
PING = st.builds(ping, WHAT, AGES, st.sampled_from(["", "a", "b"]))
PINGS = st.lists(PING, max_size=8)


@given(PINGS)
def test_a_success_now_makes_everything_good_but_runs_with_other_names(
    pings: list[dict[str, Any]],
) -> None:
    one = found(beat(), *pings, ping("success", timedelta(seconds=-1)))
    assert one is None


@given(st.lists(PING, max_size=8, unique_by=lambda one: one["at"]), st.randoms())
def test_the_order_in_which_pings_are_told_does_not_matter(
    pings: list[dict[str, Any]], random: Any
) -> None:
    shuffled = random.sample(pings, len(pings))
    kind = beat(max_run="1h")
    assert kind.judge(Context(NOW), ((Rows(shuffled),),)) == judged(kind, *pings)


@given(PINGS)
def test_a_finding_is_never_about_the_future(pings: list[dict[str, Any]]) -> None:
    one = found(beat(max_run="1h"), *pings)
    if one and one.first_bad_at:
        assert one.first_bad_at <= NOW
        assert one.severity is Severity.WARNING
