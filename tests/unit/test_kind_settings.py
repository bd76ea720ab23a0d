"""What the settings of kinds accept, and what makes two rules watch the same thing."""

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from rules.registry import KINDS
from rules.settings import CommonSettings

GOOD: dict[str, dict[str, Any]] = {
    "stale": {"source": "db", "table": "t", "column": "at", "max_age": "30m"},
    "failures": {
        "source": "db",
        "table": "t",
        "column": "status",
        "failed": ["failed"],
        "succeeded": ["success"],
        "order_by": "at",
    },
    "queue": {"source": "db", "table": "t", "max_rows": 5},
    "stuck": {
        "source": "db",
        "table": "t",
        "column": "status",
        "is": "running",
        "since": "at",
        "max_age": "30m",
    },
    "http": {"source": "web", "url": "/healthz"},
    "sql": {"source": "db", "query": "select 1"},
    "duration": {
        "source": "db",
        "table": "t",
        "took": "ms",
        "unit": "ms",
        "order_by": "at",
        "last": 20,
        "compare_to": "28d",
    },
    "ratio": {
        "source": "db",
        "table": "t",
        "good": "status = 'success'",
        "column": "at",
        "over": "1d",
        "min": "90%",
    },
    "duplicates": {"source": "db", "table": "t", "columns": ["id"]},
    "heartbeat": {"key": "nightly-backup", "expect": {"every": "1d"}},
    "files": {"path": "/backups/*.dump", "max_age": "1d"},
    "logs": {"files": "/var/log/api.log", "where": {"level": "ERROR"}, "max": 5},
    "cursor": {"source": "db", "table": "t", "column": "at"},
    "schedule": {"source": "db", "table": "t", "last_run": "at", "interval": "15m"},
    "volume": {
        "source": "db",
        "table": "t",
        "column": "at",
        "per": "1h",
        "compare_to": "same hour of the last 4 weeks",
        "allow": "30%..300%",
    },
    "match": {
        "source": "db",
        "query": "select 1 as n",
        "with": "other",
        "with_query": "select 2 as n",
        "value": "n",
    },
}
LIMITS: dict[str, dict[str, Any]] = {
    "stale": {"max_age": {"warning": "1h", "critical": "2h"}, "if_empty": "bad"},
    "failures": {"in_a_row": 7},
    "queue": {"max_rows": 9},
    "stuck": {"max_age": "2d"},
    "http": {"expect": {"status": 204, "within": "1s"}, "headers": {"Authorization": "x"}},
    "sql": {"max": 5, "class": "data_logic"},
    "duration": {"max": "5m", "factor": {"warning": 3, "critical": 9}, "ignore_below": 5},
    "ratio": {"min": {"warning": 0.9, "critical": "50%"}, "ignore_below": 5},
    "duplicates": {"max": {"warning": 3, "critical": 9}, "class": "none"},
    "heartbeat": {"expect": {"daily": "03:00"}, "grace": "2h", "max_run": "1h"},
    "files": {"max_age": "2d", "min_size": "1GB", "min_share": "50%"},
    "logs": {"max": 9, "silent_for": "5m", "factor": 3, "compare_to": "1h", "ignore_below": 5},
    "cursor": {"may": {"stand_still": "1d"}, "accept_after": "2h"},
    "schedule": {"grace": {"warning": "5m", "critical": "1h"}, "in_a_row": 3, "if_never": "bad"},
    "volume": {"allow": {"critical": "..900%"}, "ignore_below": 50, "accept_after": "2d"},
    "match": {"max": {"warning": 1, "critical": 9.5}},
}


def kind(name: str, **more: Any) -> CommonSettings:
    return KINDS[name].model_validate(GOOD[name] | more)


def refusal(name: str, **more: Any) -> dict[str, Any]:
    """Return the only error of settings."""
    with pytest.raises(ValidationError) as caught:
        kind(name, **more)
    (error,) = caught.value.errors()
    return dict(error)


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_reads_its_settings_and_cannot_be_changed(name: str) -> None:
    made = kind(name)
    assert getattr(made, "source", "").lstrip("@")
    with pytest.raises(ValidationError):
        made.failure_class = "other"


@pytest.mark.parametrize("name", KINDS)
def test_an_unknown_key_is_refused(name: str) -> None:
    error = refusal(name, treshold=5)
    assert (error["loc"], error["type"]) == (("treshold",), "extra_forbidden")


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_a_json_schema(name: str) -> None:
    schema = KINDS[name].model_json_schema()
    assert set(GOOD[name]) <= set(schema["properties"])


@pytest.mark.parametrize("name", KINDS)
def test_a_new_limit_watches_the_same_thing(name: str) -> None:
    assert kind(name).identity() == kind(name, **LIMITS[name]).identity()


