"""Files, includes and templates: from several texts to one configuration."""

import os
from pathlib import Path

import pytest

from tests.config_files import ENV, GOOD, codes, config_of, read
from watchdog.config.load import load

RULE = "{ queue: { source: crm, table: jobs, max_rows: 1 } }"
PART = f"rules:\n  more: {RULE}\n"


def test_includes_are_merged_by_name() -> None:
    config = config_of(GOOD + "include: [more.yaml]\n", more=PART)
    assert list(config.rules) == ["orders-stale", "more"]
    assert set(config.files) == {"rules.yaml", "more.yaml"}


def test_a_pattern_names_files_beside_the_file_on_disk(tmp_path: Path) -> None:
    (tmp_path / "rules.d" / "deep.yaml").mkdir(parents=True)
    (tmp_path / "rules.d" / "b.yaml").write_text(f"rules: {{ b: {RULE} }}")
    (tmp_path / "rules.d" / "a.yaml").write_text(f"include: b.yaml\nrules: {{ a: {RULE} }}")
    (tmp_path / "rules.d" / "not.txt").write_text("{")
    (tmp_path / "rules.yaml").write_text(GOOD + "include: [rules.d/*.yaml, nothing/*.yaml]\n")
    loaded = load(tmp_path / "rules.yaml", ENV)
    assert loaded.problems == ()
    assert loaded.config is not None
    assert set(loaded.config.rules) == {"orders-stale", "a", "b"}
    assert tmp_path / "rules.d" / "*.yaml" in loaded.watched
    assert tmp_path / "rules.d" / "b.yaml" in loaded.watched


def test_a_pattern_names_the_same_files_among_kept_texts() -> None:
    config = config_of(GOOD + "include: '*.yaml'\n".replace("*", "m*"), more=PART)
    assert "more" in config.rules


@pytest.mark.parametrize("kind", ["missing", "directory", "pipe", "secret", "name"])
def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "rules.yaml"
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "secret":
        path.symlink_to("rules.yaml")
    elif kind == "name":
        path = Path("rules\0.yaml")
    loaded = load(path, ENV, partial=True)
    assert loaded.config is None
    assert codes(loaded) == [
        {"missing": "missing-file", "directory": "not-a-file"}.get(kind, "unreadable-file")
    ]


def test_names_of_a_broken_file_are_not_called_missing() -> None:
    loaded = read(GOOD.replace("people:", "include: more.yaml\npeople:"), more="people: {")
    assert codes(loaded) == ["syntax"]
    text = f"version: 1\ninclude: more.yaml\ndefaults: {{ team: gone }}\nrules: {{ a: {RULE} }}\n"
    assert codes(read(text, more="teams: [")) == ["syntax"]


def test_a_template_makes_a_rule_of_each_set_of_values() -> None:
    config = config_of(
        GOOD
        + "templates:\n"
        + "  late:\n"
        + '    name: "{{ each.what }}-late"\n'
        + "    for_each:\n"
        + "      - { what: orders, rows: 10, team: data }\n"
        + "      - { what: carts, rows: 20, team: data }\n"
        + '    title: "{{ each.what }} of {{ entity.shop }}: {{ value }} of {{ each.rows }}"\n'
        + '    labels: { "{{ each.what }}": "{{each.team}}" }\n'
        + "    queue:\n"
        + '      { source: crm, table: "{{ each.what }}", max_rows: "{{ each.rows }}", entity: [shop] }\n'
    )
    rule = config.rules["carts-late"]
    assert rule.title == "carts of {{ entity.shop }}: {{ value }} of 20"
    assert rule.labels == {"carts": "data"}
    assert "orders-late" in config.rules
    assert config.rules["orders-late"].identity != rule.identity
    assert rule.place.line == config.rules["orders-late"].place.line + 1


def test_the_values_of_a_template_are_never_templates_themselves() -> None:
    config = config_of(
        GOOD
        + 'templates: { t: { name: "{{ each.x }}", for_each: [{ x: a, y: "{{ each.x }}" }], '
        + 'impact: "{{ each.y }}!", queue: { source: crm, table: t, max_rows: 1 } } }\n'
    )
    assert config.rules["a"].impact == "{{ each.x }}!"


def test_a_mistake_of_a_template_is_told_once_for_all_its_rules() -> None:
    each = "{{ each.x }}"
    values = ", ".join(f"{{ x: r{i} }}" for i in range(20))
    loaded = read(
        GOOD + f'templates: {{ t: {{ name: "{each}", for_each: [{values}], team: dta, '
        "queue: { source: crm, table: t, max_rows: 1 } } }\n"
    )
    assert codes(loaded) == ["unknown-team"]
    assert loaded.rules == 21
