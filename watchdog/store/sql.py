"""Reads the named statements of `queries/*.sql`."""

import functools
import importlib.resources
import re
from collections.abc import Mapping
from types import MappingProxyType

_NAME = re.compile(r"^-- name: ([a-z][a-z0-9_]*)$", re.MULTILINE)


@functools.cache
def load(noun: str) -> Mapping[str, str]:
    """Return the statements of `queries/<noun>.sql` by name; a name that is not there is a KeyError.

    Raises:
        ValueError: The file breaks the form: a heading `-- name: verb_noun`, a comment that is a
            sentence, one statement; no name twice.
    """
    place = importlib.resources.files("watchdog.store").joinpath("queries", f"{noun}.sql")
    return MappingProxyType(parse(place.read_text(encoding="utf-8"), f"queries/{noun}.sql"))


def parse(text: str, title: str) -> dict[str, str]:
    """Return the statements of a query file by name.

    Raises:
        ValueError: As for `load`; the message begins with `title`.
    """
    preface, *rest = _NAME.split(text)
    if preface.strip():
        raise ValueError(f"{title}: text before the first `-- name:`")
    statements: dict[str, str] = {}
    for name, block in zip(rest[::2], rest[1::2], strict=True):
        if name in statements:
            raise ValueError(f"{title}: two statements are called {name}")
        statements[name] = _statement(block, f"{title}: {name}")
    return statements


def _statement(block: str, title: str) -> str:
    first, _, rest = block.strip().partition("\n")
    if not re.fullmatch(r"-- [A-Z].*", first):
        raise ValueError(
            f"{title}: needs a comment below its name that says in a sentence what it does"
        )
    statement = rest.strip()
    code = re.sub(r"--.*", "", statement).strip()
    if not code.endswith(";"):
        raise ValueError(f"{title}: does not end with a semicolon")
    if code.count(";") > 1:
        raise ValueError(f"{title}: holds more than one statement")
    return statement
