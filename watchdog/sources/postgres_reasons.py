"""What PostgreSQL's errors mean, in words for people.

A reason never holds the DSN, a password, a parameter or a value from the data: of the server's
messages only those are shown that can name nothing but tables, columns and pieces of the statement.
"""

import errno
import re
import socket
import ssl
from collections.abc import Sequence

import asyncpg

from rules.base import Unanswered
from watchdog.sources.base import seconds_in_words
from watchdog.sources.postgres_connection import TooLargeError
from watchdog.sources.postgres_values import UnfitError

LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What asyncpg raises when a connection is gone, or never was."""

_MESSAGE_CHARS_MAX = 200

_OF_CONNECTION = {
    "28P01": "password refused",
    "28000": "access refused",
    "3D000": "no such database",
    "53300": "too many connections",
    "57P01": "the server is shutting down",
    "57P02": "the server crashed",
    "57P03": "the server is starting or stopping",
    "57P05": "the server closed an idle connection",
}
_OF_STATEMENT = {
    "25006": "it tries to write; sources are only read",
    "55P03": "a table it reads is locked",
    "40001": "the database cancelled it in favour of another transaction",
    "40P01": "the database cancelled it to break a deadlock",
    "22012": "division by zero",
    "22P02": "a value cannot be read as the type that its place needs",
    "22003": "a number is out of range",
    "22007": "a value is not a date or time",
    "22008": "a date or time is out of range",
    "22023": "an argument or the zone is not valid",
    "53100": "the server's disk is full",
    "53200": "the server is out of memory",
}
_OF_CONNECTING: Sequence[tuple[type[BaseException], str]] = (
    (ssl.SSLError, "TLS failed"),
    (socket.gaierror, "the host's name was not found"),
    (ConnectionRefusedError, "refused"),
    (FileNotFoundError, "no server listens at the socket"),
    (ConnectionError, "the server closed the connection"),
    (asyncpg.InternalClientError, "the server did not answer as PostgreSQL does"),
)
_NUMBERS = "smallint|integer|bigint|numeric|real|double precision"
_INSTANTS = "timestamp with(?:out)? time zone"
_HOW_INSTANTS_ARE_HELD: Sequence[tuple[re.Pattern[str], str]] = tuple(
    (re.compile(pattern), f"; the column holds {words}")
    for pattern, words in (
        (
            rf"(?:cast type|exist:) (?:{_NUMBERS}) \S+ {_INSTANTS}$",
            "numbers: say `time: epoch_s` or `time: epoch_ms`",
        ),
        (rf"exist: (?:text|character varying) \S+ {_INSTANTS}$", "texts: say `time: iso`"),
        (rf"exist: {_INSTANTS} \S+ (?:{_NUMBERS})$", "instants: say `time: native`"),
    )
)
_OF_TYPES = {"42883", "42804", "42846"}
"""No such operator or function for these types, types that do not fit, a cast that there is not."""

_AROUND_CHARS = 24
_STALE = {"0A000", "26000", "42P05", "08P01"}


def is_about_connection(sqlstate: str) -> bool:
    """Return whether nothing can be asked through this connection any more.

    25006 is not among them: every transaction here is read-only, so it says that the statement
    tries to write, not that a primary became a standby.
    """
    return (
        sqlstate in _OF_CONNECTION
        or sqlstate[:2] in ("08", "28")
        or sqlstate.startswith("57P")
        or sqlstate == "3D000"
    )


def may_be_stale(sqlstate: str) -> bool:
    """Return whether the error may come from a held statement that the world has moved away from."""
    return sqlstate in _STALE


def silence(timeout_s: float) -> Unanswered:
    """Return what is said of a server that did not answer in time."""
    return Unanswered(f"no answer within {seconds_in_words(timeout_s)}", whole_source=True)


def of_statement(
    error: asyncpg.PostgresError, statement_timeout_s: float, text: str = ""
) -> Unanswered:
    """Return why the server refused one statement; the source itself is well.

    Args:
        text: The statement; of one whose types do not fit the place is shown.
    """
    code = str(error.sqlstate)
    if code == "57014":
        reason = f"no answer within {seconds_in_words(statement_timeout_s)}; the server stopped it"
    elif code in _OF_STATEMENT:
        reason = _OF_STATEMENT[code]
    elif code.startswith("42"):
        reason = _first_line(str(error)).replace('relation "', 'table "', 1)
        hint = next((words for one, words in _HOW_INSTANTS_ARE_HELD if one.search(reason)), "")
        place = _around(text, error) if code in _OF_TYPES else ""
        reason += (f" at `{place}`" if place else "") + hint
    else:
        reason = f"the database refused it (SQLSTATE {code})"
    return Unanswered(reason)


def _around(text: str, error: asyncpg.PostgresError) -> str:
    """Return the words of a statement around the place that an error names."""
    position = str(getattr(error, "position", None) or "")
    if not position.isdecimal() or not 0 < int(position) <= len(text):
        return ""
    at = int(position) - 1
    begin, end = max(0, at - _AROUND_CHARS), at + _AROUND_CHARS
    words = text[begin:end].split()
    if begin and not text[begin - 1].isspace() and not text[begin].isspace():
        words = words[1:]
    if end < len(text) and not text[end - 1].isspace() and not text[end].isspace():
        words = words[:-1]
    return " ".join(words)


def of_lost_connection(error: BaseException) -> Unanswered:
    """Return why a connection ended while it was in use."""
    cause = error.__cause__ if isinstance(error.__cause__, asyncpg.PostgresError) else error
    known = _OF_CONNECTION.get(str(getattr(cause, "sqlstate", "")))
    detail = f": {known}" if known else ""
    return Unanswered(f"the connection was lost{detail}", whole_source=True)


def of_connecting(error: BaseException, timeout_s: float) -> Unanswered:
    """Return why no connection could be opened."""
    if isinstance(error, TimeoutError):
        reason = f"cannot connect: no answer within {seconds_in_words(timeout_s)}"
        return Unanswered(reason, whole_source=True)
    return Unanswered(f"cannot connect: {_connecting(error)}", whole_source=True)


def _connecting(error: BaseException) -> str:
    if isinstance(error, asyncpg.PostgresError):
        code = str(error.sqlstate)
        return _OF_CONNECTION.get(code, f"the server refused (SQLSTATE {code})")
    for kind, words in _OF_CONNECTING:
        if isinstance(error, kind):
            return words
    if isinstance(error, OSError) and error.errno is not None:
        return errno.errorcode.get(error.errno, "the network failed")
    return "the address or its settings are not right"


def _first_line(text: str) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= _MESSAGE_CHARS_MAX else line[: _MESSAGE_CHARS_MAX - 1] + "…"


def of_question(
    error: Exception, timeout_s: float, statement_timeout_s: float, text: str = ""
) -> Unanswered:
    """Return why one question that was on its way has no answer; `text` is its statement."""
    if isinstance(error, TimeoutError):
        return silence(timeout_s)
    if isinstance(error, UnfitError):
        return Unanswered(str(error))
    if isinstance(error, TooLargeError):
        return Unanswered("its answer is too large: the cells hold too much")
    if is_refusal(error):
        assert isinstance(error, asyncpg.PostgresError)
        return of_statement(error, statement_timeout_s, text)
    if isinstance(error, LOST):
        return of_lost_connection(error)
    return Unanswered("its answer holds a value that cannot be read")


def is_refusal(error: Exception) -> bool:
    """Return whether the server refused a statement and is otherwise well."""
    return isinstance(error, asyncpg.PostgresError) and not is_about_connection(str(error.sqlstate))
