"""Every metric: its name, its type, what it says. A figure that is not in this table is refused."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[str, ...]
Figures = Mapping[str, Mapping[Labels, float]]
"""Values by name of the metric and values of its labels, in the order of the table."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        kind: `gauge` or `counter`. Counters end in `_total`.
        help: One sentence, without a full stop. The unit is in the name.
        labels: Only what the configuration or the code bounds, never data.
    """

    name: str
    kind: str
    help: str
    labels: Labels = ()


METRICS: tuple[Metric, ...] = (
    Metric(
        "watchdog_build_info", "gauge", "Always 1; the label is the running release", ("version",)
    ),
    Metric("watchdog_last_reload_ok", "gauge", "1 while the files as they are now are in force"),
    Metric("watchdog_leading", "gauge", "1 while this replica looks at the rules"),
    Metric("watchdog_rules", "gauge", "Rules that are declared, broken ones among them"),
    Metric(
        "watchdog_rules_not_watched",
        "gauge",
        "Rules that were not looked at for two of their intervals, fail, or are broken",
    ),
    Metric(
        "watchdog_evaluations_total",
        "counter",
        "Looks at rules by what came of them; only while this replica leads",
        ("source", "outcome"),
    ),
    Metric(
        "watchdog_slots_missed_total",
        "counter",
        "Slots in which a rule was not looked at; only while this replica leads",
    ),
    Metric(
        "watchdog_engine_lag_seconds",
        "gauge",
        "By how much the latest look was later than its slot",
    ),
    Metric("watchdog_incidents", "gauge", "Incidents that are not resolved", ("severity", "state")),
    Metric(
        "watchdog_delivery_attempts_total",
        "counter",
        "Attempts of this replica to deliver a message, by outcome",
        ("outcome",),
    ),
    Metric("watchdog_dead_letters_total", "counter", "Messages that this replica has given up"),
    Metric(
        "watchdog_fallbacks_total",
        "counter",
        "Messages written to somebody else instead of a dead one",
    ),
    Metric("watchdog_edits_superseded_total", "counter", "Edits that a newer one has replaced"),
    Metric(
        "watchdog_messages_withheld_total",
        "counter",
        "Messages not sent by this replica, as a silence or another incident hides theirs",
    ),
    Metric("watchdog_silences_active", "gauge", "Silences that hold now"),
    Metric(
        "watchdog_results_fenced_total",
        "counter",
        "Results that came after another worker had taken the message over",
    ),
    Metric(
        "watchdog_claims_withdrawn_total",
        "counter",
        "Messages that were claimed and given back unsent",
    ),
    Metric(
        "watchdog_delivery_store_troubles_total", "counter", "Passes that the store has broken off"
    ),
    Metric(
        "watchdog_delivery_lag_seconds_total",
        "counter",
        "From the due time of messages to their arrival, summed up",
    ),
    Metric(
        "watchdog_deliveries_total",
        "counter",
        "Messages that have arrived: what to divide the lag by",
    ),
    Metric(
        "watchdog_messages",
        "gauge",
        "Messages that have not arrived yet, of all replicas",
        ("state",),
    ),
    Metric("watchdog_messages_dead", "gauge", "Messages given up in the last day, by all replicas"),
    Metric(
        "watchdog_oldest_due_message_age_seconds",
        "gauge",
        "How long the oldest message has been due that has not arrived; 0 without any",
    ),
    Metric(
        "watchdog_slack_socket_open",
        "gauge",
        "1 while Slack can tell this replica over its socket what is pressed",
    ),
    Metric("watchdog_page_streams", "gauge", "Browser tabs that this replica keeps up to date"),
)

_BY_NAME = {one.name: one for one in METRICS}


def exposition(figures: Figures) -> bytes:
    """Return the figures as Prometheus reads them.

    Raises:
        KeyError: A figure is not in the table.
    """
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
    from prometheus_client.core import Metric as Family
    from prometheus_client.registry import Collector

    unknown = set(figures) - set(_BY_NAME)
    if unknown:
        raise KeyError(f"not in the table of metrics: {', '.join(sorted(unknown))}")

    class Once(Collector):
        def collect(self) -> Iterator[Family]:
            for one in METRICS:
                if one.name in figures:
                    make = CounterMetricFamily if one.kind == "counter" else GaugeMetricFamily
                    family = make(one.name, one.help, labels=one.labels)
                    for labels, value in figures[one.name].items():
                        family.add_metric(labels, value)
                    yield family

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Once())
    return generate_latest(registry)


def metrics_table() -> str:
    """Return the table of `docs/metrics.md`."""
    rows = [("Metric", "Type", "Labels", "What it says"), ("---", "---", "---", "---")]
    rows += [
        (f"`{one.name}`", one.kind, ", ".join(f"`{name}`" for name in one.labels), one.help)
        for one in METRICS
    ]
    return "\n".join(_row(row) for row in rows) + "\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
