"""Posts to one address of the user's own: bounded, and honest about what may have arrived."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import aiohttp

from notifiers import leaving
from notifiers.base import DeliveryError
from notifiers.nearby import proxy_for

_ANSWER_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; of its body at most 64 KiB are read."""

    status: int
    headers: Mapping[str, str]
    said: bytes


class Poster:
    """Posts bodies, one client for all of them. Redirects are not followed.

    Args:
        url: The address, which may be a secret. It is in no error.
        name: What the receiver is called in errors.
        deadline: For one post, its connection and its answer included.
    """

    def __init__(self, url: str, name: str, deadline: timedelta) -> None:
        self._url = url
        self._name = name
        self._deadline_s = deadline.total_seconds()
        self._session: aiohttp.ClientSession | None = None

    async def post(self, raw: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Post a body of JSON.

        Raises:
            DeliveryError: There was no answer.
        """
        with leaving.watched():
            try:
                async with asyncio.timeout(self._deadline_s):
                    return await self._post(raw, headers or {})
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                reason = f"{self._name} cannot be reached: {type(error).__name__}"
                raise DeliveryError(reason, is_outage=True) from None
            except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
                reason = f"{self._name} did not answer: {type(error).__name__}"
                unknown = leaving.has_left()
                raise DeliveryError(reason, unknown=unknown, is_outage=True) from None

    async def _post(self, raw: bytes, headers: Mapping[str, str]) -> Answer:
        async with self._connected().post(
            self._url,
            data=raw,
            headers={"Content-Type": "application/json", "Accept-Encoding": "identity", **headers},
            allow_redirects=False,
            proxy=proxy_for(self._url),
        ) as answer:
            said = await answer.content.read(_ANSWER_BYTES_MAX)
            return Answer(answer.status, answer.headers, said)

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None),
                trace_configs=[leaving.noted()],
            )
        return self._session

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
        self._session = None
