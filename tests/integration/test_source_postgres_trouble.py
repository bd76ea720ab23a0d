import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from rules.base import Answer, Rows, SqlQuestion, Unanswered
from tests.postgres import Database, Server, running_server
from watchdog.config.model import Source as SourceSpec
from watchdog.sources import postgres
from watchdog.sources.base import Source
from watchdog.sources.open import open_source

PASSWORD = "c4nary"
SOON_S = 8
"""Far less than what never answers takes, or each question by itself; enough for a busy machine."""

SHARED_S = 6
"""Less than forty questions take, two at once, of which each waits out its own time-out."""


def ask(text: str = "select 1 as n", *params: Any) -> SqlQuestion:
    return SqlQuestion("crm", text, params, rows_max=10)


def opened(dsn: str, seconds: float = 5.0, **more: Any) -> Source:
    timeout = timedelta(seconds=seconds)
    spec = SourceSpec("crm", "postgres", SecretStr(dsn), "ops", timeout=timeout, **more)
    return open_source(spec, {})


def unanswered(answer: Answer) -> Unanswered:
    assert isinstance(answer, Unanswered), answer
    assert PASSWORD not in answer.reason
    assert "postgresql:" not in answer.reason
    return answer


def is_answered(answer: Answer) -> bool:
    return isinstance(answer, Rows) and [dict(row) for row in answer.rows] == [{"n": 1}]


async def whole(source: Source) -> str:
    answer = unanswered(await source.answer(ask()))
    assert answer.whole_source
    return answer.reason


class Proxy:
    """Passes bytes between TCP and the server's Unix socket until it falls silent."""

    def __init__(self, socket_path: str) -> None:
        self._socket_path = socket_path
        self._passes = asyncio.Event()
        self._passes.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    def fall_silent(self) -> None:
        """Keep the connections, pass nothing."""
        self._passes.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection's bytes both ways."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            other_reader, other_writer = await asyncio.open_unix_connection(self._socket_path)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pass(reader, other_writer), name="to the server")
                    group.create_task(self._pass(other_reader, writer), name="from the server")
            finally:
                other_writer.transport.abort()
        writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await self._passes.wait()
            writer.write(data)
        writer.transport.abort()

    async def stop(self) -> None:
        """End every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def proxy_to(dsn: str) -> AsyncIterator[Proxy]:
    """Give a proxy in front of the server that `dsn` names by its socket's folder."""
    place = dsn.partition("host=")[2].partition("&")
    port = dsn.partition("port=")[2]
    proxy = Proxy(f"{place[0]}/.s.PGSQL.{port}")
    listening = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = listening.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listening.close()
        await proxy.stop()


def over_tcp(database: Database, port: int) -> str:
    name = database.dsn.partition("@/")[2].partition("?")[0]
    return f"postgresql://watchdog:{PASSWORD}@127.0.0.1:{port}/{name}"


