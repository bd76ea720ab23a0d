"""Whether a request has left us: before its first byte, nothing can have arrived."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from types import SimpleNamespace

import aiohttp

_left: ContextVar[list[bool]] = ContextVar("left")


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Note of the requests that are made within whether they leave; their session has `noted()`."""
    token = _left.set([])
    try:
        yield
    finally:
        _left.reset(token)


def has_left() -> bool:
    """Return whether a byte of a request has left, since `forget` if that was called."""
    return bool(_left.get())


def forget() -> None:
    """Begin anew: whatever was asked before has been answered."""
    _left.get().clear()


def noted() -> aiohttp.TraceConfig:
    """Return what makes a session note that its requests leave."""
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_note)
    return trace


async def _note(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, _params: object
) -> None:
    _left.get().append(True)
