"""The http kind: what it asks, and what it makes of any answer."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    SqlQuestion,
    Unanswered,
)
from rules.classify import ClassSpec, build_classifier
from rules.http import Http

NOW = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
QUICK = timedelta(milliseconds=120)
CLASSES = build_classifier({"auth_config": ClassSpec(severity=Severity.CRITICAL)})


def http(**settings: Any) -> Http:
    return Http.model_validate({"source": "desk", "url": "/healthz"} | settings)


def reply(status: int = 200, body: object = None, **more: Any) -> HttpReply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpReply(status, data, **{"took": QUICK} | more)


def context(watched: Sequence[Entity] = ()) -> Context:
    return Context(NOW, tuple(watched), Dialect("sqlite", "iso"), classifier=CLASSES)


def judge(kind: Http, answer: Answer, watched: Sequence[Entity] = ()) -> Judgement:
    return kind.judge(context(watched), ((answer,),))


def finding(kind: Http, answer: Answer) -> Finding:
    (found,) = judge(kind, answer).findings
    return found


def test_one_request_is_asked_for() -> None:
    kind = http(method="POST", headers={"A": "b"}, body={"x": 1}, expect={"within": "2s"})
    (question,) = kind.ask(context(), ())
    assert question == HttpQuestion(
        "desk",
        "/healthz",
        "POST",
        (("A", "b"), ("content-type", "application/json")),
        '{"x": 1}',
        timedelta(seconds=2),
    )
    assert kind.ask(context(), ((reply(),),)) == ()


def test_a_good_answer_is_a_reading_when_it_is_watched() -> None:
    judgement = judge(http(), reply(204), watched=[()])
    assert judgement.outcome is Outcome.OK
    (reading,) = judgement.readings
    assert (reading.value, reading.fact) == (0.12, "HTTP 204 in 120ms")
    assert judge(http(), reply(204)).readings == ()


@pytest.mark.parametrize(
    ("expect", "status", "fact"),
    [
        ({}, 503, "HTTP 503 (expected 2xx)"),
        ({}, 301, "HTTP 301 (expected 2xx)"),
        ({"status": 200}, 204, "HTTP 204 (expected 200)"),
        ({"status": [200, 204]}, 404, "HTTP 404 (expected 200 or 204)"),
    ],
)
def test_another_status_is_bad(expect: dict[str, Any], status: int, fact: str) -> None:
    assert finding(http(expect=expect), reply(status)).fact == fact


@pytest.mark.parametrize(
    ("reason", "fact", "name"),
    [
        ("refused", "connection refused", "transient"),
        ("reset", "connection reset", "transient"),
        ("timeout", "no answer within 2s", "transient"),
        ("tls", "TLS failed", None),
        ("protocol", "broken answer", None),
    ],
)
def test_no_answer_is_bad(reason: str, fact: str, name: str | None) -> None:
    words = {"refused": "Connection refused.", "reset": "Connection reset."}
    failure = HttpFailure(reason, words.get(reason, f"{reason}."), QUICK)
    found = finding(http(expect={"within": "2s"}), failure)
    assert (found.fact, found.failure_class) == (fact, name)
    assert found.detail


def test_a_slow_answer_is_bad() -> None:
    found = finding(http(expect={"within": "1s"}), reply(took=timedelta(seconds=3)))
    assert (found.fact, found.value, found.limit) == ("took 3s (max 1s)", 3.0, 1.0)
    assert found.detail == "It answers in 3 s, limit 1 s."
    assert found.error_text == ""
    assert judge(http(expect={"within": "3s"}), reply(took=timedelta(seconds=3))).findings == ()


@pytest.mark.parametrize(
    ("expect", "body", "fact"),
    [
        ({"json": True}, b"<html>", "answer is not JSON"),
        ({"json": True}, b"[" * 100_000, "answer is not JSON"),
        ({"json": True}, b"1" * 5_000, "answer is not JSON"),
        ({"json": True}, b"\xff\xfe\x00", "answer is not JSON"),
        ({"body.status": "ok"}, {"status": "degraded"}, "status degraded (expected ok)"),
        ({"body.status": "ok"}, {}, "status missing (expected ok)"),
        ({"body.status": "ok"}, [1], "status missing (expected ok)"),
        ({"body.a.b": True}, {"a": {"b": 1}}, "b 1 (expected true)"),
        ({"body.items[0].id": "> 5"}, {"items": [{"id": 5}]}, "id 5 (expected > 5)"),
        ({"body.customer.id": "exists"}, {"customer": {}}, "id is missing"),
        ({"body.customer.id": "exists"}, {"customer": {"id": None}}, "id is null"),
        ({"body.s": "ok"}, {"s": "\ud800\u0000\n"}, "s  (expected ok)"),
    ],
)
def test_a_body_that_is_not_as_expected_is_bad(
    expect: dict[str, Any], body: object, fact: str
) -> None:
    assert finding(http(expect=expect), reply(200, body)).fact == fact


@pytest.mark.parametrize(
    "expect", [{"body.id": "exists"}, {"body.id": 7}, {"body.id": "> 6"}, {"json": True}]
)
def test_a_body_as_expected_is_good(expect: dict[str, Any]) -> None:
    assert judge(http(expect=expect), reply(200, {"id": 7})).outcome is Outcome.OK


VALUES = {"body.pending": {"warning": "> 100", "critical": "> 500"}}


@pytest.mark.parametrize(
    ("value", "severity", "fact"),
    [
        (100, None, "pending 100 (max 100)"),
        (101, Severity.WARNING, "pending 101 (max 100)"),
        (501, Severity.CRITICAL, "pending 501 (max 500)"),
        (10**400, Severity.CRITICAL, "pending 1.7e+308 (max 500)"),
        (float("nan"), Severity.WARNING, "pending is NaN, no number"),
        (float("inf"), Severity.WARNING, "pending is Infinity, no number"),
        ("many", Severity.WARNING, "pending is many, no number"),
        (None, Severity.WARNING, "pending is null, no number"),
        (True, Severity.WARNING, "pending is true, no number"),
    ],
)
def test_a_value_is_held_against_its_limits(
    value: object, severity: Severity | None, fact: str
) -> None:
    judgement = judge(http(values=VALUES), reply(200, {"pending": value}), watched=[()])
    told: list[Finding | Reading] = [*judgement.findings, *judgement.readings]
    (one,) = told
    assert one.fact == fact
    assert (one.severity if isinstance(one, Finding) else None) is severity


def test_a_value_beyond_its_limit_is_no_error_of_the_endpoint() -> None:
    found = finding(http(values=VALUES), reply(200, {"pending": 429, "note": "401"}))
    assert (found.failure_class, found.error_text) == (None, "")


def test_everything_that_is_wrong_is_said_in_one_finding() -> None:
    kind = http(expect={"status": 200, "body.status": "ok"}, values=VALUES)
    found = finding(kind, reply(503, {"status": "bad", "pending": 900}))
    assert found.severity is Severity.CRITICAL
    assert found.fact == "pending 900 (max 500)"
    assert found.detail == (
        "It answers 503, expected 200. status is bad, expected ok. pending is 900, limit 500."
    )


def test_the_status_tells_the_class_before_the_words_do() -> None:
    assert finding(http(), reply(401, {"m": "try again"})).failure_class == "auth_config"
    assert finding(http(), reply(503, {"m": "bad credentials"})).failure_class == "transient"
    assert finding(http(), reply(404, {"m": "invalid token"})).failure_class == "auth_config"


def test_a_rule_may_say_that_there_is_no_class() -> None:
    found = finding(http(**{"class": "none"}), reply(503, {"m": "bad credentials"}))
    assert found.failure_class is None


def test_a_rule_may_name_the_class_itself() -> None:
    kind = http(expect={"status": 200, "body.customer.id": "exists"}, **{"class": "auth_config"})
    for answer in (reply(200, {}), reply(500, {}), HttpFailure("refused", "No.")):
        found = finding(kind, answer)
        assert (found.failure_class, found.severity) == ("auth_config", Severity.CRITICAL)


def test_a_cut_answer_is_not_taken_for_the_whole() -> None:
    cut = reply(200, b'{"a": 1}', truncated=True)
    assert finding(http(expect={"json": True}), cut).fact == "answer too large"
    assert judge(http(), cut).outcome is Outcome.OK


def test_what_could_not_be_asked_is_unknown() -> None:
    judgement = judge(http(), Unanswered("no route"), watched=[()])
    assert (judgement.findings, judgement.unknown) == ((), ((),))
    assert not judgement.has_data


EACH = http(
    url="/status/{{ entity.org }}?q={{ entity.org }}",
    body='{"org": "{{ entity.org }}", "raw": {{ entity.org }}}',
    method="POST",
    entity=["org"],
    for_each={"source": "db", "query": "select org from orgs"},
)


def listed(*orgs: object) -> Rows:
    return Rows([{"org": org, "other": 1} for org in orgs])


def test_what_to_probe_is_asked_first() -> None:
    (question,) = EACH.ask(context(), ())
    assert isinstance(question, SqlQuestion)
    assert (question.source, "select org from orgs" in question.text) == ("db", True)


def test_each_entity_is_probed_once_with_its_values_quoted() -> None:
    first, second = EACH.ask(context(), ((listed('a/b?"', 7, 7),),))
    assert isinstance(first, HttpQuestion)
    assert isinstance(second, HttpQuestion)
    assert first.url == "/status/a%2Fb%3F%22?q=a%2Fb%3F%22"
    assert json.loads(first.body or "") == {"org": 'a/b?"', "raw": 'a/b?"'}
    assert second.url == "/status/7?q=7"


def test_each_entity_is_judged_by_its_own_answer() -> None:
    a, b, c, d = (((("org", org),)) for org in "abcd")
    answers = ((listed("a", "b", "c"),), (reply(500), reply(200), Unanswered("no turn")))
    assert EACH.ask(context(), answers) == ()
    judgement = EACH.judge(context([a, b, c, d]), answers)
    assert [one.entity for one in judgement.findings] == [a]
    assert [one.entity for one in judgement.readings] == [b]
    assert judgement.unknown == (c,)


def test_without_the_list_everything_watched_is_unknown() -> None:
    watched = (("org", "a"),)
    answers = ((Unanswered("down", whole_source=True),),)
    assert EACH.ask(context(), answers) == ()
    assert EACH.judge(context([watched]), answers).unknown == (watched,)


def test_an_empty_list_is_no_data() -> None:
    answers = ((listed(),), ())
    assert EACH.judge(context(), answers).outcome is Outcome.NO_DATA


def test_a_list_that_is_too_long_is_cut_and_says_so() -> None:
    rows = listed(*range(1200))
    questions = EACH.ask(context(), ((rows,),))
    judgement = EACH.judge(context(), ((rows,), tuple(reply() for _ in questions)))
    assert (len(questions), judgement.truncated) == (1000, True)


def test_a_further_column_fills_the_address_and_is_no_part_of_the_entity() -> None:
    each = {"source": "crm", "query": "select workspace, run from runs", "also": "run"}
    kind = http(url="/runs/{{ entity.run }}", for_each=each, entity=["workspace"])
    rows = Rows(({"workspace": "a", "run": "r2"}, {"workspace": "a", "run": "r1"}))
    (question,) = kind.ask(context(), ((rows,),))
    assert isinstance(question, HttpQuestion)
    assert question.url == "/runs/r2"
    (found,) = kind.judge(context(), ((rows,), (reply(500),))).findings
    assert found.entity == (("workspace", "a"),)


def test_a_further_column_that_is_not_listed_is_an_error() -> None:
    each = {"source": "crm", "query": "select workspace from runs", "also": ["run"]}
    kind = http(url="/runs/{{ entity.run }}", for_each=each, entity=["workspace"])
    with pytest.raises(ValueError, match="returns no column `run`"):
        kind.ask(context(), ((Rows(({"workspace": "a"},)),),))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(json_values | st.binary(max_size=50), st.integers(100, 599))
def test_any_answer_can_be_judged_and_said(body: object, status: int) -> None:
    expect = {"body.a": "ok", "body.b[0].c": "exists", "json": True}
    kind = http(expect=expect, values={"body.n": {"warning": "> 1"}, "body.a": "= bad"})
    judgement = judge(kind, reply(status, body), watched=[()])
    told: list[Finding | Reading] = [*judgement.findings, *judgement.readings]
    for one in told:
        assert 0 < len(one.fact) <= 40
        assert len(one.detail) <= 1000
        f"{one.fact}{one.detail}".encode()


@given(st.text(), st.sampled_from(["/x/{{ entity.v }}", "/{{entity.v}}?a={{ entity.v }}#z"]))
def test_a_value_never_leaves_its_place_in_an_address(value: str, url: str) -> None:
    from urllib.parse import urlsplit

    from rules.request import fill_url

    value = value.encode("utf-8", "replace").decode()
    parts, plain = urlsplit(fill_url(url, (("v", value),))), urlsplit(url.replace(" ", ""))
    assert parts.netloc == plain.netloc == ""
    assert parts.path.count("/") == plain.path.count("/")
    assert parts.query.count("&") == 0


@given(st.text())
def test_a_value_never_leaves_its_place_in_a_body(value: str) -> None:
    from rules.request import fill_body

    entity = (("v", value),)
    text = '{"a\\"": "x{{ entity.v }}", "b": {{ entity.v }}}'
    assert json.loads(fill_body(text, entity) or "") == {'a"': f"x{value}", "b": value}
    assert json.loads(fill_body({"a": ["{{ entity.v }}"]}, entity) or "") == {"a": [value]}
