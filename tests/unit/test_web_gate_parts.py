"""Who asks, from where, and with which cookie: what the gate decides by itself."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from watchdog.domain.people import Role
from watchdog.store.sessions import SESSION_LASTS
from watchdog.web.gate import (
    HEADERS,
    OPEN_PATHS,
    Cookie,
    Visitor,
    form_token,
    is_from_elsewhere,
    is_from_this_machine,
)

URL = "https://watchdog.example.com"
HERE = ("127.0.0.1", 40_000)


def request(headers: Mapping[str, str], client: tuple[str, int] | None = HERE) -> Request:
    return Request(
        {
            "type": "http",
            "method": "POST",
            "path": "/metrics",
            "query_string": b"",
            "headers": [
                (name.encode(), value.encode("latin-1")) for name, value in headers.items()
            ],
            "client": client,
            "server": ("127.0.0.1", 8711),
            "scheme": "http",
        }
    )


@pytest.mark.parametrize(
    ("headers", "is_foreign"),
    [
        ({}, False),
        ({"origin": "null"}, False),
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "same-origin", "origin": "https://evil.example"}, False),
        ({"sec-fetch-site": "same-site"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "null"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": ""}, True),
        ({"host": "127.0.0.1:8711", "origin": "http://127.0.0.1:8711"}, False),
        ({"host": "127.0.0.1:8711", "origin": "http://127.0.0.1:9000"}, True),
        ({"host": "inner:8711", "origin": URL}, False),
        ({"host": "inner:8711", "origin": "https://watchdog.example.com.evil.example"}, True),
        ({"host": "inner:8711", "origin": "https://watchdog.example.com@evil.example"}, True),
        ({"host": "inner:8711", "origin": "file:///etc/passwd"}, True),
    ],
)
def test_a_request_is_foreign_when_the_browser_says_so(
    headers: dict[str, str], is_foreign: bool
) -> None:
    assert is_from_elsewhere(request(headers), URL) is is_foreign


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "http://a]b", "http://[x]"])
def test_an_origin_that_is_no_address_is_foreign(origin: str) -> None:
    assert is_from_elsewhere(request({"host": "127.0.0.1:8711", "origin": origin}), URL)


@pytest.mark.parametrize("origin", ["file:///etc/passwd", "data:", "about:blank", "", "x"])
def test_an_origin_without_a_host_is_foreign_where_we_have_no_address_of_our_own(
    origin: str,
) -> None:
    assert is_from_elsewhere(request({"host": "127.0.0.1:8711", "origin": origin}), "")


@pytest.mark.parametrize(
    ("client", "host", "is_here"),
    [
        (HERE, "127.0.0.1:8711", True),
        (HERE, "127.8.9.10", True),
        (HERE, "localhost:8711", True),
        (HERE, "LOCALHOST", True),
        (HERE, "[::1]:8711", True),
        (("::1", 1), "[::1]:8711", True),
        (HERE, "watchdog.example.com", True),
        (HERE, "", False),
        (HERE, "evil.example:8711", False),
        (HERE, "localhost.evil.example", False),
        (HERE, "10.0.0.7:8711", False),
        (("10.0.0.7", 1), "127.0.0.1:8711", False),
        (("not an address", 1), "127.0.0.1:8711", False),
        (None, "127.0.0.1:8711", False),
    ],
)
def test_a_program_is_of_this_machine_by_its_address_and_the_one_it_asks_for(
    client: tuple[str, int] | None, host: str, is_here: bool
) -> None:
    assert is_from_this_machine(request({"host": host}, client), URL) is is_here


@pytest.mark.parametrize("host", ["[", "[::1", "a]:b", "[x]", "]"])
def test_a_host_that_is_no_address_is_not_this_machine(host: str) -> None:
    assert not is_from_this_machine(request({"host": host}), URL)


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "via"])
def test_what_comes_through_a_proxy_is_not_of_this_machine(name: str) -> None:
    assert not is_from_this_machine(request({"host": "127.0.0.1:8711", name: ""}), URL)


@given(st.text(alphabet="[]:/@.?#%0a1x ", max_size=20), st.text(alphabet="[]:/@.0ax", max_size=20))
def test_no_header_breaks_the_gate(host: str, origin: str) -> None:
    asked = request({"host": host, "origin": f"http://{origin}"})
    assert is_from_elsewhere(asked, URL) in {True, False}
    assert is_from_this_machine(asked, URL) in {True, False}


@pytest.mark.parametrize(
    ("url", "port", "cookie"),
    [
        ("", 8711, Cookie("watchdog-8711", is_secure=False)),
        ("http://watchdog.example.com", 80, Cookie("watchdog-80", is_secure=False)),
        (URL, 8711, Cookie("__Host-watchdog", is_secure=True)),
    ],
)
def test_a_cookie_is_named_for_what_the_browser_may_promise_of_it(
    url: str, port: int, cookie: Cookie
) -> None:
    assert Cookie.of(url, port) == cookie


def test_two_services_on_one_machine_do_not_share_a_cookie() -> None:
    assert Cookie.of("", 8711).name != Cookie.of("", 8712).name


def parts_of(response: Response) -> set[str]:
    return {part.strip().lower() for part in response.headers["set-cookie"].split(";")}


@pytest.mark.parametrize("is_secure", [True, False])
def test_scripts_and_other_sites_do_not_get_the_cookie(is_secure: bool) -> None:
    response = Response()
    Cookie("watchdog", is_secure).put(response, "s3cret")
    parts = parts_of(response)
    assert {"watchdog=s3cret", "httponly", "samesite=lax", "path=/"} <= parts
    assert f"max-age={int(SESSION_LASTS.total_seconds())}" in parts
    assert ("secure" in parts) is is_secure
    assert not any(part.startswith("domain") for part in parts)


@pytest.mark.parametrize("is_secure", [True, False])
def test_signing_out_empties_the_same_cookie(is_secure: bool) -> None:
    response = Response()
    Cookie("watchdog", is_secure).drop(response)
    parts = parts_of(response)
    assert {'watchdog=""', "max-age=0", "path=/", "httponly", "samesite=lax"} <= parts
    assert ("secure" in parts) is is_secure


# HMAC fills its key up with zero bytes, of which our secrets have none.
_SECRETS = st.text(st.characters(exclude_characters="\0"), max_size=50)


@given(_SECRETS, _SECRETS)
def test_a_form_token_tells_sessions_apart_and_does_not_hold_their_secret(
    one: str, other: str
) -> None:
    token = form_token(one)
    assert len(token) == 64
    assert token == form_token(one)
    if len(one) > 8:
        assert one not in token
    if one.encode("utf-8", "replace") != other.encode("utf-8", "replace"):
        assert token != form_token(other)


@pytest.mark.parametrize("role", Role)
def test_everybody_but_who_only_looks_may_act(role: Role) -> None:
    assert Visitor("ana", role, "t").may_act is (role is not Role.VIEWER)


def test_the_policy_of_our_pages_lets_nothing_in_from_outside() -> None:
    policy = dict(
        part.strip().partition(" ")[::2] for part in HEADERS["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert set(policy.values()) <= {"'none'", "'self'"}


def test_only_health_the_way_in_and_what_slack_signs_are_open() -> None:
    assert {"/healthz", "/readyz", "/sign-in", "/slack/actions"} == OPEN_PATHS
