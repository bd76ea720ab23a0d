"""What no team would write and no table should hold: it is refused, or it is asked and judged."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import cycle, product
from math import isnan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as times
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.base import Context, Dialect, Kind, Rows, Unanswered
from rules.registry import KINDS
from tests.unit.test_kind_settings import GOOD

NOWS = [
    datetime(2025, 6, 13, 2, 15, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # as the clocks of Berlin go forward
]
DIALECTS = [Dialect(), Dialect("sqlite", "iso", "Europe/Berlin"), Dialect("sqlite", "epoch_ms")]
WRITTEN: list[Any] = [
    *("", " ", "\0", "x" * 300, "0", "-1", "1e400", "'", "--", ";", "..", "../..", "(("),
    *("0s", "1ms", "9999d", "0%", "100%", "0.0001%", "0%..", "99%..101%", "30%..300%"),
    *("{{ now }}", "{{ entity.x }}", "${X}", "body.", "body.a[0]", "exists", "> 1e400", "~ ("),
    *("1a:00", "-1:00", "03:00", "* * * * *", "0 0 30 2 *", "@hourly", "@reboot", "none"),
    *(0, 1, -1, 2**63 - 1, 2**63, 10**400, 1.5, -0.0, 1e308, float("nan"), float("inf")),
    *(True, False, None, [], ["a"], ["a", "a"], [""], [None], [["a"]], b"x", date(2020, 1, 1)),
    *({}, {"warning": 1}, {"warning": "1h", "critical": "1h"}, {"warning": "90%"}),
    *({"column": "x"}, {"level": ["a", 1]}, {"level": None}, {"status": [200, 599]}),
    *({"daily": "1a:00"}, {"daily": "03:5x"}, {"daily": "23:59"}, {"every": "1ms"}),
    *({"cron": "0 0 30 2 *"}, {"cron": "* * * * *", "timezone": "Europe/Berlin"}),
    *({"key": ["id"], "within": "9999d"}, {"jump_ahead": "9999d", "stand_still": "1ms"}),
]


def made(name: str, settings: dict[str, Any]) -> Kind:
    """Return a kind with these settings.

    Raises:
        ValidationError: They are refused.
    """
    model: Any = KINDS[name]
    kind: Kind = model.model_validate(settings)
    return kind


def variants(name: str) -> Iterator[Kind]:
    """Yield every kind that comes of one setting with something odd in it, and is not refused."""
    keys = {one.alias or field for field, one in KINDS[name].model_fields.items()}
    for key, written in product(sorted(keys), WRITTEN):
        with contextlib.suppress(ValidationError):
            yield made(name, GOOD[name] | {key: written})


@pytest.mark.parametrize("name", sorted(GOOD))
def test_whatever_passes_the_check_can_be_asked_and_judged(name: str) -> None:
    circumstances = cycle(product(DIALECTS, NOWS, (False, True)))
    for kind in variants(name):
        dialect, now, watches = next(circumstances)
        entity = tuple((column, "v'x") for column in kind.entity)
        context = Context(now, (entity,) if watches else (), dialect)
        questions = kind.ask(context, ())
        for answer in (Unanswered("no answer"), Rows([])):
            answers = (tuple(answer for _ in questions),)
            if questions and not kind.ask(context, answers):
                kind.judge(context, answers)


CELLS = st.sampled_from(
    [
        *(None, 0, 1, -1, 2**63 - 1, 0.5, 1e18, -1e18, 1e308, float("nan"), float("inf")),
        *(Decimal("NaN"), Decimal("1e400"), Decimal("-0.0"), True, "", "x", "a\0b", b"\xff", [1]),
        *("2024-01-01", "9999-12-31T23:59:59", datetime.max, datetime.min.replace(tzinfo=UTC)),  # noqa: DTZ901
        *(datetime(2025, 6, 13), date(1, 1, 1), timedelta(days=-999_999_999)),  # noqa: DTZ001
    ]
)
OWN_WORDS: dict[str, list[dict[str, Any]]] = {
    "sql": [{"max": 5, "value": "v"}, {"min": 1, "value": "v", "entity": ["e"], "error": "w"}],
    "cursor": [{}, {"entity": ["e"], "may": {"jump_ahead": "1h", "stand_still": "1h"}}],
    "match": [{"value": "v"}, {"value": "v", "entity": ["e"]}],
    "stale": [{}, {"entity": ["e"], "null_after": "1d"}, {"oldest": True, "if_empty": "bad"}],
    "queue": [{"column": "at", "max_wait": "1h"}, {"entity": ["e"]}],
    "stuck": [{}, {"entity": ["e"]}],
}


@pytest.mark.parametrize(
    ("name", "more"), [(name, more) for name, each in OWN_WORDS.items() for more in each]
)
@times(max_examples=40)
@given(st.data())
def test_whatever_a_table_holds_is_judged_look_after_look(
    name: str, more: dict[str, Any], data: st.DataObject
) -> None:
    kind = made(name, GOOD[name] | more)
    count = st.sampled_from([0, 1, 2**62])
    row = st.fixed_dictionaries(
        {"n": count} | dict.fromkeys(("v", "e", "e0", "w", "at", "value"), CELLS)
    )
    remembered: dict[str, str] = {}
    for hours in range(3):
        now = NOWS[0] + timedelta(hours=hours)
        entity = tuple((column, "x") for column in kind.entity)
        context = Context(
            now, (entity,), data.draw(st.sampled_from(DIALECTS)), remembered=remembered
        )
        sides = [Rows(data.draw(st.lists(row, max_size=3))) for _ in kind.ask(context, ())]
        judgement = kind.judge(context, (tuple(sides),))
        for one in judgement.findings:
            assert len(one.fact) <= 40
            assert one.value is None or not isnan(one.value)
            assert one.first_bad_at is None or one.first_bad_at.tzinfo
        remembered = {
            k: v for k, v in {**remembered, **judgement.remember}.items() if v is not None
        }
