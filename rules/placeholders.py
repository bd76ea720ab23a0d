"""`{{ now }}`, `{{ opened_at }}` and `{{ entity.x }}` in SQL: bound parameters, never text."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache

from rules.base import ROWS_MAX, Dialect, Entity, SqlQuestion, SqlValue
from rules.instants import iso_text
from rules.sql_tokens import Lexeme, Token, tokens
from rules.values import dataclass

ENTITY = "entity."
"""What stands before the name of a column in a placeholder."""
_READS = {"select", "with"}
_BOUND_MAX = 20_000


class PlaceholderError(ValueError):
    """A statement that cannot be bound.

    Attributes:
        at: Offset in the statement.
    """

    def __init__(self, at: int, text: str) -> None:
        super().__init__(text)
        self.at = at


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a statement.

    Attributes:
        at: Offset of its first character.
    """

    at: int
    text: str
    hint: str = ""


def check(
    text: str, entity_columns: Sequence[str] = (), *, opened_at: bool = True
) -> list[Problem]:
    """Return everything that keeps `text` from being one bound SELECT.

    Args:
        entity_columns: Names that may follow `entity.`.
        opened_at: Whether there is an incident whose opening may be asked for.
    """
    return problems_of(list(tokens(text)), entity_columns, _beginning, opened_at=opened_at)


def problems_of(
    found: Sequence[Token],
    entity_columns: Sequence[str],
    form: Callable[[Sequence[Token]], Iterable[Problem]],
    *,
    opened_at: bool = True,
) -> list[Problem]:
    """Return everything that keeps tokens from being one bound statement of a form, by their place.

    Args:
        form: Returns what is wrong with the code of one statement; it is never empty.
    """
    known = ["now", *(["opened_at"] if opened_at else []), *(ENTITY + c for c in entity_columns)]
    problems = [p for token in found if (p := token_problem(token, known))]
    return sorted([*problems, *_shape_problems(found, form)], key=lambda problem: problem.at)


def token_problem(token: Token, known: Sequence[str]) -> Problem | None:
    """Return what is wrong with one token, where only placeholders named in `known` may stand."""
    if token.lexeme is Lexeme.PLACEHOLDER:
        return _placeholder_problem(token, known)
    if not token.closed:
        return Problem(token.at, f"a {token.lexeme} has no end")
    if token.lexeme is Lexeme.PARAMETER:
        return Problem(token.at, f"`{token.text}` stands for nothing", "write `{{ now }}`")
    quotes = {Lexeme.LITERAL, Lexeme.QUOTED, Lexeme.COMMENT}
    if token.lexeme in quotes and (inner := token.text.find("{{")) >= 0:
        words = f"a placeholder inside a {token.lexeme} is only text"
        return Problem(token.at + inner, words, "write it outside, it brings its own quotes")
    if token.text == "\x00":
        return Problem(token.at, "a zero byte")
    return None


def _placeholder_problem(token: Token, known: Sequence[str]) -> Problem | None:
    name = placeholder_name(token)
    if token.closed and name in known:
        return None
    import difflib

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"write `{{{{ {near[0]} }}}}`" if near else ""
    return Problem(token.at, f"`{shortened(token.text)}` is unknown", hint)


def shortened(text: str) -> str:
    """Return as much of a text as a message has room for."""
    return text if len(text) <= 40 else f"{text[:39]}…"


def placeholder_name(token: Token) -> str:
    """Return what stands between the braces of a placeholder."""
    return token.text.removeprefix("{{").removesuffix("}}").strip()


def _shape_problems(
    found: Iterable[Token], form: Callable[[Sequence[Token]], Iterable[Problem]]
) -> list[Problem]:
    code = [t for t in found if t.lexeme not in {Lexeme.SPACE, Lexeme.COMMENT}]
    while code and code[-1].text == ";":
        code.pop()
    if not code:
        return [Problem(0, "there is no statement")]
    problems = [Problem(t.at, "more than one statement") for t in code if t.text == ";"][:1]
    return [*problems, *form(code), *_parenthesis_problems(code)]


def _beginning(code: Sequence[Token]) -> Iterator[Problem]:
    if code[0].text.lower() not in _READS and code[0].text != "(":
        words = f"`{shortened(code[0].text)}` does not begin a query"
        yield Problem(code[0].at, words, "write one `select` or `with … select`")