@pytest.mark.parametrize("name", [name for name in KINDS if "source" in GOOD[name]])
def test_another_source_is_another_thing(name: str) -> None:
    assert kind(name).identity() != kind(name, source="other").identity()


def test_an_identity_is_equal_in_another_process() -> None:
    code = (
        "from rules.registry import KINDS;"
        f"print(*(KINDS[n].model_validate(s).identity() for n, s in {GOOD!r}.items()))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == [kind(name).identity() for name in GOOD]


def test_a_whole_number_is_the_same_setting_as_its_decimal() -> None:
    assert kind("logs", percentile=90).identity() == kind("logs", percentile=90.0).identity()


def test_an_identity_holds_no_secret() -> None:
    assert "hunter2" not in kind("http", url="/x?key=hunter2", body="hunter2").identity()


def test_the_contracts_alone_load_no_kind() -> None:
    code = "import sys, rules.base; print('pydantic' in sys.modules, 're2' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False", "False"]


def test_the_names_of_kinds_load_no_kind() -> None:
    code = (
        "import sys; from rules.registry import KINDS;"
        "print(list(KINDS), 'sql' in KINDS, 'sqll' in KINDS, len(KINDS));"
        "print('pydantic' in sys.modules, 'rules.sql' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == [f"{list(GOOD)} True False {len(GOOD)}", "False False"]


@pytest.mark.parametrize(
    ("column", "name"),
    [("o.id", "id"), ('"orgId"', "orgId"), ("p->>'ws'", "ws"), ('"a""b"', 'a"b'), ("x", "x")],
)
def test_an_entity_is_named_by_the_last_part_of_its_column(column: str, name: str) -> None:
    assert kind("stale", entity=column).entity == (name,)


@pytest.mark.parametrize(
    ("name", "settings", "place", "error"),
    [
        ("stale", {"entity": ["a.id", "b.id"]}, ("entity",), "same_column"),
        ("stale", {"from": "a join b using (id)"}, (), "one_of"),
        ("stale", {"zone": "Mars/Base"}, ("zone",), "bad_zone"),
        ("stale", {"where": "a = {{ today }}"}, ("where",), "bad_sql"),
        ("failures", {"succeeded": ["failed"]}, (), "both"),
        ("failures", {"in_a_row": 0}, ("in_a_row",), "bad_count"),
        ("queue", {"max_rows": None}, (), "one_of"),
        ("queue", {"max_wait": "5m"}, (), "needs"),
        ("http", {"url": "healthz"}, ("url",), "bad_url"),
        ("http", {"url": "//evil"}, ("url",), "bad_url"),
        ("http", {"url": "https://{{ entity.x }}/"}, ("url",), "bad_url"),
        ("http", {"url": "/{{ now }}"}, ("url",), "bad_placeholder"),
        ("http", {"url": "/{{ entity.x }}"}, (), "unknown_column"),
        ("http", {"entity": ["x"]}, (), "one_of"),
        ("http", {"body": 5}, ("body",), "bad_body"),
        ("http", {"headers": {"a b": "c"}}, ("headers",), "bad_header"),
        ("http", {"headers": {"a": "c\nd"}}, ("headers",), "bad_header"),
        ("http", {"expect": {"sttaus": 1}}, ("expect", "sttaus"), "bad_path"),
        ("http", {"expect": {"body.a": "> b"}}, ("expect", "body.a"), "bad_comparison"),
        ("http", {"expect": {"status": 99}}, ("expect", "status", 0), "greater_than_equal"),
        ("failures", {"order_by": ""}, ("order_by",), "bad_column"),
        ("failures", {"changed": "at"}, (), "needs"),
        ("failures", {"of": "changes"}, (), "needs"),
        ("cursor", {"may": {"go_back": True}}, (), "one_of"),
        ("volume", {"per": "7h"}, ("per",), "bad_duration"),
        ("volume", {"per": "2d"}, ("per",), "bad_duration"),
        ("volume", {"ignore_below": -1}, ("ignore_below",), "bad_number"),
        ("volume", {"column": None}, (), "needs"),
        ("volume", {"sum": "a", "average": "b"}, (), "one_of"),
        ("sql", {"query": "delete from t"}, ("query",), "bad_sql"),
        ("sql", {"query": "select {{ entity.x }}"}, ("query",), "bad_sql"),
        ("sql", {"new_only": {"within": "1h"}}, ("new_only",), "one_of"),
        ("sql", {"max": 1, "new_only": {"column": "at", "within": "1h"}}, (), "one_of"),
    ],
)
def test_a_mistake_is_told_at_its_place(
    name: str, settings: dict[str, Any], place: tuple[str, ...], error: str
) -> None:
    found = refusal(name, **settings)
    assert (found["type"], tuple(p for p in found["loc"] if p != "[key]")) == (error, place)
