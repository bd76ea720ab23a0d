"""Text to nodes: whatever a file holds, there is a tree or a problem, and never an exception."""

import math
import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.config_files import ENV, GOOD
from watchdog.config.files import BYTES_MAX
from watchdog.config.load import load_text
from watchdog.config.nodes import Scalar, Table, find
from watchdog.config.problems import PROBLEMS_MAX
from watchdog.config.reading import parse
from watchdog.config.report import as_github, as_json, as_text
from watchdog.config.scalars import plain, resolve

MERGE_BOMB = "a: &a { k: v }\n" + "".join(
    f"{name}: &{name} {{ <<: [{', '.join([f'*{before}'] * 9)}] }}\n"
    for before, name in zip("abcdef", "bcdefg", strict=True)
)
BOMBS = {
    "brackets": "[" * 100_000,
    "braces": "{" * 100_000,
    "dashes": "- " * 50_000,
    "questions": "? " * 50_000,
    "nested lists": "a: " + "[a," * 30_000,
    "aliases": "a: &a [x]\nb: [" + "*a, " * 20_000 + "]",
    "anchors": "".join(f"k{i}: &a{i} x\n" for i in range(20_000)),
    "merges": MERGE_BOMB,
    "tags": "a: !!python/object/apply:os.system [id]",
    "one key": "a: 1\n" * 50_000,
    "digits": "version: " + "9" * 50_000,
    "quote": '"' + "x" * 200_000,
    "spaces": " " * 200_000,
    "references": "version: 1\nservice: { url: '" + "${" * 50_000 + "' }",
    "braces in a title": "version: 1\nrules: { a: { title: '" + "{{" * 50_000 + "' } }",
    "too large": "#" * (BYTES_MAX + 1),
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_at_once(text: str) -> None:
    began = time.process_time()
    loaded = load_text({"rules.yaml": text}, "rules.yaml", {})
    assert loaded.errors
    assert len(loaded.problems) < 3 * PROBLEMS_MAX
    assert as_text(loaded, "rules.yaml")
    assert time.process_time() - began < 5  # seconds: a bomb would take minutes


def check_anything(files: dict[str, str]) -> None:
    loaded = load_text(files, "rules.yaml", ENV, partial=True)
    assert loaded.problems or loaded.config
    as_text(loaded, "rules.yaml", colour=True)
    as_json({"rules.yaml": loaded})
    as_github({"rules.yaml": loaded})


@given(st.text(max_size=200))
@example("\ufeff")
@example("a: \ud800")
@example("? {a: b}\n: c")
@example("version: 1\nrules: { a: { stale: { source: [x] } } }")
@example("version: 1\nteams: { a: { oncall: [] } }\ndefaults: 7\nroutes: [{ when: 1 }]")
def test_any_text_is_read_without_an_exception(text: str) -> None:
    check_anything({"rules.yaml": text})


pieces = st.sampled_from(
    [
        *GOOD.split(),
        *("\n  ", "\n    ", "{", "}", "[", "]", ": ", "- ", "|", ">", "*a", "&a", "<<: ", "!!str"),
        *('"', "'", "# x", "${A}", "${", "{{ now }}", "{{ each.x }}", "{{", "\t", "---\n"),
    ]
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(pieces, max_size=60), st.integers(0, len(GOOD)))
def test_a_spoilt_configuration_is_read_without_an_exception(parts: list[str], at: int) -> None:
    check_anything({"rules.yaml": GOOD[:at] + " ".join(parts) + GOOD[at:]})


leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
sections = st.sampled_from(
    [
        "service",
        "channels",
        "defaults",
        "sources",
        "people",
        "teams",
        "routes",
        "templates",
        "rules",
    ]
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(sections, st.dictionaries(st.text(max_size=5), values, max_size=2) | values))
def test_sections_of_any_shape_are_read_without_an_exception(document: dict[str, object]) -> None:
    import json

    check_anything({"rules.yaml": json.dumps({"version": 1, **document})})


@given(st.text(alphabet="0123456789.eExXoO+-_:naif", max_size=12))
def test_a_number_is_finite_and_what_python_makes_of_it(text: str) -> None:
    value = resolve(text)
    if isinstance(value, float):
        assert math.isfinite(value)
        assert value == float(text)
    if isinstance(value, int) and not text.startswith("0"):
        assert value == int(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("23:00", "23:00"),
        ("1:30", "1:30"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1e3", 1000.0),
        ("1_000", "1_000"),
        (".nan", ".nan"),
        ("-.inf", "-.inf"),
        ("1e999", "1e999"),
        ("9" * 5000, "9" * 5000),
        ("2026-13-01", "2026-13-01"),
        ("~", None),
        ("", None),
        ("Null", None),
        ("true", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        (".5", 0.5),
        ("5.", 5.0),
        ("-12", -12),
        ("+", "+"),
        ("=", "="),
    ],
)
def test_plain_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


def test_quoted_values_are_text() -> None:
    root = parse("a: '1'\nb: \"true\"\nc: |\n  2\n", "f").root
    assert root is not None
    assert plain(root) == {"a": "1", "b": "true", "c": "2\n"}


def test_every_value_knows_where_it_stands() -> None:
    root = parse("a: 1\nb:\n  - x\n  - { é: yes }\n", "f").root
    assert isinstance(root, Table)
    spot = find(root, ("b", 1, "é"))
    assert spot.key is not None
    assert (spot.key.span.line, spot.key.span.column) == (4, 7)
    assert isinstance(spot.value, Scalar)
    assert (spot.span.line, spot.span.column, spot.span.end_column) == (4, 10, 13)


def test_a_path_that_leads_nowhere_ends_where_it_could_still_go() -> None:
    root = parse("a: { b: 1 }", "f").root
    assert root is not None
    assert find(root, ("a", "tuple[int, ...]", 7, "b")).span.column == 9


def test_windows_line_ends_and_a_byte_order_mark_are_fine() -> None:
    text = "\ufeffversion: 1\r\npeople: { ana: { email: ana@example.com } }\r\n"
    loaded = load_text({"rules.yaml": text}, "rules.yaml", {})
    assert loaded.problems == ()
    assert loaded.config is not None
    assert loaded.config.directory.people["ana"].email == "ana@example.com"
