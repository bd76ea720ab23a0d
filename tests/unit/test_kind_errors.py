"""Errors as they are met in the wild, and what a rule may say about their class."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.base import Context, FailureClass, Severity
from rules.classify import (
    BUILT_IN,
    PATTERN_MAX,
    PATTERNS_MAX,
    ClassSpec,
    PatternError,
    build_classifier,
)
from rules.settings import known_class
from tests.postgres import NIGHT as NOW

BUILT = build_classifier()

AUTH = """
Invalid API key provided: sk-****
Incorrect API key provided
401 Client Error: Unauthorized for url: https://api.example.com
error 403: insufficient scope
OAuth token has been revoked
the refresh token expired
invalid_grant: Token has been expired or revoked.
x509: certificate has expired or is not yet valid
[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed
password authentication failed for user "app"
FATAL: permission denied for table orders
Access denied for user 'root'@'localhost'
SMTP 535 Authentication failed
SLACK_TOKEN is not set
missing ZENDESK_TOKEN
Missing credentials for "PLAIN"
User is not authorized to perform: s3:GetObject
invalid signature
The access key has been revoked
"""
TRANSIENT = """
429 Too Many Requests
Rate limit exceeded, retry after 30
ThrottlingException: Request was throttled
connect ETIMEDOUT 10.0.0.1:443
context deadline exceeded
Read timed out. (read timeout=30)
connect ECONNREFUSED 127.0.0.1:5432
Connection was reset by peer
[Errno 32] Broken pipe
503 Service Unavailable
502 Bad Gateway
504 Gateway Timeout
Internal Server Error
Error: socket hang up
The model is currently overloaded
deadlock detected
could not serialize access due to concurrent update
Lock wait timeout exceeded; try restarting transaction
sqlite3.OperationalError: database is locked
Temporary failure in name resolution
getaddrinfo EAI_AGAIN api.example.com
server closed the connection unexpectedly
"""
DATA = """
duplicate key value violates unique constraint "orders_pkey"
insert or update on table violates foreign key constraint
null value in column "id" violates not-null constraint
relation "orders" does not exist
Unexpected token < in JSON at position 0
json.decoder.JSONDecodeError: Expecting value: line 1
KeyError: 'customer'
TypeError: cannot read properties of undefined
AttributeError: 'NoneType' object has no attribute 'id'
1 validation error for Order
422 Unprocessable Entity
value out of range for type integer
failed to parse date '2025-13-01'
json: cannot unmarshal string into Go value
schema version 12 expected
stale cursor, start again
missing key 'customer_id' in payload
migration 42 failed
"""
SCHEDULER = """
missed run at 02:00
job was never started
scheduler heartbeat lost
cron expression did not fire
overlapping run of nightly-import
run has not been triggered
"""
NONE = """
No space left on device
out of memory
Segmentation fault (core dumped)
process exited with exit code 137
HTTP/1.1 404 Not Found
NoSuchBucket
mailbox is full
keyboard interrupt
customer 14290 has 15030 orders
secretary is on holiday
"""
TABLE = {
    text: name
    for name, texts in {
        "auth_config": AUTH,
        "transient": TRANSIENT,
        "data_logic": DATA,
        "scheduler": SCHEDULER,
        None: NONE,
    }.items()
    for text in texts.strip().splitlines()
}


def class_of(text: str) -> str | None:
    found = BUILT.classify(text)
    return found.name if found else None


@pytest.mark.parametrize(("text", "name"), TABLE.items())
def test_an_error_from_the_wild_is_recognised(text: str, name: str | None) -> None:
    assert class_of(text) == name


@pytest.mark.parametrize(("text", "name"), TABLE.items())
def test_neither_case_nor_what_stands_around_matters(text: str, name: str | None) -> None:
    assert class_of(text.upper()) == name
    assert class_of(f"2025-06-13T02:15:00Z ERROR [worker-7] {text}\n") == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("429 after 401", "auth_config"),
        ("schema mismatch, then timeout", "transient"),
        ("missed: schema mismatch", "data_logic"),
        ("cron missed", "scheduler"),
    ],
)
def test_the_class_that_is_tried_first_wins(text: str, name: str) -> None:
    assert class_of(text) == name
    turned = build_classifier(order=list(BUILT_IN)[::-1])
    found = turned.classify("401, 429, schema and cron")
    assert found is not None
    assert found.name == "scheduler"


@pytest.mark.parametrize("number", ["4011", "14 29", "5O3", "1503", "503.", "40 1"])
def test_only_a_whole_number_is_a_status(number: str) -> None:
    assert class_of(f"row {number} of many") == ("transient" if number == "503." else None)


def names(**more: object) -> list[str]:
    return [one.name for one in build_classifier(**more).classes]  # type: ignore[arg-type]


def test_classes_are_tried_in_the_order_that_a_team_gives() -> None:
    own = {"vendor": ClassSpec(("a",)), "ours": ClassSpec(("b",))}
    built_in = list(BUILT_IN)
    assert names() == built_in
    assert names(spec=own) == ["vendor", "ours", *built_in]
    assert names(spec=own, order=["ours"]) == ["ours", "vendor", *built_in]
    last = names(spec=own, order=["transient", "ours"])
    assert last == ["transient", "ours", "vendor", "auth_config", "data_logic", "scheduler"]


def test_a_class_is_tried_once_even_if_it_is_named_twice() -> None:
    assert names(order=["transient", "transient"]).count("transient") == 1


def test_a_team_may_switch_a_class_off() -> None:
    built = build_classifier({"transient": ClassSpec(patterns=())})
    assert built.classify("429") is None
    assert built.classify("401") is not None


@pytest.mark.parametrize(
    "said",
    [
        ClassSpec(severity=Severity.INFO),
        ClassSpec(in_a_row=1),
        ClassSpec(open_after=5),
        ClassSpec(severity=Severity.CRITICAL, in_a_row=2, open_after=3),
        ClassSpec(),
    ],
)
@pytest.mark.parametrize("name", BUILT_IN)
def test_what_a_team_says_about_a_class_comes_with_it(name: str, said: ClassSpec) -> None:
    built = build_classifier({name: said})
    (found,) = [one for one in built.classes if one.name == name]
    assert found == FailureClass(name, said.severity, said.in_a_row, said.open_after)
    assert built.patterns[built.classes.index(found)]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("", "a pattern has 1 to 1000 characters"),
        ("x" * (PATTERN_MAX + 1), "a pattern has 1 to 1000 characters"),
        ("(", "missing"),
        ("[z-a]", "range"),
        ("a**", "repetition"),
        ("(?<=a)b", "perl"),
        (r"(a)\1", "escape"),
        (r"\p{Nope}", "range"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_told_with_its_reason(pattern: str, words: str) -> None:
    with pytest.raises(PatternError) as caught:
        build_classifier({"own": ClassSpec(("a", "b", pattern))})
    assert (caught.value.failure_class, caught.value.index) == ("own", 2)
    assert words in str(caught.value)


def test_a_class_has_at_most_a_hundred_patterns() -> None:
    assert build_classifier({"own": ClassSpec(("x",) * PATTERNS_MAX)})
    with pytest.raises(PatternError, match="more than 100 patterns") as caught:
        build_classifier({"own": ClassSpec(("x",) * (PATTERNS_MAX + 1))})
    assert caught.value.index == PATTERNS_MAX


@pytest.mark.parametrize("pattern", ["x" * PATTERN_MAX, "größe", "^a$", r"\bZD-\d{1,5}\b", "🚨"])
def test_a_pattern_may_be_anything_that_re2_reads(pattern: str) -> None:
    assert build_classifier({"own": ClassSpec((pattern,))})


@given(st.text(max_size=100))
def test_any_text_has_one_class_or_none(text: str) -> None:
    found = BUILT.classify(text)
    assert found is None or found in BUILT.classes
    assert BUILT.classify(text) == found


@given(st.text(alphabet=string.ascii_letters + " ", max_size=50))
def test_words_around_a_status_change_nothing(words: str) -> None:
    assert class_of(f"{words} 401 {words}") == "auth_config"


CLASSES = build_classifier({"transient": ClassSpec(open_after=4), "own": ClassSpec(("^z",))})
CONTEXT = Context(NOW, classifier=CLASSES)


@pytest.mark.parametrize(
    ("named", "text", "found"),
    [
        (None, "503", FailureClass("transient", open_after=4)),
        (None, "zzz", FailureClass("own")),
        (None, "all is lost", None),
        (None, "", None),
        ("transient", "401", FailureClass("transient", open_after=4)),
        ("transient", "", FailureClass("transient", open_after=4)),
        ("none", "503", None),
        ("strange", "503", FailureClass("strange")),
    ],
)
def test_a_rule_names_the_class_or_the_words_decide(
    named: str | None, text: str, found: FailureClass | None
) -> None:
    assert known_class(CONTEXT, named, text) == found


def test_without_a_classifier_only_the_rule_can_name_a_class() -> None:
    bare = Context(NOW)
    assert known_class(bare, None, "503") is None
    assert known_class(bare, "transient", "503") == FailureClass("transient")
    assert known_class(bare, "none", "503") is None
