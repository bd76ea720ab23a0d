"""What is measured, in which unit, and what was promised."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the table.

    Attributes:
        key: Its name in what a benchmark returns and in the JSON file.
        at_most, at_least: The goal, if there is one.
    """

    key: str
    words: str
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    def goal(self) -> str:
        """Return the goal as people read it; empty for none."""
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return f"≥ {self.at_least:g}" if self.at_least is not None else ""

    def verdict(self, value: float) -> str:
        """Return whether the goal was met; empty for none."""
        if self.at_most is None and self.at_least is None:
            return ""
        met = (self.at_most is None or value <= self.at_most) and (
            self.at_least is None or value >= self.at_least
        )
        return "yes" if met else "no"


def _rules(count: int) -> tuple[Figure, ...]:
    name, goal = f"{count:,} SQL rules", 3000 if count >= 1000 else None
    return (
        Figure(
            "per_second", f"{name}, all due at once: evaluations a second", "1/s", at_least=goal
        ),
        Figure("cpu_ms", f"{name}: CPU of ours an evaluation", "ms"),
        Figure("database_cpu_ms", f"{name}: CPU of the database an evaluation", "ms"),
        Figure("slots_cpu_ms", f"{name}, in their slots over a minute: CPU of ours each", "ms"),
        Figure("writes", f"{name}, healthy: rows written an evaluation", "", at_most=0),
        Figure("flush_ms", f"{name}: the flush of their counts every 5 s", "ms"),
    )


FIGURES: dict[str, tuple[Figure, ...]] = {
    "rules-100": _rules(100),
    "rules-1000": _rules(1000),
    "rules-10000": _rules(10_000),
    "entities": (
        Figure("cpu_ms", "one rule over 10,000 healthy entities: CPU of ours", "ms", at_most=20),
        Figure(
            "database_cpu_ms", "one rule over 10,000 healthy entities: CPU of the database", "ms"
        ),
        Figure("wall_ms", "one rule over 10,000 healthy entities: until it is judged", "ms"),
    ),
    "endpoints": (
        Figure(
            "per_second", "1,000 endpoints on 1,000 origins: checks a second", "1/s", at_least=1500
        ),
        Figure("cpu_ms", "1,000 endpoints on 1,000 origins: CPU a check", "ms"),
    ),
    "storm": (
        Figure("judged_s", "10,000 entities turn bad: asked and judged", "s"),
        Figure(
            "stored_s",
            "a storm of 10,000 members, 3 messages: judged to committed",
            "s",
            at_most=1.5,
        ),
        Figure("cpu_s", "the same: CPU of ours", "s"),
        Figure("database_cpu_s", "the same: CPU of the database", "s"),
        Figure("recovered_s", "all its members recover: judged to committed", "s"),
    ),
    "apart": (
        Figure("judged_s", "10,000 entities turn bad, storms off: asked and judged", "s"),
        Figure(
            "stored_s", "10,000 incidents, 30,000 messages: judged to committed", "s", at_most=1.5
        ),
        Figure("cpu_s", "the same: CPU of ours", "s"),
        Figure("database_cpu_s", "the same: CPU of the database", "s"),
    ),
    "loading": (
        Figure("help_ratio", "`watchdog --help`: CPU in bare interpreters", "×", at_most=2.5),
        Figure(
            "check_100_ms",
            "`watchdog check`, 100 rules: CPU beyond the bare one",
            "ms",
            at_most=200,
        ),
        Figure("check_1000_ms", "`watchdog check`, 1,000 rules: CPU beyond it", "ms", at_most=1000),
        Figure("check_10000_ms", "`watchdog check`, 10,000 rules: CPU beyond it", "ms"),
    ),
    "sending": (
        Figure("instant_per_second", "outbox, receiver answers at once: messages a second", "1/s"),
        Figure("instant_cpu_ms", "the same: CPU of ours a message", "ms"),
        Figure("instant_database_cpu_ms", "the same: CPU of the database a message", "ms"),
        Figure(
            "built_in_per_second",
            "outbox, rendered and kept for the page: messages a second",
            "1/s",
            at_least=500,
        ),
        Figure("built_in_cpu_ms", "the same: CPU of ours a message", "ms"),
        Figure("built_in_database_cpu_ms", "the same: CPU of the database a message", "ms"),
    ),
    "packs": (
        Figure(
            "every_minute_ms",
            "packs on 1,000,000 rows a table: slowest of what is asked every minute",
            "ms",
            at_most=50,
        ),
        Figure("every_minute_cpu_ms", "the same: most CPU", "ms"),
        Figure("other_ms", "packs: slowest of what is asked less often", "ms", at_most=500),
        Figure("other_cpu_ms", "the same: most CPU", "ms"),
    ),
    "memory": (
        Figure("rss_mb", "`watchdog run` with 1,000 rules: RSS of its process", "MB", at_most=120),
        Figure("cpu_percent", "the same, every rule each minute: CPU of one core", "%"),
        Figure("database_mb", "the same: memory of its PostgreSQL, shared pages once", "MB"),
    ),
}
"""By the name of the benchmark that measures them."""
