"""The demo's statements, kept in `sql/*.sql`: each headed `-- name: verb_noun`."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_HEAD = "-- name: "


def read(name: str) -> str:
    """Return a whole file of SQL."""
    return (files("watchdog.demo") / "sql" / f"{name}.sql").read_text("utf-8")


@cache
def load(name: str) -> Mapping[str, str]:
    """Return the statements of a file by their names, in the file's order."""
    statements = {}
    for part in read(name).split(_HEAD)[1:]:
        head, _, text = part.partition("\n")
        statements[head.strip()] = text.strip()
    return statements
