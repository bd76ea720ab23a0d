"""What the file says of Slack."""

import pytest

from tests.config_files import codes
from watchdog.config.load import Loaded, load_text
from watchdog.config.model import SlackChannel

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


def loaded(slack: str, **env: str) -> Loaded:
    text = f"version: 1\nchannels: {{ slack: {{ {slack} }} }}\n"
    return load_text({"rules.yaml": text}, "rules.yaml", env)


def slack_of(slack: str, **env: str) -> SlackChannel:
    config = loaded(slack, **env).config
    assert config is not None
    return config.slack


def test_with_a_signing_secret_messages_have_buttons() -> None:
    slack = slack_of('signing_secret: "${SIGNING}", workspace: T0123ABCD', SIGNING=SECRET)
    assert slack.has_buttons
    assert slack.signing_secret.get_secret_value() == SECRET
    assert slack.workspace == "T0123ABCD"
    assert SECRET not in repr(slack)


def test_with_an_app_token_too() -> None:
    slack = slack_of('app_token: "${APP}"', APP="xapp-1-secret")
    assert slack.has_buttons
    assert slack.app_token.get_secret_value() == "xapp-1-secret"
    assert "xapp" not in repr(slack)


@pytest.mark.parametrize(
    "said",
    ["", "signing_secret: '${SIGNING:-}', workspace: '${TEAM:-}', app_token: '${APP_TOKEN:-}'"],
)
def test_without_one_they_have_none(said: str) -> None:
    slack = slack_of(said)
    assert (slack.has_buttons, slack.workspace) == (False, "")


@pytest.mark.parametrize("workspace", ["example", "t0123abcd", "U01ANA", "T", "T0123ABCD x"])
def test_a_workspace_is_named_by_its_id(workspace: str) -> None:
    assert codes(loaded(f"workspace: {workspace}")) == ["bad-slack"]


def test_a_webhook_is_a_way_without_a_bot_and_has_no_buttons() -> None:
    slack = slack_of('webhook: "${HOOK}"', HOOK="https://hooks.slack.com/services/T/B/hidden")
    assert slack.webhook.get_secret_value().endswith("/hidden")
    assert not slack.has_buttons
    assert "hidden" not in repr(slack)


@pytest.mark.parametrize(
    ("hook", "said", "code"),
    [
        ("hooks.slack.com/services/T/B/x", "", "bad-url"),
        ("https://user:pass@hooks.slack.com/services", "", "bad-url"),
        ("http://hooks.slack.com/services/T/B/x", "", "bad-url"),
        ("https://hooks.slack.com/services/T/B/x", ", token: '${TOKEN}'", "both"),
    ],
)
def test_a_webhook_is_an_address_and_no_second_way(hook: str, said: str, code: str) -> None:
    found = loaded(f"webhook: '${{HOOK}}'{said}", HOOK=hook, TOKEN="xoxb-1")
    assert codes(found) == [code]
    assert hook not in str(found.problems)
