from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.slack_answers import (
    GONE,
    LAYOUT,
    PERMANENT,
    UNKNOWN,
    refused,
    silences_of,
)
from notifiers.waits import retry_after

any_answer = st.one_of(
    st.none(), st.text(max_size=80), st.integers(), st.sampled_from([*PERMANENT])
)


@given(st.integers(min_value=0, max_value=999), any_answer)
def test_no_refusal_is_both_for_good_and_unknown(status: int, code: object) -> None:
    error = refused(status, code, {})
    assert not (error.permanent and error.unknown)
    assert len(str(error)) < 100


@given(st.one_of(st.none(), st.text(max_size=20), st.integers().map(str)))
def test_the_wait_is_from_a_second_to_an_hour(said: str | None) -> None:
    assert timedelta(seconds=1) <= retry_after(said) <= timedelta(hours=1)


@pytest.mark.parametrize("code", ["xoxb-1-secret of yours", "<script>", "a" * 61, "Ünlesbar", ""])
def test_what_is_not_shaped_like_a_code_is_not_repeated(code: str) -> None:
    assert not code or code not in str(refused(200, code, {}))


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_without_a_code_can_be_for_good(status: int) -> None:
    assert refused(status, None, {}).permanent


@pytest.mark.parametrize("status", [301, 400, 408, 418])
def test_other_refusals_may_be_tried_again(status: int) -> None:
    error = refused(status, None, {})
    assert (error.permanent, error.unknown) == (False, False)


def test_no_code_means_two_things() -> None:
    meanings = [PERMANENT, UNKNOWN, LAYOUT, GONE]
    assert sum(map(len, meanings)) == len(frozenset().union(*meanings))


BEGIN, END = datetime(2026, 6, 10, 20, tzinfo=UTC), datetime(2026, 6, 11, 6, tzinfo=UTC)
NIGHT = {
    "dnd_enabled": True,
    "next_dnd_start_ts": int(BEGIN.timestamp()),
    "next_dnd_end_ts": int(END.timestamp()),
}


@pytest.mark.parametrize(
    ("answer", "spans"),
    [
        (NIGHT, ((BEGIN, END),)),
        (NIGHT | {"dnd_enabled": False}, ()),
        (NIGHT | {"dnd_enabled": "yes"}, ()),
        ({"dnd_enabled": True, "next_dnd_start_ts": 1, "next_dnd_end_ts": 1}, ()),
        (NIGHT | {"next_dnd_end_ts": None}, ()),
        (NIGHT | {"next_dnd_end_ts": True}, ()),
        (NIGHT | {"next_dnd_end_ts": "1780030000"}, ()),
        (NIGHT | {"next_dnd_end_ts": 10**30}, ()),
        (NIGHT | {"next_dnd_end_ts": float("nan")}, ()),
        (NIGHT | {"next_dnd_start_ts": -5}, ()),
        (
            {"snooze_enabled": True, "snooze_endtime": END.timestamp()},
            ((datetime.fromtimestamp(0, UTC), END),),
        ),
        ({"snooze_enabled": True}, ()),
        ({}, ()),
    ],
)
def test_spans_of_do_not_disturb_are_read_and_nothing_else_is_taken_for_one(
    answer: dict[str, object], spans: tuple[tuple[datetime, datetime], ...]
) -> None:
    assert silences_of(answer) == spans
