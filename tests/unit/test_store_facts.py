"""What a message says survives its row, whoever wrote it."""

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.base import Event, Facts
from tests.incidents import facts
from tests.postgres import NIGHT
from watchdog.store.facts import decode_facts, encode_facts

instants = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]))
texts = st.text(max_size=20)
maybe = st.none() | instants

any_facts = st.builds(
    Facts,
    id=st.integers(0, 2**40),
    event=st.sampled_from(Event),
    at=instants,
    state=texts,
    severity=texts,
    title=texts,
    fact=texts,
    detail=texts,
    rule=texts,
    team=texts,
    owner=texts,
    owner_took_it=st.booleans(),
    opened_at=instants,
    actor=texts,
    words=texts,
    entity=st.dictionaries(texts, texts, max_size=3),
    taken_at=maybe,
    recovered_at=maybe,
    first_bad_at=maybe,
    first_good_at=maybe,
    zone=texts,
    next_person=texts,
    next_at=maybe,
    on_call_until=maybe,
    times=st.integers(1, 1000),
    last_cause=texts,
    last_at=maybe,
)


@given(any_facts)
def test_facts_come_back_from_json_as_they_were(said: Facts) -> None:
    assert decode_facts(json.loads(json.dumps(encode_facts(said)))) == said


@given(any_facts, st.dictionaries(texts, st.integers()))
def test_what_a_newer_release_has_added_is_ignored(said: Facts, added: dict[str, int]) -> None:
    known = {one.name for one in fields(Facts)}
    unknown = {key: value for key, value in added.items() if key not in known}

    assert decode_facts({**encode_facts(said), **unknown}) == said


@given(any_facts, st.sets(st.sampled_from([one.name for one in fields(Facts)])))
def test_what_an_older_release_did_not_write_is_empty(said: Facts, absent: set[str]) -> None:
    absent -= {"at", "event"}
    kept = {key: value for key, value in encode_facts(said).items() if key not in absent}

    read = decode_facts(kept)

    assert all(
        getattr(read, one.name) == getattr(said, one.name)
        for one in fields(Facts)
        if one.name not in absent
    )


def test_a_missing_instant_is_that_of_the_event() -> None:
    written = encode_facts(facts(1042, Event.OPENED, NIGHT, "open"))
    del written["opened_at"]

    assert decode_facts(written).opened_at == datetime(2025, 6, 13, 2, 15, tzinfo=UTC)


def test_what_says_nothing_is_not_written() -> None:
    written = encode_facts(facts(1042, Event.OPENED, NIGHT, "open"))

    assert not {"cause", "taken_at", "entity", "actor", "zone"} & set(written)


@pytest.mark.parametrize("absent", ["at", "event"])
def test_facts_without_their_event_cannot_be_read(absent: str) -> None:
    written = encode_facts(facts(1042, Event.OPENED, NIGHT, "open"))
    del written[absent]

    with pytest.raises(ValueError, match="facts without"):
        decode_facts(written)


def test_an_event_of_a_newer_release_cannot_be_read() -> None:
    written = encode_facts(facts(1042, Event.OPENED, NIGHT, "open"))

    with pytest.raises(ValueError, match="sent_to_the_moon"):
        decode_facts({**written, "event": "sent_to_the_moon"})
