"""Nodes against models: each refusal of a model becomes a problem at its place."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from watchdog.config.nodes import (
    Entry,
    Node,
    Scalar,
    Span,
    Spot,
    Table,
    find,
    is_lost,
    is_tainted,
    scalars,
)
from watchdog.config.problems import Problem, did_you_mean, listed, nearest, shown
from watchdog.config.scalars import plain
from watchdog.config.secrets import located

M = TypeVar("M", bound=BaseModel)
Path = tuple[int | str, ...]

_EXPECTED = {
    "text": ("string_type", "string_sub_type", "string_unicode"),
    "a whole number": ("int_type", "int_parsing", "int_from_float", "int_parsing_size"),
    "a number": ("float_type", "float_parsing", "finite_number"),
    "`true` or `false`": ("bool_type", "bool_parsing"),
    "a list": ("list_type", "tuple_type", "set_type", "iterable_type"),
    "a mapping": (
        "dict_type",
        "mapping_type",
        "model_type",
        "model_attributes_type",
        "dataclass_type",
    ),
}
_WANTED = {code: words for words, codes in _EXPECTED.items() for code in codes}
_VERB = re.compile(r"(?:must|needs|names|is|has|holds|closes|leaves|cannot) ")
_RENAMED = {"bad_order": "threshold-order"}
_LIMITS = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "a list with at least {min_length} item",
    "too_long": "a list with at most {max_length} items",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
}
_REPAIRS_MAX = 4


def validated(
    model: type[M], entry: Entry, texts: Mapping[str, str], name: str = ""
) -> tuple[M | None, list[Problem]]:
    """Return the settings that `entry` holds, and everything that is wrong with them.

    Where only some keys are wrong, the settings are those of the others, so that checks can go
    on; they are right only if there is no problem.

    Args:
        texts: The files by path, to see what stands behind an empty value.
        name: What the mapping is called in messages, such as `a source`; its key by default.
    """
    work = _Work(entry, name or f"`{shown(entry.key.text)}`", texts)
    empties = work.empty_problems()
    value: Any = work.without_empties(plain(entry.value))
    errors: list[Any] = []
    for _ in range(_REPAIRS_MAX):
        try:
            settings = model.model_validate(value)
        except ValidationError as error:
            errors = error.errors(include_url=False, include_input=False)
            if not work.repair(value, errors):
                break
        else:
            return settings, empties
    return _salvaged(model, value, errors), empties + work.problems(model, errors)


def _salvaged(model: type[M], value: Any, errors: Iterable[Any]) -> M | None:
    """Return the settings without the keys that are wrong, if that is possible."""
    if not isinstance(value, dict):
        return None
    wrong = {error["loc"][0] for error in errors if error["loc"]}
    try:
        return model.model_validate({key: one for key, one in value.items() if key not in wrong})
    except ValidationError:
        return None


class _Work:
    """One mapping on its way through a model."""

    def __init__(self, entry: Entry, name: str, texts: Mapping[str, str]) -> None:
        self.entry = entry
        self.holder = name
        self.texts = texts
        self.empty_paths: list[Path] = list(_empties(entry.value))

    def spot(self, path: Path) -> Spot:
        return find(self.entry.value, path, self.entry.key)

    def empty_problems(self) -> list[Problem]:
        return [self.empty_problem(self.spot(path)) for path in self.empty_paths]

    def empty_problem(self, spot: Spot) -> Problem:
        span = spot.key_span
        what = f"`{shown(spot.key.text)}`" if spot.key else "this item"
        line = self.texts.get(span.file, "").split("\n")[span.line - 1 : span.line]
        behind = line[0][max(0, span.end_column - 1) :].lstrip(" :-\"'") if line else ""
        label = "write a value"
        if behind.startswith("#"):
            word = re.match(r"#\s*([\w-]+)", behind)
            bare = f"; write `{word.group(1)}` without the hash" if word else ""
            label = f"`#` starts a comment{bare}"
        return Problem("empty-value", f"{what} has no value", span.place, span.end_column, label)

    def without_empties(self, value: Any) -> Any:
        for path in reversed(self.empty_paths):
            if not path:
                return {}
            parent = _walk(value, path[:-1])
            del parent[path[-1]]
        return value

    def repair(self, value: Any, errors: Iterable[Any]) -> bool:
        """Drop free keys; give a number's spelling to a field that wants text."""
        done = False
        for error in errors:
            path, kind = error["loc"], error["type"]
            if not path:
                continue
            if kind == "extra_forbidden" and str(path[-1]).startswith("x-"):
                done |= _walk(value, path[:-1]).pop(path[-1], None) is not None
            elif kind == "string_type":
                done |= self.respell(value, path)
        return done

    def respell(self, value: Any, path: Path) -> bool:
        known, node = _known(self.entry.value, path)
        if not known or not isinstance(node, Scalar) or not node.is_plain:
            return False
        parent = _walk(value, known[:-1])
        if parent[known[-1]] is None or isinstance(parent[known[-1]], str):
            return False
        parent[known[-1]] = node.text
        return True

    def problems(self, model: type[BaseModel], errors: Iterable[Any]) -> list[Problem]:
        found: dict[tuple[str, int, int], Problem] = {}
        empties = set(self.empty_paths)
        misspelt = set(_meant(model, errors))
        for error in errors:
            is_missing = error["type"] == "missing"
            if is_missing and (error["loc"] in empties or error["loc"] in misspelt):
                continue
            if not is_missing and error["loc"] and is_lost(self.spot(error["loc"]).value):
                continue
            problem = self.problem(model, error)
            place = problem.place
            key = (place.file, place.line, place.column)
            if is_missing:
                key = (problem.message, place.line, place.column)
            found.setdefault(key, problem)
        return list(found.values())

    def problem(self, model: type[BaseModel], error: Any) -> Problem:
        path: Path = error["loc"]
        if error["type"] == "extra_forbidden":
            return self.unknown_key(model, path)
        if error["type"] == "missing":
            return self.missing_key(path)
        spot = self.spot(path)
        span = spot.span
        if is_tainted(spot.value):
            return self.tainted(error["type"], spot)
        context = error.get("ctx") or {}
        code, message = _words(error, spot)
        if isinstance(spot.value, Scalar) and isinstance(context.get("offset"), int):
            span = located(spot.value, self.texts, context["offset"])
        label = str(context.get("hint", ""))
        return Problem(code, message, span.place, span.end_column, label)

    def tainted(self, kind: str, spot: Spot) -> Problem:
        """Return a problem that says nothing about a value that came from outside the file."""
        written = next(one.written for one in scalars(spot.value) if one.is_tainted)
        message = f"the value of `{shown(written)}` does not fit here"
        return Problem(_code(kind), message, spot.span.place, spot.span.end_column)

    def unknown_key(self, model: type[BaseModel], path: Path) -> Problem:
        table = self.spot(path[:-1])
        key = str(path[-1])
        span = self.spot(path).key_span
        allowed = list(keys_of(model, path[:-1]))
        holder = f"`{shown(table.key.text)}`" if table.key and len(path) > 1 else self.holder
        return unknown_key(key, holder, span, allowed)

    def missing_key(self, path: Path) -> Problem:
        spot = self.spot(path[:-1])
        holder = f"`{shown(spot.key.text)}`" if spot.key and len(path) > 1 else self.holder
        span = spot.key_span
        message = f"{holder} needs `{path[-1]}`"
        return Problem("missing-key", message, span.place, span.end_column)


