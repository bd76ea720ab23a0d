"""What errors of PostgreSQL and of the way to it mean, and that none of them tells a secret."""

import errno
import socket
import ssl

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.sources.postgres_connection import TooLargeError
from watchdog.sources.postgres_reasons import (
    LOST,
    is_about_connection,
    is_refusal,
    may_be_stale,
    of_connecting,
    of_lost_connection,
    of_question,
    of_statement,
)
from watchdog.sources.postgres_values import UnfitError

SECRET = "password=hunter2 for ana@example.com"
CODES = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=5, max_size=5) | st.sampled_from(
    ["57014", "57P01", "57P03", "25006", "40001", "42P01", "42501", "53300", "28P01", "XX000"]
)


def refusal(code: str, message: str = SECRET) -> asyncpg.PostgresError:
    """Return what asyncpg makes of an error of the server."""
    made = asyncpg.PostgresError.new({"C": code, "M": message, "S": "ERROR"})
    assert isinstance(made, asyncpg.PostgresError)
    return made


@pytest.mark.parametrize(
    ("code", "message", "reason"),
    [
        ("57014", SECRET, "no answer within 2 s; the server stopped it"),
        ("25006", SECRET, "it tries to write; sources are only read"),
        ("55P03", SECRET, "a table it reads is locked"),
        ("40P01", SECRET, "the database cancelled it to break a deadlock"),
        ("22P02", SECRET, "a value cannot be read as the type that its place needs"),
        ("22012", SECRET, "division by zero"),
        ("XX000", SECRET, "the database refused it (SQLSTATE XX000)"),
        ("42P01", 'relation "job" does not exist', 'table "job" does not exist'),
        ("42703", 'column "at" does not exist\nLINE 1: select', 'column "at" does not exist'),
        ("42601", "x" * 500, "x" * 199 + "…"),
    ],
)
def test_a_refused_statement_is_said_in_our_words(code: str, message: str, reason: str) -> None:
    said = of_statement(refusal(code, message), 2.0)
    assert (said.reason, said.whole_source) == (reason, False)


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("cannot cast type bigint to {}", "numbers: say `time: epoch_s` or `time: epoch_ms`"),
        (
            "operator does not exist: numeric >= {}",
            "numbers: say `time: epoch_s` or `time: epoch_ms`",
        ),
        ("operator does not exist: text < {}", "texts: say `time: iso`"),
        ("operator does not exist: character varying >= {}", "texts: say `time: iso`"),
        ("operator does not exist: {} / numeric", "instants: say `time: native`"),
        ("operator does not exist: {} < bigint", "instants: say `time: native`"),
    ],
)
@pytest.mark.parametrize("kind", ["timestamp with time zone", "timestamp without time zone"])
def test_a_column_that_holds_its_instants_otherwise_is_told_how_to_say_so(
    message: str, hint: str, kind: str
) -> None:
    said = of_statement(refusal("42883", message.format(kind)), 2.0).reason
    assert said == f"{message.format(kind)}; the column holds {hint}"


@pytest.mark.parametrize(
    "message",
    [
        "operator does not exist: text >= numeric",
        "cannot cast type uuid to timestamp with time zone",
    ],
)
def test_of_what_holds_no_instants_at_all_nothing_is_guessed(message: str) -> None:
    assert of_statement(refusal("42883", message), 2.0).reason == message


@pytest.mark.parametrize(
    ("position", "said"),
    [
        ("29", "text > integer at `a from t where a > 0 and b = 0`"),
        ("1", "text > integer at `select a from t where a`"),
        ("999", "text > integer"),
        ("x", "text > integer"),
    ],
)
def test_types_that_do_not_fit_are_told_with_their_place(position: str, said: str) -> None:
    code = {"C": "42883", "M": "text > integer", "S": "ERROR", "P": position}
    error = asyncpg.PostgresError.new(code)
    assert isinstance(error, asyncpg.PostgresError)
    assert of_statement(error, 2.0, "select a from t where a   > 0 and b = 0").reason == said


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(SECRET), "no answer within 5 s"),
        (ssl.SSLError(SECRET), "TLS failed"),
        (ssl.SSLCertVerificationError(SECRET), "TLS failed"),
        (socket.gaierror(SECRET), "the host's name was not found"),
        (ConnectionRefusedError(SECRET), "refused"),
        (ConnectionResetError(SECRET), "the server closed the connection"),
        (FileNotFoundError(SECRET), "no server listens at the socket"),
        (OSError(errno.ENETUNREACH, SECRET), "ENETUNREACH"),
        (OSError(99_999, SECRET), "the network failed"),
        (asyncpg.ProtocolError(SECRET), "the server did not answer as PostgreSQL does"),
        (ValueError(SECRET), "the address or its settings are not right"),
        (refusal("28P01"), "password refused"),
        (refusal("3D000"), "no such database"),
        (refusal("53300"), "too many connections"),
        (refusal("0A000"), "the server refused (SQLSTATE 0A000)"),
    ],
)
def test_why_nobody_connects_is_said_in_our_words(error: Exception, reason: str) -> None:
    said = of_connecting(error, 5.0)
    assert (said.reason, said.whole_source) == (f"cannot connect: {reason}", True)


def test_a_lost_connection_says_what_the_server_said_last() -> None:
    lost = ConnectionResetError(SECRET)
    assert of_lost_connection(lost).reason == "the connection was lost"
    lost.__cause__ = refusal("57P01")
    said = of_lost_connection(lost)
    assert said.reason == "the connection was lost: the server is shutting down"
    assert said.whole_source


@pytest.mark.parametrize(
    ("error", "reason", "whole_source"),
    [
        (TimeoutError(), "no answer within 5 s", True),
        (UnfitError("parameter $1 does not fit"), "parameter $1 does not fit", False),
        (TooLargeError(), "its answer is too large: the cells hold too much", False),
        (refusal("22012"), "division by zero", False),
        (refusal("57P02"), "the connection was lost: the server crashed", True),
        (asyncpg.InterfaceError(SECRET), "the connection was lost", True),
        (ValueError(SECRET), "its answer holds a value that cannot be read", False),
        (OverflowError(SECRET), "its answer holds a value that cannot be read", False),
    ],
)
def test_one_question_fails_alone_unless_its_connection_is_gone(
    error: Exception, reason: str, whole_source: bool
) -> None:
    said = of_question(error, 5.0, 2.0)
    assert (said.reason, said.whole_source) == (reason, whole_source)


@given(CODES)
def test_whatever_the_server_says_no_secret_is_told(code: str) -> None:
    error = refusal(code)
    told = [of_connecting(error, 5.0), of_lost_connection(error)]
    told += [] if code.startswith("42") else [of_question(error, 5.0, 2.0)]
    assert all("hunter2" not in one.reason and one.reason for one in told)
    assert is_refusal(error) is not is_about_connection(code)
    assert of_question(error, 5.0, 2.0).whole_source is is_about_connection(code)
    assert isinstance(error, LOST)


@pytest.mark.parametrize(
    ("code", "is_about_it", "is_stale"),
    [
        ("08P01", True, True),
        ("08006", True, False),
        ("28000", True, False),
        ("57P05", True, False),
        ("57014", False, False),
        ("26000", False, True),
        ("42P05", False, True),
        ("0A000", False, True),
        ("25006", False, False),
    ],
)
def test_a_code_is_about_the_connection_or_a_statement_that_was_held(
    code: str, is_about_it: bool, is_stale: bool
) -> None:
    assert (is_about_connection(code), may_be_stale(code)) == (is_about_it, is_stale)
