"""Requests with `{{ entity.x }}` in them: quoted in an address, encoded in a JSON body."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from rules.base import Entity

URL_MAX = 4000
BODY_MAX = 100_000
_PLACEHOLDER = re.compile(r"\{\{\s*entity\.([^\W\d]\w{0,62})\s*\}\}")
_AUTHORITY = re.compile(r"https?://[A-Za-z0-9\[][A-Za-z0-9.:\-\]]*(?:[/?#]|$)")
_URL_CHARACTERS = re.compile(r"[!-~]*")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\t -~]{0,4000}")
_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*"')


def _no_other_braces(text: str) -> None:
    rest = _PLACEHOLDER.sub("", text)
    if "{{" in rest:
        hint = "write `{{ entity.NAME }}`"
        raise PydanticCustomError("bad_placeholder", "holds an unknown placeholder", {"hint": hint})


def _url(given: str) -> str:
    _no_other_braces(given)
    fixed = _PLACEHOLDER.sub("x", given)
    if len(given) > URL_MAX or not _URL_CHARACTERS.fullmatch(fixed):
        raise PydanticCustomError("bad_url", "is not an address", {"hint": "write `/healthz`"})
    is_path = fixed.startswith("/") and not fixed.startswith("//")
    if not is_path and not _AUTHORITY.match(_PLACEHOLDER.sub("\0", given)):
        hint = "begin it with `/`, or with `https://` and a host"
        raise PydanticCustomError("bad_url", "is not an address", {"hint": hint})
    return given


def _headers(given: dict[str, str]) -> dict[str, str]:
    for name, value in given.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise PydanticCustomError("bad_header", "`{name}` is no header", {"name": name[:40]})
    return given


def _body(given: object) -> object:
    if given is not None and not isinstance(given, str | dict | list):
        raise PydanticCustomError("bad_body", "is neither a text nor a mapping nor a list", {})
    texts = [given] if isinstance(given, str) else list(_texts(given))
    for text in texts:
        _no_other_braces(text)
    if sum(len(text) for text in texts) > BODY_MAX:
        raise PydanticCustomError("bad_body", "is longer than 100 kB", {})
    try:
        json.dumps(given, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        hint = "write dates as texts in quotes"
        raise PydanticCustomError("bad_body", "holds what JSON has not", {"hint": hint}) from None
    return given


UrlTemplate = Annotated[str, AfterValidator(_url)]
"""A path below the source's address or an absolute address; a host is never a placeholder."""

BodyTemplate = Annotated[
    Any, BeforeValidator(_body), WithJsonSchema({"type": ["string", "object", "array", "null"]})
]
"""A text, or a value that is sent as JSON."""

Headers = Annotated[dict[str, str], AfterValidator(_headers)]


def _texts(value: object) -> Iterator[str]:
    """Yield the texts in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def placeholders(*templates: object) -> set[str]:
    """Return the columns that templates name."""
    return {
        name
        for template in templates
        for text in _texts(template)
        for name in _PLACEHOLDER.findall(text)
    }


def fill_url(url: str, entity: Entity) -> str:
    """Return the address with the entity's values quoted, so that none leaves its place."""
    values = dict(entity)
    return _PLACEHOLDER.sub(lambda match: _quoted(values[match.group(1)]), url)


def _quoted(value: str) -> str:
    # A segment of dots only would climb up the path.
    return quote(value, safe="") if value.strip(".") else value.replace(".", "%2E")


def fill_body(body: object, entity: Entity) -> str | None:
    """Return the body with the entity's values in it, each encoded as its place needs."""
    values = dict(entity)
    if isinstance(body, dict | list):
        return json.dumps(_filled(body, lambda name: values[name]))
    if not isinstance(body, str):
        return None

    def encoded(match: re.Match[str]) -> str:
        text = json.dumps(values[match.group(1)])
        inside = len(_QUOTE.findall(body[: match.start()])) % 2
        return text[1:-1] if inside else text

    return _PLACEHOLDER.sub(encoded, body)


def _filled(value: object, resolve: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda match: resolve(match.group(1)), value)
    if isinstance(value, dict):
        return {_filled(key, resolve): _filled(inner, resolve) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, resolve) for inner in value]
    return value
