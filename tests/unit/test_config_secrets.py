"""What comes from outside the file: put in place, and never shown."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config_files import GOOD, codes
from watchdog.config.load import Loaded, load, load_text
from watchdog.config.report import as_github, as_json, as_text
from watchdog.config.secrets import cover

CANARY = "c4n4ry-value"


def load_with(text: str, env: dict[str, str]) -> Loaded:
    return load_text({"rules.yaml": text}, "rules.yaml", env, partial=True)


def everything_said(loaded: Loaded) -> str:
    results = {"rules.yaml": loaded}
    return "\n".join(
        [as_text(loaded, "rules.yaml"), as_json(results), as_github(results), repr(loaded.problems)]
    )


@pytest.mark.parametrize(
    ("written", "env", "value"),
    [
        ("https://${HOST}", {"HOST": "a.example.com"}, "https://a.example.com"),
        ("${A}${B}", {"A": "https://a", "B": ".example.com"}, "https://a.example.com"),
        ("${A:-https://d.example.com}", {}, "https://d.example.com"),
        ("${A:-https://d.example.com}", {"A": ""}, "https://d.example.com"),
        ("${A:-https://d.example.com}", {"A": "https://a"}, "https://a"),
        ("https://a/$${A}", {"A": "x"}, "https://a/${A}"),
        ("https://a/$A", {"A": "x"}, "https://a/$A"),
        ("${A}", {"A": "https://a/${B}#:{"}, "https://a/${B}#:{"),
    ],
)
def test_references_are_replaced_once_and_only_as_values(
    written: str, env: dict[str, str], value: str
) -> None:
    loaded = load_with(f'version: 1\nservice: {{ url: "{written}" }}\n', env)
    assert loaded.errors == ()
    assert loaded.config is not None
    assert loaded.config.service.url == value


def test_references_in_keys_stay_as_they_are() -> None:
    loaded = load_with('version: 1\npeople: { "${A}": { email: a@example.com } }\n', {"A": "ana"})
    assert codes(loaded) == ["bad-name"]


def test_a_missing_variable_is_one_mistake_and_no_more() -> None:
    loaded = load_text({"rules.yaml": GOOD}, "rules.yaml", {})
    assert codes(loaded) == ["missing-variable"]
    assert loaded.problems[0].place.line == 9


@pytest.mark.parametrize(
    "path",
    [
        "service.store",
        "channels.slack.token",
        "channels.slack.app_token",
        "channels.slack.signing_secret",
        "channels.email.smtp",
    ],
)
def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path, path: str) -> None:
    secret = f"smtp://u:{CANARY}@127.0.0.1"
    (tmp_path / "secret").write_text(f"{secret}\n")
    section, *rest = path.split(".")
    text = f"version: 1\n{section}: " + "".join(f"{{ {key}: " for key in rest)
    (tmp_path / "rules.yaml").write_text(f"{text}'file:{tmp_path}/secret'" + "}" * len(rest))
    loaded = load(tmp_path / "rules.yaml", {})
    assert loaded.problems == ()
    config = loaded.config
    assert config is not None
    slack = config.slack
    of_slack = (slack.token, slack.app_token, slack.signing_secret)
    secrets = (config.service.store, *of_slack, config.email.smtp)
    assert secret in {one.get_secret_value() for one in secrets}
    assert CANARY not in repr(config)
    assert tmp_path / "secret" in loaded.watched


def test_a_file_is_read_for_secrets_only(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(CANARY)
    loaded = load_with(GOOD.replace("U02RAJ", f"file:{tmp_path}/secret"), {"CRM_DSN": "x"})
    assert "bad-slack" in codes(loaded)


@given(st.sampled_from(["source", "table", "column", "max_age", "entity"]), st.integers(0, 2))
def test_no_message_shows_a_value_of_the_environment(field: str, kind: int) -> None:
    value = ["${X}", "a ${X} b", "{ warning: '${X}', critical: '${X}' }"][kind]
    text = GOOD.replace("{ source: crm, ", "{ ").replace(f"{field}: ", "x-was: ", 1)
    body = f"{{ {field}: {value if kind == 2 else json.dumps(value)}, "
    loaded = load_with(
        text.replace("stale: { ", f"stale: {body}"), {"X": CANARY, "CRM_DSN": CANARY}
    )
    assert loaded.errors
    assert CANARY not in everything_said(loaded)


@pytest.mark.parametrize(
    "line",
    [
        "channels: { slack: { token: xoxb-1234-c4n4ry-value } , x: }",
        "channels: { slack: { token: c4n4ry-value }, x: }",
        "channels: { slack: { tokn: c4n4ry-value } }",
        "channels: { slack: { signing_secret: c4n4ry-value }, x: }",
        "channels: { slack: { app_token: c4n4ry-value }, x: }",
        "channels: { slack: { signing-secret: c4n4ry-value } }",
        "channels: { slack: { sining_secrt: c4n4ry-value } }",
        "channels: { email: { smtp: 'smtp://me:c4n4ry-value@host', x: } }",
        "sources: { a: { postgres: 'postgres://me:c4n4ry-value@host/db', x: } }",
        "sources: { a: { postgres: 'postgres://me:p/a@c4n4ry-value@host/db', x: } }",
        "sources: { a: { http: 'https://h', headers: { X-Key: c4n4ry-value }, x: } }",
        "sources: { a: { http: 'https://h?password=c4n4ry-value', x: } }",
        "sources: { a: { pasword: c4n4ry-value } }",
        "rules: { a: { http: { headers: { Authorization: 'Bearer c4n4ry-value' }, x: } } }",
        "service: { api_key: c4n4ry-value }",
    ],
)
def test_no_excerpt_shows_a_secret_that_stands_in_the_file(line: str) -> None:
    loaded = load_with(f"version: 1\n{line}\n", {})
    assert loaded.errors
    assert CANARY not in everything_said(loaded)


@pytest.mark.parametrize(
    "secret",
    [
        "channels: { slack: { token: xoxb-1234567-abcdefg } }",
        "channels: { slack: { token: anything } }",
        "channels: { slack: { signing_secret: anything } }",
        "channels: { slack: { app_token: anything } }",
        "service: { store: 'postgres://me:pw@host/db' }",
    ],
)
def test_a_secret_in_the_file_is_a_warning(secret: str) -> None:
    loaded = load_with(f"version: 1\n{secret}\n", {})
    assert codes(loaded) == ["written-secret"]
    assert loaded.errors == ()


@given(st.text(max_size=80))
def test_a_covered_line_keeps_its_columns(line: str) -> None:
    assert len(cover(line)) == len(line)


def test_references_are_not_covered() -> None:
    line = 'slack: { token: "${SLACK_BOT_TOKEN}" }'
    assert cover(line) == line
