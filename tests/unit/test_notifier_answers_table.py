"""What each of Slack's answers means: for good, to be tried again, or not known."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.base import DeliveryError
from notifiers.slack_answers import (
    GONE,
    LAYOUT,
    PERMANENT,
    UNKNOWN,
    refused,
)
from notifiers.waits import RETRY_AFTER_DEFAULT, retry_after

GROUPS = {"permanent": PERMANENT, "unknown": UNKNOWN, "layout": LAYOUT, "gone": GONE}
TRANSIENT = ["service_unavailable", "team_added_to_org", "request_timeout", "accesslimited", "x"]


def kind(error: DeliveryError) -> str:
    if error.permanent:
        return "for good"
    if error.unknown:
        return "not known"
    return "wait" if error.retry_after else "again"


@pytest.mark.parametrize("code", sorted(PERMANENT))
@pytest.mark.parametrize("status", [200, 400, 403, 404])
def test_what_somebody_must_change_is_not_tried_again(status: int, code: str) -> None:
    error = refused(status, code, {})
    assert kind(error) == "for good"
    assert str(error) == f"slack refused: {code}"
    assert error.retry_after is None


@pytest.mark.parametrize("code", sorted(UNKNOWN))
@pytest.mark.parametrize("status", [200, 400, 500])
def test_where_slack_does_not_know_we_do_not_either(status: int, code: str) -> None:
    assert kind(refused(status, code, {})) == "not known"


@pytest.mark.parametrize("code", [*sorted(LAYOUT | GONE), *TRANSIENT])
def test_any_other_code_may_be_tried_again(code: str) -> None:
    assert kind(refused(200, code, {})) == "again"


@pytest.mark.parametrize("code", ["ratelimited", "rate_limited"])
@pytest.mark.parametrize("status", [200, 429, 500])
def test_who_is_too_fast_waits_as_long_as_it_says(status: int, code: str) -> None:
    error = refused(status, code, {"Retry-After": "7"})
    assert kind(error) == "wait"
    assert error.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize("code", [None, "", "invalid_auth", "internal_error", 7])
def test_429_is_a_wait_whatever_else_is_said(code: object) -> None:
    error = refused(429, code, {})
    assert (kind(error), error.retry_after) == ("wait", RETRY_AFTER_DEFAULT)


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (0, "not known"), (200, "not known"), (204, "not known"), (299, "not known"),
        (301, "again"), (302, "again"), (400, "again"), (401, "for good"), (403, "for good"),
        (404, "for good"), (405, "for good"), (408, "again"), (409, "again"), (410, "for good"),
        (413, "again"), (418, "again"), (429, "wait"), (499, "again"), (500, "not known"),
        (502, "not known"), (503, "not known"), (504, "not known"), (999, "not known"),
    ],
)  # fmt: skip
def test_without_a_code_the_status_decides(status: int, meaning: str) -> None:
    assert kind(refused(status, None, {})) == meaning


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_broken_slack_may_have_the_message_even_when_it_names_a_reason(status: int) -> None:
    assert kind(refused(status, "invalid_auth", {})) == "not known"


@pytest.mark.parametrize("code", [None, 7, True, [], {}, "", "A", "a b", "a\n", "ä", "x" * 61])
def test_what_is_no_code_is_not_repeated_and_the_status_decides(code: object) -> None:
    assert str(refused(400, code, {})) == "slack refused: HTTP 400"


@pytest.mark.parametrize("code", ["xoxb-1-2-secret", "xoxp-123", "xapp-1-a"])
def test_a_token_that_an_answer_repeats_counts_as_no_permanent_code(code: str) -> None:
    assert not refused(200, code, {}).permanent


@pytest.mark.parametrize("first", GROUPS)
@pytest.mark.parametrize("second", GROUPS)
def test_a_code_is_in_one_group_only(first: str, second: str) -> None:
    assert first == second or not GROUPS[first] & GROUPS[second]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, 30), ("", 30), ("0", 1), ("1", 1), ("30", 30), ("3600", 3600), ("3601", 3600),
        ("999999999", 3600), ("9999999999", 30), ("-1", 30), ("1.5", 30), (" 5", 30),
        ("5 s", 30), ("٣", 30), ("²", 30), ("Wed, 21 Oct 2026 07:28:00 GMT", 30), ("007", 7),
    ],
)  # fmt: skip
def test_the_wait_is_what_slack_says_in_whole_seconds(said: str | None, seconds: int) -> None:
    assert retry_after(said) == timedelta(seconds=seconds)


@given(st.integers(min_value=0, max_value=599), st.none() | st.text(max_size=80))
def test_every_refusal_has_a_reason_that_fits_a_line(status: int, code: str | None) -> None:
    error = refused(status, code, {})
    assert str(error).startswith("slack")
    assert "\n" not in str(error)
    assert kind(error) in {"for good", "not known", "wait", "again"}
