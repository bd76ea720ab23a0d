"""Why a mail came, by who reads it and what they were told before."""

from dataclasses import replace
from typing import Any

import pytest

from notifiers.base import Event, Message, Part
from notifiers.mail_reasons import because_of, reason_of
from notifiers.samples import sample

KNOWN = {"message_id": "<i1042.1.8e43ca377012@watchdog.example.com>"}


@pytest.mark.parametrize(
    ("event", "reader", "remote", "reason"),
    [
        (Event.OPENED, "ana", {}, "on-call"),
        (Event.OPENED, "", {}, "on-call"),
        (Event.OPENED, "raj", {}, "told-before"),
        (Event.BACK_AGAIN, "ana", KNOWN, "owner"),
        (Event.BACK_AGAIN, "raj", KNOWN, "told-before"),
        (Event.BACK_AGAIN, "", KNOWN, "told-before"),
        (Event.LEVEL, "ana", KNOWN, "owner"),
        (Event.RECOVERED, "ana", KNOWN, "owner"),
        (Event.RECOVERED, "raj", KNOWN, "told-before"),
        (Event.EXPIRED, "ana", KNOWN, "owner"),
        (Event.ESCALATED, "raj", {}, "escalated"),
        (Event.ESCALATED, "raj", KNOWN, "escalated"),
        (Event.OFFERED, "raj", KNOWN, "handover"),
        (Event.EXHAUSTED, "tom", KNOWN, "lead"),
        (Event.STILL_OPEN, "ana", KNOWN, "owner"),
        (Event.HANDED_OVER, "ana", KNOWN, "told-before"),
        (Event.TEST, "", {}, "test"),
    ],
)
def test_the_reason_is_the_readers_own(
    event: Event, reader: str, remote: dict[str, Any], reason: str
) -> None:
    facts = sample(event)
    message = Message("n-7", "x@example.com", Part.PAGE, 1, facts, remote, reader)
    assert reason_of(message, facts)[0] == reason


@pytest.mark.parametrize(
    ("event", "remote", "sentence"),
    [
        (Event.OPENED, {}, "because you are on call for team data until Mon 10:00."),
        (Event.BACK_AGAIN, KNOWN, "because you are its owner, for team data."),
    ],
)
def test_only_whoever_is_on_call_is_told_until_when(
    event: Event, remote: dict[str, str], sentence: str
) -> None:
    facts = sample(event)
    message = Message("n-7", "x@example.com", Part.PAGE, 1, facts, remote, "ana")
    assert because_of(reason_of(message, facts), facts).endswith(sentence)
    without = replace(facts, on_call_until=None, team="")
    assert "until" not in because_of(reason_of(message, facts), without)
