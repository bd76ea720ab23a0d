"""Each test runs against the standard decorator, too: what both make is the same."""

import copy
import dataclasses
from dataclasses import FrozenInstanceError, asdict, field, replace
from typing import Any

import pytest

from rules.values import dataclass

pytestmark = pytest.mark.parametrize("decorate", [dataclass, dataclasses.dataclass])


def point(decorate: Any) -> Any:
    @decorate(frozen=True, slots=True)
    class Point:
        x: int
        y: int = 2
        words: list[str] = field(default_factory=list)
        secret: str = field(default="hunter2", repr=False)
        note: str = field(default="", compare=False)

    return Point


def basket(decorate: Any) -> Any:
    @decorate(slots=True)
    class Basket:
        items: list[int]
        total: int = field(init=False)

        def __post_init__(self) -> None:
            self.total = sum(self.items)

    return Basket


def lone(decorate: Any) -> Any:
    @decorate(frozen=True)
    class Lone:
        one: object = None

        def __repr__(self) -> str:
            return "alone"

    return Lone


def page(decorate: Any) -> Any:
    @decorate(frozen=True, slots=True)
    class Page:
        number: int
        seen: str = field(default="", init=False, compare=False)

    return Page


def test_fields_are_given_by_place_or_name_or_have_defaults(decorate: Any) -> None:
    made = point(decorate)(1, words=["a"])
    expected = {"x": 1, "y": 2, "words": ["a"], "secret": "hunter2", "note": ""}
    assert asdict(made) == expected
    assert point(decorate)(1).words is not point(decorate)(1).words
    assert basket(decorate)([1, 2]).total == 3


@pytest.mark.parametrize("arguments", [(), (1, 2, [], "", "", 6)])
def test_too_few_or_too_many_values_are_refused(decorate: Any, arguments: Any) -> None:
    with pytest.raises(TypeError, match=r"Point\.__init__\(\)"):
        point(decorate)(*arguments)


def test_what_a_value_says_of_itself_leaves_out_what_it_should(decorate: Any) -> None:
    name = point(decorate).__qualname__
    assert repr(point(decorate)(1)) == f"{name}(x=1, y=2, words=[], note='')"
    assert repr(lone(decorate)()) == "alone"


def test_values_are_equal_by_what_is_compared(decorate: Any) -> None:
    cls = point(decorate)
    assert cls(1, note="a") == cls(1, note="b")
    assert cls(1) != cls(2)
    assert cls(1) != point(decorate)(1)
    nan = float("nan")
    other = lone(decorate)
    assert other(nan) == other(nan)
    assert hash(other(1)) == hash(other(1)) != hash(other(2))


def test_what_may_change_has_no_hash(decorate: Any) -> None:
    made = basket(decorate)([1])
    made.total = 5
    with pytest.raises(TypeError, match="unhashable"):
        hash(made)


@pytest.mark.parametrize("make", [point, lone])
def test_a_frozen_value_stays_as_it_is(decorate: Any, make: Any) -> None:
    made = make(decorate)(1)
    name = dataclasses.fields(made)[0].name
    with pytest.raises(FrozenInstanceError, match=f"cannot assign to field '{name}'"):
        setattr(made, name, 3)
    with pytest.raises(FrozenInstanceError, match=f"cannot delete field '{name}'"):
        delattr(made, name)


def test_values_are_replaced_matched_and_slotted(decorate: Any) -> None:
    made = replace(point(decorate)(1), y=5)
    assert (made.x, made.y) == (1, 5)
    assert point(decorate).__match_args__ == ("x", "y", "words", "secret", "note")
    assert not hasattr(made, "__dict__")


def test_what_is_never_given_begins_anew_in_each_value(decorate: Any) -> None:
    make = page(decorate)
    made = make(1)
    object.__setattr__(made, "seen", "before")
    assert (made, replace(made, number=2).seen) == (make(1), "")
    with pytest.raises(TypeError):
        make(1, seen="before")


@pytest.mark.parametrize("make", [point, lone])
def test_values_are_copied(decorate: Any, make: Any) -> None:
    made = make(decorate)(1)
    assert copy.copy(made) == made
    assert copy.deepcopy(made) == made  # by what pickles use
