"""The volume kind on its own samples: what it remembers from hour to hour."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.base import ROWS_MAX, Judgement, Outcome, Past, Rows
from rules.buckets import Compared, bucket
from rules.samples import Samples, recalled
from rules.volume import Volume
from tests.looks import Looks
from tests.postgres import NIGHT as NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
A = (("org", "a"),)
ZONE = ZoneInfo("UTC")


def volume(**more: Any) -> Volume:
    settings = {
        "source": "db", "table": "t", "column": "at", "per": "1h", "allow": "..400%",
        "compare_to": "same hour of the last 1 week", "history": "samples", "entity": "org",
    }  # fmt: skip
    return Volume.model_validate(settings | more)


class Hours(Looks):
    """Looks a few minutes after the end of an hour, day after day."""

    def __init__(self, kind: Volume) -> None:
        super().__init__(kind, name="sqlite", time="epoch_s")
        self.now = NOW.replace(minute=2)
        self.asked = 0

    def look(
        self, counts: Mapping[str, float], after: timedelta = DAY, watched: tuple[Any, ...] = ()
    ) -> Judgement:
        """Look when the last hour had so many rows of each organisation."""
        self.now += after
        rows = [{"e0": org, "b": 0, "seen": n, "n": float(n)} for org, n in counts.items()]
        answers: tuple[tuple[Rows, ...], ...] = ()
        while self.kind.ask(self.context(watched), answers):
            self.asked += 1
            answers = (*answers, (Rows(rows if not answers else []),))
        return self.judge(answers, watched)

    def days(self, count: int, counts: Mapping[str, float]) -> Judgement:
        return [self.look(counts) for _ in range(count)][-1]


def test_an_hour_is_compared_with_the_samples_of_that_hour() -> None:
    hours = Hours(volume())
    assert hours.days(3, {"a": 20, "b": 20}).outcome is Outcome.NO_DATA
    (found,) = hours.look({"a": 100, "b": 25}).findings
    assert (found.entity, found.fact) == (A, "100 (usually 20, max 400%)")


def test_other_hours_are_not_compared_with() -> None:
    hours = Hours(volume())
    hours.days(4, {"a": 20})
    assert hours.look({"a": 500}, after=HOUR).outcome is Outcome.NO_DATA


def test_a_flood_in_an_hour_that_is_usually_quiet_is_found() -> None:
    hours = Hours(volume(ignore_below=200))
    hours.look({"a": 20}, after=-3 * DAY - HOUR)
    hours.look({}, after=HOUR)
    hours.days(2, {})
    assert hours.look({"a": 199}).outcome is Outcome.OK
    (found,) = hours.look({"a": 200, "new": 5000}).findings
    assert (found.entity, found.fact) == (A, "200 (usually 0, max 400%)")


def test_a_bucket_is_counted_once_and_told_until_the_next() -> None:
    hours = Hours(volume())
    hours.days(3, {"a": 20})
    first = hours.look({"a": 100})
    asked, written = hours.asked, hours.written
    again = hours.look({"a": 5}, after=timedelta(minutes=50), watched=(A,))
    assert again.findings == first.findings
    assert (hours.asked, hours.written) == (asked, written)


def test_a_healthy_hour_writes_its_sample_and_nothing_else() -> None:
    hours = Hours(volume())
    hours.days(4, {"a": 20})
    before = hours.written
    for _ in range(20):
        hours.look({"a": 20}, after=timedelta(minutes=1))
    assert hours.written == before
    hours.look({"a": 20}, after=DAY - timedelta(minutes=20))
    assert hours.written == before + 2


def test_an_hour_in_which_nobody_looked_is_left_out() -> None:
    hours = Hours(volume())
    hours.days(4, {"a": 20})
    late = hours.look({"a": 900}, after=HOUR + timedelta(minutes=40), watched=(A,))
    assert (late.outcome, late.unknown) == (Outcome.NO_DATA, (A,))
    on_time = hours.look({"a": 20}, after=DAY - HOUR - timedelta(minutes=40), watched=(A,))
    assert [one.fact for one in on_time.readings] == ["20 (usually 20)"]


def test_what_is_bad_is_no_past() -> None:
    hours = Hours(volume())
    hours.days(3, {"a": 20, "b": 20})
    for _ in range(4):
        assert [one.entity for one in hours.look({"a": 100, "b": 20}, watched=(A,)).findings] == [A]
    (reading,) = hours.look({"a": 20, "b": 20}, watched=(A,)).readings
    assert reading.fact == "20 (usually 20)"


def test_what_stays_bad_for_long_is_usual_in_the_end() -> None:
    hours = Hours(volume(accept_after="2d"))
    hours.days(3, {"a": 20})
    hours.look({"a": 100})
    hours.past = (Past(A, hours.now - HOUR),)
    outcomes = [hours.look({"a": 100}, watched=(A,)).outcome for _ in range(9)]
    assert outcomes[0] is Outcome.BAD
    assert outcomes[-1] is Outcome.OK


def test_a_drop_to_nothing_is_found() -> None:
    hours = Hours(volume(allow="50%..", compare_to="same weekday of the last 4 weeks"))
    for _ in range(3):
        hours.look({"a": 20, "b": 20}, after=7 * DAY)
    (found,) = hours.look({"b": 20}, after=7 * DAY).findings
    assert (found.entity, found.value) == (A, 0.0)


def test_no_rows_may_be_nothing_to_judge() -> None:
    hours = Hours(volume(allow="50%..", if_empty="no_data"))
    hours.days(4, {"a": 20})
    assert hours.look({}).findings == ()
    assert [one.value for one in hours.look({"a": 5}).findings] == [5.0]


def test_without_a_column_all_rows_there_are_count() -> None:
    level = volume(column=None, entity=[], allow="50%..")
    hours = Hours(level)
    (question,) = level.ask(hours.context(), ())
    assert "at" not in question.text.split("from t where", 1)[1]  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"at":[1],"of":{"a":[1,2]}}'])
def test_what_cannot_be_read_any_more_is_not_there(text: str) -> None:
    hours = Hours(volume())
    hours.days(3, {"a": 20})
    for key in hours.remembered:
        hours.remembered[key] = text
    assert hours.look({"a": 900}).outcome is Outcome.NO_DATA
    hours.days(2, {"a": 20})
    assert hours.look({"a": 20}, watched=(A,)).outcome is Outcome.OK


def test_what_is_remembered_is_bounded() -> None:
    many = {f"org-{number}": 1.0 for number in range(ROWS_MAX + 5)}
    first = bucket(NOW.date(), 0, HOUR, ZONE)
    seen = Samples().with_one(first, many, ())
    assert len(seen.first_seen) == ROWS_MAX


keys = st.sampled_from(["a", "b", "c"])


@given(st.lists(st.dictionaries(keys, st.integers(0, 9).map(float)), max_size=6), st.booleans())
def test_samples_are_read_back_as_they_were_written(
    history: list[dict[str, float]], zeros: bool
) -> None:
    compared, missing = Compared("hour", 1), 0.0 if zeros else None
    remembered: dict[str, str] = {}
    samples = Samples(missing=missing)
    for number, counts in enumerate(history):
        now = bucket(NOW.date() + number * DAY, 3, HOUR, ZONE)
        samples = samples.with_one(now, counts, ())
        remembered = {"03:00": samples.text(), "entities": samples.entities()}
        after = bucket(NOW.date() + (number + 1) * DAY, 3, HOUR, ZONE)
        samples = recalled(remembered, after, compared, missing)
    for key in "abc":
        first = next((place for place, counts in enumerate(history) if key in counts), None)
        known = [] if first is None else [counts.get(key, missing) for counts in history[first:]]
        assert [value for _, value in samples.of(key)] == [one for one in known if one is not None]
