"""The sql kind: what it makes of rows of any shape, without a database."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from rules.base import Context, Dialect, Entity, Judgement, Outcome, Rows, Severity, Unanswered
from rules.cells import text_of
from rules.classify import build_classifier
from rules.sql import Sql
from tests.postgres import NIGHT as NOW

CLASSES = build_classifier()


def sql(**settings: Any) -> Sql:
    return Sql.model_validate({"source": "db", "query": "select 1"} | settings)


def judge(
    kind: Sql,
    *rows: Mapping[str, Any],
    watched: Sequence[Entity] = ((),),
    dialect: Dialect = Dialect(),
    **more: Any,
) -> Judgement:
    context = Context(NOW, tuple(watched), dialect, classifier=CLASSES)
    return kind.judge(context, ((Rows(rows, **more),),))


def facts(judgement: Judgement) -> list[str]:
    found = [one.fact for one in judgement.findings]
    return found + [one.fact for one in judgement.readings]


@pytest.mark.parametrize(
    ("limits", "value", "severity", "fact"),
    [
        ({"max": 5}, 5, None, "5 (max 5)"),
        ({"max": 5}, 5.01, Severity.WARNING, "5.01 (max 5)"),
        ({"min": 5}, 5, None, "5 (min 5)"),
        ({"min": 5}, 4, Severity.WARNING, "4 (min 5)"),
        ({"min": 1, "max": 5}, 3, None, "3 (max 5)"),
        ({"min": 1, "max": 5}, 0, Severity.WARNING, "0 (min 1)"),
        ({"min": 1, "max": 5}, 6, Severity.WARNING, "6 (max 5)"),
        ({"max": {"warning": 5, "critical": 9}}, 9, Severity.WARNING, "9 (max 5)"),
        ({"max": {"warning": 5, "critical": 9}}, 10, Severity.CRITICAL, "10 (max 9)"),
        ({"min": {"warning": 5, "critical": 2}}, 1, Severity.CRITICAL, "1 (min 2)"),
        ({"max": 0}, True, Severity.WARNING, "1 (max 0)"),
        ({"max": 60}, timedelta(minutes=2), Severity.WARNING, "120 (max 60)"),
        ({"max": 5}, Decimal("5.5"), Severity.WARNING, "5.50 (max 5)"),
        ({"max": 5}, Decimal("1e400"), Severity.WARNING, "1.7e+308 (max 5)"),
        ({"min": 5}, Decimal("-1e400"), Severity.WARNING, "-1.7e+308 (min 5)"),
        ({"max": 5}, 10**400, Severity.WARNING, "1.7e+308 (max 5)"),
    ],
)
def test_a_value_is_beyond_a_limit_or_not(
    limits: dict[str, Any], value: object, severity: Severity | None, fact: str
) -> None:
    judgement = judge(sql(**limits), {"n": value})
    assert [one.severity for one in judgement.findings] == ([severity] if severity else [])
    assert facts(judgement) == [fact]


@pytest.mark.parametrize(
    "value",
    [None, "7", "", b"7", float("nan"), float("inf"), Decimal("NaN"), Decimal("inf"), NOW, [], {}],
)
def test_what_is_no_number_is_no_data(value: object) -> None:
    judgement = judge(sql(max=5), {"n": value})
    assert (judgement.outcome, judgement.readings) == (Outcome.NO_DATA, ())


@pytest.mark.parametrize(
    ("limits", "values", "fact"),
    [
        ({"max": 5}, [6, 9, 7], "9 (max 5)"),
        ({"min": 5}, [3, 1, 4], "1 (min 5)"),
        ({"max": -10}, [-5, -1, -9], "-1 (max -10)"),
        ({"min": -1}, [-2, -9, 0], "-9 (min -1)"),
        ({"max": 5}, [1, 4, 3], "4 (max 5)"),
        ({"min": 5}, [9, 6, 7], "6 (min 5)"),
        ({"max": 5}, [None, 1, "x"], "1 (max 5)"),
        ({"min": 0, "max": 10}, [11, -5, 5], "-5 (min 0)"),
        ({"min": 1, "max": 2}, [0, 3], "3 (max 2)"),
    ],
)
def test_the_worst_of_all_rows_is_told(
    limits: dict[str, Any], values: list[object], fact: str
) -> None:
    for order in permutations(values):
        rows = [{"n": value} for value in order]
        assert facts(judge(sql(**limits), *rows)) == [fact]


def test_equal_values_are_told_apart_by_their_errors_in_any_order() -> None:
    kind = sql(max=1, value="n", error="e")
    rows: list[Mapping[str, Any]] = [
        {"n": 5, "e": "429"},
        {"n": 5, "e": "no idea"},
        {"n": 5, "e": None},
    ]
    texts = {judge(kind, *order).findings[0].error_text for order in permutations(rows)}
    assert len(texts) == 1


def test_a_named_value_names_the_sentence() -> None:
    kind = sql(max=1, value="o.waiting")
    (found,) = judge(kind, {"org": "x", "waiting": 3}).findings
    assert found.detail == "waiting is 3, limit 1."
    (found,) = judge(sql(max=1), {"n": 3}).findings
    assert found.detail == "Value is 3, limit 1."


@pytest.mark.parametrize("key", ["value", "error", "entity"])
def test_a_column_that_is_not_returned_is_told(key: str) -> None:
    kind = sql(max=0, **{key: "absent"})
    with pytest.raises(ValueError, match="returns no column `absent`"):
        judge(kind, {"n": 3})


def test_an_empty_row_has_no_value() -> None:
    assert judge(sql(max=1), {}).outcome is Outcome.NO_DATA


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "true"), (7, "7"), ("x", "x"), (date(2025, 6, 13), "2025-06-13")],
)
def test_a_value_of_any_type_names_an_entity(value: object, text: str) -> None:
    assert text_of(value) == text
    (found,) = judge(sql(entity="org"), {"org": value}).findings
    assert found.entity == (("org", text),)


@pytest.mark.parametrize(
    ("count", "fact", "detail"),
    [
        (1, "1 row found (max 0)", "The query finds 1 row, limit 0."),
        (2, "2 rows found (max 0)", "The query finds 2 rows, limit 0."),
        (1204, "1,204 rows found (max 0)", "The query finds 1,204 rows, limit 0."),
    ],
)
def test_rows_are_counted(count: int, fact: str, detail: str) -> None:
    (found,) = judge(sql(), *({"id": n} for n in range(count))).findings
    assert (found.fact, found.detail, found.value) == (fact, detail, float(count))


def test_more_rows_than_can_be_read_are_told_as_more() -> None:
    judgement = judge(sql(), {"id": 1}, {"id": 2}, truncated=True)
    assert (facts(judgement), judgement.truncated) == (["2+ rows found (max 0)"], True)


def test_no_row_is_good_for_what_was_bad() -> None:
    watched = (("org", "a"),)
    judgement = judge(sql(entity="org"), {"org": "b"}, watched=[watched])
    assert [one.entity for one in judgement.readings] == [watched]
    assert judgement.readings[0].fact == "no rows (max 0)"


def test_what_may_stand_in_the_rows_that_were_cut_is_not_good() -> None:
    watched = (("org", "a"),)
    judgement = judge(sql(entity="org"), {"org": "b"}, watched=[watched], truncated=True)
    assert judgement.readings == ()


@pytest.mark.parametrize(
    ("values", "value"), [([3, 9, None], 9.0), (["x", None], 2.0), ([float("nan"), 4], 4.0)]
)
def test_rows_of_an_entity_show_their_greatest_value(values: list[object], value: float) -> None:
    rows = ({"org": "a", "n": one} for one in values)
    (found,) = judge(sql(entity="org", value="n"), *rows).findings
    assert found.value == value


def test_the_error_of_the_class_that_is_tried_first_is_told() -> None:
    rows = [{"e": text} for text in ("zzz", "429", "invalid token", None, "")]
    for order in permutations(rows):
        (found,) = judge(sql(error="e"), *order).findings
        assert (found.failure_class, found.error_text) == ("auth_config", "invalid token")


WITHIN = {"new_only": {"column": "at", "within": "1h"}}
EPOCH = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("dialect", "at", "is_new"),
    [
        (Dialect(), NOW, True),
        (Dialect(), NOW - timedelta(minutes=59, seconds=59), True),
        (Dialect(), NOW - timedelta(hours=1), False),
        (Dialect(), NOW + timedelta(days=1), True),
        (Dialect(zone="Europe/Berlin"), datetime(2025, 6, 13, 4), True),  # noqa: DTZ001
        (Dialect(zone="Europe/Berlin"), datetime(2025, 6, 13, 3), False),  # noqa: DTZ001
        (Dialect(), date(2025, 6, 13), False),
        (Dialect("sqlite", "iso"), "2025-06-13T02:00:00Z", True),
        (Dialect("sqlite", "iso"), "2025-06-13 04:00:00+02:00", True),
        (Dialect("sqlite", "iso"), "2025-06-13 01:00:00", False),
        (Dialect("sqlite", "iso"), "yesterday", False),
        (Dialect("sqlite", "iso"), EPOCH, False),
        (Dialect("sqlite", "epoch_s"), EPOCH - 60, True),
        (Dialect("sqlite", "epoch_s"), EPOCH - 3600, False),
        (Dialect("sqlite", "epoch_ms"), (EPOCH - 60) * 1000, True),
        (Dialect("sqlite", "epoch_ms"), EPOCH - 60, False),
        (Dialect("postgres", "epoch_s"), Decimal(EPOCH), True),
        (Dialect("postgres", "epoch_s"), Decimal("NaN"), False),
        (Dialect("postgres", "epoch_s"), Decimal("inf"), False),
        (Dialect("postgres", "epoch_s"), True, False),
        (Dialect("postgres", "epoch_s"), timedelta(days=1), False),
        (Dialect(), None, False),
    ],
)
def test_only_a_young_row_is_new(dialect: Dialect, at: object, is_new: bool) -> None:
    judgement = judge(sql(**WITHIN), {"at": at}, dialect=dialect)
    assert bool(judgement.findings) is is_new
    assert [one.open_after for one in judgement.findings] == ([1] if is_new else [])


def test_an_entity_without_a_new_row_is_good_again() -> None:
    old = datetime(2025, 6, 1, tzinfo=UTC)
    kind = sql(**WITHIN, entity="org")
    watched = (("org", "a"),)
    judgement = judge(kind, {"org": "a", "at": old}, watched=[watched])
    assert (judgement.outcome, facts(judgement)) == (Outcome.OK, ["no rows (max 0)"])


@pytest.mark.parametrize(
    ("took", "severity", "fact"),
    [
        (0.25, None, "query took 250ms (max 1s)"),
        (1, None, "query took 1s (max 1s)"),
        (2, Severity.WARNING, "query took 2s (max 1s)"),
        (61, Severity.CRITICAL, "query took 1m (max 10s)"),
    ],
)
def test_the_time_of_a_query_is_held_against_its_limits(
    took: float, severity: Severity | None, fact: str
) -> None:
    kind = sql(within={"warning": "1s", "critical": "10s"})
    judgement = judge(kind, took=timedelta(seconds=took))
    assert [one.severity for one in judgement.findings] == ([severity] if severity else [])
    assert (facts(judgement), judgement.has_data) == ([fact], True)


def test_the_worse_of_time_and_value_is_told() -> None:
    kind = sql(max={"critical": 5}, within={"warning": "1s"})
    slow = timedelta(seconds=9)
    assert facts(judge(kind, {"n": 9}, took=slow)) == ["9 (max 5)"]
    assert facts(judge(kind, {"n": 1}, took=slow)) == ["query took 9s (max 1s)"]
    assert facts(judge(kind, {"n": 9})) == ["9 (max 5)"]


def test_the_time_of_a_query_is_about_no_entity() -> None:
    kind = sql(max=5, within="1s", entity="org", value="n")
    judgement = judge(kind, {"org": "a", "n": 9}, took=timedelta(seconds=9))
    assert [one.entity for one in judgement.findings] == [(), (("org", "a"),)]


@pytest.mark.parametrize("limits", [{"max": 1}, {"within": "1s"}, {}])
def test_without_an_answer_what_is_watched_is_unknown(limits: dict[str, Any]) -> None:
    context = Context(NOW, ((),))
    judgement = sql(**limits).judge(context, ((Unanswered("down"),),))
    assert (judgement.outcome, judgement.unknown) == (Outcome.NO_DATA, ((),))
