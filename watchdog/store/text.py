"""Texts that PostgreSQL takes: it holds neither NUL nor half of a surrogate pair, and data may."""

import json
from collections.abc import Mapping
from typing import Any


class JsonText(str):
    """A text that is JSON already: goes into a jsonb column as it is."""

    __slots__ = ()


_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


def clean(text: str) -> str:
    """Return the text without NUL; what cannot be encoded becomes a question mark."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode(errors="replace").decode().replace("\0", "")


def json_text(value: Any) -> str:
    """Return JSON for a jsonb column, its texts cleaned; what JSON does not know becomes its text."""
    text = _encode(value)
    if "\\u0000" in text or not (text.isascii() or clean(text) == text):
        text = _encode(_cleaned(value))
    return text


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): _cleaned(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(one) for one in value]
    return value
