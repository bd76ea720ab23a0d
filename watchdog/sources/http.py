"""HTTP endpoints as a source: one deadline around everything, a capped body, nothing followed."""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from rules.base import Answer, HttpFailure, HttpQuestion, HttpReply, Question, Unanswered
from watchdog.config.model import Source as SourceSpec
from watchdog.sources.base import seconds_in_words
from watchdog.sources.http_client import (
    HttpClient,
    certificate_ends_at,
    context_of_demo,
    read_capped,
)
from watchdog.sources.http_reasons import OUTSIDE, has_connected, of_request

_ENDPOINTS_MAX: Final = 1000
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class AddressError(ValueError):
    """An address that our policy keeps us from asking; the message says why, for people."""


class HttpSource:
    """The endpoints below one address.

    Args:
        roots_of_demo: The file with the demo's authority, where the address is the demo's.
    """

    def __init__(self, spec: SourceSpec, address: str, roots_of_demo: str | None = None) -> None:
        self._name = spec.name
        self._address = address
        self._connections = max(1, spec.connections)
        self._turns = asyncio.Semaphore(self._connections)
        self._bytes_max = spec.body_bytes_max
        self._headers = CIMultiDict(
            (name, value.get_secret_value()) for name, value in spec.headers
        )
        self._endpoints: dict[str, URL] = {}
        self._client: HttpClient | None = None
        self._tls = context_of_demo(roots_of_demo) if roots_of_demo else True

    async def answer(self, question: Question) -> Answer:
        """Return what an endpoint says, within the question's own deadline."""
        return (await self.send(question))[0]

    async def send(self, question: Question) -> tuple[Answer, bool]:
        """Return what an endpoint says, and whether any of the request may have reached it."""
        if not isinstance(question, HttpQuestion):
            return Unanswered("an endpoint is asked by URL, not in SQL"), False
        try:
            url = self._endpoint(question.url)
        except AddressError as error:
            return Unanswered(str(error)), False
        client = self._client = self._client or HttpClient.shared()
        within_s = question.within.total_seconds()
        if await _takes_turn(self._turns, within_s):
            try:
                if await _takes_turn(client.turns, within_s):
                    try:
                        return await self._ask(client, question, url, within_s)
                    finally:
                        client.turns.release()
            finally:
                self._turns.release()
        words = f"its turn did not come within {seconds_in_words(within_s)}"
        return Unanswered(f"{words}: too many requests are under way"), False

    def _endpoint(self, url: str) -> URL:
        known = self._endpoints.get(url)
        if known is None:
            known = endpoint(self._address, url)
            if len(self._endpoints) < _ENDPOINTS_MAX:
                self._endpoints[url] = known
        return known

    async def answer_all(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the answers in order, at most `connections` of them under way at once."""
        if len(questions) == 1:
            return [await self.answer(questions[0])]
        answers: list[Answer] = [Unanswered("not asked yet")] * len(questions)
        waiting = iter(enumerate(questions))

        async def work() -> None:
            for index, question in waiting:
                answers[index] = await self.answer(question)

        async with asyncio.TaskGroup() as group:
            for number in range(min(self._connections, len(questions))):
                group.create_task(work(), name=f"ask {self._name} {number}")
        return answers

    async def close(self) -> None:
        """Give the shared client back."""
        client, self._client = self._client, None
        if client is not None:
            await client.release()

    async def _ask(
        self, client: HttpClient, question: HttpQuestion, url: URL, within_s: float
    ) -> tuple[HttpReply | HttpFailure | Unanswered, bool]:
        started_s = time.monotonic()
        try:
            async with asyncio.timeout(within_s):
                return await self._request(client, question, url, started_s), True
        except OUTSIDE as error:
            in_lookup = client.is_looking_up(url.raw_host or "")
            failure = of_request(error, within_s, in_lookup=in_lookup)
            may_have_left = not in_lookup and has_connected(error)
            if isinstance(failure, Unanswered):
                return failure, may_have_left
            return replace(failure, took=_since(started_s)), may_have_left

    async def _request(
        self, client: HttpClient, question: HttpQuestion, url: URL, started_s: float
    ) -> HttpReply:
        headers = self._headers.copy()
        headers.update(question.headers)
        method = question.method.upper()
        session = client.session(method, url.authority, is_alone=question.is_alone)
        request = session.request(
            method,
            url,
            headers=headers,
            data=None if question.body is None else question.body.encode(),
            allow_redirects=False,
            ssl=self._tls,
        )
        async with request as response:
            body, truncated = await read_capped(response, self._bytes_max)
            ends_at = certificate_ends_at(response)
            return HttpReply(
                response.status,
                body,
                _pairs(response),
                truncated,
                took=_since(started_s),
                certificate_ends_at=ends_at,
            )


async def _takes_turn(turns: asyncio.Semaphore, within_s: float) -> bool:
    """Take a turn; return False when none came in time."""
    if not turns.locked():
        return await turns.acquire()  # does not wait
    try:
        async with asyncio.timeout(within_s):
            return await turns.acquire()
    except TimeoutError:
        return False


def endpoint(address: str, url: str) -> URL:
    """Return the address of one endpoint: `url` below the source's address, or `url` itself.

    Raises:
        AddressError: It is neither http nor https, holds a user's name or password, or is absolute
            and of another origin than the source: a declared source is the permission to ask it.
    """
    base = _checked(address)
    if _ABSOLUTE.match(url):
        wanted = _checked(url)
        if wanted.origin() != base.origin():
            raise AddressError("the address is not the source's own; declare a source for it")
        return wanted
    if not url:
        return base
    start = str(base.with_query(None).with_fragment(None)).rstrip("/")
    return _checked(start + url if url.startswith("?") else f"{start}/{url.lstrip('/')}")


def _checked(address: str) -> URL:
    try:
        url = URL(address)
        port = url.port
    except ValueError as error:
        raise AddressError("the address is not one that can be asked") from error
    if url.scheme not in ("http", "https"):
        raise AddressError("only http and https addresses are asked")
    if url.raw_user is not None or url.raw_password is not None:
        raise AddressError("the address holds a name or password; use a header for it")
    if not url.raw_host or not port:
        raise AddressError("the address names no host, or no port")
    return url


def _pairs(response: aiohttp.ClientResponse) -> tuple[tuple[str, str], ...]:
    return tuple(response.headers.items())


def _since(started_s: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - started_s)
