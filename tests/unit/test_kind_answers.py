"""Answers of endpoints: every reason for none, odd documents, and many entities."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from rules import jsonpath
from rules.base import (
    Answer,
    Context,
    Dialect,
    Entity,
    Finding,
    HttpFailure,
    HttpQuestion,
    HttpReply,
    Judgement,
    Outcome,
    Reading,
    Rows,
    Severity,
    Unanswered,
)
from rules.cells import text_of
from rules.classify import build_classifier
from rules.http import PROBES_MAX, Http
from rules.request import fill_body, fill_url, placeholders
from tests.postgres import NIGHT as NOW

CLASSES = build_classifier()
QUICK = timedelta(milliseconds=50)


def http(**settings: Any) -> Http:
    return Http.model_validate({"source": "desk", "url": "/healthz"} | settings)


def reply(status: int = 200, body: object = None, **more: Any) -> HttpReply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpReply(status, data, **{"took": QUICK} | more)


def context(watched: Sequence[Entity] = ()) -> Context:
    return Context(NOW, tuple(watched), Dialect("sqlite", "iso"), classifier=CLASSES)


def judge(kind: Http, answer: Answer) -> Judgement:
    return kind.judge(context([()]), ((answer,),))


def told(kind: Http, answer: Answer) -> Finding | Reading:
    judgement = judge(kind, answer)
    found: list[Finding | Reading] = [*judgement.findings, *judgement.readings]
    (one,) = found
    return one


def finding(kind: Http, answer: Answer) -> Finding:
    one = told(kind, answer)
    assert isinstance(one, Finding)
    return one


@pytest.mark.parametrize(
    ("reason", "fact"),
    [
        ("refused", "connection refused"),
        ("reset", "connection reset"),
        ("timeout", "no answer within 1m"),
        ("tls", "TLS failed"),
        ("protocol", "broken answer"),
        ("too_large", "answer too large"),
        ("something_new", "no answer within 1m"),
    ],
)
@pytest.mark.parametrize("detail", ["It said no.", ""])
def test_every_reason_for_no_answer_is_said(reason: str, fact: str, detail: str) -> None:
    kind = http(expect={"within": "1m"})
    found = finding(kind, HttpFailure(reason, detail, timedelta(seconds=2)))
    assert (found.fact, found.value, found.limit) == (fact, 2.0, None)
    assert found.detail == (detail or f"{fact.capitalize()}.")
    assert found.error_text == f"{reason}: {detail}".strip()
    assert found.severity is Severity.WARNING


def test_no_answer_within_less_than_a_second_is_said_in_milliseconds() -> None:
    kind = http(expect={"within": "250ms"})
    assert finding(kind, HttpFailure("timeout", "")).fact == "no answer within 250ms"


@pytest.mark.parametrize("status", [100, 199, 300, 304, 404, 500, 599])
def test_only_two_hundreds_are_right_by_default(status: int) -> None:
    assert finding(http(), reply(status)).fact == f"HTTP {status} (expected 2xx)"


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (301, None),
        (400, "data_logic"),
        (401, "auth_config"),
        (403, "auth_config"),
        (404, None),
        (422, "data_logic"),
        (429, "transient"),
        (500, "transient"),
        (504, "transient"),
    ],
)
def test_a_bare_status_has_a_class(status: int, name: str | None) -> None:
    assert finding(http(), reply(status, b"")).failure_class == name
    assert finding(http(**{"class": "none"}), reply(status, b"")).failure_class is None


def test_what_the_endpoint_says_is_kept_on_one_line() -> None:
    found = finding(http(), reply(500, b"<h1>Oops</h1>\r\n\x00\xff" + b"x" * 9_000))
    assert found.error_text.startswith("HTTP 500: <h1>Oops</h1> ")
    assert len(found.error_text) == 500
    assert finding(http(), reply(500, b"")).error_text == "HTTP 500"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("body.items[0].id", 1),
        ("body.items.0.id", 1),
        ("body.items[1].tags[2]", "c"),
        ("body.grid[1][0]", 3),
        ("body.0", "zero"),
        ("body.a b.c-d", True),
        ("body.größe", 7),
    ],
)
def test_a_path_may_go_through_lists_and_odd_names(path: str, value: object) -> None:
    document = {
        "items": [{"id": 1}, {"tags": ["a", "b", "c"]}],
        "grid": [[1, 2], [3, 4]],
        "0": "zero",
        "a b": {"c-d": True},
        "größe": 7,
    }
    assert judge(http(expect={path: value}), reply(200, document)).outcome is Outcome.OK


@pytest.mark.parametrize(
    "path", ["items[1]", "items[9].id", "items.x", "items[0].id.x", "none.x", "text[0]", "Items"]
)
def test_a_path_that_leads_nowhere_is_missing(path: str) -> None:
    document = {"items": [{"id": 1}], "none": None, "text": "abc"}
    found = finding(http(expect={f"body.{path}": "exists"}), reply(200, document))
    assert found.fact.endswith(" is missing")
    assert found.detail == f"{path} is missing in the answer."


@pytest.mark.parametrize("document", [[], "text", 5, None, True, {}])
def test_a_document_of_any_type_may_lack_a_path(document: object) -> None:
    found = finding(http(expect={"body.a": "ok"}), reply(200, document))
    assert found.fact == "a missing (expected ok)"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (jsonpath.MISSING, "missing"),
        (None, "null"),
        (True, "true"),
        (5, "5"),
        (1.5, "1.5"),
        (10**18, "a huge number"),
        (-(10**4000), "a huge number"),
        (float("nan"), "NaN"),
        ("two\nlines", "two lines"),
        ("x" * 100, "x" * 79 + "…"),
        ({"a": 1}, "an object"),
        ([1], "a list"),
    ],
)
def test_a_value_of_any_type_is_said_short(value: object, said: str) -> None:
    assert jsonpath.shown(value) == said


def test_an_odd_value_is_said_where_another_is_expected() -> None:
    kind = http(expect={"body.a": "ok"})
    for value, said in ((10**30, "a huge number"), ({"x": 1}, "an object"), ([], "a list")):
        assert finding(kind, reply(200, {"a": value})).fact == f"a {said} (expected ok)"


@pytest.mark.parametrize("depth", [100, 800, 5_000, 200_000])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_deep_document_is_judged_or_is_no_json(depth: int, opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    body = opening * depth + b"1" + closing * depth
    one = told(http(expect={"json": True}), reply(200, body))
    assert one.fact in {"answer is not JSON", "HTTP 200 in 50ms"}
    assert depth != 100 or isinstance(one, Reading)


@pytest.mark.parametrize(
    ("body", "is_json"),
    [
        (b"{}", True),
        (b" [1] \n", True),
        ('{"a": "ü"}'.encode(), True),
        (b'\xef\xbb\xbf{"a": 1}', True),
        ('{"a": 1}'.encode("utf-16"), True),
        (b'{"a": 1, "a": 2}', True),
        (b"", False),
        (b"{'a': 1}", False),
        (b'{"a": 1} x', False),
        (b'{"a": 1,}', False),
        (b'{"a": "\xff"}', False),
        (b"<html>{}</html>", False),
        (b"\x00", False),
    ],
)
def test_only_a_json_document_is_one(body: bytes, is_json: bool) -> None:
    outcome = judge(http(expect={"json": True}), reply(200, body)).outcome
    assert outcome is (Outcome.OK if is_json else Outcome.BAD)


@pytest.mark.parametrize(
    ("limit", "value", "fact"),
    [
        ("> 5", 6, "n 6 (max 5)"),
        ("< 5", 4, "n 4 (min 5)"),
        (">= 5", 5, "n 5 (not >= 5)"),
        ("<= 5", 5, "n 5 (not <= 5)"),
        ("= 5", 5, "n 5 (not = 5)"),
        ("!= 5", 6, "n 6 (not != 5)"),
        ("= down", "down", "n down (not = down)"),
        ("> 5", 10**400, "n 1.7e+308 (max 5)"),
        ("< 5", -(10**400), "n -1.7e+308 (min 5)"),
        ("> 5", 1234567.891, "n 1,234,567.89 (max 5)"),
        ("> 5", "6", "n is 6, no number"),
        ("> 5", [], "n is a list, no number"),
    ],
)
def test_a_value_beyond_its_limit_is_told_with_it(limit: str, value: object, fact: str) -> None:
    assert finding(http(values={"body.n": limit}), reply(200, {"n": value})).fact == fact


def test_a_limit_of_four_hundred_digits_is_no_crash() -> None:
    kind = http(values={"body.n": 10**400})
    assert judge(kind, reply(200, {"n": 5})).outcome is Outcome.OK


@pytest.mark.parametrize("limit", ["= down", "!= up"])
def test_a_text_that_is_good_tells_how_fast_the_answer_is(limit: str) -> None:
    one = told(http(values={"body.state": limit}), reply(200, {"state": "up"}))
    assert (one.fact, one.value) == ("HTTP 200 in 50ms", 0.05)


def test_a_long_path_is_cut_before_what_it_says() -> None:
    path = "body." + "deep." * 20 + "a_very_long_name_that_no_phone_shows"
    fact = finding(http(expect={path: "exists"}), reply(200, {})).fact
    assert len(fact) == 40
    assert fact.endswith("… is missing")


@pytest.mark.parametrize(
    "expect",
    [{"json": True}, {"body.a": "ok"}, {"body.a": "exists"}, {"json": True, "status": 200}],
)
def test_a_cut_answer_is_not_read(expect: dict[str, Any]) -> None:
    found = finding(http(expect=expect), reply(200, {"a": "ok"}, truncated=True))
    assert (found.fact, found.detail) == (
        "answer too large",
        "The answer is too long to be read.",
    )


ODD: list[tuple[object, str]] = [
    ("a/b", "a%2Fb"),
    ("a?b=c&d#e", "a%3Fb%3Dc%26d%23e"),
    ("ü 日本", "%C3%BC%20%E6%97%A5%E6%9C%AC"),
    ("..", "%2E%2E"),
    (".", "%2E"),
    ("..x", "..x"),
    ("%2e", "%252e"),
    ("\r\nX: y", "%0D%0AX%3A%20y"),
    ("{{ entity.org }}", "%7B%7B%20entity.org%20%7D%7D"),
    ('"; drop', "%22%3B%20drop"),
    (7, "7"),
    (True, "true"),
    (None, ""),
    (1.5, "1.5"),
    (date(2025, 6, 13), "2025-06-13"),
    (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
]
EACH = {
    "url": "/s/{{ entity.org }}/x",
    "method": "POST",
    "entity": ["org"],
    "for_each": {"source": "db", "query": "select org from orgs"},
}


@pytest.mark.parametrize(("value", "quoted"), ODD)
def test_a_value_of_any_type_keeps_to_its_place(value: object, quoted: str) -> None:
    body = {"{{ entity.org }}": ["{{ entity.org }}", 1], "plain": None}
    kind = http(**EACH, body=body)
    (question,) = kind.ask(context(), ((Rows([{"org": value}]),),))
    assert isinstance(question, HttpQuestion)
    assert question.url == f"/s/{quoted}/x"
    text = text_of(value)
    assert json.loads(question.body or "") == {text: [text, 1], "plain": None}


@pytest.mark.parametrize(("value", "quoted"), ODD[:10])
def test_a_value_in_a_text_body_is_encoded_once(value: str, quoted: str) -> None:
    entity = (("org", value),)
    assert fill_url("{{entity.org}}", entity) == quoted
    sent = fill_body('{"a": "<{{ entity.org }}>", "b": {{ entity.org }}}', entity)
    assert json.loads(sent or "") == {"a": f"<{value}>", "b": value}


def test_only_strings_of_a_body_are_filled() -> None:
    body = {"n": 5, "t": True, "x": None, "l": [1.5, {"v": "a{{ entity.o }}b"}]}
    assert json.loads(fill_body(body, (("o", "-"),)) or "") == body | {"l": [1.5, {"v": "a-b"}]}
    assert fill_body(None, ()) is None
    assert fill_body("", ()) == ""


def test_the_columns_that_a_request_names_are_found_everywhere() -> None:
    body = {"{{ entity.a }}": [{"x": "{{entity.b}}"}]}
    assert placeholders("/{{ entity.c }}", body, None, 5) == {"a", "b", "c"}


def test_a_content_type_that_is_given_stays() -> None:
    kind = http(method="POST", body=[1], headers={"content-type": "application/vnd.x+json"})
    (question,) = kind.ask(context(), ())
    assert isinstance(question, HttpQuestion)
    assert question.headers == (("content-type", "application/vnd.x+json"),)


def listed(count: int, each: int = 1) -> Rows:
    return Rows([{"org": str(n)} for n in range(count) for _ in range(each)])


@pytest.mark.parametrize(
    ("rows", "asked", "truncated"),
    [
        (listed(PROBES_MAX), PROBES_MAX, False),
        (listed(PROBES_MAX + 1), PROBES_MAX, True),
        (listed(3, each=PROBES_MAX), 3, False),
        (Rows([{"org": "a"}], truncated=True), 1, True),
    ],
)
def test_only_entities_that_are_left_out_are_told(rows: Rows, asked: int, truncated: bool) -> None:
    kind = http(**EACH)
    questions = kind.ask(context(), ((rows,),))
    judgement = kind.judge(context(), ((rows,), tuple(reply() for _ in questions)))
    assert (len(questions), judgement.truncated) == (asked, truncated)


def test_a_list_without_its_column_is_told() -> None:
    with pytest.raises(ValueError, match="returns no column `org`"):
        http(**EACH).ask(context(), ((Rows([{"workspace": 1}]),),))


def test_findings_of_many_entities_come_in_one_order() -> None:
    kind = http(**EACH, values={"body.n": {"warning": "> 1", "critical": "> 5"}})
    rows = Rows([{"org": org} for org in "cab"])
    replies = tuple(reply(200, {"n": n}) for n in (2, 9, 3))
    found = kind.judge(context(), ((rows,), replies)).findings
    assert [(one.entity[0][1], one.severity.value) for one in found] == [
        ("a", "critical"),
        ("b", "warning"),
        ("c", "warning"),
    ]


def test_when_nobody_could_be_asked_nothing_is_known() -> None:
    rows = Rows([{"org": "a"}, {"org": "b"}])
    silence = (Unanswered("no turn"), Unanswered("no turn"))
    judgement = http(**EACH).judge(context(), ((rows,), silence))
    assert (judgement.outcome, len(judgement.unknown)) == (Outcome.NO_DATA, 2)