def unknown_key(key: str, holder: str, span: Span, allowed: list[str]) -> Problem:
    """Return the problem of a key that nobody knows."""
    notes = (f"allowed: {listed(allowed)}",) if allowed else ()
    message = f"`{shown(key)}` is not a key of {holder}"
    label = did_you_mean(key, allowed)
    return Problem("unknown-key", message, span.place, span.end_column, label, notes)


def _meant(model: type[BaseModel], errors: Iterable[Any]) -> Iterable[Path]:
    """Yield the paths that misspelt keys were meant to be."""
    for error in errors:
        if error["type"] == "extra_forbidden":
            path: Path = error["loc"]
            near = nearest(str(path[-1]), keys_of(model, path[:-1]))
            if near:
                yield (*path[:-1], near)


def _empties(node: Node, path: Path = ()) -> Iterable[Path]:
    if isinstance(node, Scalar):
        if node.is_empty:
            yield path
        return
    pairs: Iterable[tuple[int | str, Node]]
    if isinstance(node, Table):
        pairs = [(k, e.value) for k, e in node.entries.items() if not k.startswith("x-")]
    else:
        pairs = list(enumerate(node.items))
    for step, child in pairs:
        yield from _empties(child, (*path, step))


def _known(node: Node, path: Path) -> tuple[Path, Node]:
    """Return the steps of `path` that really lead somewhere, and where."""
    known: Path = ()
    for step in path:
        if isinstance(node, Table) and step in node.entries:
            node = node.entries[str(step)].value
        elif not isinstance(node, Scalar | Table) and isinstance(step, int):
            node = node.items[step]
        else:
            continue
        known = (*known, step)
    return known, node


