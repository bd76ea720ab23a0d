"""What the engine remembers: whose trouble explains whose."""

from datetime import UTC, datetime

import pytest

from rules.base import Entity, Severity
from tests.watching import stuck_rule
from watchdog.domain.track import Held, Track
from watchdog.engine.memory import Memory
from watchdog.store.tracks import StoredTrack

NOW = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
CHILD = stuck_rule("child", depends_on=("parent",))
SHOP: Entity = (("shop", "7"), ("queue", "mail"))


def a_bad(entity: Entity, rule: str = "parent", **changes: object) -> StoredTrack:
    values = {"incident_id": 1001} | changes
    track = Track(rule, entity, 2, NOW, NOW, Severity.WARNING, **values)  # type: ignore[arg-type]
    return StoredTrack(track, "identity")


@pytest.mark.parametrize(
    ("bad", "columns", "is_held"),
    [
        ((("queue", "mail"),), ("queue",), True),
        ((("queue", "sync"),), ("queue",), False),
        ((("queue", "mail"), ("shop", "7")), ("queue", "shop"), True),
        ((("region", "north"),), ("region",), True),
        ((), (), True),
        ((), ("queue",), True),
    ],
)
def test_trouble_above_explains_the_same_thing_or_all_where_nothing_is_named(
    bad: Entity, columns: tuple[str, ...], is_held: bool
) -> None:
    held = Memory([a_bad(bad)], []).held(CHILD, {"parent": columns}, SHOP)
    assert held == (Held(under="parent") if is_held else Held())


def test_what_is_excused_above_explains_nothing_below() -> None:
    excused = a_bad((), incident_id=None, excused_since=NOW)
    assert Memory([excused], []).held(CHILD, {"parent": ()}, SHOP) == Held()


def test_a_source_that_cannot_be_looked_at_explains_what_depends_on_it() -> None:
    memory = Memory([a_bad((), "source:parent")], [])
    assert memory.held(CHILD, {}, SHOP) == Held(under="parent")


def test_ten_thousand_bad_above_are_not_searched_for_each_of_ten_thousand_below() -> None:
    numbers = range(10_000)  # searched one by one this takes minutes
    memory = Memory([a_bad((("queue", str(one)),)) for one in numbers], [])
    held = [
        memory.held(CHILD, {"parent": ("queue",)}, (("queue", str(5_000 + one)),))
        for one in numbers
    ]
    assert sum(bool(one.under) for one in held) == 5_000
