"""Whether a request has left us: before its first byte, nothing can have arrived."""

from types import SimpleNamespace

import aiohttp


def noted() -> aiohttp.TraceConfig:
    """Return what makes a session add to the list given as `trace_request_ctx` when a request leaves."""
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_note)
    return trace


async def _note(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
    context.trace_request_ctx.append(True)