def _walk(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _code(kind: str) -> str:
    if kind in _WANTED:
        return "wrong-type"
    if kind in {*_LIMITS, "value_error", "string_pattern_mismatch"}:
        return "bad-value"
    return _RENAMED.get(kind, kind.replace("_", "-"))


def _words(error: Any, spot: Spot) -> tuple[str, str]:
    """Return code and message of a refusal."""
    kind, context = error["type"], error.get("ctx") or {}
    what = f"`{shown(spot.key.text)}`" if spot.key else "this item"
    if kind in _WANTED:
        return "wrong-type", f"{what} must be {_WANTED[kind]}, not {_described(spot.value)}"
    if kind in _LIMITS:
        return "bad-value", f"{what} must be {_LIMITS[kind].format(**context)}"
    if kind in {"literal_error", "enum"}:
        words = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        given = spot.value.text if isinstance(spot.value, Scalar) else _described(spot.value)
        context["hint"] = did_you_mean(given, words) or f"write one of: {listed(words)}"
        return "bad-value", f"`{shown(given)}` is not one of: {listed(words)}"
    if "given" in context and not isinstance(spot.value, Scalar):
        return "wrong-type", f"{what} cannot be {_described(spot.value)}"
    message = str(error["msg"]).removeprefix("Value error, ")
    return _code(kind), f"{what} {message}" if _VERB.match(message) else message


def _described(node: Node) -> str:
    if isinstance(node, Table):
        return "a mapping"
    if not isinstance(node, Scalar):
        return "a list"
    if node.is_secret:
        return "a text"
    value = plain(node)
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"`{node.text}`"
    return "a number" if isinstance(value, int | float) else f"`{shown(node.text)}`"


@lru_cache(maxsize=512)
def keys_of(model: Any, path: Path) -> tuple[str, ...]:
    """Return the keys that a mapping at `path` below `model` may have, as far as types tell."""
    found = list(_models(model))
    for step in path:
        inner: list[Any] = []
        for one in found:
            field = _field(one, str(step))
            inner += _models(field) if field is not None else []
        found = inner or found
    names = [_alias(one, name) for one in found for name in one.model_fields]
    if path and any(_holds_levels(one, path) for one in _models(model)):
        return ("warning", "critical")
    return tuple(dict.fromkeys(names))


def _holds_levels(model: type[BaseModel], path: Path) -> bool:
    annotation: Any = model
    for step in path:
        for one in list(_models(annotation)):
            field = _field(one, str(step))
            if field is not None:
                annotation = field
    return "Limits" in str(annotation) and not list(_models(annotation))


def _alias(model: type[BaseModel], name: str) -> str:
    return model.model_fields[name].alias or name


def _field(model: type[BaseModel], key: str) -> Any:
    for name, field in model.model_fields.items():
        if key == (field.alias or name):
            return field.annotation
    return None


def _models(annotation: Any) -> Iterable[type[BaseModel]]:
    """Yield the models that an annotation mentions, outermost only."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not None:
        for one in get_args(annotation):
            yield from _models(one)
