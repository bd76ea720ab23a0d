"""The manifests in the documents ask Slack for what the code uses, and for nothing else."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from notifiers.slack_commands import COMMAND
from notifiers.slack_scopes import APP_SCOPE, BOT_SCOPES, NEEDED_BY, lacking
from watchdog.web.commands import _COMMANDS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs/slack"
ROADS = ("socket", "requests")
_METHOD = re.compile(r'["/]((?:chat|conversations|views|dnd|auth|apps|users|im)\.[a-zA-Z.]+)["?]')


def manifest(road: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DOCS / f"manifest-{road}.yaml").read_text())
    return found


def called() -> set[str]:
    sources = [*ROOT.glob("notifiers/*.py"), *ROOT.glob("watchdog/**/*.py")]
    return {
        method
        for source in sources
        if source.name != "slack_scopes.py"
        for method in _METHOD.findall(source.read_text())
    }


def test_each_method_that_is_called_is_known_with_its_scopes() -> None:
    assert called() == set(NEEDED_BY)


@pytest.mark.parametrize("road", ROADS)
def test_a_manifest_has_the_scopes_that_the_code_needs(road: str) -> None:
    needed = {scope for scopes in NEEDED_BY.values() for scope in scopes} | {"commands"}
    assert set(manifest(road)["oauth_config"]["scopes"]["bot"]) == needed == set(BOT_SCOPES)


@pytest.mark.parametrize("road", ROADS)
def test_a_manifest_has_the_command_with_all_that_it_understands(road: str) -> None:
    [command] = manifest(road)["features"]["slash_commands"]
    assert command["command"] == COMMAND
    hint = {one.split()[0] for one in command["usage_hint"].split(" | ")}
    assert hint == set(_COMMANDS) - {"ack"}
    assert len(command["description"]) <= 2000
    assert len(command["usage_hint"]) <= 1000


def test_each_manifest_switches_on_its_own_road() -> None:
    socket, requests = (manifest(road)["settings"] for road in ROADS)
    assert (socket["socket_mode_enabled"], requests["socket_mode_enabled"]) == (True, False)
    assert socket["interactivity"] == {"is_enabled": True}
    url = requests["interactivity"]["request_url"]
    assert url == "https://watchdog.example.com/slack/actions"
    [command] = manifest("requests")["features"]["slash_commands"]
    assert command["url"] == url


def test_the_guide_names_every_scope_and_both_manifests() -> None:
    guide = (ROOT / "docs/slack.md").read_text()
    for name in (*BOT_SCOPES, APP_SCOPE, *(f"slack/manifest-{road}.yaml" for road in ROADS)):
        assert name in guide


def test_what_a_bot_lacks_is_said_with_what_does_not_work_then() -> None:
    assert lacking(frozenset(BOT_SCOPES)) == []
    assert lacking(frozenset(BOT_SCOPES) - {"commands"}) == ["commands (/watchdog is answered)"]
