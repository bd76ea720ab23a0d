"""Kinds that ask a source which nobody declares."""

import pytest

from tests.config_files import GOOD, codes, read
from watchdog.config.broken import sources_of
from watchdog.config.load import load_text

RULE = "{ files: { path: dumps/*.gz, max_age: 1d } }"


def test_such_a_rule_needs_no_source() -> None:
    loaded = read(f"{GOOD}  backup: {RULE}\n")
    assert loaded.config is not None
    rule = loaded.config.rules["backup"]
    assert (rule.kind.source, rule.team) == ("@files", "data")
    assert sources_of(rule.kind) == ()
    assert "@files" not in loaded.config.sources


def test_its_source_is_asked_only_where_a_rule_needs_it() -> None:
    without, loaded = read(GOOD), read(f"{GOOD}  backup: {RULE}\n")
    assert without.config is not None
    assert loaded.config is not None
    assert set(without.config.asked) == set(without.config.sources)
    assert set(loaded.config.asked) == {*loaded.config.sources, "@files"}


def test_its_paths_begin_at_the_folder_of_the_root_file() -> None:
    text = f"{GOOD}  backup: {RULE}\n"
    loaded = load_text(
        {"/etc/watch/rules.yaml": text}, "/etc/watch/rules.yaml", {"CRM_DSN": "postgres://x"}
    )
    assert loaded.config is not None
    assert loaded.config.asked["@files"].address.get_secret_value() == "/etc/watch"


def test_nobody_can_declare_it() -> None:
    text = GOOD.replace("sources:\n", 'sources:\n  "@files": { http: "https://x.example" }\n')
    assert codes(read(text)) == ["bad-name"]


def test_nobody_can_name_it() -> None:
    loaded = read(f'{GOOD}  backup: {{ files: {{ source: "@files", path: a, max_age: 1d }} }}\n')
    assert codes(loaded) == ["unknown-key"]


@pytest.mark.parametrize("key", ["unless: { exists: select 1 }", "evidence: { runs: select 1 }"])
def test_there_is_no_database_to_ask_beside_it(key: str) -> None:
    loaded = read(f"{GOOD}  backup: {RULE[:-1]}, {key} }}\n")
    assert codes(loaded) == ["wrong-source-type"]
