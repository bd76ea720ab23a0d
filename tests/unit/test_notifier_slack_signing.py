"""Only what Slack has signed, not long ago, is Slack's."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.signature import SignatureVerifier

from notifiers.slack_signing import SKEW_MAX, NotSlack, OutOfTime, require_slack
from tests.slack_presses import SIGNING_SECRET, signed

NOW = datetime(2026, 6, 10, 1, 15, tzinfo=UTC)
BODY = b"payload=%7B%22type%22%3A%22block_actions%22%7D"
GOOD = signed(BODY, NOW)

DOCUMENTED = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
    b"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
"""The example of Slack's own page on signed requests, with the signature that it names."""


def judged(headers: Mapping[str, str], body: bytes = BODY, now: datetime = NOW) -> None:
    require_slack(SIGNING_SECRET, headers, body, now)


def changed(**headers: str) -> Mapping[str, str]:
    named = {f"x-slack-{name.replace('_', '-')}": value for name, value in headers.items()}
    return {**GOOD.headers, **named}


def test_the_documented_example_is_slacks() -> None:
    at = datetime.fromtimestamp(1531420618, UTC)
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    headers = {"x-slack-request-timestamp": "1531420618", "x-slack-signature": signature}
    judged(headers, DOCUMENTED, at)


def test_the_tests_sign_as_the_library_does() -> None:
    timestamp = GOOD.headers["x-slack-request-timestamp"]
    made = SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=timestamp, body=BODY)
    assert made == GOOD.headers["x-slack-signature"]


def test_no_single_flipped_bit_passes() -> None:
    texts = {name: GOOD.headers[name].encode() for name in GOOD.headers if name.startswith("x-")}
    for name, text in texts.items():
        for at, bit in ((at, bit) for at in range(len(text)) for bit in range(8)):
            flipped = bytearray(text)
            flipped[at] ^= 1 << bit
            with pytest.raises((NotSlack, OutOfTime)):
                judged({**GOOD.headers, name: flipped.decode("latin-1")})
    for at, bit in ((at, bit) for at in range(len(BODY)) for bit in range(8)):
        body = bytearray(BODY)
        body[at] ^= 1 << bit
        with pytest.raises(NotSlack):
            judged(GOOD.headers, bytes(body))


def test_another_secret_is_not_ours() -> None:
    with pytest.raises(NotSlack, match="not signed with our signing secret"):
        judged(signed(BODY, NOW, secret="another").headers)


@pytest.mark.parametrize("seconds", [0, 1, 299, 300, -1, -300])
def test_what_was_signed_within_five_minutes_passes(seconds: int) -> None:
    judged(GOOD.headers, now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [301, 3600, -301, -86_400])
def test_what_was_signed_at_another_time_says_how_far_our_clock_is_ahead(seconds: int) -> None:
    with pytest.raises(OutOfTime) as late:
        judged(GOOD.headers, now=NOW + timedelta(seconds=seconds))
    assert late.value.skew == timedelta(seconds=seconds)
    assert abs(late.value.skew) > SKEW_MAX


def test_a_forged_request_says_nothing_of_clocks() -> None:
    with pytest.raises(NotSlack):
        judged(changed(request_timestamp="1"))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        changed(request_timestamp=""),
        changed(request_timestamp="soon"),
        changed(request_timestamp="1781054100.5"),
        changed(request_timestamp="9" * 5000),
        changed(request_timestamp="-1781054100"),
        changed(request_timestamp="١٧٨١٠٥٤١٠٠"),
        changed(signature=""),
        changed(signature="v0="),
        changed(signature="v0=" + "ä" * 64),
        changed(signature="v1=" + "0" * 64),
        changed(signature=GOOD.headers["x-slack-signature"].upper()),
        changed(signature=GOOD.headers["x-slack-signature"] + "\n"),
        changed(signature=GOOD.headers["x-slack-signature"] * 2),
    ],
)
def test_what_carries_no_signature_of_slack_is_not_slacks(headers: Mapping[str, str]) -> None:
    with pytest.raises(NotSlack, match="carries no signature of Slack"):
        judged(headers)


def test_bytes_that_are_no_text_are_not_slacks_however_they_are_signed() -> None:
    body = b"payload=\xff\xfe"
    with pytest.raises(NotSlack, match="not text"):
        judged(signed(body, NOW).headers, body)


@given(
    st.dictionaries(
        st.sampled_from(["x-slack-request-timestamp", "x-slack-signature"]),
        st.text(max_size=80) | st.integers().map(str) | st.from_regex(r"v0=[0-9a-f]{64}"),
    ),
    st.binary(max_size=200),
)
def test_nothing_that_a_stranger_sends_does_more_than_be_refused(
    headers: dict[str, str], body: bytes
) -> None:
    with pytest.raises((NotSlack, OutOfTime)):
        judged(headers, body)


def test_a_refusal_repeats_nothing_of_the_request(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(NotSlack) as told:
        judged(changed(signature="v0=" + "a" * 64))
    assert "aaa" not in str(told.value)
    assert SIGNING_SECRET not in str(told.value)
    assert caplog.text == ""
