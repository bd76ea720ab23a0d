"""The http kind: latency, certificates, budgets and values that a database must hold, too."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.base import (
    Answer,
    Context,
    Finding,
    HttpFailure,
    HttpQuestion,
    Judgement,
    Outcome,
    Reading,
    Rows,
    Severity,
    SqlQuestion,
    Unanswered,
)
from rules.http import Http
from tests.unit.test_kind_http import NOW, context, http, judge, reply

WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL
MINUTE = timedelta(minutes=1)
SLOW: dict[str, Any] = {"slow": {"warning": "2s", "critical": "5s"}}
CERTIFICATE: dict[str, Any] = {"certificate": {"warning": "14d", "critical": "3d"}}
PATHS = {"remaining": "body.core.remaining", "limit": "body.core.limit", "reset": "body.core.reset"}
SAME = {"body.revision": {"source": "db", "query": "select version_num from alembic_version"}}


def told(judgement: Judgement) -> list[tuple[Severity | None, str]]:
    both: list[Finding | Reading] = [*judgement.findings, *judgement.readings]
    return [(one.severity if isinstance(one, Finding) else None, one.fact) for one in both]


@pytest.mark.parametrize(
    ("seconds", "severity", "fact"),
    [
        (2.0, None, "HTTP 200 in 2s"),
        (2.1, WARNING, "took 2s (max 2s)"),
        (7.0, CRITICAL, "took 7s (max 5s)"),
        (11.0, WARNING, "took 11s (max 10s)"),
    ],
)
def test_a_good_answer_may_be_slow(seconds: float, severity: Severity | None, fact: str) -> None:
    answer = reply(took=timedelta(seconds=seconds))
    assert told(judge(http(**SLOW), answer, [()])) == [(severity, fact)]


@pytest.mark.parametrize(
    ("days", "severity", "fact"),
    [
        (15, None, "certificate ends in 15d (min 14d)"),
        (14, None, "certificate ends in 14d (min 14d)"),
        (13.5, WARNING, "certificate ends in 13d12h (min 14d)"),
        (3, WARNING, "certificate ends in 3d (min 14d)"),
        (2.9, CRITICAL, "certificate ends in 2d21h (min 3d)"),
        (-1, CRITICAL, "certificate ends in 0s (min 3d)"),
    ],
)
def test_a_certificate_must_last(days: float, severity: Severity | None, fact: str) -> None:
    answer = reply(certificate_ends_at=NOW + timedelta(days=days))
    judgement = judge(http(**CERTIFICATE), answer, [()])
    assert told(judgement) == [(severity, fact)]
    for one in judgement.findings:
        assert (one.value, one.error_text) == (days * 86_400, "")


def test_a_certificate_that_is_not_there_is_bad() -> None:
    assert told(judge(http(**CERTIFICATE), reply())) == [(WARNING, "no certificate")]
    assert judge(http(), reply()).outcome is Outcome.OK


def test_a_failed_handshake_stays_one() -> None:
    failure = HttpFailure("tls", "TLS failed: wrong version number.")
    assert told(judge(http(**CERTIFICATE), failure)) == [(WARNING, "TLS failed")]


@pytest.mark.parametrize(("more", "is_alone"), [({}, False), (CERTIFICATE, True)])
def test_a_certificate_is_looked_at_on_a_connection_of_its_own(
    more: dict[str, Any], is_alone: bool
) -> None:
    (question,) = http(**more).ask(context(), ())
    assert isinstance(question, HttpQuestion)
    assert question.is_alone is is_alone


def budget(remaining: object, minutes: float, limit: object = 5000) -> dict[str, Any]:
    """Return a rate limit that is filled again in `minutes`."""
    reset = (NOW + minutes * MINUTE).timestamp()
    return {"core": {"remaining": remaining, "limit": limit, "reset": int(reset)}}


def forecast(**more: Any) -> Http:
    return http(forecast=PATHS | more)


@pytest.mark.parametrize(
    ("remaining", "minutes", "bad"),
    [
        (400, 41, True),
        (400, 1, False),
        (500, 41, False),
        (499, 41, True),
        (4900, 59, False),
        (0, 1, True),
        (0, 0, False),
        (0, -10, False),
        (-3, 20, True),
        (6000, 20, False),
        (400, 61, True),
        (400, 24 * 60, True),
    ],
)
def test_a_budget_is_bad_when_it_is_low_and_gone_before_its_reset(
    remaining: int, minutes: float, bad: bool
) -> None:
    judgement = judge(forecast(), reply(200, budget(remaining, minutes)))
    assert judgement.outcome is (Outcome.BAD if bad else Outcome.OK)


def test_a_finding_says_when_a_budget_is_gone() -> None:
    (found,) = judge(forecast(), reply(200, budget(400, 41))).findings
    assert (found.severity, found.value, found.limit) == (WARNING, 400.0, 500.0)
    assert found.fact == "400 of 5,000 left, 0 in 1m"
    assert found.detail == (
        "400 of 5,000 left, limit 10%; at this pace 0 in 1 min, the reset is in 41 min."
    )
    assert found.error_text == ""


def test_a_budget_that_lasts_is_a_reading() -> None:
    judgement = judge(forecast(), reply(200, budget(4000, 41)), [()])
    assert told(judgement) == [(None, "4,000 of 5,000 left (min 10%)")]


@pytest.mark.parametrize(
    ("more", "remaining", "severity"),
    [
        ({"under": "5%"}, 400, None),
        ({"under": {"warning": 0.1, "critical": "5%"}}, 400, WARNING),
        ({"under": {"warning": 0.1, "critical": "5%"}}, 200, CRITICAL),
        ({"limit": 3000}, 400, None),
        ({"limit": 4001}, 400, WARNING),
        ({"window": "1d"}, 4000, None),
        ({"window": "1d"}, 400, None),
        ({"window": "1d"}, 100, WARNING),
    ],
)
def test_share_whole_and_window_may_be_set(
    more: dict[str, Any], remaining: int, severity: Severity | None
) -> None:
    # With a day's window, 41 minutes before its end, nearly all of it has passed.
    found = judge(forecast(**more), reply(200, budget(remaining, 41))).findings
    assert [one.severity for one in found] == ([severity] if severity else [])


@pytest.mark.parametrize(
    "reset",
    [
        (NOW + 41 * MINUTE).timestamp(),
        int((NOW + 41 * MINUTE).timestamp() * 1000),
        "2025-06-13T02:56:00Z",
        "2025-06-13 04:56:00+02:00",
        41 * 60,
    ],
)
def test_a_reset_may_be_written_in_many_ways(reset: object) -> None:
    body = budget(400, 0)
    body["core"]["reset"] = reset
    (found,) = judge(forecast(), reply(200, body)).findings
    assert "the reset is in 41 min" in found.detail


@pytest.mark.parametrize(
    ("name", "value", "fact"),
    [
        ("remaining", None, "remaining is null, no number"),
        ("remaining", "many", "remaining is many, no number"),
        ("remaining", float("nan"), "remaining is NaN, no number"),
        ("remaining", True, "remaining is true, no number"),
        ("limit", 0, "limit is 0, no number above 0"),
        ("limit", -5, "limit is -5, no number above 0"),
        ("reset", None, "reset is null, no time"),
        ("reset", "soon", "reset is soon, no time"),
        ("reset", True, "reset is true, no time"),
        ("reset", 10**400, "reset is a huge number, no time"),
        ("reset", float("nan"), "reset is NaN, no time"),
    ],
)
def test_a_budget_that_cannot_be_read_is_bad(name: str, value: object, fact: str) -> None:
    body = budget(4000, 41)
    body["core"][name] = value
    assert told(judge(forecast(), reply(200, body))) == [(WARNING, fact)]
    del body["core"][name]
    (_, missing) = told(judge(forecast(), reply(200, body)))[0]
    assert missing.startswith(f"{name} is missing, no ")


@given(st.floats() | st.integers(), st.floats() | st.integers(), st.floats() | st.integers())
def test_any_budget_can_be_judged(remaining: float, limit: float, reset: float) -> None:
    body = {"core": {"remaining": remaining, "limit": limit, "reset": reset}}
    for _, fact in told(judge(forecast(), reply(200, body), [()])):
        assert 0 < len(fact) <= 40


@given(st.integers(0, 5000), st.integers(0, 500), st.integers(1, 60))
def test_more_of_a_budget_is_never_worse(remaining: int, more: int, minutes: int) -> None:
    before = judge(forecast(), reply(200, budget(remaining, minutes))).findings
    after = judge(forecast(), reply(200, budget(remaining + more, minutes))).findings
    assert len(after) <= len(before)


def held(*values: object) -> Rows:
    return Rows([{"version_num": value} for value in values])


def compare(kind: Http, rows: Rows, body: object) -> list[tuple[Severity | None, str]]:
    first, second = kind.ask(context(), ()), kind.ask(context(), ((rows,),))
    assert [type(one) for one in (*first, *second)] == [SqlQuestion, HttpQuestion]
    answers: Any = ((rows,), (reply(200, body),))
    assert kind.ask(context(), answers) == ()
    return told(kind.judge(context([()]), answers))


@pytest.mark.parametrize(
    ("values", "body", "fact"),
    [
        (["ab12"], {"revision": "ab12"}, None),
        (["ab12", "cd34"], {"revision": "cd34"}, None),
        ([12], {"revision": "12"}, None),
        ([Decimal("12.0")], {"revision": 12}, None),
        ([True], {"revision": True}, None),
        ([None], {"revision": None}, None),
        (["ab12"], {"revision": "cd34"}, "revision cd34 (database ab12)"),
        (["ab12"], {"revision": None}, "revision null (database ab12)"),
        (["ab12"], {}, "revision missing (database ab12)"),
        ([None], {}, "revision missing (database null)"),
        ([], {"revision": "ab12"}, "revision ab12 (database nothing)"),
        (["a", "b"], {"revision": "c"}, "revision c (database a or b)"),
        ([1], {"revision": True}, "revision true (database 1)"),
        (["x"], ["x"], "revision missing (database x)"),
    ],
)
def test_a_value_must_be_that_of_the_database(
    values: list[object], body: object, fact: str | None
) -> None:
    expected = [(None, "HTTP 200 in 120ms")] if fact is None else [(WARNING, fact)]
    assert compare(http(same_as=SAME), held(*values), body) == expected


def test_a_value_is_compared_with_the_row_of_its_entity() -> None:
    listing = {"source": "db", "query": "select org from orgs"}
    kind = http(url="/{{ entity.org }}", entity="org", for_each=listing, same_as=SAME)
    rows = Rows([{"org": one, "v": f"v{one}"} for one in "abc"])
    answers: Any = ((Rows([{"org": "a"}, {"org": "b"}, {"org": "d"}]), rows),)
    assert len(kind.ask(context(), ())) == 2
    assert len(kind.ask(context(), answers)) == 3
    answers += (tuple(reply(200, {"revision": one}) for one in ("va", "vc", "vd")),)
    judgement = kind.judge(context(), answers)
    assert {one.entity[0][1]: one.fact for one in judgement.findings} == {
        "b": "revision vc (database vb)",
        "d": "revision vd (database nothing)",
    }


TWO = http(same_as=SAME | {"body.n": {"source": "other", "query": "select 1"}})
DOWN = Unanswered("down", whole_source=True)


def rounds(*answers: Sequence[Answer]) -> Any:
    return tuple(tuple(one) for one in answers)


def test_a_database_that_does_not_answer_is_asked_once_more() -> None:
    questions = TWO.ask(context(), ())
    assert TWO.ask(context(), rounds([held("a"), DOWN])) == (questions[1],)
    again: list[list[Answer]] = [[held("a"), DOWN], [Rows([{"n": 1}])]]
    assert [type(one) for one in TWO.ask(context(), rounds(*again))] == [HttpQuestion]
    done = rounds(*again, [reply(200, {"revision": "a", "n": 1})])
    assert TWO.ask(context(), done) == ()
    assert TWO.judge(context(), done).outcome is Outcome.OK


def test_nothing_is_said_of_the_endpoint_while_a_database_is_silent() -> None:
    for answers in (rounds([DOWN, DOWN]), rounds([held("a"), DOWN], [DOWN])):
        assert TWO.ask(context(), answers) == ()
        judgement = TWO.judge(context([()]), answers)
        assert judgement == Judgement(unknown=((),), has_data=False)


@pytest.mark.parametrize(
    ("settings", "place", "error"),
    [
        ({"slow": "10s"}, (), "never"),
        ({"slow": {"critical": "3s"}, "expect": {"within": "2s"}}, (), "never"),
        ({"certificate": {"warning": "3d", "critical": "14d"}}, ("certificate",), "bad_order"),
        ({"forecast": PATHS | {"limit": "core.limit"}}, ("forecast", "limit"), "bad_path"),
        ({"forecast": PATHS | {"limit": 0}}, ("forecast", "limit"), "bad_number"),
        ({"forecast": PATHS | {"under": 10}}, ("forecast", "under"), "bad_share"),
        ({"same_as": {"revision": SAME["body.revision"]}}, ("same_as", "revision"), "bad_path"),
        (
            {"same_as": {"body.a": {"source": "db", "query": "select {{ now }}"}}},
            ("same_as", "body.a", "query"),
            "bad_placeholder",
        ),
    ],
)
def test_a_mistake_is_told_at_its_place(
    settings: dict[str, Any], place: tuple[str, ...], error: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        http(**settings)
    (found,) = caught.value.errors()
    assert (found["type"], tuple(p for p in found["loc"] if p != "[key]")) == (error, place)


def test_the_paths_of_a_budget_say_what_is_watched() -> None:
    whole = forecast().identity()
    assert forecast(under="5%", window="1d").identity() == whole
    assert forecast(limit="body.core.max").identity() != whole
    assert http(**CERTIFICATE).identity() == http(certificate="9d").identity() != http().identity()
    assert http(**SLOW).identity() == http().identity() != http(same_as=SAME).identity()


def test_now_is_that_of_the_look() -> None:
    answer = reply(certificate_ends_at=datetime(2026, 1, 1, tzinfo=UTC))
    late = Context(datetime(2025, 12, 30, tzinfo=UTC))
    (found,) = http(certificate="14d").judge(late, ((answer,),)).findings
    assert found.value == 2 * 86_400


EACH = http(
    url="/{{ entity.org }}",
    entity="org",
    for_each={"source": "db", "query": "select org from orgs"},
    forecast=PATHS,
    same_as=SAME,
    slow="2s",
    certificate="14d",
)
answers_ = st.builds(
    lambda seconds, days, left, revision: reply(
        200,
        budget(left, 41) | {"revision": revision},
        took=timedelta(seconds=seconds),
        certificate_ends_at=NOW + timedelta(days=days),
    ),
    st.integers(0, 4),
    st.integers(0, 30),
    st.integers(0, 5000),
    st.sampled_from("ab"),
)


def judged(each: dict[str, Any]) -> Judgement:
    listed = Rows([{"org": org} for org in each])
    return EACH.judge(context(), rounds([listed, held("a")], list(each.values())))


@given(st.dictionaries(st.sampled_from("xyz"), answers_), st.randoms())
def test_entities_do_not_mix_and_their_order_does_not_matter(
    each: dict[str, Any], random: Any
) -> None:
    together = judged(each)
    alone = [judged({org: answer}) for org, answer in each.items()]
    assert set(together.findings) == {one for judgement in alone for one in judgement.findings}
    assert judged(dict(random.sample(list(each.items()), len(each)))) == together


@given(st.dictionaries(st.sampled_from("xyz"), answers_))
def test_a_good_answer_of_another_entity_changes_nothing(each: dict[str, Any]) -> None:
    best = reply(
        200,
        budget(5000, 41) | {"revision": "a"},
        certificate_ends_at=NOW + timedelta(days=90),
    )
    assert judged(each | {"other": best}).findings == judged(each).findings
