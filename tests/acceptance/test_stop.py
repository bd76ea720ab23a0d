"""The end of the service, as an operator brings it about, and the beginning of a second one."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.running import Program
from tests.acceptance.small_world import log_lines, small_program
from watchdog.store import processes
from watchdog.store.embedded import dsn_of

STOP_SECONDS = 10


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Give a running program; the tests of this module end it, and start it again."""
    with small_program(tmp_path_factory.mktemp("small")) as (program, _):
        yield program


def servers(program: Program) -> list[int]:
    """Return the processes of its embedded PostgreSQL."""
    return list(processes.postgres_processes_in(program.data / "cluster"))


def test_a_second_service_on_the_same_data_is_told_who_holds_it(program: Program) -> None:
    assert program.process is not None
    env = {name: value for name, value in program.env.items() if name != "WATCHDOG_TEST_CLOCK"}
    second = Program(program.folder, env)
    said = second.run("run", "--listen", "127.0.0.1:0", code=3)
    assert str(program.process.pid) in said
    assert "Traceback" not in said
    assert program.now()


def test_an_address_in_use_ends_a_service_with_a_sentence(program: Program) -> None:
    taken = program.url.removeprefix("http://")
    env = {name: value for name, value in program.env.items() if name != "WATCHDOG_TEST_CLOCK"}
    second = Program(program.folder, env)
    said = second.run("run", "--listen", taken, "--data", "second", code=3)
    assert f"cannot listen on {taken}: another program uses this port" in said
    assert "sub-exception" not in said
    assert "Traceback" not in said
    assert list(processes.postgres_processes_in(program.folder / "second" / "cluster")) == []


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_it_ends_in_time_in_order_and_takes_its_postgresql_along(
    name: str, program: Program
) -> None:
    process = program.process
    assert process is not None
    assert servers(program)
    begun = time.monotonic()
    process.send_signal(getattr(signal, name))
    assert process.wait(STOP_SECONDS) == 0
    assert time.monotonic() - begun < STOP_SECONDS
    assert servers(program) == []
    assert dsn_of(program.data) is None
    said = log_lines(program)
    assert said[-1]["message"] == "stopping"
    assert [line for line in said if "traceback" in line or line["level"] == "ERROR"] == []
    assert not Path(program.env["WATCHDOG_TEST_CLOCK"].rpartition("@")[0]).exists()
    program.start()


async def test_the_lease_is_given_back_so_that_the_next_one_leads_at_once(
    program: Program,
) -> None:
    program.stop()
    begun = time.monotonic()
    program.start()
    assert time.monotonic() - begun < STOP_SECONDS
    [lease] = await program.fetch("select token from lease where name = 'engine'")
    assert lease["token"] > 1


def test_stopped_while_a_page_is_open_it_still_ends_in_time(program: Program) -> None:
    process = program.process
    assert process is not None
    host, port = program.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as idle:
        idle.sendall(b"GET /healthz HTTP/1.1\r\n")
        process.terminate()
        assert process.wait(STOP_SECONDS) == 0
    program.start()


def test_a_service_that_is_killed_is_followed_by_one_that_goes_on(program: Program) -> None:
    program.kill()
    assert servers(program)
    program.start()
    assert program.now()
    assert "0 messages on their way" in program.run("status", code=None)
    program.stop()
    assert servers(program) == []


def test_nothing_of_it_is_left_running(program: Program) -> None:
    found = subprocess.run(["pgrep", "-f", str(program.folder)], capture_output=True, check=False)
    assert found.stdout == b""
