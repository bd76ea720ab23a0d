"""What a form may be: its type, its size, its fields, and whose it is."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.requests import Request

from watchdog.domain.people import Role
from watchdog.web.forms import read_fields, read_form
from watchdog.web.gate import Visitor, form_token

FORM = "application/x-www-form-urlencoded"
BYTES_MAX = 64 * 1024
FIELDS_MAX = 50
TOKEN = form_token("ana's secret")


def posted(
    body: bytes, content_type: str | None = FORM, token: str = TOKEN, piece: int = 8192
) -> Request:
    """Return a request whose body comes in pieces, by somebody with this form token."""
    pieces = [body[at : at + piece] for at in range(0, len(body), piece)] or [b""]
    sent = iter(enumerate(pieces, 1))

    async def receive() -> dict[str, Any]:
        number, part = next(sent)
        return {"type": "http.request", "body": part, "more_body": number < len(pieces)}

    headers = [] if content_type is None else [(b"content-type", content_type.encode())]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": headers,
        "watchdog.visitor": Visitor("ana", Role.RESPONDER, token),
    }
    return Request(scope, receive)


async def refusal(request: Request) -> int:
    with pytest.raises(HTTPException) as caught:
        await read_form(request)
    assert caught.value.detail
    return caught.value.status_code


async def test_fields_are_read_by_name() -> None:
    fields = await read_fields(posted(b"to=raj&words=look+at+%C3%BCber"))
    assert fields == {"to": "raj", "words": "look at über"}


async def test_a_field_that_was_left_empty_is_there() -> None:
    assert await read_fields(posted(b"words=&kind=code")) == {"words": "", "kind": "code"}


async def test_an_empty_body_has_no_fields() -> None:
    assert await read_fields(posted(b"")) == {}


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=12),
        st.text(st.characters(codec="utf-8"), max_size=40),
        max_size=8,
    ),
    st.integers(min_value=1, max_value=64),
)
async def test_whatever_a_browser_sends_is_read_back(fields: dict[str, str], piece: int) -> None:
    assert await read_fields(posted(urlencode(fields).encode(), piece=piece)) == fields


@pytest.mark.parametrize(
    "content_type", [FORM, f"{FORM}; charset=utf-8", FORM.upper(), f" {FORM} ;x"]
)
async def test_a_form_is_known_by_its_type(content_type: str) -> None:
    assert await read_fields(posted(b"a=1", content_type)) == {"a": "1"}


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/json", "multipart/form-data; boundary=x", f"x{FORM}"],
)
async def test_any_other_type_is_refused(content_type: str | None) -> None:
    assert await refusal(posted(f"token={TOKEN}".encode(), content_type)) == 415


async def test_a_form_of_64_kibibytes_is_read() -> None:
    fields = await read_fields(posted(b"w=" + b"x" * (BYTES_MAX - 2)))
    assert len(fields["w"]) == BYTES_MAX - 2


async def test_a_byte_more_is_refused() -> None:
    assert await refusal(posted(b"w=" + b"x" * (BYTES_MAX - 1))) == 413


async def test_a_form_that_never_ends_is_refused_early() -> None:
    asked = 0

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"x" * 8192, "more_body": True}

    request = posted(b"")
    endless = Request(request.scope, receive)
    assert await refusal(endless) == 413
    assert asked == BYTES_MAX // 8192 + 1


async def test_a_form_whose_sender_leaves_is_refused() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    assert await refusal(Request(posted(b"").scope, receive)) == 400


async def test_a_form_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchdog.web.forms._READ_SECONDS", 0.05)

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("nothing comes")

    assert await refusal(Request(posted(b"").scope, receive)) == 408


async def test_fifty_fields_are_read_and_fifty_one_refused() -> None:
    def body(count: int) -> bytes:
        return urlencode({f"f{number}": "x" for number in range(count)}).encode()

    assert len(await read_fields(posted(body(FIELDS_MAX)))) == FIELDS_MAX
    assert await refusal(posted(body(FIELDS_MAX + 1))) == 400


async def test_what_is_not_utf_8_is_refused() -> None:
    assert await refusal(posted(b"token=\xff\xfe")) == 400


def with_token(token: str) -> bytes:
    return urlencode({"token": token, "words": "x"}).encode()


async def test_a_form_with_the_sessions_token_is_taken() -> None:
    fields: Mapping[str, str] = await read_form(posted(with_token(TOKEN)))
    assert fields["words"] == "x"


@pytest.mark.parametrize(
    "token", ["", "0" * 64, TOKEN[:-1], TOKEN + "0", TOKEN.upper(), f" {TOKEN}", "ä", "\x00"]
)
async def test_a_form_with_another_token_is_refused(token: str) -> None:
    assert await refusal(posted(with_token(token))) == 403


async def test_a_form_without_a_token_is_refused() -> None:
    assert await refusal(posted(b"words=x")) == 403


async def test_the_token_of_another_session_is_refused() -> None:
    assert await refusal(posted(with_token(form_token("raj's secret")))) == 403


async def test_a_token_given_twice_counts_as_its_last() -> None:
    body = with_token("0" * 64) + b"&" + with_token(TOKEN)
    assert (await read_form(posted(body)))["token"] == TOKEN
    assert await refusal(posted(with_token(TOKEN) + b"&" + with_token("0" * 64))) == 403
