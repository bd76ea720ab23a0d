"""Which class an error text belongs to."""

import time

import pytest

from rules.base import Severity
from rules.classify import BUILT_IN, ClassSpec, PatternError, build_classifier

BUILT = build_classifier()


def class_of(text: str) -> str | None:
    found = BUILT.classify(text)
    return found.name if found else None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("HTTP 401", "auth_config"),
        ("status=403 Forbidden", "auth_config"),
        ("Invalid API key", "auth_config"),
        ("invalid or missing secret", "auth_config"),
        ("the access token has expired", "auth_config"),
        ("missing ZENDESK_TOKEN: token not set", "auth_config"),
        ("credential error", "auth_config"),
        ("Unauthorized", "auth_config"),
        ("HTTP 429", "transient"),
        ("502 Bad Gateway", "transient"),
        ("rate_limit exceeded", "transient"),
        ("request timed out", "transient"),
        ("timeout after 30s", "transient"),
        ("connection reset by peer", "transient"),
        ("Service temporarily unavailable", "transient"),
        ("read ECONNRESET", "transient"),
        ("schema mismatch: column id", "data_logic"),
        ("JSON parse error at line 1", "data_logic"),
        ("bad cursor 'abc'", "data_logic"),
        ("violates unique constraint", "data_logic"),
        ("unexpected field", "data_logic"),
        ("run was missed", "scheduler"),
        ("job not scheduled", "scheduler"),
        ("mailbox is full", None),
        ("order 14012 of 5001 rows", None),
        ("took 4295 ms", None),
        ("monkeys and tokenizers", None),
        ("", None),
    ],
)
def test_an_error_is_recognised_by_its_words(text: str, name: str | None) -> None:
    assert class_of(text) == name


def test_the_first_class_in_order_wins() -> None:
    assert class_of("401 after 429 retries") == "auth_config"
    first = build_classifier(order=["transient"])
    found = first.classify("401 after 429 retries")
    assert found is not None
    assert found.name == "transient"


def test_a_team_adds_a_class_that_is_tried_first() -> None:
    built = build_classifier({"vendor": ClassSpec((r"\bZD-\d+\b",), Severity.CRITICAL, 1, 1)})
    found = built.classify("ZD-42: unauthorized")
    assert found is not None
    assert (found.name, found.severity, found.in_a_row, found.open_after) == (
        "vendor",
        Severity.CRITICAL,
        1,
        1,
    )


def test_a_team_may_say_something_about_a_class_and_keep_its_patterns() -> None:
    built = build_classifier({"auth_config": ClassSpec(in_a_row=1)})
    found = built.classify("401")
    assert found is not None
    assert (found.name, found.in_a_row) == ("auth_config", 1)
    assert [one.name for one in built.classes] == list(BUILT_IN)


def test_a_team_may_replace_the_patterns_of_a_class() -> None:
    built = build_classifier({"auth_config": ClassSpec(("^nope$",))})
    assert built.classify("401") is None
    assert built.classify("NOPE") is not None


@pytest.mark.parametrize("pattern", ["(", "a(?=b)", r"(a)\1", "", "x" * 2000, "a{1001}"])
def test_a_pattern_that_re2_refuses_is_told(pattern: str) -> None:
    with pytest.raises(PatternError) as caught:
        build_classifier({"own": ClassSpec(("fine", pattern))})
    assert (caught.value.failure_class, caught.value.index) == ("own", 1)
    assert str(caught.value)


def test_only_the_beginning_of_a_text_is_looked_at() -> None:
    assert class_of("x" * 9_990 + " 401") == "auth_config"
    assert class_of("x" * 10_000 + " 401") is None


def test_a_pattern_that_would_hang_another_engine_is_quick() -> None:
    built = build_classifier({"own": ClassSpec((r"(a+)+$",))})
    started = time.process_time()
    built.classify("a" * 9_999 + "!")
    assert time.process_time() - started < 1


@pytest.mark.parametrize("text", ["\x00\ud800 401", "é" * 20_000, "\n401\n"])
def test_strange_texts_are_no_error(text: str) -> None:
    BUILT.classify(text)
