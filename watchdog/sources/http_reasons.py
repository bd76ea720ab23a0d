"""Whose fault a failed request is: the endpoint's (that is what its rule watches) or ours.

Ours are: no way to look up the name (a name that does not exist, too: nothing tells an expired domain
from a resolver that lies or a typing mistake), no route, no free port or file, an address or a header
that cannot be sent. All else was done by the endpoint.
"""

import errno
import os
import socket
import ssl
import zlib
from collections.abc import Iterator, Sequence

import aiohttp
from aiohttp import http_exceptions

from rules.base import HttpFailure, Unanswered
from watchdog.sources.base import seconds_in_words

OUTSIDE: tuple[type[Exception], ...] = (
    aiohttp.ClientError,
    http_exceptions.HttpProcessingError,
    OSError,
    ValueError,
    zlib.error,
)
"""What a request may raise. `TimeoutError` is an `OSError`, wrong names and addresses are `ValueError`."""

_OURS = {
    errno.ENETUNREACH: "no route to its network",
    errno.EHOSTUNREACH: "no route to its host",
    errno.ENETDOWN: "our network is down",
    errno.EADDRNOTAVAIL: "we have no free port or no such address",
    errno.EMFILE: "we have too many open files",
    errno.ENFILE: "our system has too many open files",
    errno.ENOBUFS: "our system has no memory for it",
    errno.ENOMEM: "our system has no memory for it",
    errno.EACCES: "our system does not let us",
    errno.EPERM: "our system does not let us",
    errno.EAFNOSUPPORT: "our system does not know this kind of address",
}
_OF_ANSWER: Sequence[tuple[type[Exception], str, str]] = (
    (
        http_exceptions.LineTooLong,
        "too_large",
        "The headers are longer than any that make sense.",
    ),
    (
        aiohttp.ServerDisconnectedError,
        "reset",
        "The connection was closed without an answer.",
    ),
    (aiohttp.ClientPayloadError, "protocol", "The answer ended before it was complete."),
    (zlib.error, "protocol", "The body cannot be decompressed."),
    (aiohttp.ClientError, "protocol", "The answer is not proper HTTP."),
    (http_exceptions.HttpProcessingError, "protocol", "The answer is not proper HTTP."),
)
_RESET = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ESHUTDOWN}


def of_request(error: Exception, within_s: float, *, in_lookup: bool) -> HttpFailure | Unanswered:
    """Return what became of a request that raised `error`.

    Args:
        in_lookup: The host's name was still being looked up.
    """
    if isinstance(error, TimeoutError):
        if in_lookup:
            words = f"the name was not found within {seconds_in_words(within_s)}"
            return Unanswered(words, whole_source=True)
        return HttpFailure("timeout", f"No complete answer within {seconds_in_words(within_s)}.")
    if isinstance(error, ssl.SSLError | aiohttp.ClientSSLError | ssl.CertificateError):
        return HttpFailure("tls", f"TLS failed: {_tls(error)}.")
    if isinstance(error, aiohttp.InvalidURL):
        return Unanswered("the address is not one that can be asked")
    if isinstance(error, OSError) and not isinstance(error, aiohttp.ServerDisconnectedError):
        return _of_system(error)
    return _of_answer(error)


def has_connected(error: Exception) -> bool:
    """Return whether a request may have left when it failed: it got beyond connecting, or nobody knows."""
    return not isinstance(error, aiohttp.ClientConnectorError | aiohttp.InvalidURL)


def _of_system(error: OSError) -> HttpFailure | Unanswered:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, socket.gaierror) or isinstance(error, aiohttp.ClientConnectorDNSError):
        unknown = getattr(cause, "errno", None) in (socket.EAI_NONAME, socket.EAI_NODATA)
        words = "the host's name does not exist" if unknown else "the name look-up failed"
        return Unanswered(words, whole_source=True)
    code = cause.errno or 0
    if code in _OURS:
        return Unanswered(_OURS[code], whole_source=True)
    if code == errno.ECONNREFUSED or isinstance(cause, ConnectionRefusedError):
        return HttpFailure("refused", "The connection was refused.")
    if code == errno.ETIMEDOUT:
        return HttpFailure("timeout", "The network gave up waiting for the endpoint.")
    if code in _RESET or isinstance(cause, ConnectionError):
        return HttpFailure("reset", "The connection was reset.")
    detail = os.strerror(code).lower() if code else "no reason is known"
    return HttpFailure("reset", f"The connection failed: {detail}.")


def _of_answer(error: Exception) -> HttpFailure | Unanswered:
    causes = list(_causes(error))
    cut_off = any(isinstance(one, ConnectionError) for one in causes[1:])
    if isinstance(error, aiohttp.ClientPayloadError) and cut_off:
        return HttpFailure("reset", "The connection was reset in the middle of the answer.")
    for kind, reason, detail in _OF_ANSWER:
        if any(isinstance(one, kind) for one in causes):
            return HttpFailure(reason, detail)
    return Unanswered("the request holds something that cannot be sent")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Return an error and those it came from; aiohttp wraps what its parser finds twice."""
    cause: BaseException | None = error
    for _ in range(5):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__


def _tls(error: BaseException) -> str:
    """Return what TLS says, such as `certificate has expired`."""
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    message = getattr(inner, "verify_message", "") or getattr(inner, "reason", "") or ""
    return str(message).rstrip(".").lower().replace("_", " ") or "no reason was given"
