"""Where the page listens, and what it says when it cannot."""

import contextlib
import errno
import re
import socket
from collections.abc import Iterator

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Mount, Route

from watchdog.web.room import number_of
from watchdog.web.server import CannotListen, _shown_host, _why_not, listen, routes


@contextlib.contextmanager
def listening(address: str) -> Iterator[socket.socket]:
    listener = listen(address)
    try:
        yield listener
    finally:
        listener.close()


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:0"])
def test_port_0_takes_any_that_is_free(address: str) -> None:
    with listening(address) as listener:
        port = listener.getsockname()[1]
        assert port > 0
        with socket.create_connection(listener.getsockname()[:2], timeout=5):
            assert not listener.getblocking()


@pytest.mark.parametrize(
    "address",
    ["", ":", ":8711", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "[::1", "1:-1"],
)  # fmt: skip
def test_what_is_no_address_is_told_with_an_example(address: str) -> None:
    with pytest.raises(CannotListen, match=re.escape("HOST:PORT, such as 127.0.0.1:8711")):
        listen(address)


def test_a_taken_port_is_told_with_what_to_do() -> None:
    with listening("127.0.0.1:0") as first:
        address = f"127.0.0.1:{first.getsockname()[1]}"
        with pytest.raises(CannotListen, match="another program uses this port") as caught:
            listen(address)
    assert address in str(caught.value)
    assert "--listen HOST:PORT" in str(caught.value)


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(CannotListen, match=re.escape("cannot listen on 192.0.2.1:0")):
        listen("192.0.2.1:0")


def test_any_other_reason_is_told_as_the_system_says_it() -> None:
    told = _why_not("127.0.0.1:80", OSError(errno.EACCES, "Permission denied"))
    assert "Permission denied" in told
    assert "choose another" in told


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("127.0.0.1:8711", "127.0.0.1"),
        ("0.0.0.0:8711", "127.0.0.1"),
        ("[::]:8711", "127.0.0.1"),
        ("[::1]:8711", "[::1]"),
        ("watch.example.com:80", "watch.example.com"),
    ],
)
def test_the_address_that_is_said_can_be_opened_in_a_browser(address: str, host: str) -> None:
    assert _shown_host(address) == host


def test_every_address_has_one_answer() -> None:
    pairs = [
        (route.path, method)
        for route in routes()
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    ]
    assert len(pairs) == len(set(pairs))


def test_what_changes_something_is_posted() -> None:
    posted = {
        route.path
        for route in routes()
        if isinstance(route, Route) and "POST" in (route.methods or ())
    }
    verbs = {"take", "handover", "note", "resolve", "give-back", "escalate", "action-done"}
    verbs |= {"decline", "snooze", "reopen", "not-actionable", "split", "act", "approve"}
    jobs = {"/ping/{key}", "/ping/{key}/{word}"}
    signing = {"/sign-in", "/sign-out"}
    slack = {"/slack/actions"}
    silences = {"/silences", "/silences/{number:int}/end"}
    mails = {"/take/{token}", "/u/{token}"}
    others = signing | jobs | slack | silences | mails
    assert posted == others | {f"/i/{{number:int}}/{verb}" for verb in verbs}


def test_files_are_served_from_one_folder_only() -> None:
    assert [route.path for route in routes() if isinstance(route, Mount)] == ["/static"]


def asked(number: int) -> Request:
    return Request({"type": "http", "headers": [], "path_params": {"number": number}})


@pytest.mark.parametrize("number", [0, 1, 1042, 2**63 - 1])
def test_a_number_that_the_store_can_hold_is_looked_up(number: int) -> None:
    assert number_of(asked(number)) == number


@pytest.mark.parametrize("number", [2**63, 10**30])
def test_a_number_that_it_cannot_hold_is_not_found(number: int) -> None:
    with pytest.raises(HTTPException) as caught:
        number_of(asked(number))
    assert caught.value.status_code == 404
