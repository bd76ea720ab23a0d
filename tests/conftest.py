"""What all tests share: a real PostgreSQL, a clock that is moved by hand, and the long tests' switch."""

import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from hypothesis import settings

from tests.acceptance.tally import tally
from tests.postgres import NIGHT, Database, Server, quick_folder, running_server
from tests.simulation.summary import summary
from watchdog.app import collect_rarely
from watchdog.clock import MovedClock
from watchdog.store.pool import open_pool

EXAMPLES, MANY_EXAMPLES = 50, 500
"""Of whatever hypothesis makes up, where a test does not say how many it needs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests that take minutes, too")


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", quick_folder())
    # Some images ask for this; each of the hundreds of programs that are started would compile us anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # A shell's background jobs ignore Ctrl-C, and hand that on to whatever they start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # A machine that is busy with something else must not fail what is right.
    examples = MANY_EXAMPLES if config.getoption("--long") else EXAMPLES
    settings.register_profile("any_machine", deadline=None, max_examples=examples)
    settings.load_profile("any_machine")
    config.addinivalue_line("markers", "long: takes minutes; runs with --long only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        items[:] = [item for item in items if item not in set(long)]
        config.hook.pytest_deselected(items=long)


def pytest_collection_finish() -> None:
    collect_rarely()  # thousands of tests stay to the end: going through them each time took a tenth


def pytest_report_header(config: pytest.Config) -> str:
    if config.getoption("--long"):
        return "long tests: run"
    return "long tests: left out because they take minutes; --long runs them"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = {
        outcome: terminalreporter.getreports(outcome) for outcome in ("passed", "failed", "error")
    }
    ran = {outcome: [one.nodeid for one in some] for outcome, some in reports.items()}
    # What failed to be collected has none.
    told = (
        fact
        for some in reports.values()
        for one in some
        for fact in getattr(one, "user_properties", ())
    )
    for line in (tally(ran["passed"], [*ran["failed"], *ran["error"]]), summary(told)):
        if line:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """Give the session's PostgreSQL; `.embedded.pid` is its postmaster."""
    with running_server() as server:
        yield server


@pytest.fixture
async def database(postgres_server: Server) -> AsyncIterator[Database]:
    """Give an empty database, to be watched: `.dsn`, and `.reader_dsn` of a role that can only select."""
    async with postgres_server.database() as database:
        yield database


@pytest.fixture
async def store_dsn(postgres_server: Server) -> AsyncIterator[str]:
    """Give the DSN of a fresh store: our schema, no rows."""
    async with postgres_server.database("migrated") as database:
        yield database.dsn


@pytest.fixture
async def store(store_dsn: str) -> AsyncIterator[asyncpg.Pool]:
    """Give a pool on a fresh store, as the service opens it."""
    pool = await open_pool(store_dsn)
    yield pool
    await pool.close()


@pytest.fixture
def clock() -> MovedClock:
    """Give a clock that stands at Friday 2025-06-13 02:15 UTC until it is moved."""
    return MovedClock(NIGHT)
