"""Figures as Prometheus reads them: names, labels and values for known counts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from watchdog import metrics
from watchdog.delivery.figures import Figures
from watchdog.store.outbox import Tried
from watchdog.web.figures import _delivered

EACH = pytest.mark.parametrize("one", metrics.METRICS, ids=lambda one: one.name)
COUNTS = {
    "dead": "watchdog_dead_letters_total",
    "fallbacks": "watchdog_fallbacks_total",
    "superseded": "watchdog_edits_superseded_total",
    "withheld": "watchdog_messages_withheld_total",
    "fenced": "watchdog_results_fenced_total",
    "withdrawn": "watchdog_claims_withdrawn_total",
    "store_troubles": "watchdog_delivery_store_troubles_total",
    "lag_seconds_sum": "watchdog_delivery_lag_seconds_total",
    "lag_count": "watchdog_deliveries_total",
}


def read(figures: metrics.Figures) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return the values as a scrape finds them, by name and values of the labels."""
    text = metrics.exposition(figures).decode()
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_nothing_known_is_an_empty_answer() -> None:
    assert metrics.exposition({}) == b""


@EACH
@pytest.mark.parametrize("value", [0, 1, True, 2.5, 1e15, 1e-9])
def test_a_value_arrives_as_it_was(one: metrics.Metric, value: float) -> None:
    labels = tuple(f"label {number}" for number, _ in enumerate(one.labels))
    found = read({one.name: {labels: value}})
    assert sorted(found.values()) == [float(value)]
    assert next(iter(found))[0] == one.name


@EACH
def test_a_metric_without_values_is_named_and_has_none(one: metrics.Metric) -> None:
    assert read({one.name: {}}) == {}


def test_values_that_are_no_numbers_to_us_are_numbers_to_prometheus() -> None:
    found = read({"watchdog_engine_lag_seconds": {(): math.inf}})
    assert list(found.values()) == [math.inf]


def test_metrics_come_in_the_order_of_the_table() -> None:
    figures = {one.name: {tuple("x" for _ in one.labels): 1.0} for one in metrics.METRICS[::-1]}
    text = metrics.exposition(figures).decode()
    helps = [line.split()[2] for line in text.splitlines() if line.startswith("# HELP")]
    assert helps == [one.name for one in metrics.METRICS]


def test_all_unknown_figures_are_named_at_once() -> None:
    with pytest.raises(KeyError, match="b, c"):
        metrics.exposition({"c": {}, "watchdog_rules": {(): 1}, "b": {}})


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=12),
        st.integers(0, 10**9),
        max_size=5,
    )
)
def test_any_name_of_a_source_comes_back(sources: dict[str, int]) -> None:
    values: dict[metrics.Labels, float] = {(name, "ok"): count for name, count in sources.items()}
    found = read({"watchdog_evaluations_total": values})
    assert {tuple(reversed(labels)): value for (_, labels), value in found.items()} == values


def test_each_count_of_the_delivery_has_its_own_metric() -> None:
    given_figures = Figures(**{name: number for number, name in enumerate(COUNTS, 1)})  # type: ignore[arg-type]
    values = _delivered(given_figures)
    for number, name in enumerate(COUNTS.values(), 1):
        assert values[name] == {(): number}
    assert set(values) == {*COUNTS.values(), "watchdog_delivery_attempts_total"}


@pytest.mark.parametrize("tried", Tried)
def test_attempts_are_counted_by_outcome_and_those_that_never_were_are_0(tried: Tried) -> None:
    figures = Figures()
    figures.attempts[tried.value] = 4
    attempts = _delivered(figures)["watchdog_delivery_attempts_total"]
    assert attempts == {(one.value,): 4 if one is tried else 0 for one in Tried}


@EACH
def test_a_unit_stands_in_the_name_of_what_has_one(one: metrics.Metric) -> None:
    if "how long" in one.help.lower() or "by how much" in one.help.lower():
        assert "_seconds" in one.name
    assert not {"_ms", "_minutes", "_millis"} & {f"_{part}" for part in one.name.split("_")}


@EACH
def test_labels_are_bounded_by_the_configuration_or_the_code(one: metrics.Metric) -> None:
    assert set(one.labels) <= {"version", "source", "outcome", "severity", "state"}
    assert len(set(one.labels)) == len(one.labels)
