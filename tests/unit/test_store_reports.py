"""Reports, written to a row and read back."""

import json

from hypothesis import given

from notifiers.base import Message, Report
from notifiers.samples import sample_report
from tests.any_reports import any_report_messages
from watchdog.store.facts import decode_told, encode_report
from watchdog.store.text import json_text


@given(any_report_messages())
def test_any_report_can_be_stored_and_read_back(message: Message) -> None:
    assert isinstance(message.facts, Report)
    stored = json.loads(json_text(encode_report(message.facts)))
    assert isinstance(decode_told(stored), Report)


def test_a_report_comes_back_as_it_was() -> None:
    stored = json.loads(json_text(encode_report(sample_report())))
    assert decode_told(stored) == sample_report()


def test_what_another_release_wrote_or_left_out_does_no_harm() -> None:
    stored = json.loads(json_text(encode_report(sample_report())))
    del stored["zone"]
    stored["parts"][0]["colour"] = "green"
    told = decode_told(stored | {"mood": "good"})
    assert isinstance(told, Report)
    assert told.parts == sample_report().parts
