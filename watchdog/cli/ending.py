"""How a command that could not do its work ends: one sentence and an exit code."""

import os
import sys

import click

BAD_ANSWER = 1
WRONG_USE = 2
UNREACHABLE = 3
NOT_ALLOWED = 4
INTERRUPTED = 130


class Ended(Exception):  # noqa: N818 (an ending, not always an error)
    """The command ends with this exit code, and this sentence on stderr if there is one."""

    def __init__(self, code: int, sentence: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class ReaderGone(Exception):  # noqa: N818 (an ending)
    """Whoever read what the command printed has gone: `head`, a pager. No `OSError`: click ends those."""


def explain(error: Exception) -> int:
    """Say on stderr what went wrong and return the exit code for it."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, ReaderGone):
        # The reader has gone; nothing more can be said, and Python must not try when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if isinstance(error, click.Abort):
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        error.show()
        return WRONG_USE
    if isinstance(error, Ended):
        if str(error):
            _say(str(error))
        return error.code
    return _explain_ours(error)


def _explain_ours(error: Exception) -> int:
    # Imported here: a command that ends well never needs them all.
    import asyncpg

    from watchdog.domain.incident import Refused
    from watchdog.moved_time import TestClockRefused
    from watchdog.recovery_actions import NotWritten
    from watchdog.store.embedded import EmbeddedError
    from watchdog.store.migrate import SchemaRefused
    from watchdog.store.pool import TROUBLE, AddressRefused, PoolerRefused, StoreDown
    from watchdog.verbs import NotAllowed, UnknownIncident

    codes: dict[type[Exception], int] = {
        Refused: BAD_ANSWER,
        NotWritten: BAD_ANSWER,
        UnknownIncident: WRONG_USE,
        TestClockRefused: WRONG_USE,
        NotAllowed: NOT_ALLOWED,
        StoreDown: UNREACHABLE,
        AddressRefused: WRONG_USE,
        PoolerRefused: UNREACHABLE,
        asyncpg.InvalidAuthorizationSpecificationError: UNREACHABLE,
        asyncpg.InvalidCatalogNameError: UNREACHABLE,
        EmbeddedError: UNREACHABLE,
        SchemaRefused: UNREACHABLE,
    }
    for kind, code in codes.items():
        if isinstance(error, kind):
            _say(str(error))
            return code
    if isinstance(error, TROUBLE):
        _say(f"the store is busy, and nothing was changed: {error}; try again")
        return UNREACHABLE
    if isinstance(error, OSError | TimeoutError):
        _say(f"cannot reach it: {str(error) or type(error).__name__}")
        return UNREACHABLE
    if os.environ.get("WATCHDOG_DEBUG"):
        raise error
    _say(f"internal error: {type(error).__name__}: {error}; WATCHDOG_DEBUG=1 shows where")
    return BAD_ANSWER


def _say(sentence: str) -> None:
    """Say one sentence; what data contributed to it has no power over the terminal."""
    from notifiers.clean import one_line

    click.echo(one_line(sentence), err=True)
