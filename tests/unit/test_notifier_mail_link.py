"""Links of mails: what they grant, to whom, for how long, and that nobody else can write one."""

from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.keys import KEY_MIN
from notifiers.mail_link import Grant, is_ours, read, write

KEY = "k" * KEY_MIN
OPENED_AT = datetime(2026, 6, 10, 1, 15, 0, 123456, tzinfo=UTC)
GRANT = Grant(1042, "ana", OPENED_AT.replace(microsecond=0) + timedelta(hours=24))
TOKEN = write(GRANT, OPENED_AT, KEY)

grants = st.builds(
    Grant,
    st.integers(1, 2**63 - 1),
    st.text(max_size=40),
    st.datetimes(datetime(2001, 1, 1), datetime(2400, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
        lambda at: at.replace(microsecond=0)
    ),
)


@given(grants)
def test_a_token_claims_what_was_written_and_is_ours(grant: Grant) -> None:
    token = write(grant, OPENED_AT, KEY)
    assert read(token) == grant
    assert is_ours(token, grant, OPENED_AT, KEY)


@given(grants)
def test_a_token_needs_no_encoding_in_an_address(grant: Grant) -> None:
    token = write(grant, OPENED_AT, KEY)
    assert token.isascii()
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


@pytest.mark.parametrize(
    "other",
    [
        replace(GRANT, incident=1043),
        replace(GRANT, person="raj"),
        replace(GRANT, ends_at=GRANT.ends_at + timedelta(seconds=1)),
    ],
)
def test_a_proof_is_of_no_use_for_another_grant(other: Grant) -> None:
    claim = write(other, OPENED_AT, KEY).rpartition(".")[0]
    forged = f"{claim}.{TOKEN.rpartition('.')[2]}"
    assert read(forged) == other
    assert not is_ours(forged, other, OPENED_AT, KEY)


def test_another_key_or_another_incident_of_that_number_is_not_opened_by_it() -> None:
    assert not is_ours(TOKEN, GRANT, OPENED_AT, "x" * KEY_MIN)
    assert not is_ours(TOKEN, GRANT, OPENED_AT + timedelta(microseconds=1), KEY)


@pytest.mark.parametrize("key", ["", "k", "k" * (KEY_MIN - 1)])
def test_without_a_good_key_nothing_is_ours(key: str) -> None:
    assert not is_ours(write(GRANT, OPENED_AT, key), GRANT, OPENED_AT, key)


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="ascii"))
def test_whatever_is_changed_in_a_token_makes_it_worthless(place: int, letter: str) -> None:
    changed = TOKEN[:place] + letter + TOKEN[place + 1 :]
    grant = read(changed)
    if changed != TOKEN and grant is not None:
        assert not is_ours(changed, grant, OPENED_AT, KEY)


@pytest.mark.parametrize("token", [f"{TOKEN}=", f"0{TOKEN}", TOKEN.replace(".", ".+", 1)])
def test_a_token_written_otherwise_is_not_the_same(token: str) -> None:
    grant = read(token)
    assert grant is None or not is_ours(token, grant, OPENED_AT, KEY)


NAME = urlsafe_b64encode(b"ana").decode()


@pytest.mark.parametrize(
    "token",
    [
        "",
        "take",
        "1.2.3",
        "1.2.3.4.5",
        f"0.6a.{NAME}.x",
        f"-1.6a.{NAME}.x",
        f"{2**63}.6a.{NAME}.x",
        f"1.{2**40:x}.{NAME}.x",
        f"1.{2**39:x}.{NAME}.x",
        f"1.0.{NAME}.x",
        f"1.6a.{NAME}é.x",
        "1.6a._w.x",
        "9" * 5000 + f".6a.{NAME}.x",
        "x" * 10_000,
    ],
)
def test_what_is_no_token_claims_nothing(token: str) -> None:
    assert read(token) is None


@given(st.text(max_size=60))
def test_reading_never_fails(token: str) -> None:
    read(token)
