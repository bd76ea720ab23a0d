"""The statement of a recovery action: one change of rows, its placeholders bound and never text."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rules.base import Dialect, Entity, SqlQuestion
from rules.placeholders import (
    ENTITY,
    PlaceholderError,
    Problem,
    instant_cast,
    numbered,
    problems_of,
    shortened,
    statement,
    values_of,
)
from rules.sql_tokens import Token, tokens

_CHANGES = {"update", "insert", "delete"}
_OF_SOME_ROWS = {"update", "delete"}


def check(text: str, entity_columns: Sequence[str] = ()) -> list[Problem]:
    """Return everything that keeps `text` from being one bound UPDATE, INSERT or DELETE.

    Args:
        entity_columns: Names that may follow `entity.`.
    """
    return problems_of(list(tokens(text)), entity_columns, _form)


def _form(code: Sequence[Token]) -> Iterator[Problem]:
    first = code[0].text.lower()
    if first not in _CHANGES:
        # Not `with` either: of what it changes itself, the database tells no number of rows.
        words = f"`{shortened(code[0].text)}` does not begin a change of rows"
        yield Problem(code[0].at, words, "write one `update`, `insert` or `delete`")
    elif first in _OF_SOME_ROWS and not _has_where(code):
        yield Problem(code[0].at, "it changes every row", "say which rows: `where …`")


def _has_where(code: Sequence[Token]) -> bool:
    """Return whether the statement itself has a condition; those in parentheses are of others."""
    depth = 0
    for token in code:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.text.lower() == "where":
            return True
    return False


def bind(
    source: str,
    text: str,
    dialect: Dialect,
    *,
    now: datetime,
    entity: Entity,
    opened_at: datetime,
) -> SqlQuestion:
    """Return `text` with its placeholders bound; values of the entity are bound as text.

    Raises:
        PlaceholderError: `text` is not one change of rows, or names something that is not there.
    """
    if problems := check(text, [name for name, _ in entity]):
        raise PlaceholderError(problems[0].at, problems[0].text)
    bound, names = numbered(statement(text), instant_cast(dialect))
    values = values_of(dialect, now, entity, opened_at)
    return SqlQuestion(source, bound, tuple(values[name] for name in names), dialect.zone)


def columns_of(text: str) -> set[str]:
    """Return the columns of the entity that placeholders name."""
    _, names = numbered(text, "")
    return {name.removeprefix(ENTITY) for name in names if name.startswith(ENTITY)}
