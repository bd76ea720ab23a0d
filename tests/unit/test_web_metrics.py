"""The table of metrics."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from watchdog import metrics


def test_a_figure_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(KeyError, match="not in the table of metrics: watchdog_surprise"):
        metrics.exposition({"watchdog_surprise": {(): 1}})


def test_every_metric_can_be_read_back_with_its_help_and_labels() -> None:
    figures = {one.name: {tuple('a"b\n\\' for _ in one.labels): 2.5} for one in metrics.METRICS}
    text = metrics.exposition(figures).decode()
    read = {
        sample.name: (family, sample)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    for one in metrics.METRICS:
        family, sample = read[one.name]
        assert (family.type, family.documentation) == (one.kind, one.help)
        assert sample.labels == dict.fromkeys(one.labels, 'a"b\n\\')
        assert sample.value == 2.5


@pytest.mark.parametrize("one", metrics.METRICS, ids=lambda one: one.name)
def test_names_follow_prometheus(one: metrics.Metric) -> None:
    assert re.fullmatch(r"watchdog_[a-z_]+", one.name)
    assert one.name.endswith("_total") == (one.kind == "counter")
    assert one.kind in {"counter", "gauge"}
    assert one.help
    assert not one.help.endswith(".")


def test_names_are_told_apart() -> None:
    assert len({one.name for one in metrics.METRICS}) == len(metrics.METRICS)


def test_the_table_has_a_row_for_each() -> None:
    table = metrics.metrics_table()
    for one in metrics.METRICS:
        assert f"| `{one.name}` | {one.kind} |" in table


def test_the_page_in_the_docs_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "metrics.md"
    assert metrics.metrics_table() in page.read_text(encoding="utf-8")