def _parenthesis_problems(code: Sequence[Token]) -> list[Problem]:
    open_at: list[int] = []
    for token in code:
        if token.text == "(":
            open_at.append(token.at)
        elif token.text == ")" and not open_at:
            return [Problem(token.at, "closes a parenthesis that was not opened")]
        elif token.text == ")":
            open_at.pop()
    return [Problem(open_at[-1], "this parenthesis has no end")] if open_at else []


def substitute(text: str, resolve: Callable[[str], str]) -> str:
    """Return `text` with each placeholder replaced by what `resolve` makes of its name.

    Parentheses are put around it, so that no neighbour can grow together with it.
    """
    before, rest = _pieces(text)
    return "".join(f"{plain}({resolve(name)})" for plain, name in before) + rest


@lru_cache(maxsize=_BOUND_MAX)
def _pieces(text: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """Return each placeholder's name with the text before it, and the text behind the last one.

    Kept, as below: one condition may stand thirty times in a statement that is asked in every slot.
    """
    found: list[tuple[str, str]] = []
    plain = ""
    for token in tokens(text):
        if token.lexeme is Lexeme.PLACEHOLDER:
            found.append((plain, placeholder_name(token)))
            plain = ""
        else:
            plain += token.text
    return tuple(found), plain


def bind(
    source: str,
    text: str,
    dialect: Dialect,
    *,
    now: datetime,
    entity: Entity = (),
    opened_at: datetime | None = None,
    rows_max: int = ROWS_MAX,
) -> SqlQuestion:
    """Return `text` as a question with its placeholders bound and its rows capped.

    Values of the entity are bound as text; the source adapts them to the parameter's type.

    Raises:
        PlaceholderError: `text` is not one SELECT, or names something that is not there.
    """
    columns = tuple(name for name, _ in entity)
    cast = instant_cast(dialect)
    capped, names = _bound(text, columns, opened_at is not None, cast, rows_max)
    values = values_of(dialect, now, entity, opened_at)
    params = tuple(values[name] for name in names)
    return SqlQuestion(source, capped, params, dialect.zone, rows_max)


def values_of(
    dialect: Dialect, now: datetime, entity: Entity, opened_at: datetime | None
) -> dict[str, SqlValue]:
    """Return what each placeholder stands for, by its name."""
    values: dict[str, SqlValue] = {ENTITY + name: value for name, value in entity}
    values |= {"now": instant_value(now, dialect)}
    return values | ({"opened_at": instant_value(opened_at, dialect)} if opened_at else {})


@lru_cache(maxsize=_BOUND_MAX)
def _bound(
    text: str, columns: tuple[str, ...], opened_at: bool, cast: str, rows_max: int
) -> tuple[str, tuple[str, ...]]:
    """Return a checked statement with `$1`, `$2` … in it, and the names that they stand for.

    Kept, because the same texts are bound in every slot and reading one costs more than asking it.
    """
    if problems := check(text, columns, opened_at=opened_at):
        raise PlaceholderError(problems[0].at, problems[0].text)
    bound, names = numbered(statement(text), cast)
    capped = f"select * from (\n{bound}\n) q limit {rows_max + 1}"  # noqa: S608 - checked above
    return capped, names


def numbered(text: str, cast: str) -> tuple[str, tuple[str, ...]]:
    """Return `text` with `$1`, `$2` … for its placeholders, and the names that they stand for.

    Args:
        cast: What stands behind a parameter that holds an instant.
    """
    names: list[str] = []

    def resolve(name: str) -> str:
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}{'' if name.startswith(ENTITY) else cast}"

    return substitute(text, resolve), tuple(names)


def statement(text: str) -> str:
    """Return `text` without the `;` that may end it."""
    found = list(tokens(text))
    ends = [token.at for token in found if token.text == ";"]
    return text[: ends[0]] if ends else text


def instant_value(at: datetime, dialect: Dialect) -> SqlValue:
    """Return an instant as a team's own SQL compares it with a column."""
    if dialect.name == "postgres":
        return at
    if dialect.time == "iso":
        return iso_text(at, dialect.zone)
    seconds = at.timestamp()
    return int(seconds * 1000) if dialect.time == "epoch_ms" else int(seconds)


def instant_cast(dialect: Dialect) -> str:
    """Return the cast behind a parameter that holds an instant."""
    return "::timestamptz" if dialect.name == "postgres" else ""
