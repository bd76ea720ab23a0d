"""Tables of keys from models of settings."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs.generators.spellings import Undocumented, spelled
from docs.generators.text import row
from rules.durations import format_duration
from rules.fields import Limits


@dataclass(frozen=True, slots=True)
class Key:
    """One key that may be written.

    Attributes:
        path: With what stands above it in the mapping: `expect.within`.
        default: As it would be written; empty when leaving it out has no value of its own.
    """

    path: str
    spelling: str
    default: str
    meaning: str


def keys_of(
    model: type[BaseModel], above: str = "", *, without: type[BaseModel] | None = None
) -> Iterator[Key]:
    """Yield the keys of a model, and below each those of the mapping that it holds.

    Args:
        without: A base of the model whose keys are left out.

    Raises:
        Undocumented: A key has no description.
    """
    known = without.model_fields if without else {}
    hints = get_type_hints(model, include_extras=True)
    for name, field in model.model_fields.items():
        if name not in known:
            yield from _key(model, above + (field.alias or name), hints[name], field)
    if model.model_config.get("extra") == "allow":
        yield Key(
            f"{above}body.PATH",
            "[comparison](#comparisons) or `exists`",
            "",
            "What must stand at this path of the JSON body; `exists`: something.",
        )


def _key(model: type[BaseModel], path: str, annotation: Any, field: FieldInfo) -> Iterator[Key]:
    if not field.description:
        raise Undocumented(f"{model.__module__}.{model.__name__}: `{path}` has no description")
    yield Key(path, spelled(annotation), _default(field), field.description)
    for inner, step in _inner(annotation):
        yield from keys_of(inner, f"{path}.{step}")


def _inner(annotation: Any) -> Iterator[tuple[type[BaseModel], str]]:
    """Yield the models that a mapping holds, and the step that leads to each."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, ""
    elif get_origin(annotation) is dict:
        for model, _ in _inner(get_args(annotation)[1]):
            yield model, "NAME."
    elif get_args(annotation):
        for one in get_args(annotation):
            yield from _inner(one)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    if field.default_factory is not None:
        return ""
    return written(field.default)


def written(value: Any) -> str:
    """Return a default as a file would have it."""
    if value is None or value == () or isinstance(value, BaseModel):
        return ""
    if isinstance(value, Limits):
        return written(value.plain)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, timedelta):
        return f"`{format_duration(value)}`"
    text = str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)
    return f"`{text}`" if text else ""


def table(keys: Iterator[Key], defaults: Mapping[str, str] | None = None) -> str:
    """Return the keys as a Markdown table.

    Args:
        defaults: What holds where a key is left out and its model does not say so.
    """
    rows = ["| key | how it is written | default | meaning |", "|---|---|---|---|"]
    for key in keys:
        default = (defaults or {}).get(key.path) or key.default
        cells = (f"`{key.path}`", key.spelling, default, key.meaning)
        rows.append(row(cells))
    return "\n".join(rows)


def words_of(model: type[object]) -> str:
    """Return the docstring of a class without the part that is for programmers."""
    text = inspect.cleandoc(model.__doc__ or "")
    if not text:
        raise Undocumented(f"{model.__name__} has no docstring")
    return text.partition("\n\nAttributes:")[0]
