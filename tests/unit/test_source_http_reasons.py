import errno
import socket
import ssl
import zlib

import aiohttp
import pytest
from aiohttp import http_exceptions
from aiohttp.client_reqrep import ConnectionKey
from hypothesis import given
from hypothesis import strategies as st

from rules.base import HttpFailure, Unanswered
from watchdog.sources.http_reasons import of_request

KEY = ConnectionKey("desk.example", 443, True, True, None, None, None)
OURS = [
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.EADDRNOTAVAIL,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOBUFS,
    errno.EACCES,
    errno.EPERM,
]
THEIRS = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ETIMEDOUT: "timeout",
}


def of(error: Exception, *, in_lookup: bool = False) -> HttpFailure | Unanswered:
    return of_request(error, 5, in_lookup=in_lookup)


def while_connecting(code: int) -> Exception:
    return aiohttp.ClientConnectorError(KEY, OSError(code, "text of the system"))


@pytest.mark.parametrize("code", OURS)
def test_what_our_own_system_cannot_do_is_not_the_endpoints_failure(code: int) -> None:
    for error in (while_connecting(code), OSError(code, "")):
        answer = of(error)
        assert isinstance(answer, Unanswered)
        assert answer.whole_source


@pytest.mark.parametrize(("code", "reason"), THEIRS.items())
def test_what_the_endpoint_did_is_its_failure(code: int, reason: str) -> None:
    for error in (while_connecting(code), OSError(code, "")):
        answer = of(error)
        assert isinstance(answer, HttpFailure)
        assert answer.reason == reason


@pytest.mark.parametrize("code", [socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL])
def test_a_failed_look_up_is_ours(code: int) -> None:
    error = aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(code, "text"))
    answer = of(error)
    assert isinstance(answer, Unanswered)
    assert answer.whole_source
    assert "name" in answer.reason


def test_a_time_out_during_the_look_up_is_ours_and_later_it_is_theirs() -> None:
    assert of(TimeoutError(), in_lookup=True) == Unanswered(
        "the name was not found within 5 s", whole_source=True
    )
    assert of(TimeoutError()) == HttpFailure("timeout", "No complete answer within 5 s.")


def test_a_certificate_that_ended_is_told_in_words() -> None:
    refused = ssl.SSLCertVerificationError("verify failed")
    refused.verify_message = "certificate has expired"
    answer = of(aiohttp.ClientConnectorCertificateError(KEY, refused))
    assert answer == HttpFailure("tls", "TLS failed: certificate has expired.")


def test_a_broken_handshake_is_a_tls_failure() -> None:
    answer = of(aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "[SSL] broken")))
    assert isinstance(answer, HttpFailure)
    assert answer.reason == "tls"


def test_a_reset_in_the_middle_of_the_body_is_a_reset() -> None:
    error = aiohttp.ClientPayloadError("incomplete")
    error.__cause__ = ConnectionResetError()
    answer = of(error)
    assert isinstance(answer, HttpFailure)
    assert answer.reason == "reset"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (aiohttp.ServerDisconnectedError(), "reset"),
        (aiohttp.ClientPayloadError(), "protocol"),
        (http_exceptions.BadHttpMessage("x"), "protocol"),
        (http_exceptions.LineTooLong("x"), "too_large"),
        (zlib.error("x"), "protocol"),
        (aiohttp.ClientError(), "protocol"),
    ],
)
def test_an_answer_that_is_none_is_its_failure(error: Exception, reason: str) -> None:
    answer = of(error)
    assert isinstance(answer, HttpFailure)
    assert answer.reason == reason


@pytest.mark.parametrize("error", [ValueError("x"), UnicodeError("x"), aiohttp.InvalidURL("x:y")])
def test_what_cannot_be_sent_is_ours(error: Exception) -> None:
    answer = of(error)
    assert isinstance(answer, Unanswered)
    assert not answer.whole_source


@given(st.integers(1, 133), st.text(min_size=8))
def test_no_text_of_an_error_reaches_people(code: int, secret: str) -> None:
    for error in (OSError(code, "Zx" + secret), aiohttp.ClientError("Zx" + secret)):
        answer = of(error)
        words = answer.detail if isinstance(answer, HttpFailure) else answer.reason
        assert "Zx" + secret not in words