@contextlib.contextmanager
def stopped(server: Server) -> Iterator[None]:
    """Let the postmaster and all its processes stand still."""
    parent = server.embedded.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    pids = [parent, *map(int, children)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """Give a server that may be mistreated."""
    with running_server() as server:
        yield server


@pytest.fixture
async def mistreated(own_server: Server) -> AsyncIterator[Database]:
    async with own_server.database() as database:
        yield database


@pytest.fixture
async def owner(mistreated: Database) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(mistreated.dsn)
    yield connection
    connection.terminate()


async def test_a_stopped_server_is_told_within_the_time_out(
    own_server: Server, mistreated: Database
) -> None:
    source = opened(mistreated.dsn, 0.4)
    assert is_answered(await source.answer(ask()))
    started_s = time.monotonic()
    with stopped(own_server):
        answers = await source.answer_all([ask(f"select {n}") for n in range(100)])
        assert set(answers) <= {
            Unanswered("no answer within 0.4 s", whole_source=True),
            Unanswered("cannot connect: no answer within 0.4 s", whole_source=True),
        }
        assert "no answer within 0.4 s" in await whole(source)
    assert time.monotonic() - started_s < SOON_S
    await source.close()


async def test_after_a_silence_the_source_is_asked_again(
    own_server: Server, mistreated: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "REFUSED_S", 0.0)
    source = opened(mistreated.dsn, 0.3)
    with stopped(own_server):
        assert "cannot connect: no answer" in await whole(source)
    patient = opened(mistreated.dsn, 5)
    assert is_answered(await patient.answer(ask()))
    await patient.close()
    await source.close()


async def test_a_silent_network_is_told_within_the_time_out(
    mistreated: Database,
) -> None:
    async with proxy_to(mistreated.dsn) as proxy:
        source = opened(over_tcp(mistreated, proxy.port), 0.4)
        assert is_answered(await source.answer(ask()))
        proxy.fall_silent()
        started_s = time.monotonic()
        answers = await source.answer_all([ask()] * 50)
        assert all("no answer within 0.4 s" in unanswered(one).reason for one in answers)
        assert time.monotonic() - started_s < SOON_S
        await source.close()


async def test_a_listener_that_never_answers_is_told_within_the_time_out() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        port = deaf.getsockname()[1]
        source = opened(f"postgresql://u:{PASSWORD}@127.0.0.1:{port}/db", 0.2)
        started_s = time.monotonic()
        assert await whole(source) == "cannot connect: no answer within 0.2 s"
        assert time.monotonic() - started_s < SOON_S
        await source.close()


async def test_a_server_that_speaks_another_language_is_told() -> None:
    said = asyncio.Event()

    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.transport.abort()
        said.set()

    listening = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    source = opened(f"postgresql://u:{PASSWORD}@127.0.0.1:{port}/db", 1)
    assert (await whole(source)).startswith("cannot connect: ")
    await said.wait()
    await source.close()
    listening.close()


async def test_a_refused_connection_is_told_at_once(tmp_path: Path) -> None:
    listening = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    source = opened(f"postgresql://u:{PASSWORD}@127.0.0.1:{port}/db")
    assert await whole(source) == "cannot connect: refused"
    await source.close()
    source = opened(f"postgresql://u@/db?host={tmp_path}")
    assert await whole(source) == "cannot connect: no server listens at the socket"
    await source.close()


@pytest.mark.parametrize(
    "dsn",
    [
        "",
        "mysql://x",
        "postgresql://u@[::1/db",
        "postgresql://u@h:port/db?sslmode=odd",
        "not a dsn",
    ],
)
async def test_an_address_that_is_none_is_told(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "/nowhere")
    source = opened(dsn, 1)
    assert (await whole(source)).startswith("cannot connect: ")
    await source.close()


async def test_a_database_that_is_not_there_is_told(own_server: Server) -> None:
    source = opened(own_server.dsn("nowhere"))
    assert await whole(source) == "cannot connect: no such database"
    await source.close()


async def test_a_wrong_password_is_told(
    own_server: Server, mistreated: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    rules = own_server.embedded.data_dir / "cluster" / "pg_hba.conf"
    before = rules.read_text()
    await owner.execute("create role locked login password 'right'")
    rules.write_text("local all locked scram-sha-256\n" + before)
    await owner.execute("select pg_reload_conf()")
    try:
        dsn = mistreated.dsn.replace("watchdog@", f"locked:{PASSWORD}@")
        for _ in range(1000):  # until the server has read its rules again
            if not await is_let_in(dsn):
                break
        source = opened(dsn)
        assert await whole(source) == "cannot connect: password refused"
        await source.close()
    finally:
        rules.write_text(before)
        await owner.execute("drop role locked")


async def is_let_in(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn, timeout=5)
    except asyncpg.InvalidPasswordError:
        return False
    connection.terminate()
    return True


async def test_a_server_with_fewer_connections_than_wanted_answers_all_the_same(
    mistreated: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    await owner.execute("create role narrow login connection limit 1")
    try:
        source = opened(mistreated.dsn.replace("watchdog@", "narrow@"), connections=4)
        assert is_answered(await source.answer(ask()))
        answers = await source.answer_all([ask(f"select 1 as n, {n}") for n in range(50)])
        assert all(isinstance(answer, Rows) for answer in answers)
        other = opened(mistreated.dsn.replace("watchdog@", "narrow@"))
        assert await whole(other) == "cannot connect: too many connections"
        await source.close()
        await other.close()
    finally:
        await drop_role(owner, "narrow")


async def drop_role(owner: "asyncpg.Connection[Any]", role: str) -> None:
    await owner.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", role
    )
    await owner.execute(f"drop role {role}")


async def test_a_connection_that_died_while_idle_is_replaced_unnoticed(
    mistreated: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    source = opened(mistreated.dsn)
    for _ in range(3):
        assert is_answered(await source.answer(ask()))
        await owner.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where application_name = 'incident-watchdog' and datname = current_database()"
        )
    assert is_answered(await source.answer(ask()))
    await source.close()


async def test_a_killed_question_does_not_take_its_neighbours_along(
    mistreated: Database,
) -> None:
    source = opened(mistreated.dsn, connections=1)
    suicide = ask("select pg_terminate_backend(pg_backend_pid())")
    before, killed, after = await source.answer_all([ask(), suicide, ask()])
    assert is_answered(before)
    assert unanswered(killed) == Unanswered(
        "the connection was lost: the server is shutting down", whole_source=True
    )
    assert is_answered(after)
    await source.close()


async def test_a_server_that_ends_in_the_middle_is_told(
    mistreated: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    source = opened(mistreated.dsn, connections=1)
    asking = asyncio.ensure_future(source.answer(ask("select pg_sleep(10)")))
    running = (
        "select pid from pg_stat_activity"
        " where query = 'select pg_sleep(10)' and wait_event = 'PgSleep'"
    )
    pid = None
    for _ in range(10_000):
        pid = pid or await owner.fetchval(running)
        if pid:
            break
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    assert unanswered(await asking).reason.startswith("the connection was lost")
    await source.close()


async def test_slow_questions_do_not_hold_up_a_batch_for_ever(mistreated: Database) -> None:
    source = opened(mistreated.dsn, 0.4, connections=2)
    started_s = time.monotonic()
    answers = await source.answer_all([ask(f"select pg_sleep(50), {n}") for n in range(40)])
    assert time.monotonic() - started_s < SHARED_S
    stopped_ones = [one for one in answers if "the server stopped it" in unanswered(one).reason]
    waiting = [one for one in answers if "turn did not come" in unanswered(one).reason]
    assert stopped_ones
    assert waiting
    assert not any(unanswered(one).whole_source for one in answers)
    await source.close()


async def test_a_batch_that_is_cancelled_leaves_a_source_that_answers(mistreated: Database) -> None:
    source = opened(mistreated.dsn, connections=2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await source.answer_all([ask("select pg_sleep(5)")] * 4)
    assert is_answered(await source.answer(ask()))
    await source.close()


async def test_a_pooler_that_was_not_noticed_is_noticed_by_its_errors(
    mistreated: Database,
) -> None:
    source = opened(mistreated.dsn, connections=1, direct=True)
    assert is_answered(await source.answer(ask()))
    # What a pooler does: the statement was prepared on another server process.
    await source.answer(ask("select 1 as x"))
    assert isinstance(source, postgres.PostgresSource)
    connection = source._lanes[0].connection
    assert connection is not None
    await connection._connection.execute("deallocate all")
    assert is_answered(await source.answer(ask()))
    held = "select count(*)::int as n from pg_prepared_statements"
    answer = await source.answer(ask(held))
    assert isinstance(answer, Rows)
    assert answer.rows[0]["n"] == 0
    await source.close()
