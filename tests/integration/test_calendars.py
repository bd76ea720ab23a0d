"""Calendars at an address: fetched within bounds, and what goes wrong is said without the secret in it."""

import pytest

from tests.hostile_http import hostile_server
from watchdog.calendars import CalendarUnreachable, fetch, is_address


async def test_the_text_at_an_address_is_given_redirects_followed() -> None:
    async with hostile_server() as server:
        assert await fetch(f"{server.address}/ok") == '{"status": "ok"}'
        assert await fetch(f"{server.address}/redirect") == '{"status": "ok"}'


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/down", "127.0.0.1 answers 503 instead of a calendar"),
        ("/big", "what 127.0.0.1 answers is larger than 2,000,000 bytes"),
        ("/packed", "what 127.0.0.1 answers is no text"),
        ("/garbage", "127.0.0.1 cannot be asked: RemoteProtocolError"),
        ("/short", "127.0.0.1 cannot be asked: RemoteProtocolError"),
        ("/drip", "127.0.0.1 did not answer within 0.5 s"),
        ("/silent", "127.0.0.1 did not answer within 0.5 s"),
    ],
)
async def test_an_address_that_misbehaves_is_named_by_its_host(path: str, words: str) -> None:
    async with hostile_server() as server:
        secret = server.address.replace("://", "://ana:s3cret@")
        with pytest.raises(CalendarUnreachable) as unreachable:
            await fetch(f"{secret}{path}", within_seconds=0.5)
    assert str(unreachable.value) == words


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:1/x", "http://h:99999/x", "http://[::1", "https://", "http://a b/"],
)
async def test_an_address_that_is_none_is_refused_in_words(address: str) -> None:
    with pytest.raises(CalendarUnreachable, match="cannot be asked"):
        await fetch(address)


def test_what_begins_like_one_is_an_address() -> None:
    assert is_address("HTTPS://example.com/x.ics")
    assert not is_address("shifts.ics")
